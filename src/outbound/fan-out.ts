/**
 * The CTE `fanned_out`, which owes each event of `rows` (columns `id`, `workspace_id`, `type`) to every active endpoint of its
 * workspace that asks for it: by exact type, `family.*` or `*`. It runs in the event's own transaction. What has no outbound type stays
 * on the bus.
 */
export function fanOut(rows: string): string {
  return `fanned_out as (
    insert into dispatches (endpoint_id, event_id, workspace_id, type)
    select p.id, r.id, r.workspace_id, r.type from ${rows} r
    join endpoints p on p.workspace_id = r.workspace_id and p.state = 'active' and p.deleted_at is null
    where r.type is not null and p.filters && array[r.type, split_part(r.type, '.', 1) || '.*', '*']
    returning 1
  )`;
}
