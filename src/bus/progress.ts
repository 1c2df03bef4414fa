import type { Place } from "../events/log.ts";

/** How far everything is done that is begun in order and done in any: the place before the oldest that is not done yet. */
export class Progress {
  #cursor: Place;
  readonly #begun: { place: Place; done: boolean }[] = [];

  constructor(from: Place) {
    this.#cursor = from;
  }

  /** Up to here everything is done. */
  get cursor(): Place {
    return this.#cursor;
  }

  /** The oldest that is not done. */
  get oldest(): Place | undefined {
    return this.#begun[0]?.place;
  }

  /** How many stand between the cursor and the last that was begun. */
  get size(): number {
    return this.#begun.length;
  }

  /** What stands at this place is begun; call what it answers when it is done. Places come in the log's order. */
  begin(place: Place): () => void {
    const one = { place, done: false };
    this.#begun.push(one);
    return () => {
      one.done = true;
      this.#advance();
    };
  }

  /** Up to this place there is nothing more to begin. */
  pass(place: Place): void {
    const last = this.#begun.at(-1);
    if (last?.done) last.place = place;
    else this.#begun.push({ place, done: true });
    this.#advance();
  }

  #advance(): void {
    while (this.#begun[0]?.done) this.#cursor = (this.#begun.shift() as { place: Place }).place;
  }
}
