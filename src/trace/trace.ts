import { type BindingRow, bindingColumns, showBinding } from "../api/bindings.ts";
import { type CallbackRow, showCallback } from "../api/callbacks.ts";
import type { Gateway } from "../gateway.ts";
import { showId } from "../ids.ts";
import type { Verdict } from "../inbound/decide.ts";
import { referenceKey, type Way } from "../inbound/resolve.ts";
import { decrypt } from "../keys.ts";
import { explainVerdict, explainVerification, explainWay } from "./explain.ts";

type Stored = CallbackRow & {
  method: string;
  path: string;
  ip: string | null;
  headers: string;
  body: Uint8Array | null;
  body_encrypted: boolean;
  verification: string;
  items: string;
  steps: string;
  first_status: string;
};
type Healed = {
  item: number;
  verdict: string;
  reason: string | null;
  event_id: string | null;
  workspace_id: string | null;
  cause: string;
  ways: string;
  at: Date;
};
type Dispatch = {
  event_id: string;
  endpoint_id: string;
  id: string;
  state: string;
  filters: string[] | null;
  attempts: { at: string; status: number | null; ms: number | null; error: string | null; response: string | null }[] | null;
};
type Credential = { owner: string; place: string; position: number; since: string | null };

/** The whole story of a callback, or of a refused request; null where there is none of that id. */
export async function readTrace(gateway: Gateway, id: string) {
  const { query } = gateway.database;
  const columns = `id, adapter, received_at, status, reason, size, events, taught, unmatched, duplicates, ignored, failed, method, path, ip, headers,
    body, body_encrypted, verification, items, steps, first_status`;
  const [row] = await query<Stored>(
    `select ${columns} from callbacks where id = $1 union all select ${columns} from kept_callbacks where id = $1 limit 1`,
    [id],
  );
  if (!row) return readRejection(gateway, id);
  const healed = await query<Healed>(
    "select item, verdict, reason, event_id, workspace_id, cause, ways, at from healed where callback_id = $1",
    [id],
  );
  const first = JSON.parse(row.items) as Verdict[];
  const learned = await query<BindingRow>(
    `select ${bindingColumns} from bindings where callback_id = $1 and reference = any(array(select json_array_elements_text($2::text::json))) order by id`,
    [id, JSON.stringify(lookedUp(row.adapter ?? "", first))],
  );
  const since = new Map(healed.map((one) => [one.item, one]));
  const eventIds = [...first.map((one) => one.eventId), ...healed.map((one) => one.event_id)].filter(
    (one) => typeof one === "string",
  );
  const dispatches = Map.groupBy(await readDispatches(gateway, eventIds), (one) => one.event_id);
  const verification = JSON.parse(row.verification) as { scheme: string; credential: Credential; hidden: string[] };
  return {
    ...showCallback(row),
    request: {
      method: row.method,
      path: row.path,
      ip: row.ip,
      headers: JSON.parse(row.headers) as Record<string, string>,
      ...(await showBody(gateway, row)),
      hidden: [...verification.hidden, ...(gateway.registry.get(row.adapter ?? "")?.provider.hidden ?? [])],
    },
    verification: {
      ok: true,
      code: null,
      scheme: verification.scheme,
      credential: verification.credential,
      explanation: explainVerification(true, null, verification.credential),
    },
    items: first.map((verdict, index) => showItem(verdict, index, since.get(index), dispatches)),
    learned: learned.map(showBinding),
    steps_ms: JSON.parse(row.steps) as Record<string, number>,
    first_status: row.first_status,
    replays: [],
  };
}

/** The references that its items were looked up by, as column text: what it taught is among them. */
function lookedUp(adapter: string, verdicts: Verdict[]): string[] {
  const lookups = verdicts.flatMap((verdict) => verdict.ways?.filter((way) => way.way === "lookup") ?? []);
  return [...new Set(lookups.flatMap((way) => way.looked_at.map((one) => referenceKey(adapter, one.where, one.value ?? ""))))];
}

function showItem(first: Verdict, index: number, later: Healed | undefined, dispatches: Map<string, Dispatch[]>) {
  const now = later
    ? {
        verdict: later.verdict,
        reason: later.reason,
        workspace: later.workspace_id ?? undefined,
        eventId: later.event_id,
        ways: JSON.parse(later.ways) as Way[],
      }
    : { ...first, eventId: first.eventId ?? null, ways: first.ways ?? [] };
  return {
    index,
    verdict: now.verdict,
    reason: now.reason,
    ...(first.word && { word: first.word }),
    explanation: explainVerdict({ ...first, ...now, workspace: now.workspace }),
    workspace_id: now.workspace ?? null,
    event_id: now.eventId ? showId("event", now.eventId) : null,
    first_callback_id: first.firstCallbackId ? showId("callback", first.firstCallbackId) : null,
    ways: now.ways.map((way) => ({ ...way, explanation: explainWay(way) })),
    ...(later && {
      first_verdict: first.verdict,
      first_reason: first.reason,
      healed: { cause: later.cause, at: later.at.toISOString() },
    }),
    endpoints: (dispatches.get(now.eventId ?? "") ?? []).map((one) => ({
      endpoint_id: showId("endpoint", one.endpoint_id),
      subscribed: true,
      filter: one.filters,
      dispatch_id: showId("dispatch", one.id),
      state: one.state,
      attempts: one.attempts ?? [],
    })),
  };
}

