import { isDraft } from "../inbound/decide.ts";
import type { Arrival, Receipt } from "../inbound/record.ts";
import type { Json } from "../provider/draft.ts";

/** Bounds of the answering times that are counted, in milliseconds; the last one has no end. */
export const TIMES_MS = [2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
/** Of each adapter every so many-th callback is looked at for the fields that it carries. */
const FIELDS_EVERY = 8;
/** Different things that are counted for one adapter in a minute: what a stranger sends cannot fill the memory. */
const MOST_KINDS = 500;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export type Count = { adapter: string; minute: Date; outcome: string; count: number };

/**
 * What happens, counted in memory by adapter and minute: `accepted unmatched duplicate ignored failed` and `rejected:<code>`; `word:<word>` for
 * words that no rule knows; `ms:<bound>` for how quickly it was answered; and by the hour `item:<variant>` and `field:<variant>:<field>`, which
 * tell when a field that we read is no longer sent. A timer writes it; the commit knows nothing of it.
 */
export class Tally {
  #counts = new Map<string, Count>();
  readonly #kinds = new Map<string, number>();
  readonly #seen = new Map<string, number>();

  taken(arrival: Arrival, receipt: Receipt, ms: number, now: number): void {
    const adapter = arrival.adapter.name;
    this.#add(adapter, receipt.status, now);
    this.#add(adapter, `ms:${TIMES_MS.find((bound) => ms <= bound) ?? "more"}`, now);
    for (const { verdict } of arrival.works) {
      if (verdict?.word !== undefined) this.#add(adapter, `word:${verdict.word}`, now);
    }
    const seen = (this.#seen.get(adapter) ?? 0) + 1;
    this.#seen.set(adapter, seen);
    if (seen % FIELDS_EVERY === 1) this.#fields(arrival, now);
  }

  refused(adapter: string | null, code: string, now: number): void {
    this.#add(adapter ?? "", `rejected:${code}`, now);
  }

  #fields(arrival: Arrival, now: number): void {
    const adapter = arrival.adapter.name;
    for (const { outcome, evidence } of arrival.works.slice(0, 10)) {
      if (!isDraft(outcome)) continue;
      const variant = "status" in outcome ? `${outcome.channel}.${outcome.status}` : outcome.type;
      this.#add(adapter, `item:${variant}`, now, HOUR_MS);
      const field = (name: string) => this.#add(adapter, `field:${variant}:${name}`, now, HOUR_MS);
      if (outcome.occurredAt) field("time");
      if (evidence.metadata.some(({ fields }) => hasContent(fields))) field("metadata");
      for (const kind of new Set(evidence.references.map((one) => one.kind))) if (kind !== "recipient") field(kind);
      for (const part of [outcome.data, outcome.provider_data ?? {}]) {
        for (const [name, value] of Object.entries(part)) if (value !== null && value !== undefined) field(name);
      }
    }
  }

  #add(adapter: string, outcome: string, now: number, step = MINUTE_MS): void {
    const minute = Math.floor(now / step) * step;
    const key = `${adapter}\n${minute}\n${outcome}`;
    const count = this.#counts.get(key);
    if (count) {
      count.count += 1;
      return;
    }
    const kinds = `${adapter}\n${minute}`;
    const known = this.#kinds.get(kinds) ?? 0;
    if (known >= MOST_KINDS) return;
    this.#kinds.set(kinds, known + 1);
    this.#counts.set(key, { adapter, minute: new Date(minute), outcome: outcome.slice(0, 150), count: 1 });
  }

  /** Everything since the last time. */
  take(): Count[] {
    const counts = [...this.#counts.values()];
    this.#counts = new Map();
    this.#kinds.clear();
    return counts;
  }

  /** Back again: it could not be written. */
  putBack(counts: Count[]): void {
    for (const one of counts) {
      const key = `${one.adapter}\n${one.minute.getTime()}\n${one.outcome}`;
      const newer = this.#counts.get(key);
      if (newer) newer.count += one.count;
      else this.#counts.set(key, one);
    }
  }
}

function hasContent(fields: unknown): fields is Json {
  return typeof fields === "string"
    ? fields !== ""
    : typeof fields === "object" && fields !== null && Object.keys(fields).length > 0;
}
