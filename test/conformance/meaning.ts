import { vi } from "vitest";
import { Decider, evidenceOf, isDraft, type Verdict, type Work } from "../../src/inbound/decide.ts";
import { type Translation, translate } from "../../src/inbound/translate.ts";
import { Plan } from "../../src/inbound/write.ts";
import type { DataKeys } from "../../src/keys.ts";
import type { Outcome } from "../../src/provider/draft.ts";
import { ACME, BETA, type Fixture } from "../support/fixtures.ts";
import { namedIn, outcomeProblems, referencesOf } from "./drafts.ts";
import { type Check, overFixtures, provingHeaders, type Subject, without } from "./subject.ts";

const HOUR_MS = 3_600_000;
/** A workspace that no fixture names. */
const STRANGER = "5a5a5a5a-0000-4000-8000-5a5a5a5a5a5a";

/** What holds for every translation of a fixture. */
export function meaningChecks(subject: Subject, keys: DataKeys): Check[] {
  const { adapter, fixtures } = subject;
  // A copy of the bytes each time: what one check finds must not depend on another.
  const read = ({ body, headers, now }: Fixture, change: Partial<Parameters<typeof translate>[1]> = {}) =>
    translate(adapter.provider, { body: Buffer.from(body), headers, receivedAt: now, ...change });
  return [
    {
      name: "translates every fixture to the .json beside it",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          if (shown(read(fixture)) !== subject.answer(fixture)) yield `became ${shown(read(fixture))}`;
        }),
    },
    {
      name: "answers the same twice, in any order and at any hour",
      *problems() {
        const first = atHour(0, () => fixtures.map((fixture) => shown(read(fixture))));
        const second = atHour(1, () => fixtures.toReversed().map((fixture) => shown(read(fixture)))).reverse();
        for (const [index, fixture] of fixtures.entries())
          if (first[index] !== second[index]) yield `${fixture.name}: became ${first[index]}, then ${second[index]}`;
      },
    },
    {
      name: "makes the same natural keys whenever it is resent",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          const later = new Date(fixture.now.getTime() + HOUR_MS);
          const [now, then] = [keysOf(read(fixture)), keysOf(read(fixture, { receivedAt: later }))];
          if (JSON.stringify(now) !== JSON.stringify(then)) yield `${now}, and an hour later ${then}`;
        }),
    },
    {
      name: "leaves the bytes as they are",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          const body = Buffer.from(fixture.body);
          read(fixture, { body });
          if (!body.equals(fixture.body)) yield "the body was changed";
        }),
    },
    {
      name: "makes sound outcomes of every fixture: drafts that become events by the catalogue, no empty reference, no throw",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          const { items, failed } = read(fixture);
          if (failed === "adapter_error") yield "the adapter threw";
          for (const [index, item] of items.entries())
            for (const problem of outcomeProblems(adapter, item, fixture.now)) yield `item ${index}: ${problem}`;
        }),
    },
    {
      name: "gives every item a natural key of its own",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          if (fixture.notes.repeats === "yes") return;
          const all = keysOf(read(fixture)).filter((key) => key !== null);
          for (const key of new Set(all.filter((key, index) => all.indexOf(key) !== index))) yield `the key ${key} comes twice`;
        }),
    },
    {
      name: "says of what kinds its references are, of all and of no other",
      *problems() {
        const seen = new Set(
          fixtures.flatMap((fixture) => read(fixture).items.flatMap((item) => referencesOf(item).map(({ kind }) => kind))),
        );
        for (const kind of seen) if (!adapter.provider.kinds.includes(kind)) yield `kinds lacks ${kind}`;
        for (const kind of adapter.provider.kinds) if (!seen.has(kind)) yield `no fixture has a reference of kind ${kind}`;
      },
    },
    {
      name: "lets no header that nothing vouches for place an item, enter its key or change what it says",
      problems: () => overFixtures(subject, (fixture) => headerProblems(subject, fixture)),
    },
    {
      name: "keeps two workspaces apart whose own accounts use the same ids",
      problems: () => overFixtures(subject, (fixture) => crossings(subject, read(fixture), fixture, keys)),
    },
    {
      name: "reads junk without a throw",
      *problems() {
        for (const fixture of fixtures.slice(0, 1)) {
          for (const body of junk()) {
            const { items, failed } = read(fixture, { body });
            const broken =
              failed === "adapter_error" || items.some((item) => "failed" in item && item.failed === "adapter_error");
            if (broken) yield `the adapter threw at ${body.subarray(0, 40)} (${body.length} bytes)`;
            for (const item of items) yield* outcomeProblems(adapter, item, fixture.now);
          }
        }
      },
    },
  ];
}

/** As it lies beside its fixture. */
export function shown(translation: Translation): string {
  return `${JSON.stringify(translation, null, 2)}\n`;
}

