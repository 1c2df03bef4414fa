import type { Query } from "../db/client.ts";
import { hold, releaseHeld } from "./settle.ts";

/** Why an endpoint was switched off with its workspace; opening that one again switches it on. */
export const WORKSPACE_CLOSED = "Its workspace is closed";

const ids = "array(select json_array_elements_text($1::text::json)::uuid)";

/** Notes what endpoints ask for from now on, and whether they do at all: the trace tells which filter applied when. */
export async function noteFilters(query: Query, endpoints: string[]): Promise<void> {
  if (endpoints.length === 0) return;
  await query(
    `insert into endpoint_filters (endpoint_id, since, filters, active)
     select id, clock_timestamp(), filters, state = 'active' and deleted_at is null from endpoints where id = any(${ids})
     on conflict (endpoint_id, since) do update set filters = excluded.filters, active = excluded.active`,
    [JSON.stringify(endpoints)],
  );
}

/** Switches endpoints off: what is owed to them is held, and new events make nothing. */
export async function switchOff(query: Query, endpoints: string[], reason: string): Promise<void> {
  if (endpoints.length === 0) return;
  await query(
    `update endpoints set state = 'disabled', state_reason = $2, disabled_at = now() where id = any(${ids}) and state = 'active'`,
    [JSON.stringify(endpoints), reason],
  );
  await noteFilters(query, endpoints);
  await hold(query, endpoints);
}

/** Switches endpoints on with a clean slate; what was held goes out, and the time that they were off does not count against it. */
export async function switchOn(query: Query, endpoints: string[]): Promise<void> {
  if (endpoints.length === 0) return;
  await query(
    `update dispatches d set give_up_at = d.give_up_at + (now() - p.disabled_at) from endpoints p
     where p.id = d.endpoint_id and p.id = any(${ids}) and d.state = 'held' and p.disabled_at is not null`,
    [JSON.stringify(endpoints)],
  );
  await query(
    `update endpoints set state = 'active', state_reason = null, disabled_at = null, failures = 0, circuit_open_since = null, probe_at = null
     where id = any(${ids})`,
    [JSON.stringify(endpoints)],
  );
  await noteFilters(query, endpoints);
  await releaseHeld(query, endpoints);
}
