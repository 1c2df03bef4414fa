import type { Gateway } from "../../../gateway.ts";
import { kindWord } from "../../../trace/names.ts";
import { many } from "../../../trace/sentence.ts";
import type { Shape, State } from "../../../trace/states.ts";
import type { Item, Story } from "../../../trace/story.ts";
import { arrivedSentence, understoodSentence, verifiedSentence } from "../../../trace/verdict.ts";
import { exactClock, lasting } from "../../../trace/zone.ts";
import { type Clock, code, foreign, type Html, html, nothing, sentence } from "../../html.ts";
import type { Step } from "../../parts/steps.ts";
import { waysTable } from "../../parts/ways.ts";
import { webhooks } from "./webhooks.ts";

const NAMES = ["Arrived", "Verified", "Understood", "Whose is it?", "Event", "Webhooks"] as const;

/** What happened to a callback; a step that was not reached stays, dashed. */
export function stepsOf(gateway: Gateway, story: Story, state: State, seen: Clock): Step[] {
  const { item, trace } = story;
  const reached = [arrived(gateway, story, seen), verified(gateway, story, state, seen)];
  if (trace.status !== "rejected") {
    reached.push(understood(story, seen));
    if (item && item.verdict !== "failed") reached.push(whose(story, item), event(story, item), webhooks(story, seen));
  }
  return [...reached, ...NAMES.slice(reached.length).map(notReached)];
}

const notReached = (name: string): Step => ({
  ...{ name, when: null, shape: "waiting" },
  told: html`<span class="faint">Not reached.</span>`,
});

/** Milliseconds since it came. */
function after({ trace }: Story, step: string): string | null {
  const ms = (trace.steps_ms as Record<string, number | undefined>)[step];
  return ms === undefined ? null : `+${lasting(ms)}`;
}

function arrived({ registry }: Gateway, story: Story, seen: Clock): Step {
  const { trace } = story;
  return {
    name: "Arrived",
    when: trace.received_at && exactClock(trace.received_at, seen.zone),
    shape: "accepted",
    told: html`${sentence(arrivedSentence(story, registry), seen)}${batch(story)}.<div class="fold">${headersFold(trace)}<a href="/console/callbacks/${trace.id}/body">Body</a></div>`,
  };
}

function batch({ trace, item }: Story): Html {
  const count = trace.items.length;
  if (count < 2 || !item) return nothing;
  return html`, ${many(count, "event")} in it; this is number ${item.index + 1}. <a href="/console/callbacks/${trace.id}?item=${item.index}&amp;all">Show all ${count}</a>`;
}

function headersFold({ request, status }: Story["trace"]): Html {
  const headers = Object.entries(request.headers);
  // Nobody vouches for what was refused: of its headers the names alone are kept in the clear.
  if (status === "rejected")
    return request.hidden.length === 0
      ? nothing
      : html`<details><summary>${many(request.hidden.length, "header")}</summary><p class="faint">Their names alone: nobody vouches for what stands in them.</p><p>${request.hidden.map((name) => html`${code(name)}<br>`)}</p></details>`;
  if (headers.length === 0 && request.hidden.length === 0) return nothing;
  return html`<details><summary>${many(headers.length, "header")}</summary><dl class="headers">${headers.map(([name, value]) => html`<dt>${foreign(name)}</dt><dd>${code(String(value).slice(0, 2000))}</dd>`)}${
    request.hidden.length > 0 ? html`<dt>never shown</dt><dd>${foreign(request.hidden.join(", "))}</dd>` : nothing
  }</dl></details>`;
}

function verified({ registry }: Gateway, story: Story, state: State, seen: Clock): Step {
  return {
    ...{ name: "Verified", when: after(story, "verified"), shape: story.trace.status === "rejected" ? state.shape : "accepted" },
    told: sentence(verifiedSentence(story, registry, seen.zone), seen),
  };
}

function understood(story: Story, seen: Clock): Step {
  const { item } = story;
  const isRead = item !== null && item.verdict !== "failed";
  return {
    ...{ name: "Understood", when: after(story, "understood") },
    shape: isRead ? (item.word === undefined ? "accepted" : "new") : "failed",
    told: sentence(understoodSentence(story), seen),
  };
}

function whose(story: Story, item: Item): Step {
  const shape = item.workspace_id ? "accepted" : item.verdict === "waiting" ? "unmatched" : "ignored";
  return { name: "Whose is it?", when: after(story, "placed"), shape, told: whoseTold(story, item) };
}

function whoseTold({ names }: Story, item: Item): Html {
  if (item.ways.length === 0) return html`<span class="faint">It did not matter.</span>`;
  const table = waysTable(item.ways, names);
  if (!item.workspace_id) {
    const answers = item.ways.filter((way) => way.answer).length;
    return html`<strong>${answers === 0 ? "Four ways tried, no answer." : "Answers, but no workspace."}</strong>${table}`;
  }
  const answering = item.ways.filter((way) => way.answer);
  const by = answering.map((way) => ({ credential: "secret", path: "URL", metadata: "metadata", lookup: "look-up" })[way.way]);
  return html`<strong>${foreign(names.get(item.workspace_id) ?? item.workspace_id)}.</strong> ${by.length > 1 ? `${capital(by.join(" and "))} say so, and agree.` : by.length === 1 ? `${capital(by[0] ?? "")} says so.` : "A person said so."}<details class="fold"><summary>All four ways</summary>${table}</details>`;
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const EVENTS: Readonly<Record<string, Shape>> = { event: "accepted", duplicate: "repeat", waiting: "waiting" };

function event(story: Story, item: Item): Step {
  return { name: "Event", when: null, shape: EVENTS[item.verdict] ?? "ignored", told: eventTold(story, item) };
}

function eventTold({ told, first, waits }: Story, item: Item): Html {
  switch (item.verdict) {
    case "event":
      return html`${told ? code(told.type ?? told.variant ?? told.name) : "It was"} emitted once${told && told.type === null ? ", on the bus alone" : ""}.`;
    case "waiting":
      return html`Stored and waiting, not emitted.${waits && waits.count > 1 ? ` ${many(waits.count - 1, "other waits", "others wait")} for the same ${kindWord(waits.kind)}.` : ""}`;
    case "duplicate":
      return html`None: ${first ? html`<a href="/console/callbacks/${first.id}">the first one</a> made it.` : "it was made before."}`;
    default:
      return html`None.`;
  }
}
