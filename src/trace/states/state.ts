import { counted, type Sentence } from "../sentence.ts";

/** Every state has a shape of its own. */
export type Shape =
  | "accepted"
  | "unmatched"
  | "repeat"
  | "ignored"
  | "new"
  | "failed"
  | "refused"
  | "waiting"
  | "retrying"
  | "held"
  | "given_up"
  | "not_sent"
  | "quiet"
  | "none";

/** What can be done about it; the console makes links and buttons of them. */
export type Offer =
  | { to: "message" | "binding" | "assign_all" | "assign_one" | "first" | "last_good" | "replay" | "endpoint"; label: string }
  | { to: "copy"; label: string; text: Sentence };

/** A state in words. */
export type State = { shape: Shape; word: string; headline: Sentence; explanation: Sentence; offers: Offer[] };

/** What the sentences need to know. */
export type Known = {
  /** The provider's name. */
  provider: string;
  receivedAt: string;
  callbackId: string;
  /** Where the API answers. */
  publicUrl: string;
};

/** What support pastes to those who can mend it: one sentence of what is wrong, with ids, and the command. */
export const operator = (text: Sentence): Offer => ({ to: "copy", label: "Copy for an operator", text });
export const developer = (text: Sentence): Offer => ({ to: "copy", label: "Copy for a developer", text });

/** A state, put together. */
export const state = (
  shape: Shape,
  word: string,
  headline: Sentence,
  explanation: Sentence = [],
  offers: Offer[] = [],
): State => ({ shape, word, headline, explanation, offers });

/** `two of three`: small numbers in words, as one says them. */
export function small(count: number): string {
  return ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"][count] ?? counted(count);
}

/** Ways as the sentences name them. */
export const WAYS = { credential: "Secret", path: "URL", metadata: "Metadata", lookup: "Look-up" } as const;
