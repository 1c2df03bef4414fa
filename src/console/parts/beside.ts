import { plain, type Sentence } from "../../trace/sentence.ts";
import { exact, exactClock, UTC, zoneLabel } from "../../trace/zone.ts";
import { type Clock, type Html, html, nothing, sentence, time } from "../html.ts";

/** What may be said to the customer, to be copied. */
export function say(parts: Sentence, view: Clock): Html {
  return html`<section class="say" aria-labelledby="say-title"><h2 id="say-title">Say to the customer</h2>
<blockquote id="say">“${sentence(parts, view)}”</blockquote>
<button type="button" data-copy="say" hidden>Copy</button></section>`;
}

export type Line = [name: string, value: Html | string | null | undefined];

/** Names and values; what is not known has no line. */
export function facts(lines: readonly Line[], title = "Facts"): Html {
  const known = lines.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return html`<section><h2>${title}</h2><dl class="facts">${known.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></section>`;
}

/** A moment in the zone, and in UTC beneath it. */
export function moment(iso: string, { zone }: Clock): Html {
  const label = zoneLabel(zone, iso);
  return html`${time(iso, `${exact(iso, zone)} ${label}`)}${zone.name === "UTC" ? nothing : html`<br><span class="faint">${exactClock(iso, UTC)} UTC</span>`}`;
}

/** A text that is copied by a button; without script it stands there to be selected. */
export function copy(label: string, text: Sentence, view: Clock, name: string): Html {
  return html`<details class="copy"><summary class="button">${label}</summary><p id="${name}" class="why">${plain(text, view.zone, view.now)}</p><button type="button" data-copy="${name}" hidden>Copy</button></details>`;
}
