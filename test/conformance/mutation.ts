import fc from "fast-check";
import { translate } from "../../src/inbound/translate.ts";
import type { DataKeys } from "../../src/keys.ts";
import { ACME, type Fixture } from "../support/fixtures.ts";
import { outcomeProblems } from "./drafts.ts";
import { placingProblems } from "./placing.ts";
import type { Check, Subject } from "./subject.ts";

/** `npm run proof` reads ten times as many, and others. */
const RUNS = 1000;
const SEED = 20_261_122;

/** Digits beyond 2^53 and depth cannot be written by JSON.stringify: they are put in for these marks afterwards. */
const written = new Map([
  ['"@digits@"', "820982911946154508"],
  ['"@minus@"', "-9007199254740993"],
  ['"@exponent@"', "1e400"],
  ['"@deep@"', "[".repeat(30_000) + "]".repeat(30_000)],
  ['"@proto@"', '{"__proto__":{"homing_workspace_id":"__proto__"},"constructor":{},"toString":1}'],
]);

/** What stands in a field one day, although no documentation says so. */
const odd: unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 1e21, Number.MAX_SAFE_INTEGER, 99_999_999_999_999],
  ...["", " ", "0", "null", "constructor", "__proto__", "hasOwnProperty", "teleported", "\u0000", "a\ud800b", "☃".repeat(200)],
  ...["2026-13-45T99:99:99Z", "2026-11-22", "-1", "1e9", "Infinity", "NaN", "{{workspace_id}}", "__org__", "a".repeat(5000)],
  ...[`${ACME.replaceAll("-", "")}.m_1.c_1`, `${ACME}.`, ACME.toUpperCase(), "00000000-0000-0000-0000-000000000000"],
  ...[[], {}, [null], [[]], [{}], { id: {} }, { entity: null }, [1, "a"], ...[...written.keys()].map((mark) => JSON.parse(mark))],
];

type Tree = Record<string, unknown> | unknown[];
type Mutation = (body: Buffer, other: Fixture) => Buffer;

/** A place in the body, as a share of its length; anywhere alike. */
const place = fc.noBias(fc.nat(2 ** 30 - 1)).map((number) => number / 2 ** 30);
const at = (body: Buffer, share: number) => Math.floor(share * body.length);

const byteMutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.nat(255)).map(
    ([share, byte]): Mutation =>
      (body) => {
        const changed = Buffer.from(body);
        if (changed.length > 0) changed[at(body, share)] = byte;
        return changed;
      },
  ),
  fc.tuple(place, place).map(
    ([from, to]): Mutation =>
      (body) => {
        return Buffer.concat([body.subarray(0, at(body, Math.min(from, to))), body.subarray(at(body, Math.max(from, to)))]);
      },
  ),
  fc.tuple(place, place).map(
    ([from, to]): Mutation =>
      (body) => {
        return Buffer.concat([body.subarray(0, at(body, Math.max(from, to))), body.subarray(at(body, Math.min(from, to)))]);
      },
  ),
  fc.tuple(place, fc.string({ unit: "binary", maxLength: 8 })).map(
    ([share, text]): Mutation =>
      (body) => {
        return Buffer.concat([body.subarray(0, at(body, share)), Buffer.from(text), body.subarray(at(body, share))]);
      },
  ),
);

type How = { share: number; from: number; kind: "put" | "drop" | "rename" | "graft" | "double"; value: unknown };
const treeMutation: fc.Arbitrary<Mutation> = fc
  .record({
    share: place,
    from: place,
    kind: fc.constantFrom<How["kind"][]>("put", "drop", "rename", "graft", "double"),
    value: fc.constantFrom(...odd),
  })
  .map(
    (how): Mutation =>
      (body, other) =>
        inTree(body, other, how) ?? inWords(body, other, how),
  );

/** Changes the body's JSON; null where it is none. */
function inTree(body: Buffer, other: Fixture, how: How): Buffer | null {
  try {
    const tree: unknown = JSON.parse(body.toString());
    if (typeof tree !== "object" || tree === null) return null;
    change(tree as Tree, JSON.parse(other.body.toString()), how);
    let text = JSON.stringify(tree);
    for (const [mark, instead] of written) text = text.replaceAll(mark, instead);
    return Buffer.from(text);
  } catch {
    return null;
  }
}

