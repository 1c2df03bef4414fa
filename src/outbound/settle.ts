import type { Query } from "../db/client.ts";
import type { Attempt } from "./attempt.ts";
import type { Claim } from "./claim.ts";
import { CIRCUIT_FAILURES, type Next, PROBE_EVERY_MS } from "./schedule.ts";

/** One attempt and what follows it. */
export type Tried = { id: string; claim: Claim; attempt: Attempt; next: Next };

/** Writes what attempts brought, in one statement: the dispatches, the attempts, the endpoints' health. Then what follows for others. */
export async function settle(query: Query, tried: Tried[]): Promise<void> {
  const rows = tried.map(({ id, claim, attempt, next }) => ({
    id,
    dispatch_id: claim.id,
    lease: claim.lease,
    endpoint_id: claim.endpoint_id,
    at: attempt.at,
    ok: attempt.ok,
    status: attempt.status,
    ms: attempt.ms,
    error: attempt.error,
    response: attempt.response,
    // A probe's dispatch stays held: its endpoint decides about all of them together.
    state: claim.probe && next.state === "retrying" ? "held" : next.state,
    counts: claim.probe && !attempt.ok ? 0 : 1,
    delay_ms: next.state === "retrying" ? next.delayMs : null,
  }));
  const endpoints = [...Map.groupBy(tried, (one) => one.claim.endpoint_id)].map(([id, all]) => {
    const lastOk = all.findLastIndex((one) => one.attempt.ok);
    return {
      id,
      accepted: all.filter((one) => one.attempt.ok).length,
      failed: all.filter((one) => !one.attempt.ok).length,
      failed_since: all.length - 1 - lastOk,
      gone: all.some((one) => one.next.state === "held"),
    };
  });
  const changed = await query<{ id: string; opened: boolean; closed: boolean; gone: boolean }>(
    `with r as materialized (
       select * from json_to_recordset($1::text::json) as r(id uuid, dispatch_id uuid, lease uuid, endpoint_id uuid, at timestamptz, ok boolean, status int,
         ms int, error text, response text, state text, counts int, delay_ms float)
     ),
     e as materialized (
       select * from json_to_recordset($2::text::json) as e(id uuid, accepted int, failed int, failed_since int, gone boolean) order by id
     ),
     settled as (
       update dispatches d set state = r.state, attempts = d.attempts + r.counts, last_status = r.status, last_error = r.error, lease = null,
         next_at = case when r.state = 'retrying' then now() + make_interval(secs => r.delay_ms / 1000) end,
         settled_at = case when r.state in ('succeeded', 'dead') then now() end
       from r where d.id = r.dispatch_id and d.lease = r.lease and d.id = any(array(select dispatch_id from r)) returning 1
     ),
     tried as (
       insert into attempts (id, dispatch_id, endpoint_id, at, ok, status, ms, error, response)
       select id, dispatch_id, endpoint_id, at, ok, status, ms, error, response from r returning 1
     ),
     hours as (
       insert into endpoint_hours as h (endpoint_id, hour, accepted, failed, last_accepted_at)
       select id, date_trunc('hour', now()), accepted, failed, case when accepted > 0 then now() end from e order by id
       on conflict (endpoint_id, hour) do update set accepted = h.accepted + excluded.accepted, failed = h.failed + excluded.failed,
         last_accepted_at = coalesce(excluded.last_accepted_at, h.last_accepted_at)
       returning 1
     ),
     -- An endpoint that accepts as before is not touched.
     before as materialized (
       select p.id, p.circuit_open_since, p.failures, e.accepted, e.failed_since, e.gone from endpoints p join e on e.id = p.id
       where e.failed > 0 or p.failures > 0 or p.circuit_open_since is not null order by p.id for update of p
     ),
     judged as (
       select id, gone, circuit_open_since as was_open, case when accepted > 0 then failed_since else failures + failed_since end as failures,
         accepted > 0 as accepts
       from before
     ),
     kept as (
       update endpoints p set failures = j.failures,
         circuit_open_since = case when j.failures >= ${CIRCUIT_FAILURES} then coalesce(j.was_open, now()) when j.accepts then null else j.was_open end,
         probe_at = case when j.failures >= ${CIRCUIT_FAILURES} and j.was_open is null then now() + make_interval(secs => ${PROBE_EVERY_MS / 1000}) else p.probe_at end,
         state = case when j.gone then 'disabled' else p.state end,
         state_reason = case when j.gone then 'It answered 410 Gone' else p.state_reason end,
         disabled_at = case when j.gone and p.state = 'active' then now() else p.disabled_at end
       from judged j where p.id = j.id
       returning p.id, j.gone, j.was_open is null and p.circuit_open_since is not null as opened, j.was_open is not null and p.circuit_open_since is null as closed,
         p.filters
     ),
     switched_off as (
       insert into endpoint_filters (endpoint_id, since, filters, active) select id, clock_timestamp(), filters, false from kept where gone
       on conflict do nothing returning 1
     )
     select id, opened, closed, gone from kept where opened or closed or gone`,
    [JSON.stringify(rows), JSON.stringify(endpoints)],
  );
  await hold(
    query,
    changed.filter((one) => one.opened || one.gone).map((one) => one.id),
  );
  await releaseHeld(
    query,
    changed.filter((one) => one.closed && !one.gone).map((one) => one.id),
  );
}

