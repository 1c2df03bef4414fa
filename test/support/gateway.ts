import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { inject } from "vitest";
import { readConfig } from "../../src/config.ts";
import type { Event } from "../../src/events/build.ts";
import { createGateway, type Gateway, type ServeRole } from "../../src/gateway.ts";
import { secretsSetting } from "../../src/inbound/credentials.ts";
import type { Receipt } from "../../src/inbound/record.ts";
import { silent } from "../../src/log.ts";
import { registry } from "../../src/registry.ts";
import { type Signer, signersOf } from "./fixtures.ts";

/** Every integration test runs on both. */
export const databases = ["embedded", "postgres"] as const;
export type DatabaseKind = (typeof databases)[number];

export const API_TOKEN = "test-operator-token-0123456789abcdef";
export const MASTER_KEY = Buffer.alloc(32, 7).toString("base64");

export type Answer<Body = Record<string, unknown>> = { status: number; headers: Headers; body: Body };

/** A gateway that really listens, with throw-away platform secrets of every adapter that signs. */
export type TestGateway = {
  gateway: Gateway;
  url: string;
  signers: Map<string, Signer>;
  /** Calls the API as the operator. */
  api<Body = Record<string, any>>(method: string, path: string, body?: unknown): Promise<Answer<Body>>;
  /** Posts a callback; signed with the platform's secret unless `signer` is another, or null for none. */
  callback(adapter: string, body: unknown, options?: CallbackOptions): Promise<Answer<Receipt & { error: { code: string } }>>;
  /** The URL's path with the workspace's token. */
  path(adapter: string, workspace: string): string;
  /** Every event that was emitted, in the log's order. */
  events(query?: string): Promise<Event[]>;
  /** When everything that goes on behind the answers is done. */
  settled(): Promise<void>;
  close(): Promise<void>;
};
export type CallbackOptions = { path?: string; headers?: Record<string, string>; signer?: Signer | null; now?: Date };

const adapters = await registry();

/** This worker's own server; without workers there is one. */
function adminOfWorker(): string {
  const servers = inject("postgres");
  return servers[(Number(process.env.VITEST_POOL_ID ?? 1) - 1) % servers.length] as string;
}

/** A fresh database of that kind, as settings; and how to remove it. */
export async function freshDatabase(kind: DatabaseKind): Promise<{ settings: Record<string, string>; remove(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "homing-test-"));
  if (kind === "embedded") {
    cpSync(inject("embedded"), folder, { recursive: true });
    return { settings: { DATA_DIR: folder }, remove: async () => rmSync(folder, { recursive: true, force: true }) };
  }
  const admin = adminOfWorker();
  const name = `homing_${randomBytes(6).toString("hex")}`;
  const run = async (statement: string) => {
    const sql = postgres(admin, { max: 1, onnotice: () => {} });
    await sql.unsafe(statement);
    await sql.end();
  };
  await run(`create database ${name} template homing_template`);
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return {
    settings: { DATABASE_URL: url.href, DATA_DIR: folder },
    async remove() {
      await run(`drop database ${name} with (force)`);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** @param settings beside the defaults; `clock` for tests that need their own time. */
export async function startGateway(
  kind: DatabaseKind,
  settings: Record<string, string> = {},
  options: {
    clock?: () => number;
    role?: ServeRole;
    database?: Awaited<ReturnType<typeof freshDatabase>>;
    signers?: Map<string, Signer>;
  } = {},
): Promise<TestGateway> {
  const database = options.database ?? (await freshDatabase(kind));
  const signers = options.signers ?? (await platformSigners());
  const environment = {
    ...{ PORT: "0", API_TOKEN, MASTER_KEY, LOG_LEVEL: "silent", ...database.settings },
    ...Object.fromEntries([...signers].map(([adapter, signer]) => [secretsSetting(adapter), signer.secret])),
    ...settings,
  };
  const gateway = await createGateway(readConfig(environment, adapters.keys()), adapters, silent, {
    ...(options.clock && { clock: options.clock }),
    ...(options.role && { role: options.role }),
  });
  const url = await gateway.listen();
  const path = (adapter: string, workspace: string) =>
    `/callbacks/${adapter}/${workspace}/${gateway.credentials.newestPathToken(adapter, workspace)}`;
  const test: TestGateway = {
    ...{ gateway, url, signers, path },
    api: (method, where, body) =>
      call(`${url}${where}`, {
        method,
        headers: { authorization: `Bearer ${API_TOKEN}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    async callback(adapter, body, given = {}) {
      const bytes = body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
      const where = given.path ?? `/callbacks/${adapter}`;
      const signer = given.signer === undefined ? signers.get(adapter) : given.signer;
      const signed =
        signer?.sign({ body: bytes, url: `${url}${where}`, now: given.now ?? new Date((options.clock ?? Date.now)()) }) ?? {};
      return call(`${url}${where}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...signed, ...given.headers },
        body: Buffer.from(bytes),
      });
    },
    async events(query = "") {
      const all: Event[] = [];
      for (let after = ""; ; ) {
        const { body } = await test.api<{ data: Event[]; next: string }>(
          "GET",
          `/v1/events?limit=500${query}${after && `&after=${after}`}`,
        );
        all.push(...body.data);
        if (body.data.length === 0) return all;
        after = body.next;
      }
    },
    async settled() {
      await gateway.queue.drain();
      await gateway.healer.idle();
    },
    async close() {
      await gateway.close();
      if (!options.database) await database.remove();
    },
  };
  return test;
}

async function platformSigners(): Promise<Map<string, Signer>> {
  const signing = [...adapters.values()].filter((adapter) => adapter.provider.verify.signs);
  return new Map(
    await Promise.all(signing.map(async ({ name }): Promise<[string, Signer]> => [name, (await signersOf(name)).newSigner()])),
  );
}

async function call<Body>(url: string, init: RequestInit): Promise<Answer<Body>> {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text ? JSON.parse(text) : null) as Body };
}
