import { providerRows, totals } from "../../attention/minutes.ts";
import type { Attention, ProviderRow, Totals } from "../../attention/types.ts";
import type { Gateway } from "../../gateway.ts";
import { attentionWords } from "../../trace/attention.ts";
import { providerName } from "../../trace/names.ts";
import { counted } from "../../trace/sentence.ts";
import { small } from "../../trace/states.ts";
import { workspaceNames } from "../../trace/story.ts";
import { ago, lasting } from "../../trace/zone.ts";
import { type Clock, type Html, html, nothing, sentence, time } from "../html.ts";
import { outcome, spark } from "../parts/charts.ts";
import { nowLine, page } from "../parts/layout.ts";
import { shape } from "../parts/status.ts";
import { pages, view } from "../visit.ts";
import { attention } from "../watch.ts";
import { percent } from "./endpoints.ts";

const MOST_ITEMS = 12;

/** How many things need attention, and how the last hour went. */
export const overview = pages().get("/", async (c) => {
  const { gateway } = c.var;
  const { query } = gateway.database;
  const seen = view(c);
  const [items, rows] = await Promise.all([attention(gateway), providerRows(query)]);
  const sums = await totals(query, rows);
  const names = await workspaceNames(
    query,
    items.flatMap((item) => item.cause.workspace_id ?? []),
  );
  const quiet = new Set(items.filter((item) => item.kind === "quiet").map((item) => item.adapter));
  const headline =
    items.length === 0
      ? "Nothing needs attention"
      : `${capital(small(items.length))} ${items.length === 1 ? "thing needs" : "things need"} attention`;
  const body = html`<h1>${headline}</h1><p class="sub">${nowLine(c)}. ${items.length === 0 ? "Everything runs as usual." : "Everything else runs as usual."}</p>
${items.length > 0 ? html`<ul class="box items mid" data-list>${items.slice(0, MOST_ITEMS).map((item) => itemLine(item, gateway, names, seen))}</ul>${items.length > MOST_ITEMS ? html`<p class="more">And ${counted(items.length - MOST_ITEMS)} more; the first ones are the worst.</p>` : nothing}` : nothing}
${totalsOf(sums, gateway)}
${rows.length === 0 ? html`<div class="box"><p class="empty">No callback has come so far. <code>homing url ‹adapter›</code> tells the URL to register with a provider.</p></div>` : providerTable(rows, quiet, gateway, seen)}`;
  return page(c, { title: "Overview", section: "overview", body, live: "page=overview" });
});

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function itemLine(item: Attention, gateway: Gateway, names: ReadonlyMap<string, string>, seen: Clock): Html {
  const words = attentionWords(item, gateway.registry, names);
  return html`<li>${shape(words.shape)}<div class="what"><b>${sentence(words.headline, seen)}</b><small>${sentence(words.cause, seen)}</small></div><div class="size">${words.count}<br>${time(item.since, lasting(Math.max(1000, seen.now - Date.parse(item.since))))}</div><div class="act"><a class="button go" href="${linkOf(item.link)}">${words.action}</a></div></li>`;
}

function linkOf(link: Attention["link"]): string {
  switch (link.to) {
    case "callback":
      return `/console/callbacks/${link.id}`;
    case "endpoint":
      return `/console/endpoints/${link.id}`;
    case "unmatched":
      return "/console/unmatched";
    case "callbacks": {
      const { to: _, ...asked } = link;
      return `/console/callbacks?${new URLSearchParams(asked)}`;
    }
  }
}

/** The six totals and the numbers of the rows, by the names under which Live changes them in place. */
export function liveNumbers(sums: Totals, rows: readonly ProviderRow[], now: number): Record<string, string> {
  const numbers: Record<string, string> = {
    "total.callbacks": counted(sums.callbacks),
    "total.matched": percent(sums.matched),
    "total.waiting": counted(sums.waiting),
    "total.refused": counted(sums.refused),
    "total.p99": sums.p99 === null ? "–" : `${counted(sums.p99)} ms`,
    "total.webhooks": percent(sums.webhooksAccepted),
  };
  for (const row of rows) {
    const name = `row.${row.adapter}`;
    numbers[`${name}.now`] = row.now.toFixed(1);
    numbers[`${name}.hour`] = counted(row.lastHour);
    numbers[`${name}.matched`] = percent(row.matched);
    numbers[`${name}.waiting`] = counted(row.waiting);
    numbers[`${name}.failed`] = counted(row.outcomes.failed);
    numbers[`${name}.refused`] = counted(row.outcomes.refused);
    numbers[`${name}.repeats`] = counted(row.outcomes.duplicate);
    numbers[`${name}.good`] = row.lastGoodAt ? goodAgo(row.lastGoodAt, now) : "never";
  }
  return numbers;
}

