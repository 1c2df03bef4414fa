import { clock, minute, UTC, type Zone } from "./zone.ts";

/** What is filled into a sentence. Who shows it decides how: the console as markup, the command line as text. */
export type Fact =
  /** Somebody else's words, and names that people gave. */
  | { as: "words"; text: string }
  /** An id, a path, a word of a protocol. */
  | { as: "id"; text: string }
  /** A moment, to the second or to the minute. */
  | { as: "clock" | "minute"; at: string }
  | { as: "strong"; of: Sentence };
export type Sentence = readonly (string | Fact)[];

/** Makes a sentence; what is filled in as a plain text or number is ours. */
export function tell(texts: TemplateStringsArray, ...facts: (string | number | Fact | Sentence | null | undefined)[]): Sentence {
  return texts.flatMap((text, index): (string | Fact)[] => {
    const fact = facts[index];
    const before = text ? [text] : [];
    if (fact === undefined || fact === null) return before;
    if (typeof fact === "number") return [...before, counted(fact)];
    if (typeof fact === "string") return [...before, fact];
    return [...before, ...(Array.isArray(fact) ? (fact as Sentence) : [fact as Fact])];
  });
}

export const words = (text: string): Fact => ({ as: "words", text });
export const id = (text: string): Fact => ({ as: "id", text });
export const at = (moment: string): Fact => ({ as: "clock", at: moment });
export const atMinute = (moment: string): Fact => ({ as: "minute", at: moment });
export const strong = (of: Sentence | string): Fact => ({ as: "strong", of: typeof of === "string" ? [of] : of });

/** Exact, with separators. */
export function counted(count: number): string {
  return count.toLocaleString("en");
}

/** `1 event`, `42 events`. */
export function many(count: number, one: string, several = `${one}s`): string {
  return `${counted(count)} ${count === 1 ? one : several}`;
}

/** A sentence as text, times in that zone. */
export function plain(sentence: Sentence, zone: Zone = UTC, now = Date.now()): string {
  return sentence.map((part) => (typeof part === "string" ? part : plainFact(part, zone, now))).join("");
}

function plainFact(fact: Fact, zone: Zone, now: number): string {
  switch (fact.as) {
    case "words":
    case "id":
      return fact.text;
    case "clock":
      return clock(fact.at, zone, now);
    case "minute":
      return minute(fact.at, zone, now);
    case "strong":
      return plain(fact.of, zone, now);
  }
}
