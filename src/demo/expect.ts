import { isDeepStrictEqual } from "node:util";
import type { Event } from "../events/build.ts";
import type { Receipt } from "../inbound/record.ts";
import { readMetadata } from "../inbound/resolve.ts";
import type { Json, JsonObject } from "../provider/draft.ts";
import type { Expected, Scene } from "./scenes.ts";

export type ExpectedDraft = Extract<Expected, { key: string }>;
type Counts = Omit<Receipt, "callback_id" | "status">;

/** How far ahead of its receipt a provider's time is still believed (CONTRACT §5). */
const AHEAD_MS = 5 * 60_000;

/** Gathers what was not as expected, in words. */
export class Checks {
  readonly mismatches: string[] = [];
  /** Our own message ids that any callback has echoed: a later one of the same message may carry them. */
  readonly #echoed = new Set<string>();

  /** Whether they are the same; notes it where they are not. */
  same(what: string, actual: unknown, expected: unknown): boolean {
    if (isDeepStrictEqual(actual, expected)) return true;
    this.mismatches.push(`${what}: ${show(actual)} instead of ${show(expected)}`);
    return false;
  }

  /** What the provider was answered must count what the `.json` beside the fixture tells. */
  counts(what: string, receipt: Receipt, expected: Counts): void {
    for (const [name, count] of Object.entries(expected) as [keyof Counts, number][]) {
      this.same(`${what}: ${name} counted in the answer`, receipt[name], count);
    }
  }

  /** The callback's events in the log must be the drafts of the `.json`, each placed as the fixture's note says. */
  events(what: string, scene: Scene, events: Event[], way: Event["workspace_source"]): void {
    const drafts = draftsOf(scene);
    for (const draft of drafts) this.#remember(draft);
    if (!this.same(`${what}: events in the log`, events.length, drafts.length)) return;
    for (const [index, draft] of drafts.entries()) {
      const event = events[index] as Event;
      const place = drafts.length > 1 ? `${what}, event ${index + 1}` : what;
      const variant = "status" in draft ? `${draft.channel}.${draft.status}` : null;
      this.same(`${place}: workspace`, event.workspace_id, scene.workspace.id);
      this.same(`${place}: way to the workspace`, event.workspace_source, way);
      this.same(`${place}: variant`, event.variant, variant);
      if ("type" in draft) this.same(`${place}: type`, event.type, draft.type);
      this.same(`${place}: occurred_at`, event.occurred_at, timeOf(draft, event.received_at));
      this.#data(place, draft, event.data);
      this.#contains(`${place}: provider_data`, event.provider_data, draft.provider_data ?? {});
    }
  }

  #data(place: string, draft: ExpectedDraft, data: JsonObject): void {
    if (!("status" in draft)) {
      this.#contains(`${place}: data`, data, draft.data);
      return;
    }
    const { message_id, campaign_id, contact_id, ...rest } = draft.data;
    if (data.message_id !== message_id && !this.#echoed.has(String(data.message_id)))
      this.mismatches.push(
        `${place}: data.message_id: ${show(data.message_id)}, which is neither the provider's nor one of ours`,
      );
    this.#contains(`${place}: data`, data, rest);
  }

  #contains(what: string, actual: JsonObject, expected: { [key: string]: Json | undefined }): void {
    for (const [key, value] of Object.entries(expected)) this.same(`${what}.${key}`, actual[key], value);
  }

  #remember(draft: ExpectedDraft): void {
    for (const metadata of draft.metadata ?? []) {
      const { message_id } = readMetadata(metadata).context;
      if (message_id) this.#echoed.add(message_id);
    }
  }
}

export function draftsOf(scene: Scene): ExpectedDraft[] {
  return scene.items.filter((item) => "key" in item);
}

/** What the provider must be answered, the first time. */
export function firstCounts(scene: Scene): Counts {
  const drafts = draftsOf(scene).length;
  const waits = scene.way === "waits";
  return {
    events: waits ? 0 : drafts,
    taught: scene.items.filter((item) => "teaches" in item).length,
    unmatched: waits ? drafts : 0,
    duplicates: 0,
    ignored: scene.items.filter((item) => "ignored" in item).length,
    failed: scene.items.filter((item) => "failed" in item).length,
  };
}

/** And when it sends the same again: nothing is told twice. */
export function resentCounts(first: Counts): Counts {
  return { ...first, events: 0, taught: 0, duplicates: first.events, ignored: first.ignored + first.taught };
}

function timeOf(draft: ExpectedDraft, receivedAt: string): string {
  const told = draft.occurredAt === null ? Number.POSITIVE_INFINITY : Date.parse(draft.occurredAt);
  return told <= Date.parse(receivedAt) + AHEAD_MS ? (draft.occurredAt as string) : receivedAt;
}

function show(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
