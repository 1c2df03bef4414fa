import { expect, it } from "vitest";
import { type Adapter, registry } from "../../src/registry.ts";
import { libraries } from "../signatures/libraries.ts";
import { compareMutants } from "../signatures/support/agreement.ts";
import { fixtures, signersOf } from "../support/fixtures.ts";
import { chance, extent, say } from "./support/extent.ts";

/** Of each fixture; of the libraries that are slow, a tenth of it. */
const COPIES = 10_000;

const adapters = await registry();
const verified = libraries.flatMap((library) => library.adapters.map((name) => ({ name, library })));

it.each(verified)(
  "the gateway and $library.name say the same of mutated callbacks of $name, but for what is named",
  async ({ name, library }) => {
    const own = fixtures().filter((fixture) => fixture.adapter === name);
    const { fixtureSigner } = await signersOf(name);
    const copies = extent(library.slow ? COPIES / 10 : COPIES);
    const seed = chance(name.length).below(2 ** 30);
    const tally = await compareMutants(library, adapters.get(name) as Adapter, own, fixtureSigner, copies, seed);
    expect(tally.accepted).toBeGreaterThan(copies);
    expect(tally.refused).toBeGreaterThan(copies);
    const different = Object.entries(tally.different).map(([difference, count]) => `${count} ${difference}`);
    say(
      "signatures",
      `${name}: ${copies} copies of each of ${own.length} fixtures; ${tally.accepted} accepted, ${tally.refused} refused by both; ${different.join(", ")}`,
    );
  },
);
