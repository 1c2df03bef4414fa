import type { Gateway } from "../gateway.ts";
import { showId } from "../ids.ts";
import { askingFilter } from "../outbound/fan-out.ts";

type Call = { at: string; status: number | null; ms: number | null; error: string | null; response: string | null };
type Row = {
  event_id: string;
  type: string;
  endpoint_id: string;
  description: string | null;
  url: string;
  filters: string[] | null;
  active: boolean | null;
  dispatch_id: string | null;
  state: string | null;
  attempts: number | null;
  next_at: string | null;
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
};

const MOST = 20_000;

/** Every endpoint that the workspaces of these events had when they were emitted: yes or no, the filters of that time, every attempt. */
export async function readEndpoints(gateway: Gateway, eventIds: string[]): Promise<Map<string, EndpointStory[]>> {
  if (eventIds.length === 0) return new Map();
  // An event's id tells when it was emitted; a dispatch is as old as its event.
  const rows = await gateway.database.query<Row>(
    `with e as materialized (
       select id, workspace_id, type, coalesce((select min(created_at) from dispatches d where d.event_id = events.id),
         to_timestamp(('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)) as at
       from events where type is not null and id = any(array(select json_array_elements_text($1::text::json)::uuid))
     )
     select e.id as event_id, e.type, p.id as endpoint_id, p.description, p.url, f.filters, f.active, d.id as dispatch_id, d.state, d.attempts, d.next_at,
       (select json_agg(json_build_object('at', a.at, 'status', a.status, 'ms', a.ms, 'error', a.error, 'response', a.response) order by a.id)
          from attempts a where a.dispatch_id = d.id) as calls
     from e join endpoints p on p.workspace_id = e.workspace_id and p.created_at <= e.at and (p.deleted_at is null or p.deleted_at > e.at)
     left join dispatches d on d.event_id = e.id and d.endpoint_id = p.id
     left join lateral (select filters, active from endpoint_filters f where f.endpoint_id = p.id and f.since <= e.at order by since desc limit 1) f on true
     order by e.id, p.id limit ${MOST}`,
    [JSON.stringify(eventIds)],
  );
  const grouped = Map.groupBy(rows, (row) => row.event_id);
  return new Map([...grouped].map(([id, of]) => [id, of.map(show)]));
}

function show(row: Row): EndpointStory {
  const filters = row.filters ?? [];
  const filter = askingFilter(filters, row.type);
  const subscribed = row.dispatch_id !== null || (filter !== null && row.active !== false);
  return {
    endpoint_id: showId("endpoint", row.endpoint_id),
    name: row.description ?? new URL(row.url).host,
    ...{ subscribed, filters, filter },
    reason: row.dispatch_id ? null : row.active === false ? "switched_off" : filter === null ? "not_asked_for" : null,
    dispatch_id: row.dispatch_id && showId("dispatch", row.dispatch_id),
    state: row.state,
    next_at: row.next_at && new Date(row.next_at).toISOString(),
    attempts: (row.calls ?? []).map((call) => ({ ...call, at: new Date(call.at).toISOString() })),
  };
}
