import { readMessages } from "../../api/messages.ts";
import { GatewayError } from "../../errors.ts";
import type { Event } from "../../events/build.ts";
import { readId } from "../../ids.ts";
import { type EndpointStory, readEndpoints } from "../../trace/endpoints.ts";
import {
  about,
  answer,
  detail,
  heardSentence,
  type Message,
  repeatedSentence,
  repeatedWord,
  rungs,
  sayMessage,
  shapeOf,
  statusOf,
  statusWord,
} from "../../trace/message.ts";
import { happened, maskPerson, maskText, messageWord, providerName } from "../../trace/names.ts";
import { type Heard, type Repeats, readHeard } from "../../trace/repeats.ts";
import { many, plain } from "../../trace/sentence.ts";
import { workspaceNames } from "../../trace/story.ts";
import { clock, lasting, zoneLabel } from "../../trace/zone.ts";
import { type Clock, code, foreign, type Html, html, nothing, sentence, time } from "../html.ts";
import { facts, say } from "../parts/beside.ts";
import { crumbs, page } from "../parts/layout.ts";
import { badge, shape, status } from "../parts/status.ts";
import { pages, view } from "../visit.ts";

const LATEST = 50;

/** Was it delivered? The latest that was told of messages, and one message with all that was told of it. */
export const messages = pages()
  .get("/", async (c) => {
    const { database, registry } = c.var.gateway;
    const seen = view(c);
    const rows = await database.query<{ body: string }>(
      `select body from events where name = 'channel_delivery_status' order by id desc limit ${LATEST}`,
    );
    const events = rows.map((row) => JSON.parse(row.body) as Event);
    const names = await workspaceNames(
      database.query,
      events.map((event) => event.workspace_id),
    );
    const lines = events.map((event) => {
      const id = text(event.data.message_id) ?? "";
      const recipient = text(event.provider_data.recipient);
      return html`<tr><td data-label="Happened" class="nowrap">${time(event.occurred_at, clock(event.occurred_at, seen.zone, seen.now))}</td><td data-label="What">${status(shapeOfStatus(statusOf(event)), happened(event))}</td><td data-label="Message"><a class="go" href="${messageLink(id)}">${code(maskText(id))}</a></td><td data-label="To">${recipient ? foreign(maskPerson(recipient)) : ""}</td><td data-label="Workspace">${foreign(names.get(event.workspace_id) ?? event.workspace_id)}</td><td data-label="Provider">${providerName(registry, adapterOf(event))}</td></tr>`;
    });
    const body = html`<h1>Was it delivered?</h1>
<p class="sub">Search for a message by its id, ours or the provider’s, or by whom it went to. Below, what was told last.</p>
<form class="search mid" action="/console/search"><input type="search" name="q" maxlength="300" aria-label="Message id, e-mail or phone" placeholder="Message id, e-mail or phone"></form>
<div class="box mid">${lines.length === 0 ? html`<p class="empty">Nothing has been told of any message so far.</p>` : html`<table class="stack" data-list><thead><tr><th scope="col">Happened, ${zoneLabel(seen.zone, seen.now)}</th><th scope="col">What</th><th scope="col">Message</th><th scope="col">To</th><th scope="col">Workspace</th><th scope="col">Provider</th></tr></thead><tbody>${lines}</tbody></table>`}</div>`;
    return page(c, { title: "Messages", section: "messages", body });
  })
  .get("/:id{.+}", async (c) => {
    const { gateway } = c.var;
    const { query } = gateway.database;
    const id = c.req.param("id");
    const found = await readMessages(query, id, null);
    const chosen = found.length === 1 ? found[0] : found[Number(c.req.query("of") ?? -1)];
    if (found.length === 0) throw new GatewayError("not_found");
    const names = await workspaceNames(
      query,
      found.flatMap((one) => one.workspace_id ?? []),
    );
    const seen = view(c);
    if (!chosen) return page(c, { title: "Messages", section: "messages", body: several(id, found, names, seen) });
    const workspace = names.get(chosen.workspace_id ?? "") ?? "";
    const adapter = chosen.provider && (chosen.dialect ? `${chosen.provider}/${chosen.dialect}` : chosen.provider);
    const provider = providerName(gateway.registry, adapter);
    const ids = chosen.events.slice(0, MOST_SHOWN).flatMap((event) => readId("event", event.id) ?? []);
    const told = await readEndpoints(gateway, ids);
    const heard = await readHeard(gateway, chosen);
    const headline = answer(chosen);
    const body = html`${crumbs(html`<a href="/console/messages">Messages</a>`, foreign(workspace), code(maskText(chosen.message_id ?? id)))}
<div class="two">
<div class="top">${badge(shapeOf(chosen.state), chosen.state ? statusWord(chosen.state) : "Unknown")}
<h1>${sentence(headline, seen)}</h1>
<p class="why">${sentence(about(chosen, workspace), seen)}</p></div>
<div class="beside">${say(sayMessage(chosen, seen.zone), seen)}</div></div>
${ladder(chosen, seen)}
<div class="two mid"><div><h2>Everything that ${adapter ? provider : "we"} told us, in the order in which it happened</h2>${timeline(chosen, told, heard, provider, seen)}${lateNews(chosen)}</div>
<div class="beside">${facts([
      ["Channel", `${messageWord(chosen.channel)}${adapter ? `, by ${provider}` : ""}`],
      ["Workspace", html`<a href="/console/workspaces/${chosen.workspace_id ?? ""}">${foreign(workspace)}</a>`],
      ["Campaign", chosen.campaign_id ? code(maskText(chosen.campaign_id)) : null],
      ["Contact", chosen.contact_id ? code(maskText(chosen.contact_id)) : null],
      ["Recipient", chosen.recipient ? foreign(maskPerson(chosen.recipient)) : null],
      [
        "Our id",
        chosen.message_id !== chosen.provider_message_id && chosen.message_id ? code(maskText(chosen.message_id)) : null,
      ],
      [`${provider}’s id`, chosen.provider_message_id ? code(maskText(chosen.provider_message_id)) : null],
    ])}<section><h2>Callbacks</h2><p>${sentence(heardSentence(heard), seen)}</p></section></div></div>`;
    return page(c, { title: plain(headline, seen.zone, seen.now), section: "messages", body });
  });

