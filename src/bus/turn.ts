import { randomUUID } from "node:crypto";
import type { Database, Query } from "../db/client.ts";

/** "hombus", as an advisory lock. */
const LOCK = 0x686f6d627573;
/** For how long an answer of the database is believed. After this nothing is published, until it has answered again. */
const SURE_MS = 10_000;
/** A process that hangs says nothing: PostgreSQL then ends its session, and another has its turn. Well after it has ceased to be sure. */
const SILENCE = "30s";

/** The turn is another's, or could be. */
export class TurnLost extends Error {}

/**
 * The turn of the one relay among all processes: a lock of a database session. The driver renews a broken connection by itself, and the
 * lock is gone with the old one: a mark that lives as long as the session tells.
 */
export class Turn {
  readonly #query: Query;
  readonly #mark: string;
  readonly #lost = new AbortController();
  #sureUntil: number;
  /** Comes when the turn is lost, or the relay is told to stop. */
  readonly signal: AbortSignal;

  private constructor(query: Query, mark: string, sureUntil: number, stopping: AbortSignal) {
    this.#query = query;
    this.#mark = mark;
    this.#sureUntil = sureUntil;
    this.signal = AbortSignal.any([this.#lost.signal, stopping]);
  }

  /** Tries once; null while it is another's. @param query of a session of its own. */
  static async take(kind: Database["kind"], query: Query, stopping: AbortSignal): Promise<Turn | null> {
    const mark = randomUUID();
    const sureUntil = performance.now() + SURE_MS;
    const silence = kind === "postgres" ? `, set_config('idle_session_timeout', '${SILENCE}', false)` : "";
    const [row] = await query<{ held: boolean }>(
      `select pg_try_advisory_lock(${LOCK}) as held, set_config('homing.turn', $1::text, false)${silence}`,
      [mark],
    );
    return row?.held ? new Turn(query, mark, sureUntil, stopping) : null;
  }

  /** @throws TurnLost where it is not certain to be ours still. Before everything that is published. */
  check(): void {
    if (performance.now() > this.#sureUntil) this.lose();
    if (this.signal.aborted) throw new TurnLost("another relay may have its turn");
  }

  /** Asks the database whether it is ours still; keeps the cursor, where there is one to be kept, only then. @throws TurnLost */
  async confirm(cursor?: string): Promise<void> {
    const asked = performance.now();
    const [row] = await within(
      SURE_MS,
      cursor === undefined
        ? this.#query<{ held: boolean }>("select current_setting('homing.turn', true) = $1::text as held", [this.#mark])
        : this.#query<{ held: boolean }>(
            `insert into cursors (name, position, created_at) select 'bus', $2::text, now()
             where current_setting('homing.turn', true) = $1::text
             on conflict (name) do update set position = excluded.position, created_at = excluded.created_at returning true as held`,
            [this.#mark, cursor],
          ),
    );
    if (!row?.held) {
      this.lose();
      throw new TurnLost("the session that had the turn is gone");
    }
    this.#sureUntil = asked + SURE_MS;
  }

  lose(): void {
    this.#lost.abort();
  }

  /** Lets the next one have it at once. */
  async end(): Promise<void> {
    this.lose();
    await within(
      SURE_MS,
      this.#query(`select pg_advisory_unlock(${LOCK}) where current_setting('homing.turn', true) = $1::text`, [this.#mark]),
    );
  }
}

/** @throws TurnLost after that time. */
async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new TurnLost("the database does not answer")), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
