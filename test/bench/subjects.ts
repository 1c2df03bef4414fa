import { type ChildProcess, fork, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import postgres from "postgres";
import { secretsSetting } from "../../src/inbound/credentials.ts";
import { signers, workspaces } from "./cases.ts";

export type SubjectName = "gateway" | "insert" | "bare";
/** A server under measurement, a process of its own. */
export type Subject = {
  name: SubjectName;
  url: string;
  pid: number;
  /** What its database really holds; null where it keeps nothing. */
  stored(): Promise<{ callbacks: number; events: number } | null>;
  stop(): Promise<void>;
};

const ROOT = join(import.meta.dirname, "../..");
const API_TOKEN = randomBytes(24).toString("hex");

/** Calls a gateway's API as its operator. @throws where it refuses. */
export function apiOf(url: string) {
  return async (method: string, path: string, body: unknown): Promise<void> => {
    const { ok, status } = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${API_TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!ok) throw new Error(`${method} ${path} was answered with ${status}`);
  };
}

/** The gateway as it is run for real: `homing serve`, with a fresh database. */
export async function startGateway(admin: string, settings: Record<string, string> = {}): Promise<Subject> {
  const database = await freshDatabase(admin);
  const folder = mkdtempSync(join(tmpdir(), "homing-bench-"));
  const secrets = [...(await signers())].map(([adapter, { secret }]) => [secretsSetting(adapter), secret]);
  const child = spawn(process.execPath, [join(ROOT, "bin/homing.js"), "serve"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env.PATH,
      ...{ PORT: "0", DATABASE_URL: database.url, DATA_DIR: folder, API_TOKEN },
      MASTER_KEY: randomBytes(32).toString("base64"),
      ...Object.fromEntries(secrets),
      ...settings,
      ...(process.env.NODE_OPTIONS && { NODE_OPTIONS: process.env.NODE_OPTIONS }),
    },
  });
  watch("gateway", child);
  const stop = async () => {
    await ended(child);
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const url = await addressOf(child);
    for (const id of workspaces) await apiOf(url)("PUT", `/v1/workspaces/${id}`, { name: id });
    return {
      ...{ name: "gateway", url, stop },
      pid: child.pid as number,
      stored: () =>
        database.one(
          `select (select count(*) from callbacks where status = 'accepted')::int as callbacks,
             (select count(distinct (callback_id, body::json #>> '{data,message_id}')) from events)::int as events`,
        ),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Node's own HTTP server that checks the signature, parses the JSON and answers: what one process can do at most. */
export async function startBare(): Promise<Subject> {
  return plainServer("bare", {});
}

/** The same with one INSERT per request into one table with one index, answered when it has returned. */
export async function startInsert(admin: string): Promise<Subject> {
  const database = await freshDatabase(admin);
  await database.one(
    `create table callbacks (id bigint generated always as identity primary key, received_at timestamptz not null default now(),
       path text not null, body text not null)`,
  );
  const server = await plainServer("insert", { DATABASE_URL: database.url });
  return {
    ...server,
    stored: () => database.one("select count(*)::int as callbacks, 0 as events from callbacks"),
    async stop() {
      await server.stop();
      await database.drop();
    },
  };
}

async function plainServer(name: SubjectName, env: Record<string, string>): Promise<Subject> {
  const child = fork(new URL("./plain-server.ts", import.meta.url), {
    env: { PATH: process.env.PATH, ...env },
    stdio: "inherit",
  });
  watch(name, child);
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return {
    ...{ name, url: `http://127.0.0.1:${port}`, pid: child.pid as number },
    stored: async () => null,
    stop: () => ended(child),
  };
}

/** Says so where a server ends that nobody stopped. */
function watch(name: SubjectName, child: ChildProcess): void {
  child.once("exit", (code, signal) => {
    if (!stopping.has(child)) process.stderr.write(`${name} ended by itself: ${signal ?? code}\n`);
  });
}
const stopping = new WeakSet<ChildProcess>();

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  stopping.add(child);
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}

/** Reads the gateway's log until it says where it listens, and drains it from then on. */
async function addressOf(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.once("exit", (code) => reject(new Error(`the gateway ended with ${code}`)));
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
    const { address, level } = JSON.parse(line) as { address?: string; level: number };
    if (address) resolve(address);
    if (level >= 40) process.stderr.write(`${line}\n`);
  });
  return promise;
}

type Row = { callbacks: number; events: number };

async function freshDatabase(admin: string) {
  const name = `homing_bench_${randomBytes(6).toString("hex")}`;
  const run = async (url: string, statement: string): Promise<Row[]> => {
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    try {
      return await sql.unsafe(statement);
    } finally {
      await sql.end();
    }
  };
  await run(admin, `create database ${name}`);
  const own = new URL(admin);
  own.pathname = `/${name}`;
  return {
    url: own.href,
    /** The first row. */
    one: async (statement: string) => (await run(own.href, statement))[0] as Row,
    drop: async () => void (await run(admin, `drop database ${name} with (force)`)),
  };
}
