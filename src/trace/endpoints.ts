import type { Gateway } from "../gateway.ts";
import { showId } from "../ids.ts";
import { askingFilter } from "../outbound/fan-out.ts";
import { type Off, readHeld, readOffs } from "./off.ts";
import { dispatched, type State } from "./states.ts";

type Call = { at: string; status: number | null; ms: number | null; error: string | null; response: string | null };
type Row = {
  event_id: string;
  type: string;
  asked_at: Date;
  endpoint_id: string;
  workspace_id: string;
  description: string | null;
  url: string;
  filters: string[] | null;
  active: boolean | null;
  dispatch_id: string | null;
  state: string | null;
  tries: number | null;
  next_at: Date | null;
  settled_at: Date | null;
  off_at: Date | null;
  calls: Call[] | null;
};

/** What became of an event at one endpoint of its workspace. */
export type EndpointStory = {
  endpoint_id: string;
  /** Its description, else its host. */
  name: string;
  subscribed: boolean;
  /** What it asked for at that time. */
  filters: string[];
  /** The one of them that asks for this event. */
  filter: string | null;
  /** Why it was not told: `not_asked_for switched_off`; null where it is owed. */
  reason: string | null;
  dispatch_id: string | null;
  state: string | null;
  next_at: string | null;
  attempts: Call[];
  /** When it was emitted: as of then it was asked for or not. */
  asked_at: string;
  /** Attempts that are used up. */
  tries: number;
  /** Of one that is held: how many wait with it at its endpoint, and since when. */
  held: { count: number; since: string } | null;
  /** Of one that was given up, or waits for its endpoint to be switched on: until when it is kept. */
  kept_until: string | null;
  /** Where its endpoint is or was away: since when, and why. */
  off: Off | null;
};

const MOST = 20_000;

const WEEK_MS = 7 * 86_400_000;

/**
 * When the endpoint was last switched off before a moment: the first of the notes that say so, since the last one that says otherwise.
 * Whoever switches it off and deletes it later has switched it off but once.
 */
const offSince = (
  moment: string,
) => `(select min(o.since) from endpoint_filters o where o.endpoint_id = p.id and not o.active and o.since <= ${moment}
    and o.since > coalesce((select max(y.since) from endpoint_filters y where y.endpoint_id = p.id and y.active and y.since <= ${moment}), '-infinity'))`;

/** Every endpoint that the workspaces of these events had when they were emitted: yes or no, the filters of that time, every attempt. */
export async function readEndpoints(gateway: Gateway, eventIds: string[]): Promise<Map<string, EndpointStory[]>> {
  if (eventIds.length === 0) return new Map();
  const { query } = gateway.database;
  // An event's id tells when it was emitted; a dispatch is as old as its event.
  const rows = await query<Row>(
    `with e as materialized (
       select id, workspace_id, type, coalesce((select min(created_at) from dispatches d where d.event_id = events.id),
         to_timestamp(('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)) as at
       from events where type is not null and id = any(array(select json_array_elements_text($1::text::json)::uuid))
     )
     select e.id as event_id, e.type, e.at as asked_at, p.id as endpoint_id, p.workspace_id, p.description, p.url, f.filters, f.active,
       d.id as dispatch_id, d.state, d.attempts as tries, d.next_at, d.settled_at,
       case when d.state = 'cancelled' then case when p.deleted_at <= d.settled_at then p.deleted_at else ${offSince("d.settled_at")} end
         when d.state = 'held' and p.state = 'disabled' then ${offSince("'infinity'::timestamptz")}
         when d.id is null and not f.active then ${offSince("e.at")} end as off_at,
       (select json_agg(json_build_object('at', a.at, 'status', a.status, 'ms', a.ms, 'error', a.error, 'response', a.response) order by a.id)
          from attempts a where a.dispatch_id = d.id) as calls
     from e join endpoints p on p.workspace_id = e.workspace_id and p.created_at <= e.at and (p.deleted_at is null or p.deleted_at > e.at)
     left join dispatches d on d.event_id = e.id and d.endpoint_id = p.id
     left join lateral (select filters, active from endpoint_filters f where f.endpoint_id = p.id and f.since <= e.at order by since desc limit 1) f on true
     order by e.id, p.id limit ${MOST}`,
    [JSON.stringify(eventIds)],
  );
  const held = await readHeld(
    query,
    rows.flatMap((row) => (row.state === "held" ? row.endpoint_id : [])),
  );
  const offs = await readOffs(
    query,
    rows.flatMap(({ off_at, ...row }) => (off_at ? { ...row, at: off_at } : [])),
  );
  const grouped = Map.groupBy(rows, (row) => row.event_id);
  return new Map([...grouped].map(([id, of]) => [id, of.map((row) => show(row, held.get(row.endpoint_id), offs))]));
}

function show(
  row: Row,
  held: { count: number; since: Date } | undefined,
  offs: Awaited<ReturnType<typeof readOffs>>,
): EndpointStory {
  const filters = row.filters ?? [];
  const filter = askingFilter(filters, row.type);
  const subscribed = row.dispatch_id !== null || (filter !== null && row.active !== false);
  const off = row.off_at && offs(row.endpoint_id, row.off_at);
  const keptFrom = row.state === "dead" ? row.settled_at : row.state === "held" ? row.off_at : null;
  return {
    endpoint_id: showId("endpoint", row.endpoint_id),
    name: row.description ?? new URL(row.url).host,
    ...{ subscribed, filters, filter },
    reason: row.dispatch_id ? null : row.active === false ? "switched_off" : filter === null ? "not_asked_for" : null,
    dispatch_id: row.dispatch_id && showId("dispatch", row.dispatch_id),
    state: row.state,
    next_at: row.next_at?.toISOString() ?? null,
    attempts: (row.calls ?? []).map((call) => ({ ...call, at: new Date(call.at).toISOString() })),
    asked_at: row.asked_at.toISOString(),
    tries: row.tries ?? 0,
    held: row.state === "held" && held ? { count: held.count, since: held.since.toISOString() } : null,
    kept_until: keptFrom && new Date(keptFrom.getTime() + WEEK_MS).toISOString(),
    off,
  };
}

/** As the API tells it: nothing of who did what. */
export function showEndpoint(one: EndpointStory) {
  const { endpoint_id, name, subscribed, filters, filter, reason, dispatch_id, state, next_at, attempts } = one;
  return { endpoint_id, name, subscribed, filters, filter, reason, dispatch_id, state, next_at, attempts };
}

const OFF: Readonly<Record<NonNullable<Off["why"]>, string>> = {
  answered_410: "It answered 410",
  switched_off: "did it",
  deleted: "deleted it",
  workspace_closed: "closed its workspace",
};

/** What became of an event at one endpoint, in words. */
export function endpointState(one: EndpointStory, type: string): State {
  const { off } = one;
  const why = off?.why && OFF[off.why];
  return dispatched({
    ...{ endpoint: one.name, state: one.state, reason: one.reason, type, filters: one.filters, subscribedAt: one.asked_at },
    ...{ attempts: one.attempts, tries: one.tries, nextAt: one.next_at, keptUntil: one.kept_until },
    ...{ heldSince: one.held?.since ?? null, heldCount: one.held?.count ?? 1, offAt: off?.at ?? null },
    cancelledBecause: why ? (off.why === "answered_410" ? why : `${off.by ?? "Somebody"} ${why}`) : null,
  });
}
