/** `HOMING_PROOF=tenth` runs a seeded tenth of every show; else the whole. */
const tenth = process.env.HOMING_PROOF === "tenth";
/** Another number is another order of everything. */
const seed = Number(process.env.HOMING_PROOF_SEED ?? 1);

/** How many of `whole` are run. */
export function extent(whole: number): number {
  return tenth ? Math.ceil(whole / 10) : whole;
}

/** One line with a show's figures. */
export function say(show: string, figures: string): void {
  console.log(`proof · ${show}: ${figures}`);
}

/** The same chances on every run (mulberry32). */
export type Chance = {
  /** In [0, 1). */
  next(): number;
  /** In [0, bound). */
  below(bound: number): number;
  pick<Item>(list: readonly Item[]): Item;
  shuffled<Item>(list: readonly Item[]): Item[];
};

export function chance(salt: number): Chance {
  let state = (seed * 0x9e3779b1 + salt) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    next,
    below,
    pick: (list) => list[below(list.length)] as (typeof list)[number],
    shuffled(list) {
      const copy = [...list];
      for (let last = copy.length - 1; last > 0; last -= 1) {
        const other = below(last + 1);
        [copy[last], copy[other]] = [copy[other] as (typeof copy)[number], copy[last] as (typeof copy)[number]];
      }
      return copy;
    },
  };
}

/** Does `work` on every item, `width` at a time. */
export async function inParallel<Item>(items: Iterable<Item>, width: number, work: (item: Item) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  const worker = async () => {
    for (let one = rest.next(); !one.done; one = rest.next()) await work(one.value);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
