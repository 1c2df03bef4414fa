import { noteBy } from "../api/http.ts";
import type { Query } from "../db/client.ts";
import { GatewayError } from "../errors.ts";
import type { Event } from "../events/build.ts";
import type { Gateway } from "../gateway.ts";
import { readId, showId } from "../ids.ts";
import { settle } from "../inbound/commit.ts";
import { wanted } from "../inbound/decide.ts";
import { lookUp } from "../inbound/lookup.ts";
import { countOf, termsOf } from "../inbound/record.ts";
import { write } from "../inbound/write.ts";
import { bringIn } from "./bring-in.ts";
import { examine } from "./examine.ts";
import type { Finding, Update } from "./finding.ts";
import { type Counted, inWords, noteReplays, type Order, type Replayed } from "./order.ts";
import type { EventToBe } from "./preview.ts";
import { type Reading, readStored, reread } from "./stored.ts";

/**
 * Reads one stored callback again, with today's adapter and as of when it came: what is new is emitted, what differs only told. A refused one
 * is verified first, and brought in as any other where it is genuine.
 * @param by whose token asks.
 * @throws GatewayError `still_rejected` where today's secrets do not vouch for it, either.
 */
export async function replayOne(
  gateway: Gateway,
  by: { name: string },
  callbackId: string,
  { dryRun }: { dryRun: boolean },
): Promise<Replayed> {
  const id = readId("callback", callbackId);
  const [stored] = id ? await readStored(gateway.database.query, [id]) : [];
  if (!id) throw new GatewayError("not_found");
  if (!stored) return bringIn(gateway, { by: by.name, replay: null }, id, dryRun);
  const reading = reread(gateway, stored, by.name);
  if (dryRun) {
    const { query } = gateway.database;
    const { findings } = await examine(gateway, query, [reading], { lock: false });
    return tell(findings[0] as Finding, await statusOf(query, id), true);
  }
  return replayStored(gateway, { by: by.name, replay: null }, reading);
}

/** Replays a stored callback in one transaction, with its audit and its note for the trace. */
export async function replayStored(gateway: Gateway, order: Order, reading: Reading): Promise<Replayed> {
  const { id } = reading.stored;
  const { finding, plan, status } = await settle(() =>
    gateway.database
      .transaction(async (query) => {
        const before = await lock(gateway, query, reading);
        const stored = { ...reading.stored, failed: before.failed };
        const { findings, plan } = await examine(gateway, query, [{ ...reading, stored }], { lock: true });
        const finding = findings[0] as Finding;
        await write(query, plan);
        await apply(gateway, query, finding, order.by);
        const status = await statusOf(query, id);
        await note(gateway, query, order, id, finding, { before, after: status });
        await order.finish?.(query, countsOf(finding));
        return { finding, plan, status };
      })
      .catch(inWords),
  );
  if (plan.events.length > 0) gateway.emitted();
  gateway.healer.recheck({
    waiting: [...plan.waiting.map((row) => row.id), ...finding.refreshed.map((row) => row.id)],
    references: [...plan.learned, ...plan.ambiguous].map((row) => row.reference),
  });
  return tell(finding, status, false);
}

type Now = { status: string; reason: string | null; failed: number };
const NOW = "status, reason, events, taught, unmatched, duplicates, ignored, failed, dismissed";

async function statusOf(query: Query, id: string): Promise<Now> {
  const [row] = await query<Now>(
    `select ${NOW} from callbacks where id = $1 union all select ${NOW} from kept_callbacks where id = $1 limit 1`,
    [id],
  );
  if (!row) throw new GatewayError("not_found");
  return row;
}

/** Locks what may change, in the order of all writers: waiting rows, then the callback. Two replays of one go one after the other. */
async function lock(gateway: Gateway, query: Query, { stored, works }: Reading): Promise<Now> {
  const { keys } = await lookUp(query, { ...wanted(works, gateway.keys), references: [], workspaces: [] });
  const others = [...keys.values()].flat().flatMap((key) => key.waiting?.id ?? []);
  const own = await query<{ id: string }>("select id from waiting where callback_id = $1", [stored.id]);
  await query(
    "select id from waiting where id = any(array(select json_array_elements_text($1::text::json)::uuid)) order by id for update",
    [JSON.stringify([...others, ...own.map((row) => row.id)])],
  );
  for (const table of ["callbacks", "kept_callbacks"])
    await query(`select id from ${table} where id = $1 for update`, [stored.id]);
  return statusOf(query, stored.id);
}

const COUNTS = ["events", "taught", "unmatched", "duplicates", "ignored", "failed", "dismissed"] as const;
const counted: Readonly<Record<string, (typeof COUNTS)[number]>> = { ...countOf, dismissed: "dismissed" };

