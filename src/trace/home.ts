import type { Gateway } from "../gateway.ts";
import { firstIdOf, readId, timeOf } from "../ids.ts";
import type { Trace } from "./story.ts";

/** Callbacks that may have waited for what one teaches; of more it is not said how many came home. */
const MOST_LOOKED_THROUGH = 10_000;
/** What had waited came before it, as far as clocks of several processes agree. */
const CLOCKS_MS = 60_000;

/**
 * How many waiting items a callback's bindings brought home; null where they are too many to be counted. What waited for a reference carries
 * it as a search term, and had no answer before: the binding that answers first is the one that brought it home.
 */
export async function countHome(
  { database, keys }: Pick<Gateway, "database" | "keys">,
  callback: string,
  { learned }: Pick<Trace, "learned">,
): Promise<number | null> {
  const bound = learned.filter((binding) => binding.origin === "learned");
  if (bound.length === 0) return null;
  const terms = bound.map(({ kind, value }) => keys.term(`${kind}:${value}`));
  const [row] = await database.query<{ looked: number; home: number }>(
    `with c as materialized (
       select id from ((select id from callbacks where terms && $1::text::bigint[] and id < $2 limit ${MOST_LOOKED_THROUGH})
         union all (select id from kept_callbacks where terms && $1::text::bigint[] and id < $2 limit ${MOST_LOOKED_THROUGH})) known
     )
     select (select count(*)::int from c) as looked, count(*)::int as home from c join healed h on h.callback_id = c.id
     where h.cause = 'binding' and h.done_by is null and exists (
       select 1 from json_array_elements(h.ways::json) way, json_array_elements(way -> 'looked_at') one, bindings b
       where b.id = any(array(select json_array_elements_text($3::text::json)::uuid)) and b.places and h.at >= b.created_at
         and way ->> 'way' = 'lookup' and one ->> 'where' = b.kind and one ->> 'value' = b.value and one ->> 'found' = b.workspace_id)`,
    [
      ...[`{${terms.join(",")}}`, firstIdOf(timeOf(callback) + CLOCKS_MS)],
      JSON.stringify(bound.map(({ id }) => readId("binding", id))),
    ],
  );
  return row && row.looked < MOST_LOOKED_THROUGH ? row.home : null;
}
