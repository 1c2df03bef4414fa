import type { Query } from "../db/client.ts";
import { showId } from "../ids.ts";
import { ADAPTERS, minutesOfEach, TAKEN } from "./adapters.ts";
import type { Attention } from "./types.ts";

/** Fewer may be anybody at the door. */
export const FEWEST_REFUSED = 3;

/**
 * Three or more refused in five minutes, and nothing else.
 * @param knocks adapters of whom so many were refused since the last good one, and that are silent by their own pace: who calls every ten
 * minutes is never refused three times in five.
 */
export async function allRefused(query: Query, knocks: string[]): Promise<Attention[]> {
  const rows = await query<{ adapter: string; code: string; last_good: Date | null; since: Date; count: number }>(
    `with recursive ${ADAPTERS},
     recent as (
       select adapter from ${minutesOfEach("minute > now() - interval '6 minutes'")} group by 1
       having coalesce(sum(count) filter (where outcome like 'rejected:%'), 0) >= ${FEWEST_REFUSED} and coalesce(sum(count) filter (where ${TAKEN}), 0) = 0
       union select json_array_elements_text($1::text::json)
     ),
     good as materialized (
       select r.adapter, (select minute from minutes m where m.adapter = r.adapter and m.${TAKEN} order by minute desc limit 1) as at from recent r
     ),
     codes as (
       select g.adapter, g.at, m.outcome, min(m.minute) as since, sum(m.count) as count
       from good g cross join lateral (
         select minute, outcome, count from minutes
         where adapter = g.adapter and outcome like 'rejected:%' and minute > coalesce(g.at, now() - interval '7 days') offset 0
       ) m group by 1, 2, 3
     )
     select adapter, at as last_good, min(since) as since, sum(count)::int as count, (array_agg(substr(outcome, 10) order by count desc))[1] as code
     from codes group by 1, 2`,
    [JSON.stringify(knocks)],
  );
  return Promise.all(
    rows.map(async ({ adapter, code, last_good, since, count }) => ({
      ...{ kind: "all_refused" as const, adapter, since: since.toISOString(), count },
      cause: { code, last_good_at: last_good?.toISOString() ?? null },
      link: await lastRejection(query, adapter, code),
    })),
  );
}

/** The newest of the sample, one that was refused as most were where there is one. */
async function lastRejection(query: Query, adapter: string, code: string): Promise<Attention["link"]> {
  const [row] = await query<{ id: string }>(
    "select id from rejections where adapter = $1 and code <> 'probe' order by code = $2 desc, id desc limit 1",
    [adapter, code],
  );
  return row ? { to: "callback", id: showId("callback", row.id) } : { to: "callbacks", status: "rejected", provider: adapter };
}
