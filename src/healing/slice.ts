import type { Query } from "../db/client.ts";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { breathe } from "./breathe.ts";
import { bringIn } from "./bring-in.ts";
import { examine } from "./examine.ts";
import type { Finding } from "./finding.ts";
import { type Counted, noteReplays, type Order } from "./order.ts";
import { countsOf, replayStored } from "./replay.ts";
import { LEASE_SECONDS, type Running } from "./running.ts";
import { type Reading, readStored, reread } from "./stored.ts";

const COUNTS = ["looked_at", "added", "changed", "gone", "unchanged", "waiting", "failed", "still_rejected"] as const;
type Counts = Record<(typeof COUNTS)[number], number>;

/** It was stopped, or another process has taken it over: nothing more is written for it here. */
export class Taken extends Error {}

/** Callbacks that are in memory together, and what they came to so far. */
export class Slice {
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