const MOST_SHOWN = 100;
const text = (value: unknown) => (typeof value === "string" && value ? value : null);
const adapterOf = (event: Event) => event.provider && (event.dialect ? `${event.provider}/${event.dialect}` : event.provider);
export const messageLink = (id: string) => `/console/messages/${encodeURIComponent(id)}`;
const shapeOfStatus = (word: string) =>
  word === "sent" ? "accepted" : word === "complained" || word === "unsubscribed" ? "ignored" : shapeOf(word);

/** One id, several people: one line each. */
function several(id: string, found: Message[], names: ReadonlyMap<string, string>, seen: Clock): Html {
  return html`<h1>${many(found.length, "message")} of that id</h1><p class="sub">One went to each of these.</p><div class="box mid"><table class="stack" data-list><thead><tr><th scope="col">To</th><th scope="col">State</th><th scope="col">Since</th><th scope="col">Workspace</th></tr></thead><tbody>${found
    .slice(0, MOST_SHOWN)
    .map(
      (one, index) =>
        html`<tr><td data-label="To"><a class="go" href="${messageLink(id)}?of=${index}">${foreign(one.recipient ? maskPerson(one.recipient) : maskText(one.message_id ?? id))}</a></td><td data-label="State">${status(shapeOf(one.state), one.state ? statusWord(one.state) : "Unknown")}</td><td data-label="Since">${one.state_at ? time(one.state_at, clock(one.state_at, seen.zone, seen.now)) : ""}</td><td data-label="Workspace">${foreign(names.get(one.workspace_id ?? "") ?? "")}</td></tr>`,
    )}</tbody></table></div>${found.length > MOST_SHOWN ? html`<p class="more">The first ${MOST_SHOWN}. Search for the recipient.</p>` : nothing}`;
}

