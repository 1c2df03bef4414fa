import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { inParallel } from "../../proof/support/extent.ts";
import { until } from "../../support/until.ts";

/** A NATS server of our own, with JetStream, in a process that can be killed and started again with what it has stored. */
export type TestNats = {
  url: string;
  name: string;
  /** SIGKILL: nothing is finished, nothing is closed. */
  kill(): Promise<void>;
  /** Starts it (again); resolves when it answers. */
  start(): Promise<void>;
  /** Ends it and removes what it has stored. */
  remove(): Promise<void>;
};

/** What a stream holds, in its order. */
export type Stored = { sequence: number; subject: string; id: string; body: string };

const PREFIX = "homing-nats-";
const BINARY = findBinary();

/**
 * Whether tests that need a NATS server can run. A bare machine has none: then this says so in one line, and the tests are skipped; with
 * HOMING_REQUIRE=nats that is a failure.
 */
export function hasNats(): boolean {
  if (BINARY) return true;
  const missing = "no nats-server was found in the PATH (Debian: apt-get install nats-server)";
  if (process.env.HOMING_REQUIRE?.split(",").includes("nats")) throw new Error(missing);
  console.log(`skipped: the tests of the bus against a real server, because ${missing}`);
  return false;
}

function findBinary(): string | undefined {
  // Debian keeps servers where not every user looks.
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, process.platform === "win32" ? "nats-server.exe" : "nats-server"))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** @param more arguments of nats-server; `started: false` leaves it off, with its port taken by nobody. */
export async function startNats({ more = [], started = true }: { more?: string[]; started?: boolean } = {}): Promise<TestNats> {
  removeOrphans();
  const server = newServer("single", await freePort(), more);
  if (started) await server.start();
  return server;
}

/** Three servers that are one cluster, all of them up and agreed on a leader. */
export async function startCluster(): Promise<TestNats[]> {
  removeOrphans();
  const ports = await Promise.all(Array.from({ length: 6 }, freePort));
  const routes = ports.slice(3).map((port) => `nats://127.0.0.1:${port}`);
  const servers = [0, 1, 2].map((index) =>
    newServer(`node-${index}`, ports[index] as number, [
      ...["--server_name", `node-${index}`, "--cluster_name", "test"],
      ...["--cluster", routes[index] as string, "--routes", routes.join(",")],
    ]),
  );
  await Promise.all(servers.map((server) => server.start()));
  return servers;
}

function newServer(name: string, port: number, more: string[]): TestNats {
  const home = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const url = `nats://127.0.0.1:${port}`;
  let child: ChildProcess | null = null;
  let exit = Promise.resolve();
  const kill = async () => {
    child?.kill("SIGKILL");
    await exit;
    child = null;
  };
  return {
    ...{ url, name, kill },
    async start() {
      const log = join(home, "log");
      const files = ["--store_dir", home, "--pid", join(home, "pid"), "--log", log];
      const running = spawn(BINARY as string, ["--jetstream", "--addr", "127.0.0.1", "--port", String(port), ...files, ...more], {
        stdio: "ignore",
      });
      child = running;
      exit = new Promise((resolve) => running.once("exit", () => resolve()));
      await answers(url, more, () => {
        if (running.exitCode !== null)
          throw new Error(`nats-server ended with ${running.exitCode}: ${readFileSync(log, "utf8")}`);
      });
    },
    async remove() {
      await kill();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Resolves when its JetStream answers; in a cluster, when there is a leader. */
async function answers(url: string, more: string[], check: () => void): Promise<void> {
  const latest = performance.now() + 60_000;
  for (;;) {
    check();
    try {
      return await withManager(url, async (manager) => void (await manager.getAccountInfo()), credentialsOf(more));
    } catch (error) {
      if (performance.now() > latest) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function credentialsOf(more: string[]): { user?: string; pass?: string } {
  const after = (name: string) => more[more.indexOf(name) + 1] as string;
  return more.includes("--user") ? { user: after("--user"), pass: after("--pass") } : {};
}

/** Does something on a connection of its own. */
export async function withManager<Result>(
  url: string,
  work: (manager: JetStreamManager) => Promise<Result>,
  credentials: { user?: string; pass?: string } = {},
): Promise<Result> {
  const connection = await connect({ servers: url.split(","), reconnect: false, timeout: 2000, ...credentials });
  try {
    return await work(await jetstreamManager(connection, { timeout: 2000, checkAPI: false }));
  } finally {
    await connection.close();
  }
}

/** The stream as its servers tell it; null where there is none, or nobody answers. */
export async function streamInfo(url: string): Promise<StreamInfo | null> {
  return withManager(url, (manager) => manager.streams.info("HOMING")).catch(() => null);
}

/** Events per second between the first and the last that the stream holds. */
export async function fillRate(url: string): Promise<number> {
  const state = (await streamInfo(url))?.state;
  if (!state) throw new Error("there is no stream");
  return (1000 * state.messages) / (Date.parse(state.last_ts) - Date.parse(state.first_ts));
}

/** Everything that the stream holds, asked for one by one: a consumer could be placed on a server that was just killed. */
export async function readStream(url: string): Promise<Stored[]> {
  return withManager(url, async (manager) => {
    const { first_seq, last_seq, messages } = (await manager.streams.info("HOMING")).state;
    const stored: Stored[] = [];
    await inParallel(sequences(first_seq, last_seq), 128, async (sequence) => {
      const message = await answered(() => manager.streams.getMessage("HOMING", { seq: sequence }));
      if (message)
        stored.push({ sequence, subject: message.subject, id: message.header.get("Nats-Msg-Id"), body: message.string() });
    });
    if (stored.length !== messages) throw new Error(`the stream tells of ${messages} messages and gives ${stored.length}`);
    return stored.sort((one, other) => one.sequence - other.sequence);
  });
}

/** A cluster that has just lost its leader says that it is unavailable for the moment. */
async function answered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  const tried = await until(
    () =>
      ask().then(
        (answer) => ({ answer }),
        (error: unknown) => ({ error }),
      ),
    (one) => "answer" in one || !/temporarily unavailable/.test(String(one.error)),
  );
  if ("answer" in tried) return tried.answer;
  throw tried.error;
}

function* sequences(first: number, last: number): Generator<number> {
  for (let sequence = Math.max(first, 1); sequence <= last; sequence += 1) yield sequence;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Servers whose test run was killed. */
function removeOrphans(): void {
  for (const folder of readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX))) {
    const owner = Number(folder.slice(PREFIX.length).split("-")[0]);
    if (owner && existsSync(`/proc/${owner}`)) continue;
    const path = join(tmpdir(), folder);
    try {
      const pid = Number(readFileSync(join(path, "pid"), "utf8"));
      // The number may be another process's by now.
      if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(path)) process.kill(pid, "SIGKILL");
    } catch {}
    rmSync(path, { recursive: true, force: true });
  }
}
