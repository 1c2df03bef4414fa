import { describe, expect, it } from "vitest";
import { type Adapter, registry } from "../../src/registry.ts";
import { fixtures, signersOf } from "../support/fixtures.ts";
import { stripe } from "./libraries/stripe.ts";
import { libraries, withoutLibrary } from "./libraries.ts";
import { compareMutants, differingFixtures, rotten, type Tally } from "./support/agreement.ts";
import { type Call, header, type Library } from "./support/call.ts";

/** Of each fixture; of all fixtures together where the library is slow. `npm run proof` compares many more. */
const COPIES = 1000;

const adapters = await registry();
const all = fixtures();
const verified = libraries.flatMap((library) =>
  library.adapters.map((name) => ({ name, library, adapter: adapters.get(name) as Adapter })),
);
const underTest = async (name: string) => ({
  own: all.filter((fixture) => fixture.adapter === name),
  signer: (await signersOf(name)).fixtureSigner,
});
const compare = async (library: Library, name: string, copies = COPIES): Promise<Tally> => {
  const { own, signer } = await underTest(name);
  const each = library.slow ? Math.ceil(copies / own.length) : copies;
  return compareMutants(library, adapters.get(name) as Adapter, own, signer, each);
};

describe.each(verified)("the gateway and $library.name, of $name", ({ name, library, adapter }) => {
  it("both accept every fixture, but for what is named below", async () => {
    const { own, signer } = await underTest(name);
    expect(await differingFixtures(library, adapter, own, signer)).toEqual([]);
  });

  it("say the same of mutated copies, but for what is named below", async () => {
    const { accepted, refused, different } = await compare(library, name);
    const differences = Object.values(different).reduce((sum, count) => sum + count, 0);
    const total = accepted + refused + differences;
    // Else they agree on nothing but what is easily refused.
    expect(accepted / total).toBeGreaterThan(0.2);
    expect(refused / total).toBeGreaterThan(0.2);
    expect(differences / total).toBeLessThan(0.15);
  });

  it.each(library.differences)("differ on purpose: $name", async (difference) => {
    const { own } = await underTest(name);
    expect(await rotten(library, difference, adapter, own[0] as (typeof own)[number])).toEqual([]);
  });
});

describe("the comparison", () => {
  const signature = (call: Call) => header(call, "stripe-signature") ?? "";
  const planted: [defect: string, accepts: (call: Call) => ReturnType<Library["accepts"]>][] = [
    ["believes everybody", () => true],
    ["believes nobody", () => false],
    ["does not look at the time", (call) => stripe.accepts({ ...call, now: 0 })],
    ["allows a second more", (call) => stripe.accepts({ ...call, now: call.now - 1000 })],
    [
      "verifies what it would write itself",
      (call) => stripe.accepts({ ...call, body: Buffer.from(JSON.stringify(JSON.parse(call.body.toString()))) }),
    ],
    [
      "reads signatures in any case",
      (call) => stripe.accepts({ ...call, headers: { "stripe-signature": signature(call).toLowerCase() } }),
    ],
    [
      "reads one signature only",
      (call) => stripe.accepts({ ...call, headers: { "stripe-signature": signature(call).split(",").slice(0, 2).join() } }),
    ],
    ["knows one secret only", (call) => stripe.accepts({ ...call, secret: "whsec_of_the_calls" })],
    ["knows header names as they were sent only", (call) => "stripe-signature" in call.headers && stripe.accepts(call)],
  ];

  it.each(planted)("sees a library that %s", async (_, accepts) => {
    const defective = { ...stripe, accepts };
    await expect(compare(defective, "stripe", 100)).rejects.toThrow("without a name");
  });
});

describe("every adapter that signs", () => {
  it("is verified by code that is not ours, or says why there is none", () => {
    const signing = [...adapters.values()].filter(({ provider }) => provider.verify.signs).map(({ name }) => name);
    const named = [...verified.map(({ name }) => name), ...withoutLibrary.keys()];
    expect(named.toSorted()).toEqual(signing.toSorted());
  });
});
