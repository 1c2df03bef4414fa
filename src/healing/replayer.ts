import { randomUUID } from "node:crypto";
import { Bell } from "../bus/bell.ts";
import { type Query, sqlState } from "../db/client.ts";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { breathe } from "./breathe.ts";
import { LEASE_SECONDS, nextRejected, nextStored, type Running } from "./running.ts";
import { Slice, Taken } from "./slice.ts";

/** How often a process looks for replays that nobody works on. */
const LOOK_EVERY_MS = 5000;

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
