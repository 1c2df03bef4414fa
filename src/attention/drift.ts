import type { Query } from "../db/client.ts";
import { firstIdOf, showId } from "../ids.ts";
import { ADAPTERS, minutesOfEach } from "./adapters.ts";
import type { Attention } from "./types.ts";

const MINUTE_MS = 60_000;

/** Words that no rule knows and that nobody had seen a day ago. */
export async function newWords(query: Query): Promise<Attention[]> {
  const rows = await query<{ adapter: string; word: string; since: Date; last: Date; count: number }>(
    `with recursive ${ADAPTERS},
     today as materialized (
       select adapter, outcome, min(minute) as since, max(minute) as last, sum(count)::int as count 
       from ${minutesOfEach("minute > now() - interval '1 day' and outcome like 'word:%'")} group by 1, 2
     )
     select adapter, substr(outcome, 6) as word, since, last, count from today t
     where not exists (select 1 from minutes m where m.adapter = t.adapter and m.outcome = t.outcome and m.minute <= now() - interval '1 day')
     order by since limit 50`,
  );
  return Promise.all(
    rows.map(async ({ adapter, word, since, last, count }) => {
      const [row] = await query<{ id: string }>(
        "select id from callbacks where adapter = $1 and id >= $2 and id < $3 and items like '%' || $4 || '%' order by id desc limit 1",
        [adapter, firstIdOf(last.getTime()), firstIdOf(last.getTime() + MINUTE_MS), escapeLike(JSON.stringify(word))],
      );
      return {
        ...{ kind: "new_word" as const, adapter, since: since.toISOString(), count, cause: { word } },
        link: row
          ? { to: "callback" as const, id: showId("callback", row.id) }
          : { to: "callbacks" as const, status: "ignored", provider: adapter },
      };
    }),
  );
}

const escapeLike = (text: string) => text.replace(/[\\%_]/g, "\\$&");

/** A field that nearly every callback of its kind carried in the last week, and that a fifth of this hour's do not. */
export async function fieldsMissing(query: Query): Promise<Attention[]> {
  const rows = await query<{ adapter: string; variant: string; field: string; since: Date; items: number; carried: number }>(
    `with recursive ${ADAPTERS},
     counted as materialized (
       select adapter, of.* from generate_series(0, 167) ago cross join ${minutesOfEach("m.minute = date_trunc('hour', now(), 'UTC') - ago * interval '1 hour' and (outcome like 'item:%' or outcome like 'field:%')")}
     ),
     items as (
       select adapter, substr(outcome, 6) as variant, sum(count) filter (where minute >= now() - interval '2 hours') as recent,
         sum(count) filter (where minute < now() - interval '2 hours') as before, min(minute) filter (where minute >= now() - interval '2 hours') as since
       from counted where outcome like 'item:%' group by 1, 2
     ),
     fields as (
       select adapter, split_part(outcome, ':', 2) as variant, split_part(outcome, ':', 3) as field,
         coalesce(sum(count) filter (where minute >= now() - interval '2 hours'), 0) as recent, sum(count) filter (where minute < now() - interval '2 hours') as before
       from counted where outcome like 'field:%' group by 1, 2, 3
     )
     select i.adapter, i.variant, f.field, i.since, i.recent::int as items, f.recent::int as carried
     from items i join fields f using (adapter, variant)
     where i.recent >= 10 and i.before >= 50 and f.before >= i.before * 0.95 and f.recent <= i.recent * 0.8 limit 20`,
  );
  return rows.map(({ adapter, variant, field, since, items, carried }) => ({
    ...{ kind: "field_missing", adapter, since: since.toISOString(), count: items - carried },
    cause: { variant, field, share: (items - carried) / items },
    link: { to: "callbacks", provider: adapter },
  }));
}
