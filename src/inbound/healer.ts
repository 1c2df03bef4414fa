import type { Logger } from "../log.ts";
import type { CommitOptions } from "./commit.ts";
import { countWaiting, dueReferences, findForgotten, heal, type Which, withoutReference } from "./heal.ts";

const SWEEP_EVERY_MS = 5000;
const ANSWER_WITHIN_MS = 4500;

/** Brings waiting items home, one slice after the other, in this process; other processes may do the same at the same time. */
export class Healer {
  readonly #options: CommitOptions;
  readonly #log: Logger;
  readonly #emitted: () => void;
  readonly #stopping = new AbortController();
  #chain: Promise<unknown> = Promise.resolve();
  readonly #watchers = new Set<{ references: Set<string>; rematched: number }>();
  #unseen = { waiting: new Set<string>(), references: new Set<string>() };
  #lookQueued = false;
  #sweepAfter: string | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** @param emitted told when something came home, so that it goes out at once. */
  constructor(options: CommitOptions, log: Logger, emitted: () => void = () => {}) {
    this.#options = options;
    this.#log = log;
    this.#emitted = emitted;
  }

  /** Sweeps from now on: at once, for what a crash left, and every 5 s. */
  start(): void {
    const sweep = async () => {
      await this.#enqueue(() => this.sweep()).catch((error: unknown) =>
        this.#log.error({ err: error }, "the sweep of what waits failed"),
      );
      if (!this.#stopping.signal.aborted) this.#timer = setTimeout(sweep, SWEEP_EVERY_MS).unref();
    };
    void sweep();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#chain.catch(() => {});
  }

  /** After a commit: others' commits that crossed ours can be seen now, and ours by them. In the background; never throws. */
  recheck({ waiting, references }: { waiting: string[]; references: string[] }): void {
    if (waiting.length + references.length === 0) return;
    for (const id of waiting) this.#unseen.waiting.add(id);
    for (const reference of references) this.#unseen.references.add(reference);
    if (this.#lookQueued) return;
    this.#lookQueued = true;
    // One look for all commits that came while the one before was under way.
    const look = async () => {
      this.#lookQueued = false;
      const unseen = this.#unseen;
      this.#unseen = { waiting: new Set(), references: new Set() };
      if (unseen.references.size > 0) await this.#all({ references: [...unseen.references] }, "binding");
      if (unseen.waiting.size > 0) await this.#rows([...unseen.waiting]);
    };
    this.#enqueue(look).catch((error: unknown) => this.#log.error({ err: error }, "looking again at what waits failed"));
  }

  async #rows(ids: string[]): Promise<void> {
    const references = await dueReferences(this.#options.database.query, ids);
    if (references.length > 0) await this.#all({ references }, "binding");
    const others = await withoutReference(this.#options.database.query, ids);
    if (others.length > 0) await this.#all({ ids: others }, "binding");
  }

  /**
   * For a person who waits: makes a change, and answers within 5 s with what it brought home so far; the rest goes on behind it.
   * `remaining` counts what still waits with these references. `by`: whose token makes the change.
   */
  async after<Result>(
    references: string[],
    cause: "binding" | "workspace",
    change: () => Promise<Result>,
    by?: string,
  ): Promise<{ result: Result; healed: { rematched: number; remaining: number } }> {
    // From before the change: a second look that is under way may be the first to see it.
    const watcher = { references: new Set(references), rematched: 0 };
    this.#watchers.add(watcher);
    try {
      const result = await change();
      const work = this.#enqueue(() => this.#all({ references }, cause, by));
      await within(work.catch((error: unknown) => this.#log.error({ err: error }, "healing failed")));
      return {
        result,
        healed: { rematched: watcher.rematched, remaining: await countWaiting(this.#options.database.query, references) },
      };
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  /**
   * Places what a person chose: `work` runs when what is being healed here is done, and hears when it should end early. Answers within 5 s; the
   * rest goes on behind it. What it throws until then is the caller's.
   */
  async place(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    let answered = false;
    const done = this.#enqueue(() => work(this.#stopping.signal)).catch((error: unknown) => {
      if (!answered) throw error;
      this.#log.error({ err: error }, "placing what was chosen failed");
    });
    await within(done);
    answered = true;
  }

  /** One sweep: what could be placed now and was forgotten between a crash and now. */
  async sweep(): Promise<void> {
    const { ids, next } = await findForgotten(this.#options.database.query, this.#sweepAfter);
    this.#sweepAfter = next;
    if (ids.length > 0) await this.#rows(ids);
  }

  /** Resolves when everything that was asked for until now is done. */
  async idle(): Promise<void> {
    await this.#chain.catch(() => {});
  }

  async #all(which: Which, cause: "binding" | "workspace", by?: string): Promise<void> {
    const tell = (refs: string[]) => {
      for (const watcher of this.#watchers) if (refs.some((ref) => watcher.references.has(ref))) watcher.rematched += 1;
    };
    const { emitted, taught } = await heal(which, { cause, ...(by && { by }) }, this.#options, this.#stopping.signal, tell);
    if (emitted > 0) {
      this.#log.info({ emitted, cause }, "waiting events came home");
      this.#emitted();
    }
    if (taught.length > 0) await this.#all({ references: taught }, "binding");
  }

  #enqueue<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#chain.then(work, work);
    this.#chain = done.catch(() => {});
    return done;
  }
}

/** Resolves with the work, or after 4.5 s: nobody waits longer for an answer. */
async function within(work: Promise<unknown>): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, ANSWER_WITHIN_MS);
  try {
    await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
