import { type BindingRow, bindingColumns, showBinding } from "../api/bindings.ts";
import { type CallbackRow, showCallback } from "../api/callbacks.ts";
import type { Gateway } from "../gateway.ts";
import { showId } from "../ids.ts";
import type { Verdict } from "../inbound/decide.ts";
import { referenceKey, type Way } from "../inbound/resolve.ts";
import { decrypt } from "../keys.ts";
import type { Removed } from "../provider/define.ts";
import { type EndpointStory, readEndpoints, showEndpoint } from "./endpoints.ts";
import { explainRemoved, explainVerdict, explainVerification, explainWay, type SignedTime } from "./explain.ts";
import { hideFields } from "./hide.ts";

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
  done_by: string | null;
  ways: string;
  at: Date;
};
type Credential = { owner: string; place: string; position: number; since: string | null };
type Verified = { scheme: string; credential: Credential; hidden: string[]; removed?: Removed[] };

/** A callback, or a refused request, as the API tells it (CONTRACT §6); null where there is none of that id. */
export async function readTrace(gateway: Gateway, id: string) {
  const whole = await readWhole(gateway, id);
  if (!whole) return null;
  const { signed_time: _, ...trace } = whole;
  return { ...trace, items: whole.items.map((item) => ({ ...item, endpoints: item.endpoints.map(showEndpoint) })) };
}

/** The same with all that its sentences need; null where there is none of that id. */
export async function readWhole(gateway: Gateway, id: string) {
  const { query } = gateway.database;
  const columns = `id, adapter, received_at, status, reason, size, events, taught, unmatched, duplicates, ignored, failed, dismissed, method, path, ip, headers,
    body, body_encrypted, verification, items, steps, first_status`;
  const [row] = await query<Stored>(
    `select ${columns} from callbacks where id = $1 union all select ${columns} from kept_callbacks where id = $1 limit 1`,
    [id],
  );
  if (!row) return readRejection(gateway, id);
  const healed = await query<Healed>(
    "select item, verdict, reason, event_id, workspace_id, cause, done_by, ways, at from healed where callback_id = $1 order by item",
    [id],
  );
  const first = JSON.parse(row.items) as Verdict[];
  const learned = await query<BindingRow>(
    // What was learned of a recipient goes by a digest of ours, too.
    `select ${bindingColumns} from bindings where callback_id = $1 and kind <> 'recipient' and reference = any(array(select json_array_elements_text($2::text::json))) order by id`,
    [
      id,
      JSON.stringify(lookedUp(row.adapter ?? "", [...first, ...healed.map(({ ways }) => ({ ways: JSON.parse(ways) as Way[] }))])),
    ],
  );
  const since = new Map(healed.map((one) => [one.item, one]));
  // A replay may find more items than there were.
  const places = Math.max(first.length, (healed.at(-1)?.item ?? -1) + 1);
  const eventIds = [...first.map((one) => one.eventId), ...healed.map((one) => one.event_id)].filter(
    (one) => typeof one === "string",
  );
  const endpoints = await readEndpoints(gateway, eventIds);
  const verification = JSON.parse(row.verification) as Verified;
  return {
    ...showCallback(row),
    request: {
      method: row.method,
      path: row.path,
      ip: row.ip,
      headers: JSON.parse(row.headers) as Record<string, string>,
      ...(await showBody(gateway, row)),
      hidden: [...verification.hidden, ...(gateway.registry.get(row.adapter ?? "")?.provider.hidden ?? [])],
      removed: (verification.removed ?? []).map((one) => ({ ...one, explanation: explainRemoved(one) })),
    },
    verification: {
      ok: true,
      code: null,
      scheme: verification.scheme,
      credential: verification.credential,
      explanation: explainVerification(true, null, verification.credential),
    },
    items: Array.from({ length: places }, (_, index) => showItem(first[index], index, since.get(index), endpoints)),
    learned: learned.map(showBinding),
    steps_ms: JSON.parse(row.steps) as Record<string, number>,
    first_status: row.first_status,
    replays: await readReplayed(gateway, id),
    signed_time: null,
  };
}

