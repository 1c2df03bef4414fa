import { type ChildProcess, spawn } from "node:child_process";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Event } from "../../../src/events/build.ts";
import { secretsSetting } from "../../../src/inbound/credentials.ts";
import type { Receipt } from "../../../src/inbound/record.ts";
import { type Signer, signersOf } from "../../support/fixtures.ts";
import { API_TOKEN, MASTER_KEY } from "../../support/gateway.ts";

const HOMING = join(import.meta.dirname, "../../../bin/homing.js");
const CONNECTIONS = 32;
const START_WITHIN_MS = 60_000;

export const { newSigner } = await signersOf("example");

/** A `homing serve` of its own process. */
export type Served = {
  url: string;
  /** SIGKILL: nothing is finished, nothing is closed. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT: for a while it does nothing, as on a machine that hangs. */
  freeze(): void;
  thaw(): void;
  /** SIGTERM: finishes what it has. Answers what it logged as a warning or worse. */
  stop(): Promise<LogLine[]>;
  api<Body = Record<string, any>>(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }>;
  /** Posts a callback of the example adapter, signed. @throws where the connection breaks before the answer. */
  report(body: string): Promise<{ status: number; body: Receipt }>;
};
export type LogLine = { level: number; msg: string; err?: { message: string } };

const alive = new Set<ChildProcess>();
/** Ends what a failed show left running: `afterAll(endAll)`. */
export function endAll(): void {
  for (const child of alive) child.kill("SIGKILL");
}

/** Starts `homing serve` on a free port; resolves when it listens. @throws with what it wrote, where it ends instead. */
export async function serve(settings: Record<string, string>, signer: Signer): Promise<Served> {
  const child = spawn(process.execPath, [HOMING, "serve"], {
    env: {
      ...{ PATH: process.env.PATH, PORT: "0", API_TOKEN, MASTER_KEY, LOG_LEVEL: "info" },
      [secretsSetting("example")]: signer.secret,
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  alive.add(child);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve())).then(() => void alive.delete(child));
  const problems: LogLine[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    let written = "";
    child.stderr.on("data", (chunk: Buffer) => (written += chunk));
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = JSON.parse(text) as LogLine & { address?: string };
      if (line.level >= 40) problems.push(line);
      if (line.msg === "homing listens") resolve(line.address as string);
    });
    child.once("exit", (code, signal) => reject(new Error(`homing serve ended with ${code ?? signal}: ${written}`)));
    setTimeout(
      () => reject(new Error(`homing serve does not listen after ${START_WITHIN_MS} ms: ${written}`)),
      START_WITHIN_MS,
    ).unref();
  });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
    agent.destroy();
    return problems;
  };
  return {
    url,
    kill: async () => void (await end("SIGKILL")),
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    stop: () => end("SIGTERM"),
    api: (method, path, body) =>
      call(agent, method, url + path, body === undefined ? "" : JSON.stringify(body), {
        authorization: `Bearer ${API_TOKEN}`,
        "content-type": "application/json",
      }),
    report(body) {
      const signed = signer.sign({ body: Buffer.from(body), url: `${url}/callbacks/example`, now: new Date() });
      return call(agent, "POST", `${url}/callbacks/example`, body, { "content-type": "application/json", ...signed });
    },
  };
}

function call<Body>(
  agent: Agent,
  method: string,
  url: string,
  body: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: Body }> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body);
    const sent = request(url, { agent, method, headers: { ...headers, "content-length": bytes.byteLength } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: (text ? JSON.parse(text) : null) as Body }));
      answer.on("error", reject);
    });
    sent.on("error", (error: NodeJS.ErrnoException) => {
      // The server hung up on an idle connection at the moment that we took it.
      if (sent.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(error.code ?? "")) resolve(call(agent, method, url, body, headers));
      else reject(error);
    });
    sent.end(bytes);
  });
}

/** Follows the log from `after` to its present end. */
export async function readOn(served: Served, after = "", limit = 500): Promise<{ events: Event[]; next: string }> {
  const events: Event[] = [];
  for (let next = after; ; ) {
    const { status, body } = await served.api<{ data: Event[]; next: string }>(
      "GET",
      `/v1/events?limit=${limit}${next && `&after=${next}`}`,
    );
    if (status !== 200) throw new Error(`GET /v1/events answered ${status}: ${JSON.stringify(body)}`);
    events.push(...body.data);
    next = body.next;
    if (body.data.length < limit) return { events, next };
  }
}

/** Resolves when nothing waits any more; the sweep comes every 5 s. @throws after a minute, with what still waits. */
export async function nothingWaits(served: Served): Promise<void> {
  const until = Date.now() + 60_000;
  for (;;) {
    const { body } = await served.api("GET", "/v1/unmatched?limit=3");
    if (body.data.length === 0) return;
    if (Date.now() > until) throw new Error(`still waiting: ${JSON.stringify(body.data)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
