import type { Metadata, Reference } from "../provider/draft.ts";

/** `__org__`: a workspace like any other, always registered, never closed. */
export const ORG = "__org__";
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/;
/** Kinds that several workspaces may honestly share. Every other kind but `default` is exclusive. */
const SHARED = new Set(["customer", "user"]);
const PART = /^[A-Za-z0-9_-]{1,200}$/;

export type Source = "credential" | "path" | "metadata" | "lookup";
export type WaitingReason =
  | "no_reference_bound"
  | "reference_ambiguous"
  | "workspace_conflict"
  | "unknown_workspace"
  | "workspace_closed";

/** All that is known about whose an item is, before anything is looked up. */
export type Evidence = {
  adapter: string;
  /** Who owns the credential that vouched for the callback. */
  owner: "platform" | (string & {});
  /** The workspace in the URL; not vouched for, it is a hint that may object. */
  path: { workspace: string; vouched: boolean } | null;
  /** The provider's id of the message that it is about. */
  message: string | null;
  metadata: Metadata[];
  references: Reference[];
};

/** What is bound, as the look-up found it. */
export type Binding = {
  workspaceId: string;
  otherWorkspaceId: string | null;
  origin: "told" | "learned" | "ambiguous";
  places: boolean;
  context: Context | null;
};
/** Our own ids that go with an item. */
export type Context = { message_id?: string; campaign_id?: string; contact_id?: string };

/** One way that was tried: what it looked at, what it told, and whether it objected to the others. */
export type Way = {
  way: Source;
  looked_at: { where: string; value: string | null; found?: string }[];
  answer: string | null;
  objection: string | null;
};

/** Where a person says that it belongs. With `overrides` against whatever else answers, without only where nothing differs. */
export type Assigned = { workspace: string; overrides: boolean };

export type Resolution = {
  /** Null: it waits, for `reason`. */
  workspace: string | null;
  source: Source | "assigned" | null;
  reason: WaitingReason | null;
  /** The workspace that it names and that is not registered or closed: its registration heals it. */
  named: string | null;
  ways: Way[];
  context: Context;
  /** Whether the workspace came from what may teach. */
  teaches: boolean;
};

/** Column text of a reference: unique over all adapters. */
export function referenceKey(adapter: string, kind: string, value: string): string {
  return `${adapter} ${kind}:${value}`;
}

export function isShared(kind: string): boolean {
  return SHARED.has(kind);
}