/** What replays of it came to, oldest first. */
async function readReplayed(gateway: Gateway, id: string) {
  const rows = await gateway.database.query<{
    at: Date;
    done_by: string;
    replay_id: string | null;
    added: number;
    changed: number;
    gone: number;
    unchanged: number;
  }>("select at, done_by, replay_id, added, changed, gone, unchanged from replayed where callback_id = $1 order by id", [id]);
  return rows.map(({ at, done_by, replay_id, ...counts }) => ({
    ...{ at: at.toISOString(), by: done_by, ...counts },
    ...(replay_id && { replay_id: showId("replay", replay_id) }),
  }));
}

/** The references that its items were looked up by, as column text: what it taught is among them. */
function lookedUp(adapter: string, verdicts: Pick<Verdict, "ways">[]): string[] {
  const lookups = verdicts.flatMap((verdict) => verdict.ways?.filter((way) => way.way === "lookup") ?? []);
  return [...new Set(lookups.flatMap((way) => way.looked_at.map((one) => referenceKey(adapter, one.where, one.value ?? ""))))];
}

/** Behind the last place of the first reading stand the items that a replay found. */
const FOUND_LATER: Verdict = { verdict: "ignored", reason: null };

/** A recipient's reference is a digest of ours: it tells nobody anything. */
function shown(way: Way) {
  const told = { ...way, looked_at: way.looked_at.filter(({ where }) => where !== "recipient") };
  return { ...told, explanation: explainWay(told) };
}

function showItem(then: Verdict | undefined, index: number, later: Healed | undefined, endpoints: Map<string, EndpointStory[]>) {
  const first = then ?? FOUND_LATER;
  const now = later
    ? {
        verdict: later.verdict,
        reason: later.reason,
        workspace: later.workspace_id ?? undefined,
        eventId: later.event_id,
        // Putting it aside looked at nothing: why it waited still stands.
        ways: later.verdict === "dismissed" ? (first.ways ?? []) : (JSON.parse(later.ways) as Way[]),
      }
    : { ...first, eventId: first.eventId ?? null, ways: first.ways ?? [] };
  return {
    index,
    verdict: now.verdict,
    reason: now.reason,
    ...(first.word && { word: first.word }),
    explanation: explainVerdict({ ...first, ...now, workspace: now.workspace, cause: later?.cause }),
    workspace_id: now.workspace ?? null,
    event_id: now.eventId ? showId("event", now.eventId) : null,
    first_callback_id: first.firstCallbackId ? showId("callback", first.firstCallbackId) : null,
    ways: now.ways.map(shown),
    ...(later && {
      ...(then && { first_verdict: then.verdict, first_reason: then.reason }),
      healed: { cause: later.cause, at: later.at.toISOString(), by: later.done_by },
    }),
    endpoints: endpoints.get(now.eventId ?? "") ?? [],
  };
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
       0 as failed, 0 as dismissed, method, path, ip, header_names, body, verification from rejections where id = $1`,
    [id],
  );
  if (!row) return null;
  const verification = JSON.parse(row.verification) as { scheme?: string; tried?: number; signed_time?: SignedTime };
  return {
    ...showCallback(row),
    // Nobody vouches for its headers, and secrets may stand in them: their names alone are told.
    request: {
      method: row.method,
      path: row.path,
      ip: row.ip,
      headers: {},
      ...(await showBody(gateway, { adapter: row.adapter, body: row.body, body_encrypted: true })),
      hidden: row.header_names,
      removed: [],
    },
    verification: {
      ok: false,
      code: row.reason,
      scheme: verification.scheme ?? null,
      credential: null,
      tried: verification.tried ?? 0,
      explanation: explainVerification(false, row.reason, undefined, verification.signed_time),
    },
    items: [],
    learned: [],
    steps_ms: {},
    first_status: "rejected",
    replays: [],
    signed_time: verification.signed_time ?? null,
  };
}
