import { v7 } from "uuid";
import { randomSlice } from "./random.ts";

const PREFIXES = {
  callback: "cb",
  event: "evt",
  binding: "bnd",
  waiting: "wt",
  dispatch: "dsp",
  endpoint: "ep",
  token: "tok",
  audit: "aud",
  replay: "rpl",
} as const;
type IdKind = keyof typeof PREFIXES;

/** A UUIDv7 of that moment, in milliseconds of the *database's* clock, so that it falls into a partition that exists. */
export function newId(now: number): string {
  return v7({ msecs: now, random: randomSlice(16) });
}

/** As shown outside: `cb_` and 32 hex characters. */
export function showId(kind: IdKind, uuid: string): string {
  return `${PREFIXES[kind]}_${uuid.replaceAll("-", "")}`;
}

/** The UUID behind a shown id; `null` for anything else, so that nothing odd reaches a query. */
export function readId(kind: IdKind, shown: string): string | null {
  const match = new RegExp(`^${PREFIXES[kind]}_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$`).exec(shown);
  return match ? match.slice(1).join("-") : null;
}

/** When a UUIDv7 was made, in milliseconds. */
export function timeOf(uuid: string): number {
  return Number.parseInt(uuid.replaceAll("-", "").slice(0, 12), 16);
}

/** The smallest UUIDv7 of a moment: a bound for partitions and time filters. */
export function firstIdOf(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
