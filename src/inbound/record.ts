import type { DataKeys } from "../keys.ts";
import { encrypt } from "../keys.ts";
import type { JsonObject } from "../provider/draft.ts";
import type { Adapter } from "../registry.ts";
import { isDraft, recipientOf, type Verdict, type Work } from "./decide.ts";
import { readMetadata } from "./resolve.ts";
import type { CallbackRow } from "./write.ts";

/** A verified callback, read and understood, on its way into the database. */
export type Arrival = {
  id: string;
  adapter: Adapter;
  receivedAt: number;
  method: string;
  /** Without query, tokens hidden. */
  path: string;
  ip: string | null;
  /** Secret ones left out. */
  headers: JsonObject;
  body: Uint8Array;
  /** Which credential vouched for it, for the trace. */
  verification: JsonObject;
  works: Work[];
  /** Why it could not be read at all. */
  failed: string | null;
  /** When its first byte came, on the clock of `performance.now`. */
  startedAt: number;
  /** Milliseconds since then of each step. */
  steps: { [step: string]: number };
};

export type CallbackStatus = "failed" | "unmatched" | "accepted" | "duplicate" | "ignored";
/** The provider's answer (CONTRACT §3). */
export type Receipt = {
  callback_id: string;
  status: CallbackStatus;
  events: number;
  taught: number;
  unmatched: number;
  duplicates: number;
  ignored: number;
  failed: number;
};

type Counts = Omit<Receipt, "callback_id" | "status">;
/** Which of the six counts each verdict is of. */
export const countOf = {
  event: "events",
  taught: "taught",
  waiting: "unmatched",
  duplicate: "duplicates",
  ignored: "ignored",
  failed: "failed",
} as const;

/** The six counts of an arrival whose works have their verdicts. */
export function countsOf(arrival: Arrival): Counts {
  const counts = { events: 0, taught: 0, unmatched: 0, duplicates: 0, ignored: 0, failed: arrival.failed ? 1 : 0 };
  for (const work of arrival.works) counts[countOf[(work.verdict as Verdict).verdict]] += 1;
  return counts;
}

/** The first that applies; the column `status` says the same of what is stored. */
export function statusOf(counts: Counts): CallbackStatus {
  if (counts.failed > 0) return "failed";
  if (counts.unmatched > 0) return "unmatched";
  if (counts.events + counts.taught > 0) return "accepted";
  return counts.duplicates > 0 ? "duplicate" : "ignored";
}

/** The row that keeps an arrival, byte for byte. */
export function callbackRow(arrival: Arrival, keys: DataKeys): CallbackRow {
  const counts = countsOf(arrival);
  const status = statusOf(counts);
  const verdicts = arrival.works.map((work) => work.verdict as Verdict);
  const workspaces = new Set(verdicts.flatMap((verdict) => verdict.workspace ?? []));
  const secret = arrival.adapter.provider.hidden !== undefined;
  return {
    id: arrival.id,
    adapter: arrival.adapter.name,
    received_at: new Date(arrival.receivedAt),
    method: arrival.method,
    path: arrival.path,
    ip: arrival.ip,
    headers: arrival.headers,
    body: secret ? encrypt(keys.content, arrival.body) : arrival.body,
    body_encrypted: secret,
    size: arrival.body.byteLength,
    verification: arrival.verification,
    items: verdicts,
    steps: arrival.steps,
    first_status: status,
    reason: reasonOf(status, arrival, verdicts),
    ...counts,
    terms: termsOf(arrival, workspaces, keys),
  };
}

function reasonOf(status: CallbackStatus, arrival: Arrival, verdicts: Verdict[]): string | null {
  if (arrival.failed) return arrival.failed;
  const word = { failed: "failed", unmatched: "waiting", ignored: "ignored", accepted: "event", duplicate: "duplicate" }[status];
  return verdicts.find((verdict) => verdict.verdict === word)?.reason ?? null;
}

/** Keyed hashes of everything by which somebody may look for this callback. */
export function termsOf(arrival: Pick<Arrival, "works">, workspaces: Set<string>, keys: DataKeys): string[] {
  const terms = new Set<string>();
  const add = (value: unknown) => {
    if (typeof value === "string" && value && value.length <= 300) terms.add(keys.term(value));
  };
  for (const workspace of workspaces) add(`workspace:${workspace}`);
  for (const { outcome, evidence } of arrival.works) {
    for (const reference of evidence.references) {
      if (reference.kind === "recipient") continue;
      add(`${reference.kind}:${reference.value}`);
      add(reference.value);
    }
    // Our own ids, as they were echoed.
    for (const { message_id, contact_id } of evidence.metadata.map((one) => readMetadata(one).context)) {
      add(message_id);
      add(contact_id);
    }
    if (!isDraft(outcome)) continue;
    add(recipientOf(outcome));
    for (const field of ["message_id", "email", "phone", "contact_id"]) add((outcome.data as JsonObject)[field]);
    for (const value of outcome.searchable ?? []) add(value);
  }
  return [...terms];
}