async function readDispatches(gateway: Gateway, eventIds: string[]): Promise<Dispatch[]> {
  if (eventIds.length === 0) return [];
  return gateway.database.query<Dispatch>(
    `select d.event_id, d.endpoint_id, d.id, d.state,
       (select f.filters from endpoint_filters f where f.endpoint_id = d.endpoint_id and f.since <= d.created_at order by f.since desc limit 1) as filters,
       (select json_agg(json_build_object('at', a.at, 'status', a.status, 'ms', a.ms, 'error', a.error, 'response', a.response) order by a.at)
          from attempts a where a.dispatch_id = d.id) as attempts
     from dispatches d where d.event_id = any(array(select json_array_elements_text($1::text::json)::uuid)) order by d.created_at limit 1000`,
    [JSON.stringify(eventIds)],
  );
}

/** The body as text, or as base64 where it is none; fields that are hidden whole are replaced before anybody sees them. */
async function showBody(
  gateway: Gateway,
  row: Pick<Stored, "adapter" | "body" | "body_encrypted">,
): Promise<{ body: string | null; body_encoding: string }> {
  if (row.body === null) return { body: null, body_encoding: "not kept" };
  const bytes = row.body_encrypted
    ? decrypt(gateway.keys.content, row.body)
    : Buffer.from(row.body.buffer, row.body.byteOffset, row.body.byteLength);
  const text = bytes.toString("utf8");
  const isText = Buffer.from(text, "utf8").equals(bytes);
  const hidden = gateway.registry.get(row.adapter ?? "")?.provider.hidden ?? [];
  if (hidden.length === 0)
    return isText ? { body: text, body_encoding: "utf8" } : { body: bytes.toString("base64"), body_encoding: "base64" };
  return { body: hideFields(text, hidden), body_encoding: "utf8" };
}

const { rawJSON: rawJson } = JSON as unknown as { rawJSON(source: string): unknown };

/**
 * Replaces the values of these JSON members, wherever they stand, and leaves every other byte as it came; a body that is no JSON is hidden
 * whole.
 */
export function hideFields(body: string, names: string[]): string {
  const secret = new Set(names);
  const shows = (text: string): boolean => {
    let found = false;
    JSON.parse(text, (key, value) => {
      if (secret.has(key) && value !== HIDDEN) found = true;
      return value;
    });
    return found;
  };
  try {
    if (!shows(body)) return body;
    const inPlace = new RegExp(`("(?:${names.map(escapeName).join("|")})"\\s*:\\s*)("(?:[^"\\\\]|\\\\.)*"|[^\\s,{}[\\]"]+)`, "g");
    const hidden = body.replace(inPlace, (_, name: string) => `${name}"${HIDDEN}"`);
    // Names that are spelled with escapes, and values that are objects, are found by parsing alone: then the layout goes.
    return shows(hidden) ? rewrite(body, secret) : hidden;
  } catch {
    return HIDDEN;
  }
}

const HIDDEN = "[hidden]";
const escapeName = (name: string) => name.replace(/[^A-Za-z0-9_]/g, "\\$&");

/** Numbers keep their digits: only what is hidden may look different. */
function rewrite(body: string, secret: ReadonlySet<string>): string {
  const rewritten = JSON.parse(body, function redact(key, value, context?: { source?: string }) {
    if (secret.has(key)) return HIDDEN;
    return typeof value === "number" && context?.source ? rawJson(context.source) : value;
  });
  return JSON.stringify(rewritten, null, 2);
}

async function readRejection(gateway: Gateway, id: string) {
  const [row] = await gateway.database.query<
    CallbackRow & {
      method: string;
      path: string;
      ip: string | null;
      header_names: string[];
      body: Uint8Array | null;
      verification: string;
    }
  >(
    `select id, adapter, received_at, 'rejected' as status, code as reason, size, 0 as events, 0 as taught, 0 as unmatched, 0 as duplicates, 0 as ignored,
       0 as failed, method, path, ip, header_names, body, verification from rejections where id = $1`,
    [id],
  );
  if (!row) return null;
  const verification = JSON.parse(row.verification) as { scheme?: string; tried?: number };
  return {
    ...showCallback(row),
    // Nobody vouches for its headers, and secrets may stand in them: their names alone are told.
    request: {
      method: row.method,
      path: row.path,
      ip: row.ip,
      headers: {},
      ...(await showBody(gateway, { adapter: row.adapter, body: row.body, body_encrypted: false })),
      hidden: row.header_names,
    },
    verification: {
      ok: false,
      code: row.reason,
      scheme: verification.scheme ?? null,
      credential: null,
      tried: verification.tried ?? 0,
      explanation: explainVerification(false, row.reason),
    },
    items: [],
    learned: [],
    steps_ms: {},
    first_status: "rejected",
    replays: [],
  };
}
