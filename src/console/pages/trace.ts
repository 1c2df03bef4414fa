import { note } from "../../api/http.ts";
import { GatewayError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import { readId } from "../../ids.ts";
import { kindWord, maskPerson, maskText, providerName } from "../../trace/names.ts";
import { many, plain } from "../../trace/sentence.ts";
import { busOnly, noEndpoint, type Offer, type Shape, type State, small } from "../../trace/states.ts";
import { readStory, type Story } from "../../trace/story.ts";
import { readTrace } from "../../trace/trace.ts";
import { sayOf, understoodSentence, verdictOf, verifiedSentence } from "../../trace/verdict.ts";
import { clock, exactClock, lasting, zoneLabel } from "../../trace/zone.ts";
import { type Clock, code, foreign, type Html, html, nothing, sentence, time } from "../html.ts";
import { acts } from "../parts/acts.ts";
import { copy, facts, moment, say } from "../parts/beside.ts";
import { crumbs, page } from "../parts/layout.ts";
import { badge, status } from "../parts/status.ts";
import { type Step, stepList } from "../parts/steps.ts";
import { toldTable } from "../parts/told.ts";
import { waysTable } from "../parts/ways.ts";
import { pages, type Visit, view } from "../visit.ts";

const MOST_ITEMS = 100;
const MOST_BODY = 64 * 1024;

/** One callback: what became of it, why, what can be done, what to say; then the proof. */
export const trace = pages()
  .get("/:id", async (c) => {
    const { gateway } = c.var;
    const story = await storyOf(c);
    const seen = view(c);
    const state = verdictOf(story, gateway.registry);
    const { trace: told } = story;
    const title = plain(state.headline, seen.zone, seen.now);
    const body = html`${where(story, gateway, state)}
<div class="two">
<div class="top">${badge(state.shape, state.word)}
<h1>${sentence(state.headline, seen)}</h1>
<p class="why">${sentence(state.explanation, seen)}</p>
<div class="offers">${state.offers.map((offer, index) => offerOf(offer, story, seen, index === 0, index))}${told.status === "rejected" ? nothing : html`<a class="button" href="/console/callbacks/${told.id}/replay">Replay…</a>`}</div></div>
<div class="beside">${say(sayOf(story, gateway.registry, seen.zone), seen)}</div>
<div class="mid">${stepList(stepsOf(c, story, state))}${c.req.query("all") === undefined ? nothing : allItems(story)}</div>
<div class="beside mid">${factsOf(story, gateway, seen)}${alsoWaiting(story)}${acts(story.acts, story.item?.healed ?? null, seen)}</div>
</div>`;
    return page(c, { title, section: told.status === "unmatched" ? "unmatched" : "callbacks", body });
  })
  .get("/:id/body", async (c) => {
    const { gateway } = c.var;
    const id = readId("callback", c.req.param("id"));
    const found = id ? await readTrace(gateway, id) : null;
    if (!found) throw new GatewayError("not_found");
    await note(c, [{ action: "callback.body_read", object: found.id }]);
    const { body, body_encoding, hidden, removed } = found.request;
    const shown = body === null ? null : shorten(body);
    const hiddenFields = gateway.registry.get(adapterOf(found) ?? "")?.provider.hidden ?? [];
    const content = html`${crumbs(html`<a href="/console/callbacks">Callbacks</a>`, html`<a href="/console/callbacks/${found.id}">${code(found.id)}</a>`, html`Body`)}
<h1>The body, as it came</h1>
<p class="why">${body === null ? "It was not kept: it was too long, or was never read." : `${many(found.size, "byte")}${body_encoding === "base64" ? ", shown as base64 because it is no text" : ""}. That you read it is noted under Audit.`}${hiddenFields.length > 0 && hidden.length > 0 ? " What may hold one-time codes is hidden." : ""}</p>
${removed.map((one) => html`<p class="sub">${one.explanation}</p>`)}
${shown === null ? nothing : html`<div class="box mid"><pre class="body" tabindex="0"><bdi>${shown.text}</bdi></pre></div>${shown.cut ? html`<p class="more">Cut here: the rest is not shown.</p>` : nothing}`}`;
    return page(c, { title: "Body", section: "callbacks", body: content });
  });

async function storyOf(c: Visit): Promise<Story> {
  const id = readId("callback", c.req.param("id") ?? "");
  const index = /^\d{1,6}$/.test(c.req.query("item") ?? "") ? Number(c.req.query("item")) : null;
  const story = id ? await readStory(c.var.gateway, id, index) : null;
  if (!story) throw new GatewayError("not_found");
  return story;
}

const adapterOf = ({ provider, dialect }: Story["trace"]) => provider && (dialect ? `${provider}/${dialect}` : provider);

/** What escaping makes longer is cut earlier, so that a page stays a page. */
function shorten(body: string): { text: string; cut: boolean } {
  let room = 90_000;
  let end = 0;
  for (const character of body.slice(0, MOST_BODY)) {
    room -= /[&<>"']/.test(character) ? 6 : Buffer.byteLength(character);
    if (room < 0) break;
    end += character.length;
  }
  return { text: body.slice(0, end), cut: end < body.length };
}

function where({ trace, waits, adapter }: Story, gateway: Gateway, { shape }: State): Html {
  const provider = providerName(gateway.registry, adapter);
  const steps =
    shape === "unmatched" && waits
      ? [
          html`<a href="/console/unmatched">Unmatched</a>`,
          html`<a href="${groupLink(adapter ?? "", waits)}">${provider} ${kindWord(waits.kind)} ${code(waits.value)}</a>`,
        ]
      : [
          html`<a href="/console/callbacks">Callbacks</a>`,
          html`<a href="/console/callbacks?provider=${encodeURIComponent(adapter ?? "")}">${provider}</a>`,
        ];
  return crumbs(...steps, code(trace.id));
}

function groupLink(adapter: string, { kind, value }: { kind: string; value: string }): string {
  return `/console/unmatched?${new URLSearchParams({ adapter, reference: `${kind}:${value}` })}`;
}

function offerOf(offer: Offer, story: Story, seen: Clock, first: boolean, index: number): Html {
  if (offer.to === "copy") return copy(offer.label, offer.text, seen, `copy-${index}`);
  const link = linkOf(offer.to, story);
  return link ? html`<a class="button ${first ? "main" : ""}" href="${link}">${offer.label}</a>` : nothing;
}

function linkOf(to: Exclude<Offer["to"], "copy">, { trace, item, waits, first, lastGood, event, adapter }: Story): string | null {
  switch (to) {
    case "message": {
      const id = event?.data.message_id;
      return typeof id === "string" ? `/console/messages/${encodeURIComponent(id)}` : null;
    }
    case "binding":
      return trace.learned[0] ? `/console/bindings?${new URLSearchParams({ value: trace.learned[0].value })}` : null;
    case "assign_all":
      return waits && adapter ? groupLink(adapter, waits) : null;
    case "assign_one":
      return item ? `/console/unmatched?${new URLSearchParams({ callback: trace.id, item: String(item.index) })}` : null;
    case "first":
      return first ? `/console/callbacks/${first.id}` : null;
    case "last_good":
      return lastGood ? `/console/callbacks/${lastGood.id}` : null;
    // The button beside the offers does it.
    case "replay":
      return null;
    case "endpoint":
      return null;
  }
}

function stepsOf(c: Visit, story: Story, state: State): Step[] {
  const { gateway } = c.var;
  const { trace: told, item, waits } = story;
  const seen = view(c);
  const provider = providerName(gateway.registry, story.adapter);
  const ms = told.steps_ms as Record<string, number | undefined>;
  const after = (step: string) => (ms[step] === undefined ? null : `+${lasting(ms[step])}`);
  const isRefused = told.status === "rejected";
  const isRead = !isRefused && item !== null && item.verdict !== "failed";
  const notReached = (name: string): Step => ({
    name,
    when: null,
    shape: "waiting",
    told: html`<span class="faint">Not reached.</span>`,
  });
  const arrived: Step = {
    name: "Arrived",
    when: told.received_at && exactClock(told.received_at, seen.zone),
    shape: "accepted",
    told: html`${isRefused ? "Somebody" : provider} called ${code(told.request.path ?? "")} with ${many(told.size, "byte")}${batch(story)}.<div class="fold">${headersFold(told)}<a href="/console/callbacks/${told.id}/body">Body</a></div>`,
  };
  const verified: Step = {
    name: "Verified",
    when: after("verified"),
    shape: isRefused ? state.shape : "accepted",
    told: sentence(verifiedSentence(story, gateway.registry, seen.zone), seen),
  };
  if (isRefused) return [arrived, verified, ...["Understood", "Whose is it?", "Event", "Webhooks"].map(notReached)];
  const understood: Step = {
    name: "Understood",
    when: after("understood"),
    shape: isRead ? (item?.word === undefined ? "accepted" : "new") : "failed",
    told: html`${sentence(understoodSentence(story), seen)}`,
  };
  if (!isRead) return [arrived, verified, understood, ...["Whose is it?", "Event", "Webhooks"].map(notReached)];
  const answer = item?.workspace_id;
  const whose: Step = {
    name: "Whose is it?",
    when: after("placed"),
    shape: answer ? "accepted" : item?.verdict === "waiting" ? "unmatched" : "ignored",
    told: whoseTold(story),
  };
  const event: Step = {
    name: "Event",
    when: null,
    shape:
      item?.verdict === "event"
        ? "accepted"
        : item?.verdict === "duplicate"
          ? "repeat"
          : item?.verdict === "waiting"
            ? "waiting"
            : "ignored",
    told: eventTold(story, waits),
  };
  return [arrived, verified, understood, whose, event, webhooks(story, seen)];
}

function batch({ trace, item }: Story): Html {
  const count = trace.items.length;
  if (count < 2 || !item) return nothing;
  return html`, ${many(count, "event")} in it; this is number ${item.index + 1}. <a href="/console/callbacks/${trace.id}?item=${item.index}&amp;all">Show all ${count}</a>`;
}

function headersFold({ request }: Story["trace"]): Html {
  const headers = Object.entries(request.headers);
  if (headers.length === 0 && request.hidden.length === 0) return nothing;
  return html`<details><summary>${many(headers.length, "header")}</summary><dl class="headers">${headers.map(([name, value]) => html`<dt>${foreign(name)}</dt><dd>${code(String(value).slice(0, 2000))}</dd>`)}${
    request.hidden.length > 0 ? html`<dt>never shown</dt><dd>${foreign(request.hidden.join(", "))}</dd>` : nothing
  }</dl></details>`;
}

function whoseTold({ item, names }: Story): Html {
  if (!item || item.ways.length === 0) return html`<span class="faint">It did not matter.</span>`;
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

function eventTold({ item, told, first }: Story, waits: Story["waits"]): Html {
  switch (item?.verdict) {
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

function webhooks({ item, told, names, trace }: Story, seen: Clock): Step {
  const name = "Webhooks";
  if (item?.verdict === "waiting")
    return { name, when: null, shape: "waiting", told: html`None yet: without a workspace there is nobody to tell.` };
  if (item?.verdict !== "event" || !told) return { name, when: null, shape: "waiting", told: html`None.` };
  if (told.type === null)
    return {
      name,
      when: null,
      shape: busOnly.shape,
      told: html`${status(busOnly.shape, sentence(busOnly.headline, seen))}<br>${sentence(busOnly.explanation, seen)}`,
    };
  if (item.endpoints.length === 0) {
    const state = noEndpoint(names.get(item.workspace_id ?? "") ?? "The workspace");
    return {
      name,
      when: null,
      shape: state.shape,
      told: html`${sentence(state.headline, seen)}. ${sentence(state.explanation, seen)}`,
    };
  }
  const reached = item.endpoints.filter((one) => one.state === "succeeded");
  const others = item.endpoints.length - reached.length;
  const shape: Shape =
    others === 0
      ? "accepted"
      : item.endpoints.some((one) => one.state === "dead")
        ? "given_up"
        : item.endpoints.some((one) => one.state === "held" || one.state === "retrying")
          ? "retrying"
          : "not_sent";
  const last = reached
    .flatMap((one) => one.attempts.at(-1)?.at ?? [])
    .sort()
    .at(-1);
  return {
    name,
    when: last && trace.received_at ? `+${lasting(Math.max(0, Date.parse(last) - Date.parse(trace.received_at)))}` : null,
    shape,
    told: html`<strong>${capital(small(reached.length))} ${reached.length === 1 ? "endpoint was" : "endpoints were"} told${others > 0 ? `, ${small(others)} ${others === 1 ? "was" : "were"} not` : ""}.</strong> As their subscriptions stood then:${toldTable(item.endpoints, told.type ?? "", trace.received_at ?? "", seen)}`,
  };
}

function factsOf({ trace, told, event, item, names, adapter }: Story, gateway: Gateway, seen: Clock): Html {
  const provider = providerName(gateway.registry, adapter);
  const text = (value: unknown) => (typeof value === "string" && value ? value : null);
  const message = text(told?.data.message_id);
  const theirs = text(told?.provider_data.message_id);
  const recipient = text(told?.provider_data.recipient);
  const reported = told?.provider_data.clock !== "received";
  const answered = (trace.steps_ms as Record<string, number>).placed;
  return facts([
    ["Received", trace.received_at ? moment(trace.received_at, seen) : null],
    [
      "Happened",
      told
        ? html`${time(told.occurred_at, `${clock(told.occurred_at, seen.zone, seen.now)} ${zoneLabel(seen.zone, told.occurred_at)}`)}, by ${reported ? `${provider}’s` : "our"} clock`
        : null,
    ],
    [
      "Workspace",
      item?.workspace_id
        ? html`<a href="/console/workspaces/${item.workspace_id}">${foreign(names.get(item.workspace_id) ?? item.workspace_id)}</a>`
        : null,
    ],
    [
      "Message",
      message && event?.variant
        ? html`<a href="/console/messages/${encodeURIComponent(message)}">${code(maskText(message))}</a>`
        : message
          ? code(maskText(message))
          : null,
    ],
    ["Campaign", text(told?.data.campaign_id) ? code(maskText(text(told?.data.campaign_id) ?? "")) : null],
    ["Contact", text(told?.data.contact_id) ? code(maskText(text(told?.data.contact_id) ?? "")) : null],
    ["Recipient", recipient ? foreign(maskPerson(recipient)) : null],
    [
      "Reason given",
      (text(told?.data.error_reason) ?? text(told?.data.bounce_reason))
        ? foreign(maskText(text(told?.data.error_reason) ?? text(told?.data.bounce_reason) ?? ""))
        : null,
    ],
    [`${provider}’s id`, theirs && theirs !== message ? code(maskText(theirs)) : null],
    ["Event", item?.event_id ? code(item.event_id) : null],
    ["Callback", code(trace.id)],
    [
      "We answered",
      trace.status === "rejected"
        ? `refused${trace.verification.code ? "" : ""}`
        : `200${answered === undefined ? "" : ` in ${lasting(answered)}`}`,
    ],
    ["First", trace.first_status !== trace.status ? `It was ${trace.first_status} at first` : null],
    ["From", trace.request.ip ? code(trace.request.ip) : null],
    ["Proved by", trace.verification.scheme ? foreign(trace.verification.scheme) : null],
    ["Reason", (item?.reason ?? trace.reason) ? code(item?.reason ?? trace.reason ?? "") : null],
  ]);
}

function alsoWaiting({ waits, adapter, item }: Story): Html {
  if (item?.verdict !== "waiting" || !waits || waits.count < 2 || !adapter) return nothing;
  return html`<section><h2>Also waiting</h2><p><a href="${groupLink(adapter, waits)}">${many(waits.count, "event")}</a> of this ${kindWord(waits.kind)}, with this one.</p></section>`;
}

/** Every event of a batch. */
function allItems({ trace, item }: Story): Html {
  const shown = trace.items.slice(0, MOST_ITEMS);
  const shapes: Readonly<Record<string, [Shape, string]>> = {
    event: ["accepted", "Accepted"],
    taught: ["accepted", "Accepted"],
    waiting: ["unmatched", "Unmatched"],
    duplicate: ["repeat", "Repeat"],
    failed: ["failed", "Failed"],
    dismissed: ["ignored", "Put aside"],
  };
  return html`<h2 id="all">All ${many(trace.items.length, "event")} of this callback</h2><div class="box"><table><thead><tr><th scope="col" class="num">No.</th><th scope="col">Status</th><th scope="col">What became of it</th></tr></thead><tbody>${shown.map(
    (one) => {
      const [shape, word] =
        shapes[one.verdict] ?? (one.word === undefined ? (["ignored", "Ignored"] as const) : (["new", "New"] as const));
      return html`<tr><td class="num">${one.index + 1}</td><td>${status(shape, word)}</td><td>${one.index === item?.index ? html`<strong>this one</strong>` : html`<a class="go" href="/console/callbacks/${trace.id}?item=${one.index}">Open</a>`} ${foreign(one.word === undefined ? "" : `“${one.word}”`)}</td></tr>`;
    },
  )}</tbody></table></div>${trace.items.length > MOST_ITEMS ? html`<p class="more">The first ${MOST_ITEMS} of ${trace.items.length}. Search for an id to open at its event.</p>` : nothing}`;
}
