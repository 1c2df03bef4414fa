import { expect, it } from "vitest";
import { registry } from "../../src/registry.ts";
import { memoryKeys } from "../conformance/drafts.ts";
import { mutationChecks } from "../conformance/mutation.ts";
import { fixtures } from "../support/fixtures.ts";
import { chance, extent, say } from "./support/extent.ts";

const BODIES = 10_000;

const adapters = await registry();
const all = fixtures();
const keys = await memoryKeys();

it.each([...adapters.values()])("no mutated body makes $name throw or go to a workspace of nobody's naming", (adapter) => {
  const runs = extent(BODIES);
  const seed = chance(adapter.name.length).below(2 ** 31);
  const own = all.filter((fixture) => fixture.adapter === adapter.name);
  const began = performance.now();
  const problems = mutationChecks({ adapter, fixtures: own, runs, seed }, keys).flatMap((check) => [...check.problems()]);
  expect(problems).toEqual([]);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  say("mutated bodies", `${adapter.name}: ${runs} copies of ${own.length} fixtures, 0 throws, 0 astray, ${seconds} s`);
});
