import type { Query } from "./client.ts";

/** What is asked of stored callbacks; what is absent or null, any fits. Ids are uuids. */
export type Fitting = {
  above?: string | null;
  below?: string | null;
  /** This one or a later one. */
  from?: string | null;
  /** All of a provider's dialects, or one of them: `<provider>/<dialect>`. */
  provider?: string | null | undefined;
  status?: string | null | undefined;
  id?: string | null;
  /** Keyed hashes that it must carry, all of them. */
  terms?: string[];
};

export type Wanted = {
  /** SQL: `id` and what else is wanted. */
  columns: string;
  order: "asc" | "desc";
  limit: number;
};

/**
 * The callbacks that fit, in order of arrival, those past their retention among them. However few fit, and however many do not, it reads
 * little more than it tells: by provider or by a rarer status it looks into an index once for each adapter that was ever stored; what many
 * callbacks carry is found among the next ones, what few carry by its own index.
 */
export async function listCallbacks<Row>(query: Query, wanted: Wanted, fits: Fitting): Promise<Row[]> {
  const run = (reading: Reading) => query<Row>(...statement(reading, wanted, fits));
  if (fits.id) return run("in order");
  if (fits.terms?.length) {
    // The planner cannot know how many carry a term, and either way is far too slow for the other kind.
    const near = await run("among the next");
    return near.length >= wanted.limit ? near : run("by terms");
  }
  return run(fits.provider || (fits.status && fits.status !== "accepted") ? "by adapter" : "in order");
}

/** How many are looked through for a term that many carry. */
const NEXT = 5000;

type Reading = "in order" | "by adapter" | "among the next" | "by terms";

function statement(reading: Reading, { columns, order, limit }: Wanted, fits: Fitting): [text: string, parameters: unknown[]] {
  const parameters: unknown[] = [];
  const is = (value: unknown, text: (parameter: string) => string) =>
    value === null || value === undefined ? [] : [text(`$${parameters.push(value)}`)];
  const where = (conditions: string[]) => (conditions.length > 0 ? `where ${conditions.join(" and ")}` : "");
  const range = [
    ...is(fits.above, (p) => `id > ${p}::uuid`),
    ...is(fits.below, (p) => `id < ${p}::uuid`),
    ...is(fits.from, (p) => `id >= ${p}::uuid`),
    ...is(fits.id, (p) => `id = ${p}::uuid`),
  ];
  const ofProvider = is(fits.provider, (p) => `(adapter = ${p}::text or split_part(adapter, '/', 1) = ${p}::text)`);
  const rest = [
    // The second half lets the index of what was not accepted serve.
    ...is(fits.status, (p) => `status = ${p}::text${fits.status === "accepted" ? "" : " and status <> 'accepted'"}`),
    ...is(fits.terms?.length ? `{${fits.terms.join(",")}}` : null, (p) => `terms @> ${p}::text::bigint[]`),
  ];
  const inOrder = `order by id ${order} limit $${parameters.push(limit)}::int`;
  const all = where([...range, ...ofProvider, ...rest]);
  // `offset 0`: all that fit, before they are put in order. The planner would go through the others in order.
  const gathered = (table: string) => `select * from (select ${columns} from ${table} ${all} offset 0) fitting ${inOrder}`;
  const callbacks = {
    "in order": () => `select ${columns} from callbacks ${all} ${inOrder}`,
    "by adapter": () => `select of.* from (select adapter as one from known ${where(["adapter is not null", ...ofProvider])}) a
      cross join lateral (select ${columns} from callbacks ${where(["adapter = one", ...range, ...rest])} ${inOrder}) of ${inOrder}`,
    "among the next":
      () => `select ${columns} from (select * from callbacks ${where(range)} order by id ${order} limit ${NEXT}) next
      ${where([...ofProvider, ...rest])} ${inOrder}`,
    "by terms": () => gathered("callbacks"),
  };
  const kept = fits.terms?.length ? gathered("kept_callbacks") : `select ${columns} from kept_callbacks ${all} ${inOrder}`;
  const known = reading === "by adapter" ? KNOWN : "";
  return [`${known} select * from ((${callbacks[reading]()}) union all (${kept})) found ${inOrder}`, parameters];
}

/** Every adapter that has callbacks, by as many looks into the index as there are. */
const KNOWN = `with recursive known(adapter) as (
    select (select min(adapter) from callbacks)
    union all select (select min(c.adapter) from callbacks c where c.adapter > k.adapter) from known k where k.adapter is not null
  )`;
