import type { Query } from "../db/client.ts";
import { firstIdOf, showId } from "../ids.ts";
import { personOf } from "./names.ts";

/** Why webhooks do not go out to an endpoint. */

/** When an endpoint was switched off, and by what: its own answer, or whom. */
export type Off = {
  at: string;
  /** Null: nothing tells (any more). */
  why: "answered_410" | "switched_off" | "deleted" | "workspace_closed" | null;
  by: string | null;
};

/** More than that are "10,000". */
const MOST_HELD = 10_000;

/** How many webhooks are held at each of these endpoints, and since when the oldest waits. */
export async function readHeld(query: Query, endpoints: string[]): Promise<Map<string, { count: number; since: Date }>> {
  if (endpoints.length === 0) return new Map();
  const rows = await query<{ id: string; count: number; since: Date }>(
    `select p.id, h.count, h.since from endpoints p cross join lateral (
       select count(*)::int as count, min(created_at) as since
       from (select created_at from dispatches d where d.endpoint_id = p.id and d.state = 'held' order by created_at limit ${MOST_HELD}) w
     ) h
     where p.id = any(array(select json_array_elements_text($1::text::json)::uuid)) and h.count > 0`,
    [JSON.stringify([...new Set(endpoints)])],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Around the moment: the audit and the attempt are noted in the same transaction, or just before, by another clock. */
const AROUND_MS = 60_000;

const WHY: Readonly<Record<string, NonNullable<Off["why"]>>> = {
  "endpoint.changed": "switched_off",
  "endpoint.deleted": "deleted",
  "workspace.closed": "workspace_closed",
};

type Asked = { endpoint_id: string; workspace_id: string; at: Date };
type Found = { endpoint_id: string; at: string; token: string | null; action: string | null; gone: boolean };

/** Who or what switched these endpoints off, each at its moment: one statement, by ids of around that time. */
export async function readOffs(query: Query, asked: Asked[]): Promise<(endpoint: string, at: Date) => Off> {
  const distinct = new Map(asked.map((one) => [keyOf(one.endpoint_id, one.at), one]));
  const rows =
    distinct.size === 0
      ? []
      : await query<Found>(
          `select o.endpoint_id, o.at, a.token, a.action,
             exists (select 1 from attempts t where t.endpoint_id = o.endpoint_id and not t.ok and t.status = 410 and t.id between o.low and o.high) as gone
           from json_to_recordset($1::text::json) as o(endpoint_id uuid, endpoint text, workspace text, at text, low uuid, high uuid)
           left join lateral (
             select token, action from audit where id between o.low and o.high and (
               (object = o.endpoint and (action = 'endpoint.deleted' or (action = 'endpoint.changed' and after::json ->> 'state' = 'disabled')))
               or (object = o.workspace and action = 'workspace.closed'))
             order by abs(extract(epoch from created_at - o.at::timestamptz)) limit 1
           ) a on true`,
          [JSON.stringify([...distinct.values()].map(around))],
        );
  const found = new Map(rows.map((row) => [`${row.endpoint_id} ${row.at}`, row]));
  return (endpoint, at) => offOf(at.toISOString(), found.get(keyOf(endpoint, at)));
}

const keyOf = (endpoint: string, at: Date) => `${endpoint} ${at.toISOString()}`;

function around({ endpoint_id, workspace_id, at }: Asked) {
  return {
    ...{ endpoint_id, endpoint: showId("endpoint", endpoint_id), workspace: workspace_id, at: at.toISOString() },
    ...{ low: firstIdOf(at.getTime() - AROUND_MS), high: firstIdOf(at.getTime() + AROUND_MS) },
  };
}

function offOf(at: string, row: Found | undefined): Off {
  const why = row?.action ? (WHY[row.action] ?? null) : row?.gone ? "answered_410" : null;
  return { at, why, by: row?.token ? personOf(row.token) : null };
}
