import { buildEvent, type Event, occurredAt } from "../events/build.ts";
import { newId } from "../ids.ts";
import type { DataKeys } from "../keys.ts";
import type { Draft, FactDraft, Outcome, Reference } from "../provider/draft.ts";
import {
  type Assigned,
  type Binding,
  type Context,
  type Evidence,
  isShared,
  lookups,
  namedWorkspaces,
  ORG,
  onlyRead,
  type Resolution,
  referenceKey,
  resolve,
  type Way,
} from "./resolve.ts";
import { applyState, type KnownState, stateKey } from "./state.ts";
import type { Plan } from "./write.ts";

export type VerdictWord = "event" | "waiting" | "duplicate" | "taught" | "ignored" | "failed";
/** What became of one item. */
export type Verdict = {
  verdict: VerdictWord;
  reason: string | null;
  /** The provider's word that no rule knows. */
  word?: string;
  eventId?: string;
  firstCallbackId?: string;
  ways?: Way[];
  workspace?: string;
};

/** What looks again at an item that waited. */
export type Cause = "binding" | "workspace" | "assigned";

/** One item on its way to a verdict: of a callback that has just come, or one that waited. */
export type Work = {
  adapter: string;
  providerName: string;
  dialect: string | null;
  callbackId: string;
  item: number;
  receivedAt: number;
  outcome: Outcome;
  evidence: Evidence;
  /** Set where it waited: its row, what looks for it again now, and whose token that is. */
  waited?: { id: string; cause: Cause; by: string | null };
  /** Set where a person says whose it is. */
  assigned?: Assigned;
  /** Set where its callback is read again: whose token asked for that. */
  replayedBy?: string;
  /** The guard's digest of its natural key, once asked for. */
  naturalKey?: string;
  /** Filled by `decide`. */
  verdict?: Verdict;
};

/** What the look-up statement found. */
export type Found = {
  bindings: Map<string, Binding & { expired: boolean }>;
  workspaces: Map<string, "open" | "closed">;
  /** By natural key: who has it. */
  keys: Map<string, KnownKey[]>;
};
export type KnownKey = {
  owner: string;
  eventId: string | null;
  callbackId: string | null;
  waiting: { id: string } | null;
};

export type DecideOptions = { keys: DataKeys; now: () => number; ignoreTestMode: boolean };

const DAY_MS = 86_400_000;
/** A longer "id" is none, and would not fit an index. */
const LONGEST_REFERENCE = 300;

export function isDraft(outcome: Outcome): outcome is Draft {
  return "key" in outcome;
}

/** The evidence for an item: what the callback brings, and what the item itself says. */
export function evidenceOf(
  callback: { adapter: string; owner: string; path: Evidence["path"] },
  outcome: Outcome,
  keys: DataKeys,
): Evidence {
  const said = "teaches" in outcome ? outcome.teaches : isDraft(outcome) ? outcome : {};
  const references = (said.references ?? []).filter((one) => one.value !== "" && one.value.length <= LONGEST_REFERENCE);
  return {
    ...callback,
    message: isDraft(outcome) && "status" in outcome ? outcome.data.message_id : null,
    metadata: (said.metadata ?? []).map(onlyRead),
    references: [...recipientReference(outcome, references, keys), ...references],
  };
}

/** Where one message goes to several people, what was learned of one of them must not reach another. */
function recipientReference(outcome: Outcome, references: Reference[], keys: DataKeys): Reference[] {
  const recipient = isDraft(outcome) ? recipientOf(outcome) : null;
  const message = references.find((one) => one.kind === "message");
  if (!recipient || !message) return [];
  return [{ ...message, kind: "recipient", value: `${message.value}#${keys.digest("recipient", recipient.toLowerCase())}` }];
}

export function recipientOf(draft: Draft): string | null {
  const recipient = "status" in draft ? draft.provider_data?.recipient : null;
  return typeof recipient === "string" && recipient ? recipient : null;
}

/** The guard's digest of an item's natural key; null for what cannot become an event. */
function naturalKeyOf(work: Work, keys: DataKeys): string | null {
  if (!isDraft(work.outcome)) return null;
  work.naturalKey ??= keys.digest(work.adapter, work.outcome.key);
  return work.naturalKey;
}

