import fc from "fast-check";
import { vi } from "vitest";
import type { Adapter } from "../../../src/registry.ts";
import type { Fixture, Signer } from "../../support/fixtures.ts";
import { type Call, callOf, type Difference, gateway, type Library } from "./call.ts";
import { mutants } from "./mutants.ts";

const SEED = 20_261_122;

/** How often the library and the gateway said what of the copies. */
export type Tally = { accepted: number; refused: number; different: Record<string, number> };

/** What both say of a call. The library's clock is the call's. */
async function verdicts(
  library: Library,
  judge: (call: Call) => boolean,
  call: Call,
): Promise<{ library: boolean; gateway: boolean }> {
  vi.setSystemTime(call.now);
  let said = false;
  try {
    said = await library.accepts(call);
  } catch {
    // A throw is how most of them refuse.
  }
  return { library: said, gateway: judge(call) };
}

/** With a clock of the test's own, for libraries that ask for the time themselves. */
async function withClock<Result>(run: () => Promise<Result>): Promise<Result> {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    return await run();
  } finally {
    vi.useRealTimers();
  }
}

/** The fixtures, as they are, that one of the two refuses for no reason that is named. */
export function differingFixtures(library: Library, adapter: Adapter, fixtures: Fixture[], signer: Signer): Promise<string[]> {
  return withClock(async () => {
    const differing: string[] = [];
    for (const fixture of fixtures) {
      const call = callOf(fixture, signer.secret);
      const said = await verdicts(library, gateway(adapter, fixture), call);
      if (!said.gateway || (!said.library && !differenceOf(library, call, false)))
        differing.push(`${fixture.name}: ${JSON.stringify(said)}`);
    }
    return differing;
  });
}

/** Compares `copies` mutated copies of each fixture. @throws with the call, where they differ for no reason that is named. */
export function compareMutants(
  library: Library,
  adapter: Adapter,
  fixtures: Fixture[],
  signer: Signer,
  copies: number,
  seed = SEED,
): Promise<Tally> {
  const tally: Tally = { accepted: 0, refused: 0, different: {} };
  const calls = fixtures.map((fixture) => callOf(fixture, signer.secret));
  return withClock(async () => {
    for (const [index, call] of calls.entries()) {
      const judge = gateway(adapter, fixtures[index] as Fixture);
      const property = fc.asyncProperty(mutants(library, call, calls), async (mutant) => {
        const said = await verdicts(library, judge, mutant);
        if (said.library === said.gateway) tally[said.library ? "accepted" : "refused"] += 1;
        else {
          const named = differenceOf(library, mutant, said.library);
          if (!named)
            throw new Error(`only the ${said.library ? "library" : "gateway"} accepts, without a name: ${shown(mutant)}`);
          tally.different[named.name] = (tally.different[named.name] ?? 0) + 1;
        }
      });
      const details = await fc.check(property, { seed: seed + index, numRuns: copies });
      if (details.failed)
        throw new Error(`${fixtures[index]?.name} (path ${details.counterexamplePath}): ${details.errorInstance}`);
    }
    return tally;
  });
}

function differenceOf(library: Library, call: Call, accepted: boolean): Difference | undefined {
  const says = accepted ? "accepts" : "refuses";
  return library.differences.find((one) => (one.library === says || one.library === "either") && one.fits(call));
}

/** The examples of a difference of which both say the same after all, or which are of another kind than it says. */
export function rotten(library: Library, difference: Difference, adapter: Adapter, fixture: Fixture): Promise<string[]> {
  const [own] = library.signers;
  const stamp = String(Math.floor(fixture.now.getTime() / 1000));
  const plain = callOf(fixture, own.secret);
  const call = { ...plain, headers: { ...plain.headers, ...own.sign({ url: plain.url, body: plain.body, stamp, id: "msg_1" }) } };
  return withClock(async () => {
    const problems: string[] = [];
    const judge = gateway(adapter, fixture);
    const usual = await verdicts(library, judge, call);
    if (!usual.library || !usual.gateway) problems.push(`the call that it begins with is refused: ${JSON.stringify(usual)}`);
    if (difference.fits(call)) problems.push("an ordinary call is of that kind, too");
    const directions = new Set<boolean>();
    for (const example of difference.examples(call, own)) {
      const said = await verdicts(library, judge, example);
      const expected = difference.library === "either" ? said.library : difference.library === "accepts";
      if (said.library !== expected || said.gateway === expected) problems.push(`${JSON.stringify(said)} of ${shown(example)}`);
      if (!difference.fits(example)) problems.push(`does not fit ${shown(example)}`);
      directions.add(said.library);
    }
    if (directions.size !== (difference.library === "either" ? 2 : 1)) problems.push("its examples do not show all that it says");
    return problems;
  });
}

function shown({ body, ...call }: Call): string {
  return `${JSON.stringify(call)}\n${JSON.stringify(body.toString("latin1").slice(0, 2000))}`;
}
