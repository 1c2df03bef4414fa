import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type BlockList, isIP } from "node:net";
import { performance } from "node:perf_hooks";
import type { Tally } from "../attention/tally.ts";
import type { DatabaseClock } from "../db/clock.ts";
import { type ErrorCode, errorBody, GatewayError } from "../errors.ts";
import { newId } from "../ids.ts";
import type { DataKeys } from "../keys.ts";
import type { Logger } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { withoutAttachments } from "../provider/define.ts";
import type { JsonObject } from "../provider/draft.ts";
import { timeOff } from "../provider/signatures.ts";
import type { Adapter } from "../registry.ts";
import type { Credentials } from "./credentials.ts";
import { evidenceOf, type Work } from "./decide.ts";
import { type CallbackPath, type pathIndex, readPath } from "./path.ts";
import type { CommitQueue } from "./queue.ts";
import type { Arrival, Receipt } from "./record.ts";
import type { Rejections } from "./rejections.ts";
import { translate } from "./translate.ts";
import { verify } from "./verify.ts";

const DEFAULT_MAX_BODY = 5 * 1024 * 1024;
/** Bytes of bodies that may be in the reading at once. */
const MOST_READING = 128 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 5;
/** How long the rest of a body that is too long may take. */
const DRAIN_MS = 2000;
/** Never shown, whoever sends them. */
const SECRET_HEADERS = ["authorization", "proxy-authorization", "cookie", "x-callback-token"];

export type ReceiveOptions = {
  find: ReturnType<typeof pathIndex>;
  credentials: Credentials;
  queue: CommitQueue;
  rejections: Rejections;
  keys: DataKeys;
  databaseClock: DatabaseClock;
  /** This machine's time, for signatures. */
  clock: () => number;
  publicUrl: () => string;
  trustedProxies: BlockList;
  metrics: Metrics;
  tally: Tally;
  log: Logger;
};

/**
 * The callback's way in, below the API's framework (which would cost more than everything before the commit): bytes, credential, items,
 * commit, and only then the answer.
 */