/** Good ones are known by the minute. */
const goodAgo = (at: Date, now: number) => (now - at.getTime() < 120_000 ? "now" : ago(at.getTime(), now));

function totalsOf(sums: Totals, { registry }: Gateway): Html {
  const numbers = liveNumbers(sums, [], 0);
  const { refusedMost } = sums;
  const most = refusedMost
    ? `${refusedMost.count === sums.refused ? "" : `${counted(refusedMost.count)} `}from ${providerName(registry, refusedMost.adapter)}`
    : "";
  const part = (name: string, key: string, small: string) =>
    html`<div><dt>${name}</dt><dd><span data-live="${key}">${numbers[key]}</span>${small ? html` <small>${small}</small>` : nothing}</dd></div>`;
  return html`<dl class="totals">${part("Callbacks, last hour", "total.callbacks", "")}${part("Found their workspace", "total.matched", "")}${part("Waiting for one", "total.waiting", sums.waitingGroups > 0 ? `in ${counted(sums.waitingGroups)} groups` : "")}${part("Refused", "total.refused", most)}${part("99 % answered within", "total.p99", "")}${part("Webhooks accepted", "total.webhooks", sums.webhooks > 0 ? `of ${counted(sums.webhooks)}` : "")}</dl>`;
}

function providerTable(rows: readonly ProviderRow[], quiet: ReadonlySet<string | null>, gateway: Gateway, seen: Clock): Html {
  const lines = rows.map((row) => {
    const name = providerName(gateway.registry, row.adapter);
    const numbers = liveNumbers(
      {
        callbacks: 0,
        matched: null,
        waiting: 0,
        waitingGroups: 0,
        refused: 0,
        refusedMost: null,
        p99: null,
        webhooksAccepted: null,
        webhooks: 0,
      },
      [row],
      seen.now,
    );
    const number = (what: string) =>
      html`<span data-live="row.${row.adapter}.${what}">${numbers[`row.${row.adapter}.${what}`]}</span>`;
    const cell = (what: string, label: string, tone = "") =>
      html`<td data-label="${label}" class="num ${tone}">${number(what)}</td>`;
    /** Where there are some, the number leads to them. */
    const counting = (what: string, label: string, count: number, tone: string, status: string) =>
      count === 0
        ? cell(what, label, "zero")
        : html`<td data-label="${label}" class="num ${tone}"><a href="/console/callbacks?${new URLSearchParams({ status, provider: row.adapter })}">${number(what)}<span class="unseen"> ${label}, ${name}</span></a></td>`;
    const all = row.minutes.map((one) => one.taken + one.refused);
    const bad = row.minutes.map((one) => one.refused);
    const { outcomes } = row;
    const story = `${name}: ${counted(row.lastHour)} in the last hour${outcomes.refused > 0 ? `, ${counted(outcomes.refused)} of them refused` : ""}`;
    const parts = [
      { count: outcomes.accepted + outcomes.duplicate + outcomes.ignored, tone: "bar" as const },
      { count: outcomes.unmatched, tone: "wait" as const },
      { count: outcomes.failed + outcomes.refused, tone: "bad" as const },
    ];
    return html`<tr><th scope="row"><a class="go" href="/console/callbacks?provider=${encodeURIComponent(row.adapter)}">${name}</a></th><td data-label="A minute">${spark(all, bad, story)}</td>${cell("now", "Now")}${cell("hour", "Last hour")}${cell("matched", "Matched")}<td data-label="Outcome">${outcome(parts, `${counted(parts[0]?.count ?? 0)} found their place, ${counted(outcomes.unmatched)} unmatched, ${counted(outcomes.failed)} failed, ${counted(outcomes.refused)} refused`)}</td>${counting("waiting", "Waiting", row.waiting, "wait", "unmatched")}${counting("failed", "Failed", outcomes.failed, "bad", "failed")}${counting("refused", "Refused", outcomes.refused, "bad", "rejected")}${counting("repeats", "Repeats", outcomes.duplicate, "", "duplicate")}<td data-label="p99, ms" class="num">${row.p99 === null ? "–" : counted(row.p99)}</td>${cell("good", "Last good one", `nowrap ${quiet.has(row.adapter) ? "wait" : ""}`)}</tr>`;
  });
  return html`<div class="box wide"><table class="stack" data-list><thead><tr><th scope="col">Provider</th><th scope="col">Callbacks a minute, last hour</th><th scope="col" class="num">Now</th><th scope="col" class="num">Last hour</th><th scope="col" class="num">Matched</th><th scope="col">Outcome</th><th scope="col" class="num">Waiting</th><th scope="col" class="num">Failed</th><th scope="col" class="num">Refused</th><th scope="col" class="num">Repeats</th><th scope="col" class="num">p99, ms</th><th scope="col" class="num">Last good one</th></tr></thead><tbody>${lines}</tbody></table></div>`;
}
