import type { Query } from "../db/client.ts";
import { firstIdOf } from "../ids.ts";
import type { Outcome } from "../provider/draft.ts";
import { type CommitOptions, decide, settle } from "./commit.ts";
import type { Cause, Work } from "./decide.ts";
import type { Assigned, Evidence } from "./resolve.ts";
import { type Plan, write } from "./write.ts";

/** Rows that are looked at in one transaction. */
const SLICE = 200;
/** Waiting rows that one sweep considers, and how it goes on where it stopped. */
const SWEEP_ROWS = 10_000;

export type WaitingRow = {
  id: string;
  adapter: string;
  callback_id: string;
  item: number;
  reason: string;
  received_at: Date;
  refs: string[];
  draft: string;
};
export const waitingColumns = "id, adapter, callback_id, item, reason, received_at, refs, draft";

/** What looks again: since when it may be placed, or who says whose it is. */
export type Looking = { cause: Cause; by?: string; assigned?: Assigned };

/** Which waiting rows: by what they wait for, or one by one. */
export type Which = { references: string[] } | { ids: string[] };

/**
 * Looks again at waiting items and emits those that can be placed now, in order of `occurred_at`, each once: a slice's rows are locked,
 * decided by the same rules as a new callback, and leave the table in the transaction that emits them.
 * Ends early, between slices, when `signal` aborts; tells `emittedNow` what each emitted one had waited for. Answers what it emitted and what that taught.
 */
export async function heal(
  which: Which,
  looking: Looking,
  options: CommitOptions,
  signal?: AbortSignal,
  emittedNow: (refs: string[]) => void = () => {},
): Promise<{ emitted: number; taught: string[] }> {
  let emitted = 0;
  const taught: string[] = [];
  let after = { at: "-infinity", id: firstIdOf(0) };
  while (!signal?.aborted) {
    const slice = await next(options.database.query, which, after);
    const last = slice.at(-1);
    if (!last) break;
    after = { at: last.at, id: last.id };
    const ids = slice.map((row) => row.id);
    const { plan, rows, works } = await settle(() =>
      options.database.transaction((query) => healRows(query, ids, looking, options)),
    );
    emitted += plan.events.length;
    rows.forEach((row, index) => {
      if (works[index]?.verdict?.verdict === "event") emittedNow(row.refs);
    });
    taught.push(...[...plan.learned, ...plan.ambiguous].map((row) => row.reference));
  }
  return { emitted, taught };
}

/** One probe of the index for each reference: thousands of keys in one `&&` cost five times as much, even where nothing waits. */
const NEXT_BY_REFERENCE = `
  select distinct w.id, w.occurred_at::text as at, w.occurred_at from json_array_elements_text($1::text::json) r(reference)
  cross join lateral (select id, occurred_at from waiting where refs @> array[r.reference] offset 0) w
  where exists (select from waiting) and (w.occurred_at, w.id) > ($2::text::timestamptz, $3::uuid)
  order by w.occurred_at, w.id limit ${SLICE}`;
const NEXT_BY_ID = `
  select id, occurred_at::text as at from waiting where id = any(array(select json_array_elements_text($1::text::json)::uuid))
  and (occurred_at, id) > ($2::text::timestamptz, $3::uuid) order by occurred_at, id limit ${SLICE}`;

async function next(query: Query, which: Which, after: { at: string; id: string }): Promise<{ id: string; at: string }[]> {
  return "ids" in which
    ? query(NEXT_BY_ID, [JSON.stringify(which.ids), after.at, after.id])
    : query(NEXT_BY_REFERENCE, [JSON.stringify(which.references), after.at, after.id]);
}

/**
 * Looks again at these waiting rows, in the order of the ids, within the caller's transaction: locks them, decides by the same rules as a
 * new callback and writes. Answers those that were still there, each with its work.
 */
