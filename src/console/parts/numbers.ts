import type { ProviderRow, Totals } from "../../attention/types.ts";
import type { Registry } from "../../registry.ts";
import { percent } from "../../trace/fares.ts";
import { counted } from "../../trace/sentence.ts";
import { ago } from "../../trace/zone.ts";
import { type Html, html, nothing } from "../html.ts";
import { adapterName } from "./adapters.ts";

/** The six totals, by the names under which Live changes them in place. */
export function totalNumbers(sums: Totals): Record<string, string> {
  return {
    "total.callbacks": counted(sums.callbacks),
    "total.matched": percent(sums.matched),
    "total.waiting": counted(sums.waiting),
    "total.refused": counted(sums.refused),
    "total.p99": sums.p99 === null ? "–" : `${counted(sums.p99)} ms`,
    "total.webhooks": percent(sums.webhooksAccepted),
  };
}

/** A provider's numbers, likewise. */
export function rowNumbers(row: ProviderRow, now: number): Record<string, string> {
  const numbers = {
    now: row.now.toFixed(1),
    hour: counted(row.lastHour),
    matched: percent(row.matched),
    waiting: counted(row.waiting),
    failed: counted(row.outcomes.failed),
    refused: counted(row.outcomes.refused),
    repeats: counted(row.outcomes.duplicate),
    good: row.lastGoodAt ? goodAgo(row.lastGoodAt, now) : "never",
  };
  return Object.fromEntries(Object.entries(numbers).map(([name, number]) => [`row.${row.adapter}.${name}`, number]));
}

/** Good ones are known by the minute. */
const goodAgo = (at: Date, now: number) => (now - at.getTime() < 120_000 ? "now" : ago(at.getTime(), now));

/** How the last hour went, in six numbers. */
export function totalsList(sums: Totals, registry: Registry): Html {
  const numbers = totalNumbers(sums);
  const { refusedMost } = sums;
  const most = refusedMost
    ? `${refusedMost.count === sums.refused ? "" : `${counted(refusedMost.count)} `}from ${adapterName(registry, refusedMost.adapter)}`
    : "";
  const part = (name: string, key: string, beside = "") =>
    html`<div><dt>${name}</dt><dd><span data-live="${key}">${numbers[key]}</span>${beside ? html` <small>${beside}</small>` : nothing}</dd></div>`;
  return html`<dl class="totals">${[
    part("Callbacks, last hour", "total.callbacks"),
    part("Found their workspace", "total.matched"),
    part("Waiting for one", "total.waiting", sums.waitingGroups > 0 ? `in ${groups(sums.waitingGroups)}` : ""),
    part("Refused", "total.refused", most),
    part("99 % answered within", "total.p99"),
    part("Webhooks accepted", "total.webhooks", sums.webhooks > 0 ? `of ${counted(sums.webhooks)}` : ""),
  ]}</dl>`;
}

const groups = (count: number) => (count === 1 ? "one group" : `${counted(count)} groups`);
