import { kindWord, maskText } from "../../../trace/names.ts";
import { many, plain } from "../../../trace/sentence.ts";
import { BARS, type Spread, spreadStory } from "../../../trace/spread.ts";
import type { Story } from "../../../trace/story.ts";
import { minute } from "../../../trace/zone.ts";
import { type Clock, type Html, html, nothing } from "../../html.ts";
import { spark } from "../../parts/charts.ts";
import { groupLink } from "./offers.ts";

const WIDTH = 316;

/** What waits for the same, and when it came. */
export function alsoWaiting({ waits, adapter, item }: Story, spread: Spread | null, seen: Clock): Html {
  if (item?.verdict !== "waiting" || !waits || waits.count < 2 || !adapter) return nothing;
  const kind = kindWord(waits.kind);
  return html`<section><h2>Also waiting</h2><p><a href="${groupLink(adapter, waits)}">${many(waits.count, "event")}</a> of this ${kind}, with this one${spread ? `, in steps of ${spread.step}:` : "."}</p>${spread ? chart(spread, `${kind} ${maskText(waits.value)}`, seen) : nothing}</section>`;
}

function chart(spread: Spread, what: string, seen: Clock): Html {
  const { zone, now } = seen;
  const begin = now - BARS * spread.stepMs;
  const label = (x: number, anchor: string, said: string) =>
    html`<text x="${x}" y="12" font-size="12" fill="currentColor" text-anchor="${anchor}">${said}</text>`;
  const labels = [
    label(0, "start", minute(begin, zone, now)),
    label(WIDTH / 2, "middle", minute((begin + now) / 2, zone, now)),
    label(WIDTH, "end", "now"),
  ];
  const story = plain(spreadStory(spread, what), zone, now);
  return html`${spark(spread.counts, [], story, WIDTH, 28)}<svg class="faint" width="${WIDTH}" height="16" viewBox="0 0 ${WIDTH} 16" aria-hidden="true">${labels}</svg>`;
}