export async function healRows(
  query: Query,
  ids: string[],
  looking: Looking,
  options: CommitOptions,
): Promise<{ plan: Plan; rows: WaitingRow[]; works: Work[] }> {
  // Whoever waited for our lock finds the row gone and does nothing.
  const rows = await query<WaitingRow>(
    `select ${waitingColumns} from waiting
     where id = any(array(select json_array_elements_text($1::text::json)::uuid)) order by id for update`,
    [JSON.stringify(ids)],
  );
  const order = new Map(ids.map((id, index) => [id, index]));
  rows.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
  const works = rows.map((row) => workOf(row, looking));
  const plan = await decide(works, query, options);
  await write(query, plan);
  return { plan, rows, works };
}

/** A waiting row as it goes to its verdict. */
export function workOf(row: WaitingRow, { cause, by, assigned }: Looking): Work {
  const [providerName = "", dialect = null] = row.adapter.split("/");
  const { outcome, evidence } = JSON.parse(row.draft) as {
    outcome: Outcome & { occurredAt?: string | Date | null };
    evidence: Evidence;
  };
  if (outcome.occurredAt) outcome.occurredAt = new Date(outcome.occurredAt);
  return {
    adapter: row.adapter,
    providerName,
    dialect,
    callbackId: row.callback_id,
    item: row.item,
    receivedAt: row.received_at.getTime(),
    outcome: outcome as Outcome,
    evidence,
    waited: { id: row.id, cause, by: by ?? null },
    ...(assigned && { assigned }),
  };
}

/** How many items wait with any of these references. */
export async function countWaiting(query: Query, references: string[]): Promise<number> {
  const [row] = await query<{ count: string }>(
    "select count(*)::text as count from waiting where refs && array(select json_array_elements_text($1::text::json))",
    [JSON.stringify(references)],
  );
  return Number(row?.count);
}

/** Where a reference of a waiting row has got an answer; a conflict has had answers all along. */
const DUE = `w.reason <> 'workspace_conflict' and (
  exists (select 1 from bindings b where b.reference = r.ref and b.places and b.origin <> 'ambiguous')
  or exists (select 1 from workspaces s where s.closed_at is null and r.ref = 'workspace:' || s.id))`;

/**
 * What could bring these waiting rows home now. Healing goes by these references and not row by row, so that everything that waits for
 * the same thing goes out in the order in which it happened. A default is left out: it would fit everything.
 */
export async function dueReferences(query: Query, ids: string[]): Promise<string[]> {
  const rows = await query<{ ref: string }>(
    `select distinct r.ref from waiting w, unnest(w.refs) r(ref)
     where w.id = any(array(select json_array_elements_text($1::text::json)::uuid)) and r.ref not like '% default:*' and ${DUE}`,
    [JSON.stringify(ids)],
  );
  return rows.map((row) => row.ref);
}

/**
 * Those of these waiting rows that no reference of theirs would bring home, though something may: a conflict that ended, a default. All
 * others are left to their references, also where a binding comes just now: row by row one would overtake an older one.
 */
export async function withoutReference(query: Query, ids: string[]): Promise<string[]> {
  const rows = await query<{ id: string }>(
    `select w.id from waiting w where w.id = any(array(select json_array_elements_text($1::text::json)::uuid))
       and (w.reason = 'workspace_conflict' or exists (select 1 from bindings b where b.reference = w.adapter || ' default:*'))`,
    [JSON.stringify(ids)],
  );
  return rows.map((row) => row.id);
}

/**
 * Waiting rows that something could place now, of a window after `after`: what a process that died between its commit and its second
 * look left behind. `next` is where the following sweep begins, null at the end.
 */
export async function findForgotten(query: Query, after: string | null): Promise<{ ids: string[]; next: string | null }> {
  const rows = await query<{ id: string; due: boolean }>(
    `select w.id, (w.reason = 'workspace_conflict' or exists (select 1 from unnest(w.refs) r(ref) where ${DUE})) as due
     from (select id, reason, refs from waiting where id > $1::uuid order by id limit ${SWEEP_ROWS}) w order by w.id`,
    [after ?? firstIdOf(0)],
  );
  return {
    ids: rows.filter((row) => row.due).map((row) => row.id),
    next: rows.length === SWEEP_ROWS ? (rows.at(-1)?.id ?? null) : null,
  };
}