function keysOf({ items }: Translation): (string | null)[] {
  return items.map((item) => (isDraft(item) ? item.key : null));
}

/** Runs it by a clock that stands still, for adapters that ask for the time. */
function atHour<Result>(hour: number, run: () => Result): Result {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 22, hour) });
  try {
    return run();
  } finally {
    vi.useRealTimers();
  }
}

/** Puts a stranger's workspace into every header that is not signed, there or not, one at a time and all that are missing at once. */
function* headerProblems(subject: Subject, fixture: Fixture): Iterable<string> {
  const { adapter } = subject;
  const vouched = adapter.provider.verify.signs ? provingHeaders(subject, fixture) : [];
  const unsigned = without(fixture.headers, vouched);
  const asked = new Set<string>();
  const forged = new Proxy<Record<string, string>>(fixture.headers, {
    get(headers, name) {
      if (typeof name !== "string" || Object.hasOwn(headers, name)) return headers[name as string];
      asked.add(name);
      return STRANGER;
    },
  });
  const said = (headers: Record<string, string>) =>
    translate(adapter.provider, { body: Buffer.from(fixture.body), headers, receivedAt: fixture.now }).items;
  const truth = said(fixture.headers);
  const changed: [string, Record<string, string>][] = Object.keys(unsigned).map((name) => [
    name,
    { ...fixture.headers, [name]: STRANGER },
  ]);
  for (const [name, headers] of [...changed, ["one that was not sent", forged] as const]) {
    for (const [index, item] of said(headers).entries()) {
      const where = `item ${index}, header ${name}${name in fixture.headers ? "" : ` (${[...asked]})`}`;
      if (namedIn(item).includes(STRANGER)) yield `${where}: names a stranger's workspace`;
      if (JSON.stringify(vouchedPart(item)).includes(STRANGER)) yield `${where}: repeats what it says as if it were vouched for`;
      const before = truth[index];
      if (before && isDraft(before) && isDraft(item) && item.key !== before.key) yield `${where}: changes the natural key`;
    }
  }
}

/** An item without what it may repeat of a header: the provider's own words, and references that only object. */
function vouchedPart(item: Outcome): object {
  if ("ignored" in item) return { ignored: item.ignored };
  const references = referencesOf(item).filter((reference) => !reference.unsigned);
  return { ...item, references, provider_data: null };
}

/** The same bytes, once by each workspace's own secret: each gets all of its events, and only the second time is it a repeat. */
function* crossings(subject: Subject, { items }: Translation, fixture: Fixture, keys: DataKeys): Iterable<string> {
  const { name, providerName, dialect } = subject.adapter;
  const found = { bindings: new Map(), workspaces: new Map([ACME, BETA].map((id) => [id, "open" as const])), keys: new Map() };
  const decider = new Decider(found, new Plan(0), { keys, now: () => 0, ignoreTestMode: false });
  const states = new Map();
  const verdicts = (owner: string): (Verdict | undefined)[] =>
    items.map((item, index) => {
      const outcome = isDraft(item) ? { ...item, metadata: [] } : item;
      const work: Work = {
        ...{ adapter: name, providerName, dialect, callbackId: "", item: index, receivedAt: fixture.now.getTime(), outcome },
        evidence: { ...evidenceOf({ adapter: name, owner, path: null }, outcome, keys), metadata: [] },
      };
      decider.decide(work, states);
      return work.verdict;
    });
  const [acme, beta, again] = [verdicts(ACME), verdicts(BETA), verdicts(BETA)];
  for (const [index, verdict] of beta.entries()) {
    if (verdict?.verdict !== acme[index]?.verdict)
      yield `item ${index}: ${acme[index]?.verdict} for one, ${verdict?.verdict} for the other`;
    if (verdict?.verdict === "event" && again[index]?.verdict !== "duplicate")
      yield `item ${index}: resent, it is ${again[index]?.verdict}`;
  }
}

function junk(): Buffer[] {
  const nested = (open: string, close: string) => open.repeat(20_000) + close.repeat(20_000);
  const texts = [
    "",
    " ",
    "{}",
    "[]",
    "[[]]",
    "[{}]",
    "null",
    "[null]",
    "true",
    "0",
    "-0",
    "1e999",
    '""',
    '"a"',
    "<html>",
    "a=b&c=d",
    "\ufeff{}",
  ];
  return [
    ...texts.map((text) => Buffer.from(text)),
    Buffer.from("[".repeat(100_000)),
    Buffer.from(nested("[", "]")),
    Buffer.from(nested('{"a":', "}").replace('{"a":}', '{"a":1}')),
    Buffer.alloc(1024 * 1024, "a"),
    Buffer.from([0xff, 0xfe, 0x00, 0xd8, 0x80, 0xc0]),
    Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919 + (index >> 3)) % 256)),
  ];
}