/** Changes one word of a body that is no JSON (a form, parts): a name or a value, whatever it is. */
function inWords(body: Buffer, other: Fixture, { share, from, kind, value }: How): Buffer {
  const text = body.toString("latin1");
  const word = pick(wordsIn(text), share);
  if (!word) return body;
  const instead = {
    put: String(typeof value === "object" ? JSON.stringify(value) : value),
    drop: "",
    rename: "__proto__",
    graft: pick(wordsIn(other.body.toString("latin1")), from)?.[0] ?? "",
    double: word[0] + word[0],
  }[kind];
  const changed = Buffer.from(instead).toString("latin1");
  return Buffer.from(text.slice(0, word.index) + changed + text.slice(word.index + word[0].length), "latin1");
}

const wordsIn = (text: string) => [...text.matchAll(/[\w.@%+-]+/g)];
const pick = <Item>(items: Item[], share: number): Item | undefined => items[Math.floor(share * items.length)];

function change(tree: Tree, other: unknown, how: How): void {
  const slots = slotsOf(tree);
  const [parent, key] = pick(slots, how.share) ?? [];
  if (!parent || key === undefined) return;
  const set = (name: string, value: unknown) =>
    Object.defineProperty(parent, name, { value, enumerable: true, configurable: true, writable: true });
  const held = (parent as Record<string, unknown>)[key];
  if (how.kind === "put") set(key, how.value);
  if (how.kind === "drop" || how.kind === "rename") delete (parent as Record<string, unknown>)[key];
  if (how.kind === "rename") set(typeof how.value === "string" ? how.value : "__proto__", held);
  if (how.kind === "double") set(key, [held, held]);
  if (how.kind === "graft") {
    const others = slotsOf(other);
    const [donor, name] = pick(others, how.from) ?? [];
    if (donor && name !== undefined) set(key, structuredClone((donor as Record<string, unknown>)[name]));
  }
}

function slotsOf(value: unknown): [Tree, string][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.keys(value).flatMap((key): [Tree, string][] => [
    [value as Tree, key],
    ...slotsOf((value as Record<string, unknown>)[key]),
  ]);
}

type Mutable = Pick<Subject, "adapter" | "fixtures" | "runs" | "seed">;

/** Thousands of bodies that nobody planned for, each some mutations away from a fixture, under the headers of any fixture. */
export function mutationChecks({ adapter, fixtures, runs = RUNS, seed = SEED }: Mutable, keys: DataKeys): Check[] {
  const anyFixture = fc.constantFrom(...fixtures);
  const mutated = fc
    .record({
      base: anyFixture,
      other: anyFixture,
      under: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: anyFixture }),
      mutations: fc.array(fc.oneof({ weight: 7, arbitrary: treeMutation }, { weight: 1, arbitrary: byteMutation }), {
        minLength: 1,
        maxLength: 4,
      }),
    })
    .map(({ base, other, under, mutations }) => ({
      receivedAt: base.now,
      headers: (under ?? base).headers,
      body: mutations.reduce<Buffer>((body, mutate) => mutate(body, other), Buffer.from(base.body)),
    }));
  return [
    {
      name: "reads mutated bodies without a throw, keeps every draft by the catalogue, and sends none to a workspace of nobody's naming",
      *problems() {
        let readable = 0;
        const details = fc.check(
          fc.property(mutated, (request) => {
            const { items, failed } = translate(adapter.provider, request);
            if (items.length > 0) readable += 1;
            const problems = items.flatMap((item) => [...outcomeProblems(adapter, item, request.receivedAt)]);
            if (failed === "adapter_error") problems.push("the adapter threw");
            problems.push(...placingProblems(adapter, items, request, keys));
            if (problems.length > 0) throw new Error(`${problems.join("\n")}\nin ${request.body.toString().slice(0, 4000)}`);
          }),
          { seed, numRuns: runs },
        );
        if (details.failed) yield `${details.errorInstance} (path ${details.counterexamplePath})`;
        else if (readable < runs / 4) yield `only ${readable} of ${runs} mutated bodies could be read: they show nothing`;
      },
    },
  ];
}
