import { type Database, type Query, sqlState } from "../db/client.ts";
import { GatewayError } from "../errors.ts";
import { showId } from "../ids.ts";
import type { FactDraft } from "../provider/draft.ts";
import { type DecideOptions, Decider, type Found, isDraft, type Work, wanted } from "./decide.ts";
import { lockStates, lookUp } from "./lookup.ts";
import { type Arrival, callbackRow, countsOf, type Receipt, statusOf } from "./record.ts";
import { type KnownState, stateKey } from "./state.ts";
import { Plan, SLICE_ROWS, write } from "./write.ts";

/** What the commit needs to know of its surroundings. */
export type CommitOptions = DecideOptions & { database: Database; epoch: number };

/** Unique violation, deadlock, serialization: somebody else was quicker, so that what was looked up no longer holds. */
const STALE = new Set(["23505", "40P01", "40001"]);
/** Each round is caused by another's commit, which the next one sees. Who still loses is told to come again. */
const MOST_ROUNDS = 30;

/** What has been written, and what must be looked at again now that others can see it. */
export type Committed = { receipts: Receipt[]; emitted: number; recheck: { waiting: string[]; references: string[] } };

/**
 * The one way in. Decides and writes callbacks in one transaction, two statements (three where last-known states are locked). Optimistic:
 * everything is decided on what was looked up, the write fails as a whole where that no longer holds, and is then decided anew.
 * @throws what the database says, when nothing of the batch was stored.
 */
export async function commit(arrivals: Arrival[], options: CommitOptions): Promise<Committed> {
  const works = arrivals.flatMap((arrival) => arrival.works);
  return settle(async () => {
    // States are locked between look-up and write, and what does not fit one statement must not be half there: both take a transaction.
    const together = works.some(keepsState) || mayExceedOneStatement(works);
    return together
      ? options.database.transaction((query) => commitIn(query, arrivals, options))
      : commitFound(options.database.hot, arrivals, options, undefined);
  });
}

/** The same within the caller's transaction, which it repeats (`settle`) where a race was lost. */
export async function commitIn(query: Query, arrivals: Arrival[], options: CommitOptions): Promise<Committed> {
  const works = arrivals.flatMap((arrival) => arrival.works);
  return commitFound(query, arrivals, options, await lookUpLocking(works, query, options));
}

async function commitFound(
  query: Query,
  arrivals: Arrival[],
  options: CommitOptions,
  found: Found | undefined,
): Promise<Committed> {
  const works = arrivals.flatMap((arrival) => arrival.works);
  const plan = await decide(works, query, options, found);
  const now = performance.now();
  for (const arrival of arrivals) arrival.steps.placed = Math.round((now - arrival.startedAt) * 100) / 100;
  plan.callbacks = arrivals.map((arrival) => callbackRow(arrival, options.keys));
  await write(query, plan);
  return committed(arrivals, plan);
}

/** Whether what these items bring home, use up and teach could be more rows than one statement writes. */
function mayExceedOneStatement(works: Work[]): boolean {
  return works.reduce((rows, work) => rows + 2 + work.evidence.references.length, 0) > SLICE_ROWS;
}

/** Runs until it does not lose a race. */
export async function settle<Result>(run: () => Promise<Result>): Promise<Result> {
  for (let round = 1; ; round += 1) {
    try {
      return await run();
    } catch (error) {
      if (!STALE.has(sqlState(error) ?? "")) throw error;
      if (round >= MOST_ROUNDS) throw new GatewayError("database_unavailable", { cause: error });
    }
  }
}

/**
 * Looks up and decides; sets each work's verdict.
 * @param states reads the last-known states that are touched: locked, unless nothing of this will be written.
 */
export async function decide(
  works: Work[],
  query: Query,
  options: CommitOptions,
  found?: Found,
  states = lockStates,
): Promise<Plan> {
  return decideOn(works, found ?? (await lookUp(query, wanted(works, options.keys))), query, options, states);
}

/**
 * What is known, with the waiting rows that may come home locked: a large callback would otherwise lose its race to every small one that
 * brings home a part of the same.
 */
async function lookUpLocking(works: Work[], query: Query, options: CommitOptions): Promise<Found> {
  const asked = wanted(works, options.keys);
  const found = await lookUp(query, asked);
  const waiting = [...found.keys.values()].flat().flatMap((key) => key.waiting?.id ?? []);
  if (waiting.length === 0) return found;
  await query(
    "select id from waiting where id = any(array(select json_array_elements_text($1::text::json)::uuid)) order by id for update",
    [JSON.stringify(waiting)],
  );
  return lookUp(query, asked);
}

async function decideOn(
  works: Work[],
  found: Found,
  query: Query,
  options: CommitOptions,
  readThem: typeof lockStates,
): Promise<Plan> {
  const run = (states: Map<string, KnownState>, on: Found): Plan => {
    const decider = new Decider(on, new Plan(options.epoch), options);
    for (const work of works) decider.decide(work, states);
    return decider.plan;
  };
  if (!works.some(keepsState)) return run(new Map(), found);
  // Once to see whose states are touched, then again with those locked.
  run(new Map(), structuredClone(found));
  const keys = works.filter(keepsState).flatMap((work) => {
    const workspace = work.verdict?.workspace;
    return workspace ? [stateKey(options.keys, workspace, work.adapter, work.outcome as FactDraft)] : [];
  });
  return run(await readThem(query, [...new Set(keys)].sort()), found);
}

function keepsState(work: Work): boolean {
  return isDraft(work.outcome) && "state" in work.outcome && work.outcome.state !== undefined;
}

function committed(arrivals: Arrival[], plan: Plan): Committed {
  return {
    receipts: arrivals.map((arrival) => {
      const counts = countsOf(arrival);
      return { callback_id: showId("callback", arrival.id), status: statusOf(counts), ...counts };
    }),
    emitted: plan.events.length,
    recheck: {
      waiting: plan.waiting.map((row) => row.id),
      references: [...plan.learned, ...plan.ambiguous].map((row) => row.reference),
    },
  };
}
