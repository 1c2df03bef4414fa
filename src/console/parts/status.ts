import { raw } from "hono/html";
import type { Shape } from "../../trace/states.ts";
import { type Html, html } from "../html.ts";

type Tone = "ok" | "wait" | "bad" | "off";

/** Every state has a shape of its own, so that colour tells nothing which the eye could not tell without it. */
const SHAPES: Record<Shape, [tone: Tone, paths: string]> = {
  accepted: ["ok", '<circle cx="8" cy="8" r="7" fill="currentColor"/><path class="in" d="M4.8 8.2l2.2 2.2 4.2-4.4"/>'],
  unmatched: ["wait", '<path fill="currentColor" d="M8 .6L15.4 8 8 15.4.6 8z"/><path class="in" d="M8 4.6v4M8 10.9v.2"/>'],
  repeat: ["off", '<path class="line" d="M4.5 11.5h-2v-9h9v2"/><path fill="currentColor" d="M5 5h9.5v9.5H5z"/>'],
  ignored: ["off", '<circle class="line" cx="8" cy="8" r="6"/>'],
  new: [
    "off",
    '<path class="line" d="M8 1.2l6 3.4v6.8l-6 3.4-6-3.4V4.6z"/><path class="line" d="M6.3 6.4a1.8 1.8 0 1 1 2.6 1.7c-.6.3-.9.6-.9 1.3M8 11.5v.1"/>',
  ],
  failed: ["bad", '<path fill="currentColor" d="M8 .8l7.5 13.6H.5z"/><path class="in" d="M8 5.8v4M8 12v.1"/>'],
  refused: [
    "bad",
    '<path fill="currentColor" d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z"/><path class="in" d="M4.8 8h6.4"/>',
  ],
  waiting: ["off", '<circle class="line dashed" cx="8" cy="8" r="6"/>'],
  retrying: ["wait", '<path class="line" d="M13.6 8A5.6 5.6 0 1 1 11.8 3.9M12 1v3.2H8.8"/>'],
  held: ["wait", '<path class="line" d="M13.6 8A5.6 5.6 0 1 1 11.8 3.9M12 1v3.2H8.8M6.5 6v4M9.5 6v4"/>'],
  given_up: ["bad", '<path class="line" d="M3.5 3.5l9 9M12.5 3.5l-9 9"/>'],
  not_sent: ["off", '<circle class="line" cx="8" cy="8" r="6"/><path class="line" d="M4 12l8-8"/>'],
  quiet: ["wait", '<path class="line" d="M1 8h3.5M11.5 8H15"/><circle class="line" cx="8" cy="8" r="3"/>'],
  none: ["off", '<path class="line" d="M4 8h8"/>'],
};

/** The shape alone, beside a word that says the same. */
export function shape(of: Shape): Html {
  const [tone, paths] = SHAPES[of];
  return html`<svg class="shape ${tone}" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">${raw(paths)}</svg>`;
}

/** Shape, word and colour. */
export function status(of: Shape, word: string | Html): Html {
  return html`<span class="status ${SHAPES[of][0]}">${shape(of)}<span>${word}</span></span>`;
}

/** The same, set off: the state of what a page is about. */
export function badge(of: Shape, word: string): Html {
  return html`<p class="badge ${SHAPES[of][0]}">${shape(of)}<span>${word}</span></p>`;
}
