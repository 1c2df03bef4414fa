import { listCallbacks } from "../db/callbacks.ts";
import type { Gateway } from "../gateway.ts";
import { firstIdOf, readId, timeOf } from "../ids.ts";
import type { Trace } from "./story.ts";

/** Callbacks that may have waited for what one teaches; of more it is not said how many came home. */
const MOST_LOOKED_THROUGH = 5000;
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
  const below = firstIdOf(timeOf(callback) + CLOCKS_MS);
  const carrying = await Promise.all(
    bound.map(({ kind, value }) =>
      listCallbacks<{ id: string }>(
        database.query,
        { columns: "id", order: "desc", limit: MOST_LOOKED_THROUGH },
        { below, terms: [keys.term(`${kind}:${value}`)] },
      ),
    ),
  );
  if (carrying.some((list) => list.length === MOST_LOOKED_THROUGH)) return null;
  const [row] = await database.query<{ home: number }>(
    `select count(*)::int as home from healed h where h.callback_id = any(array(select json_array_elements_text($1::text::json)::uuid))
       and h.cause = 'binding' and h.done_by is null and exists (
       select 1 from json_array_elements(h.ways::json) way, json_array_elements(way -> 'looked_at') one, bindings b
       where b.id = any(array(select json_array_elements_text($2::text::json)::uuid)) and b.places and h.at >= b.created_at
         and way ->> 'way' = 'lookup' and one ->> 'where' = b.kind and one ->> 'value' = b.value and one ->> 'found' = b.workspace_id)`,
    [
      JSON.stringify([...new Set(carrying.flat().map(({ id }) => id))]),
      JSON.stringify(bound.map(({ id }) => readId("binding", id))),
    ],
  );
  return row?.home ?? null;
}
