import { readFileSync } from "node:fs";
import { join } from "node:path";
import { clientSettings } from "../config.ts";

/** No gateway answers where we asked (exit code 3). */
export class GatewayAway extends Error {}
/** It answered, and refused (exit code 1; 2 where what was typed is no good). */
export class GatewayRefused extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** Where the gateway is, and with which token we call it. */
function connection(): { url: string; token: string | undefined } {
  const settings = clientSettings();
  const url = settings.HOMING_URL ?? kept(settings.DATA_DIR, "address");
  if (!url) throw new GatewayAway("No gateway is known here. Set HOMING_URL, or start one with `homing serve`.");
  return { url, token: settings.HOMING_TOKEN ?? settings.API_TOKEN ?? kept(settings.DATA_DIR, "api-token") };
}

/** @throws GatewayAway where nothing answers. */
async function ask(path: string, init: RequestInit & { headers: Record<string, string> }): Promise<Response> {
  const { url, token } = connection();
  let target: URL;
  try {
    target = new URL(path, url);
  } catch {
    throw new GatewayAway(`HOMING_URL is no address: ${url}. It looks like http://127.0.0.1:8080.`);
  }
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...init.headers };
  try {
    return await fetch(target, { ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new GatewayAway(`No gateway answers at ${url}. Is it running (homing serve)? HOMING_URL names another.`);
  }
}

/**
 * Calls the running gateway's API: at `HOMING_URL`, else where `serve` says that it listens (`DATA_DIR/address`); with `HOMING_TOKEN`, else
 * `API_TOKEN`, else the one that lies in `DATA_DIR`.
 * @throws GatewayAway where nothing answers, GatewayRefused with the gateway's own sentence.
 */
export async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const headers = { "content-type": "application/json" };
  const response = await ask(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const text = await response.text();
  if (!response.ok) throw refusal(response.status, text);
  try {
    return (text ? JSON.parse(text) : null) as Answer;
  } catch {
    throw new GatewayAway(`What answers at ${connection().url} is not Homing. HOMING_URL names another address.`);
  }
}

/** The answer itself, to be read as it comes. @throws as `call`. */
export async function open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
  const response = await ask(path, { headers, signal });
  if (!response.ok) throw refusal(response.status, await response.text());
  return response;
}

function refusal(status: number, text: string): GatewayRefused {
  if (status === 401)
    return new GatewayRefused(
      connection().token
        ? "The gateway does not know this token, or no longer. HOMING_TOKEN (else API_TOKEN, else DATA_DIR) says which is used."
        : "The gateway wants a token: set HOMING_TOKEN.",
      status,
    );
  return new GatewayRefused(sentenceOf(text) ?? `The gateway answered ${status}.`, status);
}

function sentenceOf(text: string): string | null {
  try {
    const { error } = JSON.parse(text) as { error: { message: string; fields?: Record<string, string> } };
    const fields = Object.entries(error.fields ?? {}).map(([field, message]) => `  ${field} ${message}`);
    return [error.message, ...fields].join("\n");
  } catch {
    return null;
  }
}

function kept(folder: string, name: string): string | undefined {
  try {
    return readFileSync(join(folder, name), "utf8").trim();
  } catch {
    return undefined;
  }
}

/** A path with these as its query; what is undefined is left out. */
export function withQuery(path: string, query: Record<string, string | number | undefined>): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path;
}