function ladder(message: Message, seen: Clock): Html {
  const steps = rungs(message);
  let before: string | null = null;
  return html`<ol class="box ladder mid">${steps.map((rung) => {
    const since = rung.at && before && rung.at > before ? lasting(Date.parse(rung.at) - Date.parse(before)) : null;
    before = rung.at ?? before;
    return html`<li class="${rung.at && !rung.failed ? "on" : ""}"><span class="rung">${shape(rung.failed ? "failed" : rung.at ? "accepted" : "waiting")}</span><strong>${statusWord(rung.status)}</strong>${rung.at ? time(rung.at, clock(rung.at, seen.zone, seen.now)) : steps.slice(steps.indexOf(rung)).some((later) => later.at !== null) ? "not told" : "not so far"}${since ? html`<br>after ${since}` : nothing}</li>`;
  })}</ol>`;
}

function timeline(
  message: Message,
  told: Awaited<ReturnType<typeof readEndpoints>>,
  heard: Heard,
  provider: string,
  seen: Clock,
): Html {
  const rows = message.events.slice(0, MOST_SHOWN).map((event) => {
    const again = heard.repeats.get(event.id);
    return html`${eventRow(event, told.get(readId("event", event.id) ?? "") ?? [], provider, seen)}${again ? repeatRow(event, again, provider, seen) : nothing}`;
  });
  return html`<div class="box"><table class="stack" data-list><thead><tr><th scope="col">Happened, ${zoneLabel(seen.zone, seen.now)}</th><th scope="col">What</th><th scope="col" class="num">Reached us</th><th scope="col">Endpoints</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

const when = (moment: string, { zone, now }: Clock) => time(moment, clock(moment, zone, now));

function eventRow(event: Event, endpoints: EndpointStory[], provider: string, seen: Clock): Html {
  const reached = endpoints.filter((one) => one.state === "succeeded").length;
  const count =
    event.type === null ? "on the bus alone" : endpoints.length === 0 ? "no endpoint" : `${reached} of ${endpoints.length} told`;
  const link = event.callback_id ? `/console/callbacks/${event.callback_id}` : null;
  return html`<tr><td data-label="Happened" class="nowrap">${when(event.occurred_at, seen)}</td><td>${status(shapeOfStatus(statusOf(event)), statusWord(statusOf(event)))}<small>${sentence(detail(event, provider), seen)}</small></td>${reachedCell(event, event.received_at, seen)}<td data-label="Endpoints">${link ? html`<a class="go" href="${link}">${count}</a>` : count}</td></tr>`;
}

function repeatRow(event: Event, again: Repeats, provider: string, seen: Clock): Html {
  return html`<tr><td data-label="Happened" class="nowrap faint">${when(event.occurred_at, seen)}</td><td>${status("repeat", repeatedWord(event, again))}<small>${sentence(repeatedSentence(again, provider), seen)}</small></td>${reachedCell(event, again.lastAt, seen)}<td data-label="Endpoints" class="faint">none, on purpose</td></tr>`;
}

function reachedCell({ occurred_at }: Event, at: string, seen: Clock): Html {
  const later = Date.parse(at) - Date.parse(occurred_at);
  return html`<td data-label="Reached us" class="num nowrap">${when(at, seen)}<small>${later >= 1000 ? `${lasting(later)} later` : "at once"}</small></td>`;
}

/** Late news never turns the state back: where it came in another order, that is said. */
function lateNews({ events }: Message): Html {
  const late = events.find((event, index) => events.slice(index + 1).some((after) => after.received_at < event.received_at));
  const before = late && events.slice(events.indexOf(late) + 1).find((after) => after.received_at < late.received_at);
  if (!late || !before) return nothing;
  return html`<p class="more soft">“${statusWord(statusOf(before))}” reached us before “${statusWord(statusOf(late))}”. The order above is by when it happened, so late news never turns the state back.</p>`;
}
