import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import type { z } from "zod";
import { sqlState } from "../db/client.ts";
import { errorBody, GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { newId } from "../ids.ts";

/** Who calls: today the operator; roles join here. */
export type Principal = { name: string; role: "operator" };
export type Env = { Variables: { gateway: Gateway; principal: Principal; requestId: string } };
export type Call = Context<Env>;

export const api = () => new Hono<Env>();

export function requestId(): string {
  return `req_${randomUUID()}`;
}

/** Turns a throw into the answer of CONTRACT §6. A bug tells its caller nothing but the request's id. */
export function answerError(error: Error, c: Call): Response {
  const known = error instanceof GatewayError;
  const state = sqlState(error);
  const unavailable =
    !known &&
    (state ? /^(08|53|57|58)/.test(state) : /^(E[A-Z]+|CONNECT)/.test(String((error as { code?: unknown }).code ?? "")));
  const refusal = known ? error : new GatewayError(unavailable ? "database_unavailable" : "internal", { cause: error });
  if (!known) c.var.gateway.log.error({ err: error, request_id: c.var.requestId }, "a request failed");
  if (refusal.status === 503) c.header("retry-after", "5");
  return c.json(errorBody(refusal, c.var.requestId), refusal.status as 400);
}

/** The request's JSON body, checked. @throws GatewayError `invalid` with a message by field. */
export async function readBody<Body>(c: Call, schema: z.ZodType<Body>): Promise<Body> {
  const text = await c.req.text();
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

function check<Value>(schema: z.ZodType<Value>, value: unknown): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = Object.fromEntries(parsed.error.issues.map((issue) => [issue.path.join(".") || "body", issue.message]));
  throw new GatewayError("invalid", { fields });
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
  const { databaseClock } = c.var.gateway;
  const rows = changes.map(({ action, object, before = null, after = null }) => ({
    id: newId(databaseClock.now()),
    action,
    object,
    before,
    after,
  }));
  await query(
    `insert into audit (id, token, action, object, before, after) select id, $2, action, object, before::text, after::text
     from json_to_recordset($1::text::json) as r(id uuid, action text, object text, before json, after json)`,
    [JSON.stringify(rows), c.var.principal.name],
  );
}

/** A time as the API tells it. */
export function showTime(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}
