import type { Database, Query } from "../db/client.ts";
import { type Entry, frontier, oldestDay, type Place, readEntries, readPlace, START, showPlace } from "../events/log.ts";
import { showId } from "../ids.ts";
import type { Logger } from "../log.ts";
import { Bell, pause } from "./bell.ts";
import { Lanes } from "./lanes.ts";
import type { Link } from "./link.ts";
import { Progress } from "./progress.ts";
import { type Outcome, Publisher } from "./publisher.ts";
import { Turn, TurnLost } from "./turn.ts";

/** Workspaces are spread over so many lanes; each has one event under way. */
const LANES = 64;
const PAGE = 500;
/** What may be read and not be acknowledged yet, whichever comes first. */
const UNDER_WAY = { events: 4000, bytes: 32 * 1024 * 1024 };
/** Commits of other processes are noticed by looking. */
const LOOK_EVERY_MS = 250;
const KEEP_EVERY_MS = 1000;
const TURN_EVERY_MS = 1000;
const DAY_MS = 86_400_000;
/** A cursor that nothing moves is kept anew after that time, because it tells which days still matter. */
const REFRESH_MS = 600_000;

export type BusStatus = {
  /** `standby`: another process relays. */
  state: "connected" | "reconnecting" | "standby";
  /** Age of the oldest event that the bus does not have; null where another process knows. */
  behind_seconds: number | null;
};

export type RelayOptions = {
  database: Database;
  link: Link;
  /** The database's time. */
  now: () => number;
  log: Logger;
  /** Told of each event that is done with. */
  done: (outcome: Outcome) => void;
};

/** What one turn is about. */
type Leading = {
  turn: Turn;
  progress: Progress;
  lanes: Lanes<() => Promise<void>>;
  /** Under way. */
  bytes: number;
  /** Done since the cursor was kept. */
  done: number;
};

/**
 * Brings the log to the bus: every event, in commit order per workspace, at least once, and once as far as the stream can tell. One process at
 * a time relays; the others stand by. The log is the queue: while the bus is away nothing is held but the cursor.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #stopping = new AbortController();
  readonly #news = new Bell();
  readonly #room = new Bell();
  #leading: Leading | null = null;
  #running: Promise<void> | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.link.start();
    this.#running = this.#run();
  }

  /** Something was committed here: it goes out at once. */
  wake(): void {
    this.#news.ring();
  }

  /** Ends what is under way, keeps the cursor and lets another process have its turn. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#options.link.stop();
  }

  status(): BusStatus {
    if (!this.#leading) return { state: "standby", behind_seconds: null };
    const oldest = this.#leading.progress.oldest;
    const behind = oldest ? Math.max(0, this.#options.now() - oldest.at) / 1000 : 0;
    return { state: this.#options.link.problem === null ? "connected" : "reconnecting", behind_seconds: behind };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#options.database.session((query) => this.#takeTurn(query));
      } catch (error) {
        if (error instanceof TurnLost) this.#options.log.warn({ problem: error.message }, "the bus's relay lost its turn");
        else this.#options.log.warn({ err: error }, "the bus's relay was interrupted");
      }
      await pause(TURN_EVERY_MS, signal);
    }
  }

  async #takeTurn(query: Query): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const turn = await Turn.take(this.#options.database.kind, query, signal);
      if (turn) return this.#lead(turn);
      await pause(TURN_EVERY_MS, signal);
    }
  }

  async #lead(turn: Turn): Promise<void> {
    const { database, link, log } = this.#options;
    const untouched = await frontier(database.query);
    const cursor = await this.#cursor();
    if (cursor.epoch > 0 && cursor.epoch < untouched.epoch)
      log.warn(
        "the log has begun a new epoch: where the database was put back to an earlier moment, what it told the bus since may come twice",
      );
    const progress = new Progress(cursor);
    const publisher = new Publisher(link, database.query, turn, untouched);
    let failure: unknown;
    const lanes = new Lanes<() => Promise<void>>(LANES, async (work) => {
      try {
        await work();
      } catch (error) {
        failure ??= error;
        turn.lose();
        throw error;
      }
    });
    const leading: Leading = { turn, progress, lanes, bytes: 0, done: 0 };
    this.#leading = leading;
    log.info({ cursor: showPlace(cursor) }, "the bus's relay has begun");
    try {
      // Where one ends, the other must.
      const part = (work: Promise<void>) => work.finally(() => turn.lose());
      await Promise.all([part(this.#read(leading, publisher)), part(this.#keep(leading, cursor))]);
    } finally {
      await lanes.idle();
      this.#leading = null;
      if (this.#stopping.signal.aborted) await turn.confirm(showPlace(progress.cursor));
      await turn.end();
    }
    if (failure && !this.#stopping.signal.aborted) throw failure;
  }

  async #read(leading: Leading, publisher: Publisher): Promise<void> {
    const { turn, progress, lanes } = leading;
    const { query } = this.#options.database;
    for (let place = progress.cursor; !turn.signal.aborted; ) {
      if (progress.size >= UNDER_WAY.events || leading.bytes >= UNDER_WAY.bytes) {
        await this.#room.wait(turn.signal);
        continue;
      }
      const { entries, next } = await readEntries(query, place, {}, PAGE);
      if (place.at > 0 && this.#options.now() - place.at > DAY_MS) await this.#tellWhatIsGone(place, entries[0]);
      for (const entry of entries) {
        const done = progress.begin(entry.place);
        leading.bytes += entry.body.length;
        lanes.push(entry.workspace, async () => {
          this.#tell(await publisher.publish(entry), entry);
          done();
          leading.done += 1;
          leading.bytes -= entry.body.length;
          this.#room.ring();
        });
      }
      place = next;
      if (entries.length === PAGE) continue;
      progress.pass(next);
      await this.#news.wait(turn.signal, LOOK_EVERY_MS);
    }
  }

  /** Keeps the cursor, and asks for the turn, as long as it lasts. */
  async #keep(leading: Leading, kept: Place): Promise<void> {
    const { turn, progress } = leading;
    for (;;) {
      await pause(KEEP_EVERY_MS, turn.signal);
      if (turn.signal.aborted) return;
      const { cursor } = progress;
      const isDue = leading.done > 0 || cursor.at - kept.at > REFRESH_MS;
      leading.done = 0;
      await turn.confirm(isDue ? showPlace(cursor) : undefined);
      if (isDue) kept = cursor;
    }
  }

  async #cursor(): Promise<Place> {
    const [row] = await this.#options.database.query<{ position: string }>("select position from cursors where name = 'bus'");
    return row ? readPlace(row.position) : START;
  }

  #tell(outcome: Outcome, { id, body }: Entry): void {
    this.#options.done(outcome);
    if (outcome === "too_large")
      this.#options.log.error(
        { event: showId("event", id), characters: body.length },
        "an event is larger than the bus takes (max_payload): it is in the log alone",
      );
  }

  /** The log does not wait for the bus for ever: days past their retention are dropped. */
  async #tellWhatIsGone(from: Place, first: Entry | undefined): Promise<void> {
    const until = await oldestDay(this.#options.database.query);
    if (from.at >= until) return;
    // Numbers of the sequence may have been left out, and never come twice.
    const atMost = first && from.seq !== START.seq ? Number(BigInt(first.place.seq) - BigInt(from.seq)) - 1 : null;
    this.#options.log.error(
      { from: new Date(from.at).toISOString(), until: new Date(until).toISOString(), at_most_events: atMost },
      "days of the log were dropped before the bus had their events: it goes on with the oldest that there is",
    );
  }
}
