import type { Bus, BusMessage, Link } from "../../../src/bus/link.ts";
import type { Chance } from "../../proof/support/extent.ts";

/** What goes wrong, as a share of all publishes. */
type Trouble = { refused: number; unanswered: number };

/**
 * A stream in memory that remembers no ids: what is published twice is there twice. Some publishes do not arrive, of some the answer gets lost;
 * answers take their time, so that they come in any order.
 */
export class MemoryStream {
  readonly messages: BusMessage[] = [];
  asked = 0;
  readonly #dice: Chance;
  readonly #trouble: Trouble;
  readonly #held = new Map<string, (error: Error) => void>();
  readonly #holds = new Set<string>();
  readonly #watchers: { count: number; resolve: () => void }[] = [];

  constructor(dice: Chance, trouble: Trouble = { refused: 0, unanswered: 0 }) {
    this.#dice = dice;
    this.#trouble = trouble;
  }

  /** Keeps what comes for this workspace without storing or answering it, until it is released. */
  hold(workspace: string): void {
    this.#holds.add(workspace);
  }

  release(): void {
    this.#holds.clear();
    for (const reject of this.#held.values()) reject(new Error("no answer came"));
    this.#held.clear();
  }

  /** Resolves when it has that many messages. */
  reaches(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#watchers.push({ count, resolve });
    this.#notice();
    return promise;
  }

  /** A way to it, for one relay. */
  link(): Link {
    let current = this.#bus();
    return {
      problem: null,
      start: () => {},
      stop: async () => {},
      ready: async (signal) => {
        signal.throwIfAborted();
        return current;
      },
      failed: (bus) => {
        if (bus === current) current = this.#bus();
      },
    };
  }

  #bus(): Bus {
    return {
      publish: async (message) => {
        const workspace = message.subject.split(".")[1] as string;
        if (this.#holds.has(workspace)) await new Promise((_, reject) => this.#held.set(workspace, reject));
        await this.#aWhile();
        const fate = this.#dice.next();
        if (fate < this.#trouble.refused) throw new Error("not enabled");
        this.messages.push(message);
        this.#notice();
        await this.#aWhile();
        if (fate < this.#trouble.refused + this.#trouble.unanswered) throw new Error("no answer came");
        return { duplicate: false };
      },
      last: async (subject) => {
        this.asked += 1;
        await this.#aWhile();
        return this.messages.findLast((message) => message.subject === subject)?.id ?? null;
      },
    };
  }

  async #aWhile(): Promise<void> {
    for (let turns = this.#dice.below(4); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
  }

  #notice(): void {
    for (const { count, resolve } of this.#watchers) if (this.messages.length >= count) resolve();
  }
}
