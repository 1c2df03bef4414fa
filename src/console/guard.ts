import type { MiddlewareHandler } from "hono";
import { GatewayError } from "../errors.ts";
import type { ConsoleEnv } from "./visit.ts";

/** No script or style but our two files, nothing from outside, and nobody may frame it. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

export const headers: MiddlewareHandler<ConsoleEnv> = async function headers(c, next) {
  c.header("content-security-policy", POLICY);
  c.header("x-content-type-options", "nosniff");
  // Not `no-referrer`: browsers would then send `Origin: null` with our own forms.
  c.header("referrer-policy", "same-origin");
  c.header("cross-origin-opener-policy", "same-origin");
  c.header("cross-origin-resource-policy", "same-origin");
  c.header("x-frame-options", "DENY");
  c.header("cache-control", "no-store");
  await next();
};

/** Changes come from our own pages alone: a browser says whence a form was sent, and no page can make it lie. */
export const sameOrigin: MiddlewareHandler<ConsoleEnv> = async function sameOrigin(c, next) {
  if (c.req.method !== "GET" && c.req.method !== "HEAD" && !comesFromHere(c.req.header(), c.var.gateway.publicUrl())) {
    throw new GatewayError("forbidden", { message: "This was not sent from a page of the console, so nothing was done." });
  }
  await next();
};

function comesFromHere(sent: Record<string, string>, publicUrl: string): boolean {
  const site = sent["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin") return false;
  const { origin } = sent;
  if (origin === undefined) return site === "same-origin";
  try {
    const from = new URL(origin);
    return from.host === sent.host || from.origin === new URL(publicUrl).origin;
  } catch {
    return false;
  }
}
