import { failed, ignored, type Json, type Metadata, type Outcome, type Reference, unknownWord } from "#provider";

/** What a carrier's word means for a parcel on its way to a customer. Ignored: it changes nothing that we tell. */
export type Meaning =
  | { status: "sent" }
  | { status: "delivered"; partial?: true }
  | { status: "failed"; code: string }
  | ReturnType<typeof ignored>;

/** The carrier has it: first told of whatever moves, and once. */
export const sent: Meaning = { status: "sent" };
export const delivered: Meaning = { status: "delivered" };
export const partlyDelivered: Meaning = { status: "delivered", partial: true };
/** It goes back to its sender: told at the first scan that commits to it, and once until it is there. */
export const returned: Meaning = { status: "failed", code: "returned_to_origin" };
export const notArriving = (code: string): Meaning => ({ status: "failed", code });

export const preTransit: Meaning = ignored("pre_transit");
/** Nobody at home, refused, address not found: the carrier tries again, or sends it back and says so. */
export const attemptFailed: Meaning = ignored("attempt_failed");
/** Held, delayed, misrouted: it may still arrive. */
export const heldUp: Meaning = ignored("held_up");
/** Nothing was heard of it: that is not loss. */
export const noNews: Meaning = ignored("no_news");
export const returnRequested: Meaning = ignored("return_requested");
/** A customer sends something back: no message reaches a person. */
export const returnLeg: Meaning = ignored("return_leg");

/** One report about a parcel, in its carrier's words. */
export type Report = {
  awb: string | null;
  /** Whose number that is, as a name or an id; with `null` the number alone is no reference. */
  carrier: string | null;
  at: Date | null;
  /** The carrier's own word. */
  word: string;
  /** Why it will not arrive, in the carrier's words. */
  reason: string | null;
  /** Only where a payload echoes what we sent: then it teaches whose parcel it is. */
  metadata?: Metadata[];
  /** What else tells whose it is; more specific than the number. */
  references?: Reference[];
  /** Numbers that a shop or carrier chose. */
  searchable?: (string | null)[];
  /** More of the carrier's words; `null` is left out. */
  details?: { [name: string]: Json };
  test?: boolean;
};

/** @param meaning of its word; `undefined` where no rule knows it. */
export function parcelOutcome(meaning: Meaning | undefined, report: Report): Outcome {
  const { awb, at, word, metadata, details, test } = report;
  if (!meaning) return unknownWord(word);
  if ("ignored" in meaning) return meaning;
  const number = awb?.trim();
  if (!number) return failed("no_tracking_number");
  const carrier = slug(report.carrier);
  const parcel: Reference = { kind: "message", value: `${carrier}:${number}`, ...(metadata && { learn: "90d" }) };
  const told = { carrier: report.carrier, ...details, ...("partial" in meaning && { partial: true }) };
  return {
    key: `${carrier ?? ""}:${number} ${meaning.status}`,
    occurredAt: at,
    ...(metadata && { metadata }),
    references: [...(report.references ?? []), ...(carrier ? [parcel] : [])],
    channel: "shipping",
    status: meaning.status,
    data: { message_id: number, ...("code" in meaning && { error_code: meaning.code, error_reason: report.reason }) },
    provider_data: { status: word, ...Object.fromEntries(Object.entries(told).filter(([, value]) => value !== null)) },
    searchable: report.searchable ?? [],
    ...(test && { test }),
  };
}

/** A carrier's name as a reference holds it: `Delhivery Surface` is `delhivery-surface`. */
function slug(carrier: string | null): string | null {
  const words = carrier?.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu);
  return words ? words.join("-") : null;
}

/** Words and labels as tables hold them: `RTO_OFD ` is `RTO OFD`. */
export function folded(word: string | null): string {
  return (word ?? "")
    .replace(/[\s_]+/g, " ")
    .trim()
    .toUpperCase();
}

/** A flag that comes as `true`, `1`, `"1"` or `"true"`. */
export function isTrue(value: unknown): boolean {
  return value === true || value === 1 || value === "1" || value === "true";
}
