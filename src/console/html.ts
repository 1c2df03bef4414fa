import { html as markup, raw } from "hono/html";
import type { Fact, Sentence } from "../trace/sentence.ts";
import { clock, minute, type Zone } from "../trace/zone.ts";

/** Markup that is safe to send: everything that is filled in was escaped. */
export type Html = ReturnType<typeof markup>;

export const html = markup;
export { raw };
export const nothing: Html = raw("");

/** Somebody else's words: text, whatever stands in it, and it cannot turn the line around it. */
export const foreign = (text: string): Html => html`<bdi>${text}</bdi>`;

/** An id or a word of a protocol: nothing is cut, it breaks where it must. */
export const code = (text: string): Html => html`<bdi class="code">${text}</bdi>`;

export type Clock = { zone: Zone; now: number };

export function time(moment: string, shown: string): Html {
  return html`<time datetime="${moment}" title="${moment}">${shown}</time>`;
}

/** A sentence with its facts as markup. */
export function sentence(parts: Sentence, view: Clock): Html {
  return html`${parts.map((part) => (typeof part === "string" ? part : fact(part, view)))}`;
}

function fact(part: Fact, view: Clock): Html {
  switch (part.as) {
    case "words":
      return foreign(part.text);
    case "id":
      return code(part.text);
    case "clock":
      return time(part.at, clock(part.at, view.zone, view.now));
    case "minute":
      return time(part.at, minute(part.at, view.zone, view.now));
    case "strong":
      return html`<strong>${sentence(part.of, view)}</strong>`;
  }
}