export function receiver(options: ReceiveOptions): (request: IncomingMessage, response: ServerResponse) => void {
  let reading = 0;
  // Apart from `receive`, whose variables a request's listeners would else keep alive until it is answered.
  const account = (bytes: number) => (reading += bytes);

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    const receivedAt = options.clock();
    const path = readPath(request.url ?? "", options.find);
    const headers = singleHeaders(request);
    const ip = callerOf(request, headers["x-forwarded-for"], options.trustedProxies);
    let body: Buffer | null = null;
    let size = 0;
    const sample = (code: ErrorCode | "probe", verification: JsonObject = {}) => {
      const shown =
        path?.shown ??
        (request.url ?? "")
          .split("?", 1)[0]
          ?.replace(/[0-9a-f]{32}/gi, "…")
          .slice(0, 300) ??
        "";
      options.rejections.add({
        adapter: path?.adapter.name ?? null,
        receivedAt,
        method: request.method ?? "",
        path: shown,
        target: (request.url ?? "").split("?", 1)[0] ?? "",
        ip,
        code,
        headers,
        body,
        size,
        verification,
      });
    };
    const refuse = (code: ErrorCode, verification: JsonObject = {}) => {
      options.metrics.rejected.inc({ adapter: path?.adapter.name ?? "none", code });
      options.tally.refused(path?.adapter.name ?? null, code, receivedAt);
      sample(code, verification);
      answerError(response, new GatewayError(code));
    };

    /** A set-up check: answered as its provider wants it, counted and sampled, and nothing else. */
    const probed = (adapter: string) => {
      options.metrics.callbacks.inc({ adapter, status: "probe" });
      sample("probe");
      answer(response, 200, { status: "probe" });
    };

    if (!path) return refuse("not_found");
    if (path.adapter.provider.probe && (request.method === "GET" || request.method === "HEAD")) return probed(path.adapter.name);
    if (request.method !== "POST") return refuse("method_not_allowed");
    if ((headers["content-encoding"] ?? "identity").toLowerCase() !== "identity") return refuse("body_encoded");
    const limit = path.adapter.provider.maxBody ?? DEFAULT_MAX_BODY;
    const declared = Number(headers["content-length"] ?? 0);
    if (declared > limit) {
      size = declared;
      refuse("body_too_large");
      return drain(request);
    }
    if (reading > MOST_READING) return answerError(response, new GatewayError("overloaded"));
    let read: { body: Buffer | null; size: number };
    try {
      read = await readBody(request, limit, account);
    } catch {
      // The caller went away: there is nobody to answer and nothing whole to keep.
      return;
    }
    ({ body, size } = read);
    if (body === null) {
      if (size > limit) refuse("body_too_large");
      else answerError(response, new GatewayError("overloaded"));
      return drain(request);
    }

    const { adapter } = path;
    const signed = { body, headers, url: options.publicUrl() + (request.url ?? "").split("?", 1)[0] };
    const verification = verify(path, signed, options.credentials, receivedAt);
    if (!verification.ok) {
      const { verify: scheme } = adapter.provider;
      // What brings a wrong credential is no set-up check, which brings none.
      const bare = verification.code.endsWith("_missing") || verification.code === "provider_not_configured";
      if (bare && isProbe(adapter, signed, receivedAt)) return probed(adapter.name);
      const { code, tried } = verification;
      // Only a right signature vouches for its time.
      const off = code === "signature_expired" || code === "signature_early" ? timeOff(scheme, signed, receivedAt) : null;
      return refuse(code, { ok: false, code, scheme: scheme.scheme, tried, ...(off && { signed_time: off }) });
    }
    const verified = performance.now();
    const arrival = arrive(path, { body, headers, ip, receivedAt, method: "POST" }, verification, options);
    arrival.startedAt = started;
    arrival.steps = { verified: round(verified - started), understood: round(performance.now() - started) };
    // Not awaited here: what waits for its commit is not to hold the whole body as well, nor the attachments in it.
    return keep(arrival, response);
  }

  async function keep(arrival: Arrival, response: ServerResponse): Promise<void> {
    try {
      const receipt = await options.queue.submit(arrival);
      const ms = performance.now() - arrival.startedAt;
      count(receipt, arrival, options.metrics);
      options.tally.taken(arrival, receipt, ms, arrival.receivedAt);
      options.metrics.latency.observe(ms / 1000);
      answer(response, 200, receipt);
    } catch (error) {
      const refusal = error instanceof GatewayError ? error : new GatewayError("internal", { cause: error });
      const adapter = arrival.adapter.name;
      options.log[refusal.status === 503 ? "warn" : "error"](
        { adapter, code: refusal.code, err: refusal.cause },
        "a callback was not stored",
      );
      options.metrics.rejected.inc({ adapter, code: refusal.code });
      answerError(response, refusal);
    }
  }

  return function handleCallback(request, response) {
    receive(request, response).catch((error: unknown) => {
      options.log.error({ err: error }, "a callback's handling failed");
      if (!response.headersSent) answerError(response, new GatewayError("internal"));
    });
  };
}

/** Reads what a verified callback says: its items, each with the evidence for whose it is. */
export function arrive(
  path: CallbackPath,
  call: {
    /** Its own, where it was given one already. */
    id?: string;
    body: Uint8Array;
    headers: Readonly<Record<string, string | undefined>>;
    ip: string | null;
    receivedAt: number;
    method: string;
  },
  verification: Extract<ReturnType<typeof verify>, { ok: true }>,
  options: Pick<ReceiveOptions, "keys" | "databaseClock">,
): Arrival {
  const { adapter } = path;
  const id = call.id ?? newId(options.databaseClock.now());
  const request = { body: call.body, headers: call.headers, receivedAt: new Date(call.receivedAt) };
  const { body, removed } = withoutAttachments(adapter.provider, request);
  const translation = translate(adapter.provider, { ...request, body });
  const { owner } = verification.credential;
  const named =
    path.workspace === null || path.workspace === "_"
      ? null
      : { workspace: path.workspace, vouched: verification.vouchesForPath };
  const from = { adapter: adapter.name, owner, path: named };
  const works = translation.items.map(
    (outcome, item): Work => ({
      adapter: adapter.name,
      providerName: adapter.providerName,
      dialect: adapter.dialect,
      callbackId: id,
      item,
      receivedAt: call.receivedAt,
      outcome,
      evidence: evidenceOf(from, outcome, options.keys),
    }),
  );
  const hidden = [...adapter.provider.verify.hides, ...SECRET_HEADERS].filter((name) => call.headers[name] !== undefined);
  const headers = { ...call.headers } as JsonObject;
  for (const name of hidden) delete headers[name];
  return {
    id,
    adapter,
    receivedAt: call.receivedAt,
    method: call.method,
    path: path.shown,
    ip: call.ip,
    headers,
    body,
    verification: {
      ...{ ok: true, code: null, scheme: adapter.provider.verify.scheme, credential: verification.credential, hidden },
      ...(removed.length > 0 && { removed }),
    },
    works,
    failed: translation.failed ?? null,
    startedAt: 0,
    steps: {},
  };
}

