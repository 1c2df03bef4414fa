import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import type { z } from "zod";
import { type Query, sqlState } from "../db/client.ts";
import { errorBody, GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { newId, readId } from "../ids.ts";
import { storable } from "../inbound/translate.ts";

export const roles = ["operator", "support", "workspace"] as const;
export type Role = (typeof roles)[number];
/** Who calls. `workspaceId`: all that a workspace's token sees. `tokenId` null: the operator's own, from the settings. */
export type Principal = { name: string; role: Role; workspaceId: string | null; tokenId: string | null };
export type Env = { Variables: { gateway: Gateway; principal: Principal; requestId: string } };
export type Call = Context<Env>;

export const api = () => new Hono<Env>();

/** The one workspace that the caller may see; null: all. */
export function scope(c: Call): string | null {
  return c.var.principal.workspaceId;
}

/** @throws GatewayError `not_found` for what belongs to a workspace that is not the caller's: it must not even learn that there is one. */
export function own(c: Call, workspace: string | null): void {
  const mine = scope(c);
  if (mine !== null && workspace !== mine) throw new GatewayError("not_found");
}

export function requestId(): string {
  return `req_${randomUUID()}`;
}

/** Turns a throw into the answer of CONTRACT §6. A bug tells its caller nothing but the request's id. */
export function answerError(error: Error, c: Call): Response {
  const known = error instanceof GatewayError;
  const state = sqlState(error);
  const unavailable =
    !known &&
    (state ? /^(08|53|57|58)/.test(state) : /^(E(?!RR_)[A-Z]+|CONNECT)/.test(String((error as { code?: unknown }).code ?? "")));
  const refusal = known ? error : new GatewayError(unavailable ? "database_unavailable" : "internal", { cause: error });
  if (!known) c.var.gateway.log.error({ err: error, request_id: c.var.requestId }, "a request failed");
  if (refusal.status === 503) c.header("retry-after", "5");
  return c.json(errorBody(refusal, c.var.requestId), refusal.status as 400);
}

const MAX_BODY = 5 * 1024 * 1024;

/** The body as it comes; the limit holds also where no length was declared. */
async function readText(c: Call): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY) throw new GatewayError("body_too_large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The request's JSON body, checked. @throws GatewayError `invalid` with a message by field. */
export async function readBody<Body>(c: Call, schema: z.ZodType<Body>): Promise<Body> {
  const text = await readText(c);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new GatewayError("invalid", { message: "The body is not JSON." });
  }
  return check(schema, body);
}

/** The request's query, checked. */
export function readQuery<Query>(c: Call, schema: z.ZodType<Query>): Query {
  return check(schema, c.req.query());
}

/** What the database could not keep (U+0000, half a character, no end of nesting) never gets as far. */
function check<Value>(schema: z.ZodType<Value>, value: unknown): Value {
  const parsed = schema.safeParse(storable(value));
  if (parsed.success) return parsed.data;
  const fields = Object.fromEntries(parsed.error.issues.map((issue) => [issue.path.join(".") || "body", issue.message]));
  throw new GatewayError("invalid", { fields });
}

/** The row that a page begins behind; null: at the beginning. @throws GatewayError `invalid` for what is no `next` of ours. */
export function readCursor(kind: Parameters<typeof readId>[0], after: string | undefined): string | null {
  if (!after) return null;
  const id = readId(kind, after);
  if (!id) throw new GatewayError("invalid", { fields: { after: "is not a cursor from here" } });
  return id;
}

/** A page of a list that was asked for with one row too many: `next` is null at the end. */
export function page<Row, Shown>(rows: Row[], limit: number, show: (row: Row) => Shown, cursor: (row: Row) => string) {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { data: shown.map(show), next: rows.length > limit && last ? cursor(last) : null };
}

/** One change that a person or token made. Secrets never stand in it. */
export type Change = { action: string; object: string; before?: unknown; after?: unknown };

/** Notes changes: who, when, what, before and after; in the transaction that makes them where its `query` is given. */
export async function note(c: Call, changes: Change[], query = c.var.gateway.database.query): Promise<void> {
  await noteBy(c.var.gateway, c.var.principal, changes, query);
}

/** The same where no request is at hand. */
export async function noteBy(gateway: Gateway, by: Pick<Principal, "name">, changes: Change[], query: Query): Promise<void> {
  if (changes.length === 0) return;
  const rows = changes.map(({ action, object, before = null, after = null }) => ({
    id: newId(gateway.databaseClock.now()),
    action,
    object,
    before,
    after,
  }));
  await query(
    `insert into audit (id, token, action, object, before, after) select id, $2, action, object, before::text, after::text
     from json_to_recordset($1::text::json) as r(id uuid, action text, object text, before json, after json)`,
    [JSON.stringify(rows), by.name],
  );
}

/** A time as the API tells it. */
export function showTime(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}