/** Beside the plan: items that are something else now, their callback's counts, and what waits for more than it did. */
async function apply(gateway: Gateway, query: Query, finding: Finding, by: string): Promise<void> {
  if (!finding.writes) return;
  const { reading, updates, refreshed, items } = finding;
  if (refreshed.length > 0) {
    await query(
      `update waiting w set refs = r.refs, draft = r.draft, reason = r.reason, occurred_at = r.occurred_at
       from json_to_recordset($1::text::json) as r(id uuid, refs text[], draft text, reason text, occurred_at timestamptz)
       where w.id = r.id and w.id = any(array(select (json_array_elements($1::text::json) ->> 'id')::uuid))`,
      [JSON.stringify(refreshed)],
    );
  }
  if (updates.length > 0) await noteItems(query, reading.stored.id, updates, by);
  const changes = COUNTS.map((count) => {
    const of = (verdict: string | undefined) => (counted[verdict ?? ""] === count ? 1 : 0);
    // What could not be read as a whole has no item, and counts as one that failed.
    const whole = finding.mended && count === "failed" ? -1 : 0;
    return updates.reduce((sum, { before, verdict }) => sum + of(verdict.verdict) - of(before?.verdict), whole);
  });
  const workspaces = new Set(reading.works.flatMap((work) => work.verdict?.workspace ?? []));
  const terms = termsOf({ works: reading.works }, workspaces, gateway.keys);
  const word = ["failed", "waiting", "event", "taught", "duplicate", "dismissed", "ignored"].find((one) =>
    items.some((item) => item.verdict === one),
  );
  const reason = items.find((item) => item.verdict === word)?.reason ?? null;
  for (const table of ["callbacks", "kept_callbacks"]) {
    await query(
      `update ${table} set ${COUNTS.map((count, at) => `${count} = ${count} + $${at + 2}::int`).join(", ")}, reason = $${COUNTS.length + 2},
         terms = array(select distinct t from unnest(terms || $${COUNTS.length + 3}::text::bigint[]) t)
       where id = $1`,
      [reading.stored.id, ...changes, reason, `{${terms.join(",")}}`],
    );
  }
}

async function noteItems(query: Query, id: string, updates: Update[], by: string): Promise<void> {
  const rows = updates.map(({ index, verdict }) => ({
    ...{ item: index, verdict: verdict.verdict, reason: verdict.reason, event_id: verdict.eventId ?? null },
    ...{ workspace_id: verdict.workspace ?? null, ways: verdict.ways ?? [] },
  }));
  await query(
    `insert into healed (callback_id, item, verdict, reason, event_id, workspace_id, cause, done_by, ways)
     select $2::uuid, item, verdict, reason, event_id, workspace_id, 'replay', $3, ways from json_to_recordset($1::text::json)
       as r(item int, verdict text, reason text, event_id uuid, workspace_id text, ways text)
     on conflict (callback_id, item) do update set verdict = excluded.verdict, reason = excluded.reason, event_id = excluded.event_id,
       workspace_id = excluded.workspace_id, cause = excluded.cause, done_by = excluded.done_by, ways = excluded.ways, at = excluded.at`,
    [JSON.stringify(rows), id, by],
  );
}

export function countsOf({ added, changed, gone, unchanged, waiting, failed }: Finding): Counted {
  return { added: added.length, changed: changed.length, gone: gone.length, unchanged, waiting, failed };
}

/** For the trace, and for the audit. */
async function note(
  gateway: Gateway,
  query: Query,
  order: Order,
  id: string,
  finding: Finding,
  states: { before: unknown; after: unknown },
): Promise<void> {
  const counts = countsOf(finding);
  await noteReplays(gateway, query, order, [{ id, ...counts }]);
  const after = {
    ...{ now: states.after, ...counts, events: finding.added.map((event) => event.id) },
    ...(order.replay && { replay: showId("replay", order.replay) }),
  };
  const change = { action: "callback.replayed", object: showId("callback", id), before: { now: states.before }, after };
  await noteBy(gateway, { name: order.by }, [change], query);
}

function tell({ reading, added, ...finding }: Finding, { status, reason }: Now, dryRun: boolean): Replayed {
  const { changed, gone, unchanged, waiting, taught, failed } = finding;
  return {
    callback_id: showId("callback", reading.stored.id),
    ...{ status, reason, added: dryRun ? added.map(withoutId) : added, changed, gone, unchanged, waiting, taught, failed },
  };
}

/** Before it is emitted it has none. */
function withoutId(event: Event): EventToBe {
  return { ...event, id: null };
}
