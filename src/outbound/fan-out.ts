/**
 * The CTE `fanned_out`, which owes each event of `rows` (columns `id`, `workspace_id`, `type`) to every active endpoint of its
 * workspace that asks for it: by exact type, `family.*` or `*`. It runs in the event's own transaction. What has no outbound type stays
 * on the bus; what goes to an endpoint that does not answer is held from the start.
 */
export function fanOut(rows: string): string {
  return `fanned_out as (
    insert into dispatches (endpoint_id, event_id, workspace_id, type, state)
    select p.id, r.id, r.workspace_id, r.type, case when p.circuit_open_since is null then 'pending' else 'held' end from ${rows} r
    join endpoints p on p.workspace_id = r.workspace_id and p.state = 'active' and p.deleted_at is null
    where r.type is not null and p.filters && array[r.type, split_part(r.type, '.', 1) || '.*', '*']
    returning 1
  )`;
}

/** The filter that asks for a type, as `fanOut` decides it; null where none does. */
export function askingFilter(filters: string[], type: string): string | null {
  const family = `${type.split(".", 1)[0]}.*`;
  return filters.find((filter) => filter === type || filter === family || filter === "*") ?? null;
}
