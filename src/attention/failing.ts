import type { Query } from "../db/client.ts";
import { showId } from "../ids.ts";
import type { Attention } from "./types.ts";

type EndpointRow = {
  id: string;
  description: string | null;
  url: string;
  workspace_id: string;
  probe_at: Date | null;
  next_at: Date | null;
  since: Date;
  status: number | null;
  waiting: number;
  dead: number;
};

/** Nothing accepted for five minutes, though it was tried, and something waits or was given up. */
export async function endpointsFailing(query: Query): Promise<Attention[]> {
  const rows = await query<EndpointRow>(
    `select p.id, p.description, p.url, p.workspace_id, p.probe_at, f.since, f.status,
       (select count(*)::int from (select 1 from dispatches d where d.endpoint_id = p.id and d.state in ('pending', 'retrying') limit 10000) w)
       + (select count(*)::int from (select 1 from dispatches d where d.endpoint_id = p.id and d.state = 'held' limit 10000) w) as waiting,
       (select count(*)::int from (select 1 from dispatches d where d.endpoint_id = p.id and d.state = 'dead' limit 10000) w) as dead,
       (select min(next_at) from dispatches d where d.endpoint_id = p.id and d.state in ('pending', 'retrying')) as next_at
     from endpoints p cross join lateral (
       select min(a.at) as since, (array_agg(a.status order by a.id desc))[1] as status from attempts a
       where a.endpoint_id = p.id and not a.ok
         and a.at > coalesce((select max(last_accepted_at) from endpoint_hours h where h.endpoint_id = p.id), now() - interval '7 days')
     ) f
     where p.state = 'active' and p.deleted_at is null and p.failures > 0 and f.since < now() - interval '5 minutes'`,
  );
  return rows.flatMap((row) =>
    row.waiting + row.dead === 0
      ? []
      : {
          ...{ kind: "endpoint_failing" as const, adapter: null, since: row.since.toISOString(), count: row.waiting },
          cause: {
            ...{
              endpoint: row.description ?? new URL(row.url).host,
              workspace_id: row.workspace_id,
              status: row.status,
              given_up: row.dead,
            },
            next_at: (row.probe_at ?? row.next_at)?.toISOString() ?? null,
          },
          link: { to: "endpoint", id: showId("endpoint", row.id) },
        },
  );
}