/** Holds what is owed to these endpoints, but for what is being tried. */
export async function hold(query: Query, endpoints: string[]): Promise<void> {
  if (endpoints.length === 0) return;
  await query(
    `update dispatches set state = 'held', next_at = null, lease = null
     where endpoint_id = any(array(select json_array_elements_text($1::text::json)::uuid)) and state in ('pending', 'retrying')
       and (lease is null or next_at <= now())`,
    [JSON.stringify(endpoints)],
  );
}

/** Lets go what is held for those of these endpoints that take webhooks. */
export async function releaseHeld(query: Query, endpoints: string[]): Promise<void> {
  if (endpoints.length === 0) return;
  await query(
    `update dispatches d set state = case when attempts > 0 then 'retrying' else 'pending' end, next_at = now(), lease = null
     from endpoints p where p.id = d.endpoint_id and p.id = any(array(select json_array_elements_text($1::text::json)::uuid)) and d.state = 'held'
       and p.state = 'active' and p.deleted_at is null and p.circuit_open_since is null`,
    [JSON.stringify(endpoints)],
  );
}

/** What a crash between two statements, or an event that crossed a change of its endpoint, left undone. */
export async function mend(query: Query): Promise<void> {
  const found = await query<{ id: string; away: boolean }>(
    `select p.id, p.state = 'disabled' or p.circuit_open_since is not null as away from endpoints p
     where p.deleted_at is null and case when p.state = 'disabled' or p.circuit_open_since is not null
       then exists (select 1 from dispatches d where d.endpoint_id = p.id and d.state in ('pending', 'retrying') and (d.lease is null or d.next_at <= now()))
       else exists (select 1 from dispatches d where d.endpoint_id = p.id and d.state = 'held') end`,
  );
  await hold(
    query,
    found.filter((one) => one.away).map((one) => one.id),
  );
  await releaseHeld(
    query,
    found.filter((one) => !one.away).map((one) => one.id),
  );
}

/** Gives up, cancels and forgets what its time is over for (CONTRACT §7). */
export async function tidy(query: Query, retentionDays: number): Promise<void> {
  await query(
    `update dispatches d set state = 'dead', settled_at = now(), next_at = null, lease = null, last_error = coalesce(last_error, 'expired')
     from endpoints p where p.id = d.endpoint_id and p.state = 'active' and p.deleted_at is null
       and d.state in ('pending', 'retrying', 'held') and d.give_up_at < now() and (d.lease is null or d.next_at <= now())`,
  );
  await query(
    `update dispatches d set state = 'cancelled', settled_at = now(), next_at = null, lease = null
     from endpoints p where p.id = d.endpoint_id and d.state in ('pending', 'retrying', 'held')
       and (p.deleted_at is not null or (p.state = 'disabled' and p.disabled_at < now() - interval '7 days'))`,
  );
  await query(
    `delete from dispatches where created_at < now() - interval '1 day' and (
       (state = 'dead' and settled_at < now() - interval '7 days')
       or (state in ('succeeded', 'cancelled') and settled_at < now() - make_interval(days => $1::int)))`,
    [retentionDays],
  );
  await query("delete from endpoint_hours where hour < now() - interval '8 days'");
}