function waitingOwner(work: Work, keys: DataKeys): string {
  return keys.ownerDigest(`waiting ${work.evidence.owner}`);
}

/** What has to be looked up before these items can be decided. */
export function wanted(works: Work[], keys: DataKeys): { references: string[]; workspaces: string[]; keys: string[] } {
  return {
    references: [...new Set(works.flatMap((work) => lookups(work.evidence)))],
    workspaces: [
      ...new Set(
        works.flatMap((work) => [...namedWorkspaces(work.evidence), ...(work.assigned ? [work.assigned.workspace] : [])]),
      ),
    ].filter((id) => id !== ORG),
    keys: [...new Set(works.map((work) => naturalKeyOf(work, keys)).filter((key) => key !== null))],
  };
}

/** Whose an item is, by what was found. */
export function resolveBy(found: Found, evidence: Evidence, assigned: Assigned | null = null): Resolution {
  return resolve(
    evidence,
    (reference) => {
      const binding = found.bindings.get(reference);
      return binding?.expired ? undefined : binding;
    },
    (workspace) => found.workspaces.get(workspace) ?? null,
    assigned,
  );
}

/** What a waiting row keeps of its item. */
export function waitingPart(work: Work, draft: Draft, resolution: Resolution) {
  return {
    occurred_at: new Date(occurredAt(draft, work.receivedAt).at),
    reason: resolution.reason as string,
    refs: [...lookups(work.evidence), ...(resolution.named ? [`workspace:${resolution.named}`] : [])],
    // The evidence holds what is read of its metadata and references.
    draft: { outcome: { ...draft, metadata: [], references: [] }, evidence: work.evidence },
  };
}

/**
 * Decides a flush, item by item and in order, against what was found; what an earlier item teaches or uses up, a later one knows.
 * Pure but for the ids it makes. Sets each work's verdict and fills the plan of what has to be written.
 */
export class Decider {
  readonly plan: Plan;
  readonly #found: Found;
  readonly #options: DecideOptions;
  /** Waiting rows of this very flush, by natural key and owner. */
  readonly #justWaiting = new Map<string, Work>();

  constructor(found: Found, plan: Plan, options: DecideOptions) {
    this.#found = found;
    this.plan = plan;
    this.#options = options;
  }

  /** @param states last-known states of the drafts that keep one, locked, by key. */
  decide(work: Work, states: Map<string, KnownState>): void {
    work.verdict = this.#verdictOn(work, states);
  }

  #verdictOn(work: Work, states: Map<string, KnownState>): Verdict {
    const { outcome } = work;
    if ("failed" in outcome) return { verdict: "failed", reason: outcome.failed };
    if ("ignored" in outcome) return { verdict: "ignored", reason: outcome.ignored, ...(outcome.word && { word: outcome.word }) };
    if (outcome.test && this.#options.ignoreTestMode) {
      const ignored: Verdict = { verdict: "ignored", reason: "test_mode" };
      if (work.waited) this.#leave(work.waited.id, work.waited, ignored);
      return ignored;
    }
    const resolution = resolveBy(this.#found, work.evidence, work.assigned);
    const { ways } = resolution;
    // What speaks against a person's word, or for somebody else, is left as it is.
    if (work.assigned && resolution.workspace !== work.assigned.workspace)
      return { verdict: "waiting", reason: resolution.reason ?? "workspace_conflict", ways };
    if (!isDraft(outcome)) {
      if (!resolution.workspace)
        return {
          verdict: "ignored",
          reason: resolution.reason === "no_reference_bound" ? "teaches_nothing" : resolution.reason,
          ways,
        };
      const taught = this.#learn(work, resolution, resolution.workspace);
      return {
        verdict: taught ? "taught" : "ignored",
        reason: taught ? null : "nothing_new",
        ways,
        workspace: resolution.workspace,
      };
    }
    return resolution.workspace
      ? this.#place(work, outcome, resolution, resolution.workspace, states)
      : this.#wait(work, outcome, resolution);
  }

