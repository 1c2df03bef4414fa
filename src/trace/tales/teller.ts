import type { Gateway } from "../../gateway.ts";
import { plain, type Sentence } from "../sentence.ts";
import type { Shape } from "../states.ts";
import { UTC, type Zone, zoneOf } from "../zone.ts";

/** One whole story as plain text, for the command line: the answer, then the proof, then what can be done. */
export type Tale = {
  kind: "callback" | "message" | "event" | "endpoint" | "adapter" | "workspace";
  id: string;
  shape: Shape;
  /** The status as one word. */
  word: string;
  headline: string;
  explanation: string;
  /** What may be said to the customer. */
  say: string | null;
  steps: { name: string; at: string | null; lines: string[] }[];
  /** What can be done about it: a command, or a text to copy. */
  offers: { label: string; text: string }[];
};

/** Sentences as text: in the console's time zone, which is named in the answer. */
export type Teller = { gateway: Gateway; zone: Zone; now: number; text(sentence: Sentence): string };

export function tellerOf(gateway: Gateway): Teller {
  const zone = zoneOf(gateway.config.CONSOLE_TIME_ZONE) ?? UTC;
  const now = gateway.databaseClock.now();
  return { gateway, zone, now, text: (sentence) => plain(sentence, zone, now) };
}
