import { randomUUID } from "node:crypto";
import { Bell } from "../bus/bell.ts";
import { listCallbacks } from "../db/callbacks.ts";
import { type Query, sqlState } from "../db/client.ts";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { firstIdOf } from "../ids.ts";
import { breathe } from "./breathe.ts";
import { bringIn, REPLAYABLE } from "./bring-in.ts";
import { examine, type Finding } from "./examine.ts";
import { type Counted, noteReplays, type Order } from "./order.ts";
import { countsOf, replayStored } from "./replay.ts";
import { type Reading, readStored, reread } from "./stored.ts";

/** What is in memory at once, whichever comes first; one callback always is. */
const SLICE = { callbacks: 50, bytes: 4 * 1024 * 1024 };
/** Longer than a slice takes: another process goes on with what a crashed one held. */
const LEASE_SECONDS = 60;
/** How often a process looks for replays that nobody works on. */
const LOOK_EVERY_MS = 5000;

type Running = {
  id: string;
  filter: string;
  terms: string[];
  callback_id: string | null;
  dry_run: boolean;
  started_by: string;
  before: string;
  position: string | null;
  lease: string;
};

const COUNTS = ["looked_at", "added", "changed", "gone", "unchanged", "waiting", "failed", "still_rejected"] as const;
type Counts = Record<(typeof COUNTS)[number], number>;

/** It was stopped, or another process has taken it over: nothing more is written for it here. */
class Taken extends Error {}

/** Works on replays of many, one after the other; of several processes one works on each. */
export class Replayer {
  readonly #find: () => Gateway;
  readonly #bell = new Bell();
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** @param find the gateway that this is a part of. */
  constructor(find: () => Gateway) {
    this.#find = find;
  }

  get #gateway(): Gateway {
    return this.#find();
  }

  /** From now on, beginning with what a process that ended left behind. */
  start(): void {
    this.#running = this.#run();
  }

  /** A replay was begun. */
  wake(): void {
    this.#bell.ring();
  }

  /** Ends after the callback that is under way; whoever comes next goes on behind it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const replay = await this.#claim();
        if (replay) await this.#work(replay);
        else await this.#bell.wait(signal, LOOK_EVERY_MS);
      } catch (error) {
        this.#gateway.log.warn({ err: error }, "a replay could not go on");
        await this.#bell.wait(signal, LOOK_EVERY_MS);
      }
    }
  }

  /** The oldest that nobody works on. Who waits for another's claim finds it taken. */
  async #claim(): Promise<Running | undefined> {
    const free = "state = 'running' and (lease_until is null or lease_until < now())";
    const [row] = await this.#gateway.database.query<Running>(
      `update replays set lease = $1::uuid, lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
       where id = (select id from replays where ${free} order by id limit 1) and ${free}
       returning id, filter, terms::text[] as terms, callback_id, dry_run, started_by, before, position, lease`,
      [randomUUID()],
    );
    return row;
  }

  async #work(replay: Running): Promise<void> {
    const { query } = this.#gateway.database;
    try {
      const rejected = (JSON.parse(replay.filter) as { status?: string }).status === "rejected";
      for (;;) {
        if (this.#stopping.signal.aborted) return await giveBack(query, replay);
        const ids = rejected ? await nextRejected(query, replay) : await nextStored(query, replay);
        if (ids.length === 0) return await end(query, replay, "done", null);
        const slice = new Slice(this.#gateway, replay, this.#stopping.signal);
        await (rejected ? slice.bringIn(ids) : slice.replay(ids));
        await breathe();
      }
    } catch (error) {
      if (error instanceof Taken) return;
      // A database that is away comes back; anything else would happen again and again.
      if (isAway(error)) throw error;
      this.#gateway.log.error({ err: error, replay: replay.id }, "a replay failed");
      await end(query, replay, "failed", "Something went wrong on our side. What it has emitted stays emitted.");
    }
  }
}

function isAway(error: unknown): boolean {
  if (error instanceof GatewayError) return error.status === 503;
  const state = sqlState(error);
  return state
    ? /^(08|40|53|57|58)/.test(state)
    : /^(E(?!RR_)[A-Z]+|CONNECT)/.test(String((error as { code?: unknown }).code ?? ""));
}

async function giveBack(query: Query, { id, lease }: Running): Promise<void> {
  await query("update replays set lease = null, lease_until = null where id = $1 and lease = $2::uuid", [id, lease]);
}

async function end(query: Query, { id, lease }: Running, state: "done" | "failed", error: string | null): Promise<void> {
  await query(
    `update replays set state = $3, error = $4, ended_at = now(), lease = null, lease_until = null
     where id = $1 and lease = $2::uuid and state = 'running'`,
    [id, lease, state, error],
  );
}

/** What a slice is taken from: behind the last one, before the replay began, since when, of which provider. */
function bounds({ filter, position, before }: Running) {
  const { since, provider } = JSON.parse(filter) as { since?: string; provider?: string };
  return {
    ...{ above: position ?? firstIdOf(0), below: before },
    ...{ from: since ? firstIdOf(Date.parse(since)) : null, provider: provider ?? null },
  };
}

/** The next callbacks, so many that their bodies fit. */
async function nextStored(query: Query, replay: Running): Promise<string[]> {
  const { status = null } = JSON.parse(replay.filter) as { status?: string };
  const rows = await listCallbacks<{ id: string; bytes: number }>(
    query,
    { columns: "id, octet_length(body) as bytes", order: "asc", limit: SLICE.callbacks },
    { ...bounds(replay), status, id: replay.callback_id, terms: replay.terms },
  );
  const ids: string[] = [];
  let room = SLICE.bytes;
  for (const row of rows) {
    room -= row.bytes;
    if (room < 0 && ids.length > 0) break;
    ids.push(row.id);
  }
  return ids;
}

