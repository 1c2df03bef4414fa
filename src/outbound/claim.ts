import type { Query } from "../db/client.ts";

/** A dispatch that this process may try now, until its lease lapses. */
export type Claim = {
  id: string;
  endpoint_id: string;
  event_id: string;
  attempts: number;
  lease: string;
  /** The one try a minute of an endpoint that does not answer. */
  probe: boolean;
};

/** Longer than an attempt takes: a crashed process's claims come free after it. */
const LEASE_SECONDS = 45;

/**
 * Claims what is due, at most `perEndpoint` of each endpoint (one of those that failed lately), beginning behind the endpoint `after`:
 * who asks on with the last one's id serves all in turn. Several processes never claim the same.
 * @param busy how many of each endpoint are under way here.
 */
export async function claimDue(
  query: Query,
  { after, most, perEndpoint, busy }: { after: string; most: number; perEndpoint: number; busy: ReadonlyMap<string, number> },
): Promise<Claim[]> {
  return query<Claim>(
    `with recursive due as (
       (select endpoint_id from dispatches where state in ('pending', 'retrying') and endpoint_id > $1::uuid order by endpoint_id limit 1)
       union all
       select (select d.endpoint_id from dispatches d where d.state in ('pending', 'retrying') and d.endpoint_id > due.endpoint_id
         order by d.endpoint_id limit 1)
       from due where due.endpoint_id is not null
     ),
     picked as materialized (
       select d.id from due
       join endpoints p on p.id = due.endpoint_id and p.state = 'active' and p.deleted_at is null and p.circuit_open_since is null
       cross join lateral (
         select id from dispatches
         where endpoint_id = due.endpoint_id and state in ('pending', 'retrying') and next_at <= now()
         order by next_at
         limit greatest(0, case when p.failures >= 3 then 1 else $2::int end - coalesce(($3::text::json ->> due.endpoint_id::text)::int, 0))
         for update skip locked
       ) d
       limit $4
     )
     update dispatches d set lease = gen_random_uuid(), next_at = now() + make_interval(secs => ${LEASE_SECONDS})
     from picked where d.id = picked.id and d.id = any(array(select id from picked))
     returning d.id, d.endpoint_id, d.event_id, d.attempts, d.lease, false as probe`,
    [after, perEndpoint, JSON.stringify(Object.fromEntries(busy)), most],
  );
}

/** Claims the oldest dispatch of each endpoint that does not answer and whose minute is over. */
export async function claimProbes(query: Query, everyMs: number): Promise<Claim[]> {
  return query<Claim>(
    `with due as (
       select id from endpoints where circuit_open_since is not null and probe_at <= now() and state = 'active' and deleted_at is null
       order by id for update skip locked
     ),
     postponed as (
       update endpoints p set probe_at = now() + make_interval(secs => $1::float / 1000) from due where p.id = due.id returning p.id
     ),
     picked as materialized (
       select d.id from postponed cross join lateral (
         select id from dispatches where endpoint_id = postponed.id and state = 'held' order by created_at limit 1 for update skip locked
       ) d
     )
     update dispatches d set lease = gen_random_uuid() from picked where d.id = picked.id
     returning d.id, d.endpoint_id, d.event_id, d.attempts, d.lease, true as probe`,
    [everyMs],
  );
}

/** Gives back what was claimed and not tried to its end. */
export async function release(query: Query, claims: Claim[]): Promise<void> {
  await query(
    `update dispatches d set lease = null, next_at = now()
     from json_to_recordset($1::text::json) as r(id uuid, lease uuid) where d.id = r.id and d.lease = r.lease`,
    [JSON.stringify(claims.map(({ id, lease }) => ({ id, lease })))],
  );
}
