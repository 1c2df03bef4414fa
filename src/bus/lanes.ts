/** Does work side by side, and in order where it has the same key: a key always takes the same lane, a lane does one thing at a time. */
export class Lanes<Item> {
  readonly #lanes: Item[][];
  readonly #work: (item: Item) => Promise<void>;
  readonly #running = new Set<Promise<void>>();

  /** @param work what it throws ends its lane: what still waits there is not done. */
  constructor(count: number, work: (item: Item) => Promise<void>) {
    this.#lanes = Array.from({ length: count }, () => []);
    this.#work = work;
  }

  push(key: string, item: Item): void {
    const lane = this.#lanes[hash(key) % this.#lanes.length] as Item[];
    lane.push(item);
    if (lane.length > 1) return;
    const run = this.#run(lane).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Resolves when every lane is empty or has ended. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #run(lane: Item[]): Promise<void> {
    try {
      for (let item = lane[0]; item !== undefined; item = lane[0]) {
        await this.#work(item);
        lane.shift();
      }
    } catch {
      // The item stays at its head, so that nothing behind it overtakes it.
    }
  }
}

/** FNV-1a. */
function hash(key: string): number {
  let hashed = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) hashed = Math.imul(hashed ^ key.charCodeAt(at), 0x01000193);
  return hashed >>> 0;
}
