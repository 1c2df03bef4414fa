import { Decider, evidenceOf, type Work } from "../../src/inbound/decide.ts";
import type { Binding, Evidence } from "../../src/inbound/resolve.ts";
import { Plan } from "../../src/inbound/write.ts";
import type { DataKeys } from "../../src/keys.ts";
import type { CallbackRequest } from "../../src/provider/define.ts";
import type { Outcome } from "../../src/provider/draft.ts";
import type { Adapter } from "../../src/registry.ts";
import { namedIn, referencesOf } from "./drafts.ts";

/** Whose a callback may be beside what its body says: workspaces that no body names. */
const OWNER = "0e0e0e0e-0000-4000-8000-0e0e0e0e0e0e";
const URL = "0f0f0f0f-0000-4000-8000-0f0f0f0f0f0f";
const BOUND = "0b0b0b0b-0000-4000-8000-0b0b0b0b0b0b";

/** What may be known when a callback comes, and where its items may then go unless the body says so. */
const worlds: { name: string; owner: string; path: Evidence["path"]; bound: boolean; home: string | null }[] = [
  { name: "with nothing known", owner: "platform", path: null, bound: false, home: null },
  { name: "with every reference bound", owner: "platform", path: null, bound: true, home: BOUND },
  {
    name: "at a workspace's URL with its token",
    owner: "platform",
    path: { workspace: URL, vouched: true },
    bound: false,
    home: URL,
  },
  {
    name: "at a workspace's URL without it",
    owner: "platform",
    path: { workspace: URL, vouched: false },
    bound: false,
    home: null,
  },
  { name: "by a workspace's own secret", owner: OWNER, path: null, bound: true, home: OWNER },
];

/**
 * The items as the gateway decides on them: each event and each lesson is for a workspace that body, URL, credential or binding name.
 * @throws where one of the steps behind the adapter does.
 */
export function* placingProblems(adapter: Adapter, items: Outcome[], request: CallbackRequest, keys: DataKeys): Iterable<string> {
  const there = wordsOf(Buffer.from(request.body));
  const isThere = (workspace: string) => there.includes(workspace.replace(/[^a-z0-9]/g, ""));
  for (const workspace of items.flatMap(namedIn)) if (!isThere(workspace)) yield `${workspace} is nowhere in the body`;
  // A reference to what nobody told would be everybody's: one binding of it would place them all.
  for (const { kind, value, unsigned } of items.flatMap(referencesOf))
    if (!unsigned && isMadeUp(value, there)) yield `the reference ${kind}:${value} is of nothing in the body`;
  for (const world of worlds) {
    const { plan, works } = decide(adapter, items, request, keys, world);
    const homes = [
      ...works.map(({ verdict }) => verdict?.workspace),
      ...plan.events.flatMap(({ workspace_id, body }) => [workspace_id, body.workspace_id]),
      ...plan.learned.map(({ workspace_id }) => workspace_id),
    ];
    for (const workspace of new Set(homes)) {
      if (workspace === undefined || workspace === world.home || isThere(workspace)) continue;
      yield `${world.name}, it goes to ${workspace}`;
    }
    // It is kept as JSON.
    JSON.stringify([plan.events, plan.waiting, plan.learned]);
  }
}

function decide(adapter: Adapter, items: Outcome[], request: CallbackRequest, keys: DataKeys, world: (typeof worlds)[number]) {
  const { name, providerName, dialect } = adapter;
  const binding: Binding & { expired: boolean } = {
    ...{ workspaceId: BOUND, otherWorkspaceId: null, origin: "told", places: true, context: null, expired: false },
  };
  const plan = new Plan(0);
  const found = {
    bindings: new Answering<typeof binding>((key) => (world.bound && key !== `${name} default:*` ? binding : undefined)),
    workspaces: new Answering<"open" | "closed">(() => "open"),
    keys: new Map(),
  };
  const decider = new Decider(found, plan, { keys, now: () => 0, ignoreTestMode: false });
  const states = new Map();
  const works = items.map((outcome, item): Work => {
    const evidence = evidenceOf({ adapter: name, owner: world.owner, path: world.path }, outcome, keys);
    const receivedAt = request.receivedAt.getTime();
    return { adapter: name, providerName, dialect, callbackId: "", item, receivedAt, outcome, evidence };
  });
  for (const work of works) decider.decide(work, states);
  return { plan, works };
}

/** A table that has an answer for what nobody put into it. */
class Answering<Value> extends Map<string, Value> {
  readonly #answer: (key: string) => Value | undefined;
  constructor(answer: (key: string) => Value | undefined) {
    super();
    this.#answer = answer;
  }
  override get(key: string): Value | undefined {
    return super.get(key) ?? this.#answer(key);
  }
}

/** Whether no part of a reference stands in the body, or one of them for a field that is not there. */
function isMadeUp(value: string, there: string): boolean {
  const parts = value.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const foreign = parts.filter((part) => !there.includes(part));
  if (foreign.some((part) => ["undefined", "null", "nan", "object"].includes(part))) return true;
  // Of other letters nothing is known here.
  return parts.length > 0 && foreign.length === parts.length && /^[ -~]*$/.test(value);
}

/** All that a body literally says, escapes undone; of it the letters (lower-case) and digits. */
function wordsOf(body: Buffer): string {
  const raw = body.toString();
  const readings = [raw];
  for (const read of [() => JSON.stringify(JSON.parse(raw)), () => decodeURIComponent(raw.replaceAll("+", " "))]) {
    try {
      readings.push(read());
    } catch {}
  }
  return readings
    .join("\n")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "");
}