  #place(work: Work, draft: Draft, resolution: Resolution, workspace: string, states: Map<string, KnownState>): Verdict {
    const { ways } = resolution;
    const naturalKey = naturalKeyOf(work, this.#options.keys) as string;
    const owner = this.#options.keys.ownerDigest(workspace);
    const known = this.#found.keys.get(naturalKey) ?? [];
    const first = known.find((one) => one.owner === owner);
    const waitingKey = waitingOwner(work, this.#options.keys);
    const earlier = known.find((one) => one.owner === waitingKey && one.waiting && one.waiting.id !== work.waited?.id);
    if (first) {
      const duplicate: Verdict = {
        verdict: "duplicate",
        reason: null,
        ways,
        workspace,
        ...(first.eventId && { eventId: first.eventId }),
        ...(first.callbackId && { firstCallbackId: first.callbackId }),
      };
      if (work.waited) this.#leave(work.waited.id, work.waited, duplicate);
      return duplicate;
    }
    this.#learn(work, resolution, workspace);
    const stated = "state" in draft && draft.state ? this.#applyState(work, draft, workspace, states) : draft;
    if ("ignored" in stated) {
      const ignored: Verdict = { verdict: "ignored", reason: stated.ignored, ways, workspace };
      if (work.waited) this.#leave(work.waited.id, work.waited, ignored);
      return ignored;
    }
    const eventId = newId(this.#options.now());
    const event = buildEvent(stated, {
      eventId,
      callbackId: work.callbackId,
      workspace,
      source: resolution.source as Event["workspace_source"],
      context: resolution.context,
      provider: work.providerName,
      dialect: work.dialect,
      receivedAt: work.receivedAt,
    });
    this.plan.addEvent(eventId, event, { adapter: work.adapter, callbackId: work.callbackId });
    this.plan.keys.push({ natural_key: naturalKey, owner, event_id: eventId, callback_id: work.callbackId });
    this.#remember(naturalKey, { owner, eventId, callbackId: work.callbackId, waiting: null });
    const verdict: Verdict = { verdict: "event", reason: null, eventId, ways, workspace };
    if (work.waited) this.#leave(work.waited.id, work.waited, verdict);
    // A resend that knows more brings the earlier one home, whether that is stored already or of this flush.
    const by = work.replayedBy ?? null;
    if (earlier?.waiting) this.#leave(earlier.waiting.id, { cause: by === null ? "resend" : "replay", by }, verdict);
    this.#bringAlong(`${naturalKey} ${waitingKey}`, verdict);
    return verdict;
  }

  #bringAlong(key: string, verdict: Verdict): void {
    const earlier = this.#justWaiting.get(key);
    if (!earlier) return;
    this.plan.waiting = this.plan.waiting.filter((row) => row.callback_id !== earlier.callbackId || row.item !== earlier.item);
    earlier.verdict = { ...verdict, ...(earlier.verdict?.ways && { ways: earlier.verdict.ways }) };
    this.#justWaiting.delete(key);
  }

  #leave(waitingId: string, { cause, by }: { cause: Cause | "resend" | "replay"; by: string | null }, verdict: Verdict): void {
    this.plan.returned.push({
      waiting_id: waitingId,
      verdict: verdict.verdict,
      reason: verdict.reason,
      event_id: verdict.eventId ?? null,
      workspace_id: verdict.workspace ?? null,
      workspace_term: verdict.workspace ? this.#options.keys.term(`workspace:${verdict.workspace}`) : null,
      cause,
      done_by: by,
      ways: verdict.ways ?? [],
    });
  }