function isProbe(
  adapter: Adapter,
  request: { body: Uint8Array; headers: Readonly<Record<string, string | undefined>> },
  receivedAt: number,
): boolean {
  try {
    return adapter.provider.probe?.({ ...request, receivedAt: new Date(receivedAt) }) ?? false;
  } catch {
    return false;
  }
}

/**
 * The body, or null where it is longer than the limit or there is no room for it beside the others; both hold while reading.
 * @throws where the caller went away.
 */
async function readBody(
  request: IncomingMessage,
  limit: number,
  account: (bytes: number) => number,
): Promise<{ body: Buffer | null; size: number }> {
  const chunks: Buffer[] = [];
  let size = 0;
  let fits = true;
  try {
    await new Promise<void>((resolve, reject) => {
      request.on("data", (chunk: Buffer) => {
        size += chunk.byteLength;
        fits = account(chunk.byteLength) <= MOST_READING && size <= limit;
        if (fits) return chunks.push(chunk);
        request.removeAllListeners("data").pause();
        resolve();
      });
      request.on("end", resolve);
      request.on("error", reject);
      // Every request closes in the end: an error (with its stack) is made only for one that broke off.
      request.on("close", () => {
        if (!request.complete) reject(new Error("closed early"));
      });
    });
    return { body: !fits ? null : chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks), size };
  } finally {
    account(-size);
    // The request lives until it is answered, and its listeners with it.
    chunks.length = 0;
  }
}

function singleHeaders(request: IncomingMessage): Record<string, string | undefined> {
  const headers = request.headers as Record<string, string | string[] | undefined>;
  // The only one that Node does not join itself.
  if (headers["set-cookie"]) headers["set-cookie"] = (headers["set-cookie"] as string[]).join(", ");
  return headers as Record<string, string | undefined>;
}

/** The caller's address: the nearest one that is not a proxy we trust. */
function callerOf(request: IncomingMessage, forwarded: string | undefined, trusted: BlockList): string | null {
  const hops = [...(forwarded?.split(",").map((hop) => hop.trim()) ?? []), request.socket.remoteAddress ?? ""];
  for (const hop of hops.reverse()) {
    const address = hop.startsWith("::ffff:") ? hop.slice(7) : hop;
    const family = isIP(address);
    if (family === 0) return null;
    if (!trusted.check(address, family === 6 ? "ipv6" : "ipv4")) return address;
  }
  return null;
}

function count(receipt: Receipt, arrival: Arrival, metrics: Metrics): void {
  const adapter = arrival.adapter.name;
  metrics.callbacks.inc({ adapter, status: receipt.status });
  for (const verdict of ["events", "taught", "unmatched", "duplicates", "ignored", "failed"] as const) {
    if (receipt[verdict] > 0) metrics.items.inc({ adapter, verdict }, receipt[verdict]);
  }
  const unknown = arrival.works.filter((work) => work.verdict?.reason === "unknown_word").length;
  if (unknown > 0) metrics.unknownWords.inc({ adapter }, unknown);
}

function answer(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text), ...headers });
  response.end(text);
}

function answerError(response: ServerResponse, error: GatewayError): void {
  const headers: Record<string, string> = {
    ...(error.status === 503 && { "retry-after": String(RETRY_AFTER_SECONDS) }),
    ...(error.status === 405 && { allow: "POST" }),
  };
  answer(response, error.status, errorBody(error, `req_${randomUUID()}`), headers);
}

/**
 * Lets the answer arrive: reads and drops what still comes, and hangs up on who does not come to an end. (`connection: close` would make
 * Node hang up at once, and a caller in the middle of sending would see a broken connection instead of the answer.)
 */
function drain(request: IncomingMessage): void {
  const hangUp = setTimeout(() => request.socket.destroy(), DRAIN_MS).unref();
  request
    .on("data", () => {})
    .on("end", () => clearTimeout(hangUp))
    .on("error", () => clearTimeout(hangUp));
  request.resume();
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
