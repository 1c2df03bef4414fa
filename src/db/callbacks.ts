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

/**
 * The callbacks that fit, in order of arrival, those past their retention among them. However few fit, and however many do not, it reads
 * little more than it tells: by provider or by a rarer status it looks into an index once for each adapter that was ever stored.
 *
 * @param columns SQL: `id` and what else is wanted.
 */
export async function listCallbacks<Row>(
  query: Query,
  { columns, order, limit }: { columns: string; order: "asc" | "desc"; limit: number },
  { above, below, from, provider, status, id, terms = [] }: Fitting,
): Promise<Row[]> {
  const parameters: (string | number)[] = [];
  const condition = (value: string | null | undefined, text: (parameter: string) => string) =>
    value === null || value === undefined ? [] : [text(`$${parameters.push(value)}`)];
  const ofProvider = condition(provider, (p) => `(adapter = ${p}::text or split_part(adapter, '/', 1) = ${p}::text)`);
  // The second half lets the index of what was not accepted serve.
  const ofStatus = condition(status, (p) => `status = ${p}::text${status === "accepted" ? "" : " and status <> 'accepted'"}`);
  const conditions = [
    ...condition(above, (p) => `id > ${p}::uuid`),
    ...condition(below, (p) => `id < ${p}::uuid`),
    ...condition(from, (p) => `id >= ${p}::uuid`),
    ...condition(id, (p) => `id = ${p}::uuid`),
    ...condition(terms.length > 0 ? `{${terms.join(",")}}` : null, (p) => `terms @> ${p}::text::bigint[]`),
    ...ofStatus,
  ];
  const ordered = `order by id ${order} limit $${parameters.push(limit)}::int`;
  const which = (more: string[]) =>
    conditions.length + more.length > 0 ? `where ${[...conditions, ...more].join(" and ")}` : "";
  const plain = (table: string) => `select ${columns} from ${table} ${which(ofProvider)} ${ordered}`;
  const adapters = `select adapter as one from known where ${["adapter is not null", ...ofProvider].join(" and ")}`;
  const ofEach = `select of.* from (${adapters}) a
    cross join lateral (select ${columns} from callbacks ${which(["adapter = one"])} ${ordered}) of ${ordered}`;
  const isSought = terms.length > 0 || (id ?? null) !== null;
  const byAdapter = !isSought && (ofProvider.length > 0 || (ofStatus.length > 0 && status !== "accepted"));
  return query<Row>(
    `${byAdapter ? KNOWN : ""} select * from ((${byAdapter ? ofEach : plain("callbacks")}) union all (${plain("kept_callbacks")})) found ${ordered}`,
    parameters,
  );
}

/** Every adapter that has callbacks, by as many looks into the index as there are. */
const KNOWN = `with recursive known(adapter) as (
    select (select min(adapter) from callbacks)
    union all select (select min(c.adapter) from callbacks c where c.adapter > k.adapter) from known k where k.adapter is not null
  )`;