  #wait(work: Work, draft: Draft, resolution: Resolution): Verdict {
    const { ways } = resolution;
    const reason = resolution.reason as string;
    if (work.waited) {
      this.plan.stillWaiting.push({ id: work.waited.id, reason });
      return { verdict: "waiting", reason, ways };
    }
    const naturalKey = naturalKeyOf(work, this.#options.keys) as string;
    const owner = waitingOwner(work, this.#options.keys);
    const first = this.#found.keys.get(naturalKey)?.find((one) => one.owner === owner);
    if (first) {
      return { verdict: "duplicate", reason: null, ways, ...(first.callbackId && { firstCallbackId: first.callbackId }) };
    }
    const id = newId(this.#options.now());
    this.plan.keys.push({ natural_key: naturalKey, owner, event_id: null, callback_id: work.callbackId });
    this.plan.waiting.push({
      id,
      natural_key: naturalKey,
      owner,
      adapter: work.adapter,
      callback_id: work.callbackId,
      item: work.item,
      received_at: new Date(work.receivedAt),
      ...waitingPart(work, draft, resolution),
    });
    this.#remember(naturalKey, { owner, eventId: null, callbackId: work.callbackId, waiting: null });
    this.#justWaiting.set(`${naturalKey} ${owner}`, work);
    return { verdict: "waiting", reason, ways };
  }

  #remember(naturalKey: string, key: KnownKey): void {
    const known = this.#found.keys.get(naturalKey);
    if (known) known.push(key);
    else this.#found.keys.set(naturalKey, [key]);
  }

  #applyState(work: Work, draft: FactDraft, workspace: string, states: Map<string, KnownState>): FactDraft | { ignored: string } {
    const key = stateKey(this.#options.keys, workspace, work.adapter, draft);
    const at = occurredAt(draft, work.receivedAt).at;
    const { outcome, state } = applyState(draft, at, states.get(key));
    if (state) {
      const stored = states.get(key)?.stored ?? false;
      this.plan.states.set(key, {
        key,
        workspace_id: workspace,
        adapter: work.adapter,
        kind: draft.state?.kind ?? "",
        ...state,
        stored,
      });
      states.set(key, { ...state, stored });
    }
    return outcome;
  }

  /** Learns what this item vouches for; answers whether anything was new. */
  #learn(work: Work, resolution: Resolution, workspace: string): boolean {
    if (!resolution.teaches) return false;
    let learned = false;
    for (const reference of work.evidence.references) {
      if (!reference.learn || reference.own) continue;
      const key = referenceKey(work.adapter, reference.kind, reference.value);
      const context = contextFor(reference, work, resolution.context);
      if (reference.kind === "recipient" && !context) continue;
      const known = this.#found.bindings.get(key);
      if (known && !known.expired) {
        if (known.origin !== "learned" || known.workspaceId === workspace || !isShared(reference.kind)) continue;
        // Two brands share it: it answers no more, and contradicts nobody.
        this.#found.bindings.set(key, { ...known, origin: "ambiguous", otherWorkspaceId: workspace });
        this.plan.ambiguous.push({ reference: key, workspace_id: workspace });
        learned = true;
        continue;
      }
      const now = this.#options.now();
      // A callback that is read again taught when it came: what that was good for may be over.
      const days = reference.learn === "forever" ? null : Number.parseInt(reference.learn, 10);
      const expires = days === null ? null : (work.replayedBy === undefined ? now : work.receivedAt) + days * DAY_MS;
      if (expires !== null && expires <= now) continue;
      if (known) this.plan.expired.push(key);
      this.#found.bindings.set(key, {
        workspaceId: workspace,
        otherWorkspaceId: null,
        origin: "learned",
        places: !reference.unsigned,
        context,
        expired: false,
      });
      this.plan.learned.push({
        id: newId(now),
        reference: key,
        adapter: work.adapter,
        kind: reference.kind,
        value: reference.value,
        workspace_id: workspace,
        places: !reference.unsigned,
        callback_id: work.callbackId,
        context,
        expires_at: expires === null ? null : new Date(expires),
      });
      learned = true;
    }
    return learned;
  }
}

/** Our ids go with the message that they were echoed for, a contact with its recipient alone; a customer has many messages. */
function contextFor(reference: Reference, work: Work, context: Context): Context | null {
  const draft = isDraft(work.outcome) && "status" in work.outcome ? work.outcome : null;
  // What only teaches knows a message as a whole.
  if ("teaches" in work.outcome) return reference.kind === "message" && Object.keys(context).length > 0 ? context : null;
  if (!draft) return null;
  const { contact_id, ...ofMessage } = context;
  const isMessage = reference.kind === "message" || reference.value === draft.data.message_id;
  if (reference.kind !== "recipient" && !isMessage) return null;
  const told: Context =
    reference.kind === "recipient" || !recipientOf(draft) ? { ...ofMessage, ...(contact_id && { contact_id }) } : ofMessage;
  return Object.keys(told).length > 0 ? told : null;
}
