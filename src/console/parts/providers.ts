import type { Attention, ProviderRow } from "../../attention/types.ts";
import type { Gateway } from "../../gateway.ts";
import { counted } from "../../trace/sentence.ts";
import { minute } from "../../trace/zone.ts";
import { type Clock, type Html, html } from "../html.ts";
import { adapterName } from "./adapters.ts";
import { NONE_CAME } from "./callbacks.ts";
import { outcome, spark } from "./charts.ts";
import { rowNumbers } from "./numbers.ts";

const MINUTE_MS = 60_000;
/** Silence that is worth a word. */
const QUIET_MINUTES = 10;
const FEWEST_REFUSED = 3;

/** A row per provider, over the last hour; whose silence needs attention stands out. */
export function providerTable(rows: readonly ProviderRow[], items: readonly Attention[], gateway: Gateway, seen: Clock): Html {
  if (rows.length === 0) return html`<div class="box"><p class="empty">${NONE_CAME}</p></div>`;
  const quiet = new Set(items.filter((item) => item.kind === "quiet").map((item) => item.adapter));
  const heads = ["Now", "Last hour", "Matched", "Outcome", "Waiting", "Failed", "Refused", "Repeats", "p99, ms", "Last good one"];
  const head = heads.map((name) => html`<th scope="col" ${name === "Outcome" ? "" : html`class="num"`}>${name}</th>`);
  const lines = rows.map((row) => providerLine(row, adapterName(gateway.registry, row.adapter), quiet.has(row.adapter), seen));
  return html`<div class="box wide"><table class="stack" data-list><thead><tr><th scope="col">Provider</th><th scope="col">Callbacks a minute, last hour</th>${head}</tr></thead><tbody>${lines}</tbody></table></div>`;
}

function providerLine(row: ProviderRow, name: string, isQuiet: boolean, seen: Clock): Html {
  const { adapter, outcomes, minutes } = row;
  const numbers = rowNumbers(row, seen.now);
  const number = (what: string) => {
    const key = `row.${adapter}.${what}`;
    return html`<span data-live="${key}">${numbers[key]}</span>`;
  };
  const cell = (what: string, label: string, tone = "") =>
    html`<td data-label="${label}" class="num ${tone}">${number(what)}</td>`;
  /** Where there are some, the number leads to them. */
  const counting = (what: string, label: string, count: number, tone: string, status: string) =>
    count === 0
      ? cell(what, label, "zero")
      : html`<td data-label="${label}" class="num ${tone}"><a href="/console/callbacks?${new URLSearchParams({ status, provider: adapter })}">${number(what)}<span class="unseen"> ${label}, ${name}</span></a></td>`;
  const bars = spark(
    minutes.map((one) => one.taken + one.refused),
    minutes.map((one) => one.refused),
    storyOf(name, row, seen),
  );
  return html`<tr><th scope="row"><a class="go" href="/console/callbacks?provider=${encodeURIComponent(adapter)}">${name}</a></th><td data-label="A minute">${bars}</td>${cell("now", "Now")}${cell("hour", "Last hour")}${cell("matched", "Matched")}<td data-label="Outcome">${outcomeBar(row)}</td>${counting("waiting", "Waiting", row.waiting, "wait", "unmatched")}${counting("failed", "Failed", outcomes.failed, "bad", "failed")}${counting("refused", "Refused", outcomes.refused, "bad", "rejected")}${counting("repeats", "Repeats", outcomes.duplicate, "", "duplicate")}<td data-label="p99, ms" class="num">${row.p99 === null ? "–" : counted(row.p99)}</td>${cell("good", "Last good one", `nowrap ${isQuiet ? "wait" : ""}`)}</tr>`;
}

function outcomeBar({ outcomes }: ProviderRow): Html {
  const { accepted, duplicate, ignored, unmatched, failed, refused } = outcomes;
  const placed = accepted + duplicate + ignored;
  return outcome(
    [
      { count: placed, tone: "bar" },
      { count: unmatched, tone: "wait" },
      { count: failed + refused, tone: "bad" },
    ],
    `${counted(placed)} found their place, ${counted(unmatched)} unmatched, ${counted(failed)} failed, ${counted(refused)} refused`,
  );
}

/** What the line of bars tells: "Acme Pay: about 9 a minute, all refused since 15:20". */
export function storyOf(name: string, { minutes, lastHour, outcomes }: ProviderRow, { zone, now }: Clock): string {
  const came = minutes.map((one) => one.taken + one.refused);
  const [first, last] = [came.findIndex((count) => count > 0), came.findLastIndex((count) => count > 0)];
  if (first < 0) return `${name}: none in the last hour`;
  const perMinute = Math.round(lastHour / (last - first + 1));
  const pace =
    perMinute >= 1 && lastHour >= 60 ? `about ${counted(perMinute)} a minute` : `${counted(lastHour)} in the last hour`;
  const at = (index: number) => minute((Math.floor(now / MINUTE_MS) - (minutes.length - 1 - index)) * MINUTE_MS, zone, now);
  const lastGood = minutes.findLastIndex((one) => one.taken > 0);
  const knocks = minutes.slice(lastGood + 1).reduce((sum, one) => sum + one.refused, 0);
  if (knocks >= FEWEST_REFUSED) {
    const since = minutes.findIndex((one, index) => index > lastGood && one.refused > 0);
    return `${name}: ${pace}, all refused${lastGood < 0 ? "" : ` since ${at(since)}`}`;
  }
  const some = outcomes.refused > 0 ? `, ${counted(outcomes.refused)} of them refused` : "";
  return `${name}: ${pace}${some}${last < minutes.length - 1 - QUIET_MINUTES ? `, none since ${at(last)}` : ""}`;
}
