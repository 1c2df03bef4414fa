import type { Event } from "../events/build.ts";
import type { Verdict, waitingPart } from "../inbound/decide.ts";
import type { Reading } from "./stored.ts";

/** What a stored callback's item is now. */
export type ItemNow = { verdict: string; reason: string | null; eventId: string | null };
/** An item that is something else after the replay. */
export type Update = { index: number; before: ItemNow | null; verdict: Verdict };
/** A waiting row that says more than it did. */
export type Refreshed = { id: string } & ReturnType<typeof waitingPart>;

/** What reading a callback again comes to. */
export type Finding = {
  reading: Reading;
  /** Emitted, or to be. */
  added: Event[];
  changed: { event_id: string; before: Event; after: Event }[];
  /** `event` is null where it is past its retention. */
  gone: { event_id: string; event: Event | null }[];
  unchanged: number;
  /** Items that wait now and did not before. */
  waiting: number;
  /** Items that tell whose something is, anew. */
  taught: number;
  /** Items that cannot be read. */
  failed: number;
  /** Whether it could not be read as a whole, and can be now. */
  mended: boolean;
  /** Whether anything has to be written. */
  writes: boolean;
  updates: Update[];
  refreshed: Refreshed[];
  /** Every item as it is afterwards. */
  items: ItemNow[];
};

/** A waiting row of a stored callback. */
export type WaitingHere = { id: string; callback_id: string; item: number; natural_key: string; draft: string };

/** An item as its verdict tells it. */
export function itemOf({ verdict, reason, eventId }: Verdict): ItemNow {
  return { verdict, reason, eventId: eventId ?? null };
}
