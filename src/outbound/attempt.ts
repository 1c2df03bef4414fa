import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { performance } from "node:perf_hooks";
import { AddressRefused, checkAddress, checkUrl, dialable, type Resolve } from "./guard.ts";
import { retryAfter } from "./schedule.ts";

/** What one HTTP try brought. */
export type Attempt = {
  /** 2xx in time. */
  ok: boolean;
  at: Date;
  ms: number;
  status: number | null;
  /** Why there is no accepting status, as a word: `timeout connection_refused tls … status`. */
  error: string | null;
  /** The first KiB of what was answered. */
  response: string | null;
  retryAfterMs: number | null;
};

const TIMEOUT_MS = 10_000;
const KEPT_BYTES = 1024;
const USER_AGENT = "Homing/1 (+webhooks)";

class StaleConnection extends Error {}

/** How attempts reach the outside. */
export type CourierOptions = { allowPrivate: boolean; resolve: Resolve; clock: () => number; timeoutMs?: number };

/** Sends webhooks; the only part of the gateway that calls out. Keeps connections to those who keep theirs. */
export class Courier {
  readonly #options: CourierOptions;
  readonly #agents = { "http:": new HttpAgent({ keepAlive: true }), "https:": new HttpsAgent({ keepAlive: true }) };

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** One try. Never throws: everything that can go wrong is an answer. `signal` breaks it off (`error: "aborted"`). */
  async post(url: string, headers: Record<string, string>, body: Uint8Array, signal?: AbortSignal): Promise<Attempt> {
    const at = new Date(this.#options.clock());
    const started = performance.now();
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? TIMEOUT_MS);
    const ended = signal ? AbortSignal.any([signal, timeout]) : timeout;
    const result: Pick<Attempt, "status" | "error" | "response" | "retryAfterMs"> = {
      ...{ status: null, error: null, response: null, retryAfterMs: null },
    };
    try {
      const target = checkUrl(url, this.#options.allowPrivate);
      const addresses = await within(ended, dialable(target, this.#options.allowPrivate, this.#options.resolve));
      const send = () => this.#send(target, addresses, headers, body, ended);
      // Who closes an idle connection just as it is used again has not seen the request: it goes out anew, on another connection.
      const answer = await send().catch((error: unknown) => (error instanceof StaleConnection ? send() : Promise.reject(error)));
      result.status = answer.statusCode ?? null;
      result.retryAfterMs = retryAfter(answer.headers["retry-after"], at.getTime());
      result.response = await beginning(answer, ended);
      const redirect = (result.status ?? 0) >= 300 && (result.status ?? 0) < 400;
      if (!isAccepting(result.status)) result.error = redirect ? "redirect" : "status";
    } catch (error) {
      result.error = signal?.aborted ? "aborted" : timeout.aborted ? "timeout" : wordFor(error);
    }
    return { ...result, ok: isAccepting(result.status), at, ms: Math.round(performance.now() - started) };
  }

  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  #send(
    url: URL,
    addresses: { address: string; family: 4 | 6 }[],
    headers: Record<string, string>,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const lookup: LookupFunction = (_host, options, done) => {
      const [first] = addresses;
      if (options.all) done(null, addresses);
      else if (first) done(null, first.address, first.family);
    };
    const secure = url.protocol === "https:";
    const options = {
      ...{ method: "POST", signal, lookup, agent: this.#agents[secure ? "https:" : "http:"] },
      headers: { "content-type": "application/json", "user-agent": USER_AGENT, ...headers, "content-length": body.byteLength },
    };
    const request: ClientRequest = secure ? httpsRequest(url, options) : httpRequest(url, options);
    request.on("socket", (socket) => {
      // What was dialled is what was checked; a socket that is kept was checked when it was made.
      const check = () => {
        try {
          checkAddress(socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, "") ?? "", url, this.#options.allowPrivate);
        } catch (error) {
          request.destroy(error as Error);
        }
      };
      if (socket.connecting) socket.once("connect", check);
    });
    request.on("response", resolve).on("error", (error: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
      reject(stale ? new StaleConnection() : error);
    });
    request.end(body);
    return promise;
  }
}

function isAccepting(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300;
}

/** The first KiB of an answer as text. Its status has come already, so that a body that breaks off or never ends changes nothing. */
async function beginning(answer: IncomingMessage, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  let whole = true;
  try {
    for await (const chunk of answer) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).byteLength;
      if (size > KEPT_BYTES) {
        whole = false;
        break;
      }
    }
  } catch {
    whole = false;
  }
  // A connection with an unread rest is of no further use.
  if (!whole || signal.aborted) answer.destroy();
  return Buffer.concat(chunks).subarray(0, KEPT_BYTES).toString("utf8").replaceAll("\0", "\ufffd").toWellFormed();
}

function within<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  if (signal.aborted) reject(signal.reason);
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return Promise.race([work, promise]);
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection_refused",
  ECONNRESET: "connection_broken",
  EPIPE: "connection_broken",
  ETIMEDOUT: "timeout",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  ENOTFOUND: "name_unknown",
  EAI_AGAIN: "name_unknown",
  HPE_INVALID_CONSTANT: "not_http",
};

/** A word for what went wrong; the library's own texts may quote what was sent. */
function wordFor(error: unknown): string {
  if (error instanceof AddressRefused) return "address_refused";
  const code = String((error as { code?: unknown }).code ?? "");
  // Several addresses were tried and all failed.
  const inner = (error as { errors?: unknown[] }).errors?.[0];
  if (inner) return wordFor(inner);
  if (WORDS[code]) return WORDS[code];
  if (code.startsWith("HPE_")) return "not_http";
  if (/CERT|TLS|SSL|SELF_SIGNED|ALTNAME/.test(code)) return "tls";
  return /^E(DNS|NODATA|SERVFAIL|REFUSED)/.test(code) ? "name_unknown" : "connection_broken";
}