/** A workspace id as it is kept (lower-case UUID with dashes, or `__org__`), or null where it is neither. */
export function workspaceId(value: unknown): string | null {
  if (typeof value !== "string") return null;
  const folded = value.trim().toLowerCase();
  if (folded === ORG) return ORG;
  if (!UUID.test(folded)) return null;
  const hex = folded.replaceAll("-", "");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const WORKSPACE_KEYS = ["homing_workspace_id", "workspace_id"] as const;
const CONTEXT_KEYS = ["message_id", "campaign_id", "contact_id"] as const;

/** Metadata with nothing but the keys that are read: what else stands there is the platform's own affair, and is kept nowhere. */
export function onlyRead(metadata: Metadata): Metadata {
  const { fields } = metadata;
  if (fields === null || typeof fields !== "object") return metadata;
  const known = [...WORKSPACE_KEYS, ...CONTEXT_KEYS].filter((name) => Object.hasOwn(fields, name));
  return { ...metadata, fields: Object.fromEntries(known.map((name) => [name, (fields as Record<string, unknown>)[name]])) };
}

type Echo = { workspace: string | null; looked: { where: string; value: string | null }[]; context: Context };

/** Reads what a provider echoed of ours: named keys of an object, or `<workspace>.<message>[.<campaign>[.<contact>]]`. */
export function readMetadata({ where, fields, names }: Metadata): Echo {
  if (typeof fields === "string") return readShort(where, fields);
  const echo: Echo = { workspace: null, looked: [], context: {} };
  if (fields === null || typeof fields !== "object" || Array.isArray(fields)) return echo;
  const own = (name: string) => {
    const value = Object.hasOwn(fields, name) ? (fields as Record<string, unknown>)[name] : undefined;
    return typeof value === "string" && value.trim() ? value.trim() : undefined;
  };
  for (const name of WORKSPACE_KEYS) {
    const value = own(name);
    if (value === undefined) continue;
    echo.looked.push({ where: `${where}.${name}`, value: value.slice(0, 200) });
    echo.workspace ??= workspaceId(value);
  }
  for (const name of CONTEXT_KEYS) {
    const value = name === "message_id" && names === false ? undefined : own(name);
    if (value) echo.context[name] = value.slice(0, 300);
  }
  return echo;
}

function readShort(where: string, value: string): Echo {
  const [workspace = "", message, campaign, contact, ...rest] = value.trim().split(".");
  const parts = [message, campaign, contact].filter((part) => part !== undefined);
  const id = parts.length > 0 && rest.length === 0 && parts.every((part) => PART.test(part)) ? workspaceId(workspace) : null;
  return {
    workspace: id,
    looked: value.trim() ? [{ where, value: value.trim().slice(0, 200) }] : [],
    context: id
      ? { message_id: message as string, ...(campaign && { campaign_id: campaign }), ...(contact && { contact_id: contact }) }
      : {},
  };
}

/** Every reference that has to be looked up for this evidence, as column text. */
export function lookups(evidence: Evidence): string[] {
  if (evidence.owner !== "platform") return [];
  return [...evidence.references.map((one) => referenceKey(evidence.adapter, one.kind, one.value)), defaultKey(evidence.adapter)];
}

function defaultKey(adapter: string): string {
  return referenceKey(adapter, "default", "*");
}

/** The workspaces that the evidence itself names. */
export function namedWorkspaces(evidence: Evidence): string[] {
  const named = [evidence.path?.workspace, ...evidence.metadata.map((one) => readMetadata(one).workspace)];
  if (evidence.owner !== "platform") named.push(evidence.owner);
  return named.filter((one) => typeof one === "string");
}

/**
 * Whose is it? Four ways, and they must agree (CONTRACT §4). Pure: `bound` and `registered` say what was found.
 * @param registered what is known of a workspace: open, closed, or null where nobody registered it.
 * @param assigned what a person decided, as one more that answers.
 */
export function resolve(
  evidence: Evidence,
  bound: (reference: string) => Binding | undefined,
  registered: (workspace: string) => "open" | "closed" | null,
  assigned: Assigned | null = null,
): Resolution {
  const platform = evidence.owner === "platform";
  const credential: Way = {
    way: "credential",
    looked_at: [{ where: "secret", value: platform ? "the platform's" : evidence.owner }],
    answer: platform ? null : evidence.owner,
    objection: null,
  };
  const { path: url } = evidence;
  const path: Way = {
    way: "path",
    looked_at: url ? [{ where: url.vouched ? "url" : "url (a hint: nothing vouches for it)", value: url.workspace }] : [],
    answer: url?.vouched ? url.workspace : null,
    objection: null,
  };
  const echoes = evidence.metadata.map((entry) => ({ ...readMetadata(entry), ours: entry.teaches !== false }));
  const told = echoes.filter((echo) => echo.workspace !== null);
  const metadata: Way = {
    way: "metadata",
    looked_at: echoes.flatMap((echo) => echo.looked),
    answer: told[0]?.workspace ?? null,
    objection: told.find((echo) => echo.workspace !== told[0]?.workspace)?.workspace ?? null,
  };
  const lookup = lookUp(evidence, bound);

  const ways = [credential, path, metadata, lookup.way];
  const stronger = [credential, path, metadata].find((way) => way.answer !== null);
  const winner = stronger ?? (lookup.way.answer ? lookup.way : null);
  const answer = winner?.answer ?? assigned?.workspace ?? null;
  if (answer) {
    for (const way of [credential, path, metadata]) if (way.answer && way.answer !== answer) way.objection = way.answer;
    if (url && !url.vouched && url.workspace !== answer) path.objection = url.workspace;
    lookup.way.objection = lookup.objections.find((one) => one !== answer) ?? null;
  }
  const isConflict = ways.some((way) => way.objection !== null);
  const workspace = assigned?.overrides ? assigned.workspace : answer;
  const context = contextOf(echoes, workspace, lookup.contexts);
  // What a person decided against the ways is true of this one alone.
  const teaches =
    platform && (path.answer !== null || told.some((echo) => echo.ours)) && winner?.answer === workspace && !isConflict;
  const wait = (reason: WaitingReason, named: string | null = null): Resolution => {
    return { workspace: null, source: null, reason, named, ways, context, teaches: false };
  };
  if (!workspace) return wait(lookup.ambiguous ? "reference_ambiguous" : "no_reference_bound");
  if (isConflict && !assigned?.overrides) return wait("workspace_conflict");
  const state = workspace === ORG ? "open" : registered(workspace);
  if (state === null) return wait("unknown_workspace", workspace);
  if (state === "closed") return wait("workspace_closed", workspace);
  const source = winner && workspace !== assigned?.workspace ? winner.way : "assigned";
  return { workspace, source, reason: null, named: null, ways, context, teaches };
}

/** Most specific first, `default` last. What is exclusive must agree whether or not it answers. */
function lookUp(evidence: Evidence, bound: (reference: string) => Binding | undefined) {
  const way: Way = { way: "lookup", looked_at: [], answer: null, objection: null };
  const objections: string[] = [];
  const contexts: { workspace: string; context: Context }[] = [];
  let ambiguous = false;
  if (evidence.owner !== "platform") return { way, objections, contexts, ambiguous };
  for (const reference of evidence.references) {
    const binding = bound(referenceKey(evidence.adapter, reference.kind, reference.value));
    const place = { where: reference.kind, value: reference.value };
    if (!binding) {
      way.looked_at.push(place);
      continue;
    }
    if (binding.origin === "ambiguous") {
      ambiguous = true;
      way.looked_at.push({ ...place, found: `${binding.workspaceId} and ${binding.otherWorkspaceId}` });
      continue;
    }
    way.looked_at.push({ ...place, found: binding.workspaceId });
    if (binding.context) {
      const { message_id, ...rest } = binding.context;
      const ofThisMessage =
        reference.kind === "message" || reference.kind === "recipient" || reference.value === evidence.message;
      contexts.push({ workspace: binding.workspaceId, context: ofThisMessage ? binding.context : rest });
    }
    const answers = way.answer === null && binding.places && !reference.unsigned;
    if (answers) way.answer = binding.workspaceId;
    // An id of our own account never objects; a shared one only where somebody told it, and only as the answer.
    const objects = !reference.own && (!isShared(reference.kind) || (answers && binding.origin === "told"));
    if (objects) objections.push(binding.workspaceId);
  }
  const fallback = bound(defaultKey(evidence.adapter));
  if (way.answer === null && fallback) {
    way.answer = fallback.workspaceId;
    way.looked_at.push({ where: "default", value: "*", found: fallback.workspaceId });
  }
  return { way, objections, contexts, ambiguous };
}

/** What was echoed goes before what was learned; what is ours before what a stranger may have written. */
function contextOf(
  echoes: { workspace: string | null; ours: boolean; context: Context }[],
  workspace: string | null,
  learned: { workspace: string; context: Context }[],
): Context {
  const echoed = echoes.filter((echo) => echo.workspace === null || echo.workspace === workspace);
  const strongestLast = [
    ...learned.filter((one) => one.workspace === workspace).toReversed(),
    ...echoed.filter((echo) => !echo.ours).toReversed(),
    ...echoed.filter((echo) => echo.ours).toReversed(),
  ];
  return Object.assign({}, ...strongestLast.map((one) => one.context));
}