async function nextRejected(query: Query, replay: Running): Promise<string[]> {
  const { above, below, from, provider } = bounds(replay);
  const rows = await query<{ id: string }>(
    `select id from rejections where id > $1::uuid and id < $2::uuid and ($3::uuid is null or id >= $3::uuid)
       and ($4::text is null or adapter = $4 or split_part(adapter, '/', 1) = $4)
       and code ~ $5 and body is not null order by id limit ${SLICE.callbacks}`,
    [above, below, from, provider, REPLAYABLE.source],
  );
  return rows.map((row) => row.id);
}

/** Callbacks that are in memory together, and what they came to so far. */
class Slice {
  readonly #gateway: Gateway;
  readonly #replay: Running;
  readonly #signal: AbortSignal;
  readonly #order: Order;
  #counts = nothing();
  #noted: Parameters<typeof noteReplays>[3] = [];
  #position: string | null = null;

  constructor(gateway: Gateway, replay: Running, signal: AbortSignal) {
    this.#gateway = gateway;
    this.#replay = replay;
    this.#signal = signal;
    this.#order = { by: replay.started_by, replay: replay.id };
  }

  /** Looks at all in a few statements, then writes what has to be written one by one. */
  async replay(ids: string[]): Promise<void> {
    const { database } = this.#gateway;
    const readings = new Map<string, Reading>();
    for (const stored of await readStored(database.query, ids)) {
      const reading = attempt(() => reread(this.#gateway, stored, this.#replay.started_by));
      if (reading) readings.set(stored.id, reading);
    }
    const { findings } = await examine(this.#gateway, database.query, [...readings.values()], { lock: false });
    const found = new Map(findings.map((finding) => [finding.reading.stored.id, finding]));
    for (const id of ids) {
      if (this.#signal.aborted) break;
      await this.#one(id, found.get(id));
    }
    await this.#flush();
  }

  async #one(id: string, finding: Finding | undefined): Promise<void> {
    if (finding?.writes && !this.#replay.dry_run)
      return this.#writing(id, (order) => replayStored(this.#gateway, order, finding.reading));
    if (!finding) return this.#add(id, { failed: 1 });
    const counts = countsOf(finding);
    this.#add(id, { ...counts, failed: Math.min(1, counts.failed) });
    if (counts.changed + counts.gone > 0 && !this.#replay.dry_run) this.#noted.push({ id, ...counts });
  }

  /** Refused ones, each verified again. */
  async bringIn(ids: string[]): Promise<void> {
    for (const id of ids) {
      if (this.#signal.aborted) break;
      if (!this.#replay.dry_run) await this.#writing(id, (order) => bringIn(this.#gateway, order, id, false));
      else await this.#foreseeing(id);
    }
    await this.#flush();
  }

  async #foreseeing(id: string): Promise<void> {
    try {
      const { added, waiting, failed } = await bringIn(this.#gateway, this.#order, id, true);
      this.#add(id, { added: added.length, waiting, failed: Math.min(1, failed) });
    } catch (error) {
      this.#refused(id, error);
    }
  }

  /** What is written takes the counts until then along, in its own transaction: after a crash nothing is counted twice, or not at all. */
  async #writing(id: string, write: (order: Order) => Promise<unknown>): Promise<void> {
    const finish = async (query: Query, counts: Counted) => {
      const all = sum(this.#counts, { ...nothing(), ...counts, failed: Math.min(1, counts.failed), looked_at: 1 });
      await this.#advance(query, all, id);
    };
    try {
      await breathe();
      await write({ ...this.#order, finish });
      [this.#counts, this.#noted, this.#position] = [nothing(), [], null];
    } catch (error) {
      this.#refused(id, error);
    }
  }

  /** @throws what is no refusal of this one callback. */
  #refused(id: string, error: unknown): void {
    if (!(error instanceof GatewayError) || error.status === 503) throw error;
    this.#add(id, error.code === "still_rejected" ? { still_rejected: 1 } : { failed: 1 });
  }

  #add(id: string, counts: Partial<Counts>): void {
    this.#counts = sum(this.#counts, { ...nothing(), ...counts, looked_at: 1 });
    this.#position = id;
  }

  async #flush(): Promise<void> {
    const { transaction } = this.#gateway.database;
    const position = this.#position;
    if (position !== null) await transaction((query) => this.#advance(query, this.#counts, position));
  }

  /** @throws Taken where it is no longer ours to work on: what stands in the same transaction is undone. */
  async #advance(query: Query, counts: Counts, position: string): Promise<void> {
    await noteReplays(this.#gateway, query, this.#order, this.#noted);
    const rows = await query(
      `update replays set position = $3::uuid, lease_until = now() + make_interval(secs => ${LEASE_SECONDS}),
         ${COUNTS.map((count, at) => `${count} = ${count} + $${at + 4}::int`).join(", ")}
       where id = $1 and lease = $2::uuid and state = 'running' returning id`,
      [this.#replay.id, this.#replay.lease, position, ...COUNTS.map((count) => counts[count])],
    );
    if (rows.length === 0) throw new Taken();
    this.#replay.position = position;
  }
}

function nothing(): Counts {
  return { looked_at: 0, added: 0, changed: 0, gone: 0, unchanged: 0, waiting: 0, failed: 0, still_rejected: 0 };
}

function sum(a: Counts, b: Counts): Counts {
  return Object.fromEntries(COUNTS.map((count) => [count, a[count] + b[count]])) as Counts;
}

/** Null for what cannot be replayed. */
function attempt<Value>(work: () => Value): Value | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof GatewayError) return null;
    throw error;
  }
}
