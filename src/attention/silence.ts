import type { Query } from "../db/client.ts";
import { firstIdOf, showId } from "../ids.ts";
import { ADAPTERS, TAKEN } from "./adapters.ts";
import type { Attention } from "./types.ts";

const MINUTE_MS = 60_000;

/** An adapter of which no good one came for long: since when, how many a minute are usual, and how many were refused since. */
export type Silent = { adapter: string; last: Date; usual: number; refused: number };

/**
 * Nothing good for five times the usual gap, and ten minutes at least. Usual is what came at this weekday and hour in the last four weeks; before
 * there is a week to look back on, what came in the day before it fell silent.
 */
export async function silent(query: Query): Promise<Silent[]> {
  return query<Silent>(
    `with recursive ${ADAPTERS},
     last as materialized (
       select adapter, (select minute from minutes m where m.adapter = a.adapter and m.${TAKEN} order by minute desc limit 1) as at,
         (select minute from minutes m where m.adapter = a.adapter and m.${TAKEN} order by minute limit 1) as began from adapters a
     ),
     pace as materialized (
       select l.adapter, l.at, case when l.began < now() - interval '7 days' then (
           select coalesce(sum(count), 0) / (60.0 * least(4, floor(extract(epoch from now() - l.began) / 604800)))
           from generate_series(1, 4) week cross join lateral (
             select count from minutes m where m.adapter = l.adapter and m.${TAKEN}
               and m.minute >= date_trunc('hour', now()) - week * interval '7 days' and m.minute < date_trunc('hour', now()) - week * interval '7 days' + interval '1 hour' offset 0
           ) of
         ) else (
           select coalesce(sum(count), 0) / greatest(1, extract(epoch from l.at - greatest(l.began, l.at - interval '1 day')) / 60 + 1) from minutes m
           where m.adapter = l.adapter and m.${TAKEN} and m.minute > l.at - interval '1 day'
         ) end::float as per_minute
       from last l where l.at is not null
     )
     select adapter, at as last, per_minute as usual, (
         select coalesce(sum(count), 0)::int from minutes r where r.adapter = pace.adapter and r.outcome like 'rejected:%' and r.minute > pace.at
       ) as refused
     from pace
     -- The last one came at some time of its minute.
     where per_minute > 0 and now() - at - interval '1 minute' > greatest(interval '10 minutes', make_interval(secs => 5 * 60 / per_minute))`,
  );
}

/** The same, as what needs attention, with the last good one. */
export async function quiet(query: Query, silents: readonly Silent[]): Promise<Attention[]> {
  return Promise.all(
    silents.map(async ({ adapter, last, usual, refused }) => {
      const [row] = await query<{ id: string }>(
        "select id from callbacks where adapter = $1 and id >= $2 and id < $3 order by id desc limit 1",
        [adapter, firstIdOf(last.getTime()), firstIdOf(last.getTime() + MINUTE_MS)],
      );
      const since = last.toISOString();
      return {
        ...{ kind: "quiet" as const, adapter, since, count: 0, cause: { usual, refused, last_good_at: since } },
        link: row ? { to: "callback" as const, id: showId("callback", row.id) } : { to: "callbacks" as const, provider: adapter },
      };
    }),
  );
}
