import { isDeepStrictEqual } from "node:util";
import type { Query } from "../../src/db/client.ts";
import { buildEvent, occurredAt } from "../../src/events/build.ts";
import { eventSchema } from "../../src/events/catalogue.ts";
import { newId } from "../../src/ids.ts";
import { isDraft } from "../../src/inbound/decide.ts";
import { readMetadata } from "../../src/inbound/resolve.ts";
import { applyState, type KnownState } from "../../src/inbound/state.ts";
import { DataKeys, Vault } from "../../src/keys.ts";
import type { Draft, Metadata, Outcome, Reference } from "../../src/provider/draft.ts";
import type { Adapter } from "../../src/registry.ts";
import { ACME } from "../support/fixtures.ts";

/** The keys of guard and search, without a database to keep them. */
export async function memoryKeys(): Promise<DataKeys> {
  const kept = new Map<string, string>();
  const query = (async (statement: string, [name, sealed]: string[]) => {
    if (statement.startsWith("insert")) kept.set(name as string, sealed as string);
    return [{ ciphertext: kept.get(name as string) }];
  }) as unknown as Query;
  return DataKeys.load(query, new Vault([Buffer.alloc(32, 7)]));
}

/** What is wrong with an item's outcome, whatever it was made of. */
export function* outcomeProblems(adapter: Adapter, outcome: Outcome, receivedAt: Date): Iterable<string> {
  const shapes = ["key", "teaches", "ignored", "failed"].filter((key) => key in outcome);
  if (shapes.length !== 1) yield `is neither draft, teaching, ignored nor failed: ${JSON.stringify(outcome)}`;
  if ("failed" in outcome && outcome.failed === "adapter_error") yield "the adapter threw";
  const reason = "failed" in outcome ? outcome.failed : "ignored" in outcome ? outcome.ignored : null;
  if (reason !== null && !/^[a-z][a-z0-9_]*$/.test(reason)) yield `the reason "${reason}" is no word of snake_case`;
  for (const reference of referencesOf(outcome)) {
    if (typeof reference.value !== "string" || reference.value === "") yield `the reference ${reference.kind} is empty`;
    if (!/^[a-z][a-z0-9_]*$/.test(reference.kind)) yield `a reference has the kind "${reference.kind}"`;
  }
  if (isDraft(outcome)) yield* draftProblems(adapter, outcome, receivedAt);
}

function* draftProblems(adapter: Adapter, draft: Draft, receivedAt: Date): Iterable<string> {
  if (typeof draft.key !== "string" || draft.key === "") yield "the natural key is empty";
  if (draft.occurredAt && Number.isNaN(draft.occurredAt.getTime())) yield "its time is none: unknown is null";
  if ("status" in draft && draft.status === "bounced" && draft.channel !== "email") yield `bounced on ${draft.channel}`;
  if ((draft.searchable ?? []).some((term) => term != null && typeof term !== "string")) yield "a search term is no text";
  const echoed = metadataOf(draft).map((entry) => readMetadata(entry).context);
  for (const context of [{}, ...echoed]) {
    for (const told of inEveryState(draft, receivedAt)) {
      const event = buildEvent(told, {
        ...{ eventId: newId(0), callbackId: newId(0), workspace: ACME, source: "metadata", context },
        ...{ provider: adapter.providerName, dialect: adapter.dialect, receivedAt: receivedAt.getTime() },
      });
      for (const issue of eventSchema.safeParse(event).error?.issues ?? []) yield `${issue.path.join(".")}: ${issue.message}`;
      if (!isDeepStrictEqual(JSON.parse(JSON.stringify(event)), event))
        yield `the event is no plain JSON: ${JSON.stringify(event)}`;
    }
  }
}

/** What a draft tells at first sight, and what it tells where something else was known before. */
function inEveryState(draft: Draft, receivedAt: Date): Draft[] {
  if (!("state" in draft) || !draft.state) return [draft];
  const at = occurredAt(draft, receivedAt.getTime()).at;
  const before: KnownState = {
    at: 0,
    stored: true,
    fields: Object.fromEntries(Object.keys(draft.state.fields ?? {}).map((field) => [field, "as it was"])),
  };
  return [undefined, before]
    .map((known) => applyState(draft, at, known).outcome)
    .filter((outcome): outcome is Exclude<typeof outcome, { ignored: string }> => !("ignored" in outcome));
}

function metadataOf(outcome: Outcome): Metadata[] {
  return ("teaches" in outcome ? outcome.teaches.metadata : "key" in outcome ? outcome.metadata : undefined) ?? [];
}

export function referencesOf(outcome: Outcome): Reference[] {
  return ("teaches" in outcome ? outcome.teaches.references : "key" in outcome ? outcome.references : undefined) ?? [];
}

/** The workspaces that an item's metadata names. */
export function namedIn(outcome: Outcome): string[] {
  return metadataOf(outcome)
    .map((entry) => readMetadata(entry).workspace)
    .filter((workspace) => workspace !== null);
}
