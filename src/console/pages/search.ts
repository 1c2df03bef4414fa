import { showId } from "../../ids.ts";
import { answer, shapeOf, statusWord } from "../../trace/message.ts";
import { kindWord, maskPerson, maskText, messageWord, providerName } from "../../trace/names.ts";
import { type Found, search as lookFor } from "../../trace/search.ts";
import { counted, many } from "../../trace/sentence.ts";
import { workspaceNames } from "../../trace/story.ts";
import type { FoundMessage } from "../../trace/told.ts";
import { day, zoneLabel } from "../../trace/zone.ts";
import { type Clock, code, foreign, type Html, html, nothing, sentence } from "../html.ts";
import { callbackTable } from "../parts/callbacks.ts";
import { page } from "../parts/layout.ts";
import { status } from "../parts/status.ts";
import { pages, type Visit, view } from "../visit.ts";
import { messageLink } from "./messages.ts";

/** Takes any id, order, payment, e-mail, phone. */
export const search = pages().get("/", async (c) => {
  const asked = (c.req.query("q") ?? "").trim().slice(0, 300);
  if (!asked)
    return page(c, {
      title: "Search",
      section: "search",
      body: html`<h1>Search</h1><p class="why">Any id, order, payment, e-mail or phone, exactly as it is written.</p>${box("")}`,
    });
  const found = await lookFor(c.var.gateway, asked);
  const only = single(found);
  if (only) return c.redirect(only, 303);
  const seen = view(c);
  const nothingFound = found.callbacks.length + found.messages.length + found.bindings.length + found.workspaces.length === 0;
  const body = nothingFound
    ? html`<h1>Nothing found for ${foreign(asked)}</h1><p class="why">${lookedIn(found, seen)}</p><p class="why">It must be written exactly as the provider writes it.</p>${box(asked)}`
    : html`<h1>Found for ${foreign(asked)}</h1>${box(asked)}${await results(c, found, seen)}`;
  return page(c, { title: nothingFound ? "Nothing found" : "Search", section: "search", asked, body });
});

const foundLink = ({ link }: FoundMessage) => messageLink(link.id) + (link.of === null ? "" : `?of=${link.of}`);

const box = (asked: string) =>
  html`<form class="search mid" action="/console/search"><input type="search" name="q" value="${asked}" maxlength="300" aria-label="What to look for" placeholder="Order, payment, e-mail, phone or any id"></form>`;

/** Where exactly one thing was found, its page is the answer. */
function single({ callbacks, messages, bindings, workspaces, page: own }: Found): string | null {
  if (own?.kind === "message") return foundLink(own.message);
  if (own) return own.kind === "callback" ? `/console/callbacks/${own.id}` : `/console/endpoints/${own.id}`;
  if (messages.length + callbacks.length + workspaces.length === 1 && bindings.length <= 1) {
    if (callbacks[0]) return `/console/callbacks/${showId("callback", callbacks[0].id)}`;
    if (workspaces[0]) return `/console/workspaces/${workspaces[0].id}`;
  }
  return null;
}

function lookedIn({ looked }: Found, { zone }: Clock): string {
  const since = looked.since ? ` since ${day(looked.since, zone)}, ${zoneLabel(zone, looked.since)}` : "";
  return `Looked in ${looked.callbacks > 0 ? `about ${counted(looked.callbacks)}` : "all"} callbacks${since}, messages, bindings, ${counted(looked.rejectedKept)} of ${counted(looked.rejectedAll)} refused ones.`;
}

async function results(c: Visit, { callbacks, messages, bindings, workspaces }: Found, seen: Clock): Promise<Html> {
  const { gateway } = c.var;
  const names = await workspaceNames(gateway.database.query, [
    ...messages.flatMap((one) => one.workspace_id ?? []),
    ...bindings.map((one) => one.workspace_id),
  ]);
  return html`${
    messages.length > 0
      ? html`<h2 class="mid">${many(messages.length, "message")}</h2><div class="box"><table class="stack" data-list><thead><tr><th scope="col">Message</th><th scope="col">State</th><th scope="col">Workspace</th></tr></thead><tbody>${messages
          .slice(0, 50)
          .map(
            (one) =>
              html`<tr><td data-label="Message"><a class="go" href="${foundLink(one)}">${messageWord(one.channel)} ${foreign(one.recipient ? `to ${maskPerson(one.recipient)}` : maskText(one.message_id ?? ""))}</a></td><td data-label="State">${status(shapeOf(one.state), one.state ? statusWord(one.state) : "Unknown")}<small>${sentence(answer(one), seen)}</small></td><td data-label="Workspace">${foreign(names.get(one.workspace_id ?? "") ?? "")}</td></tr>`,
          )}</tbody></table></div>`
      : nothing
  }
${callbacks.length > 0 ? html`<h2 class="mid">${callbacks.length === 50 ? "The latest 50 callbacks" : many(callbacks.length, "callback")}</h2><div class="box">${await callbackTable(gateway, callbacks, seen)}</div>` : nothing}
${bindings.length > 0 ? html`<h2 class="mid">${many(bindings.length, "binding")}</h2><div class="box"><table class="stack"><tbody>${bindings.map((one) => html`<tr><td>${providerName(gateway.registry, one.adapter)} ${kindWord(one.kind)} <a href="/console/bindings?value=${encodeURIComponent(one.value)}">${code(maskText(one.value))}</a></td><td>${foreign(names.get(one.workspace_id) ?? one.workspace_id)}</td><td>${one.origin}</td></tr>`)}</tbody></table></div>` : nothing}
${workspaces.length > 0 ? html`<h2 class="mid">${many(workspaces.length, "workspace")}</h2><ul>${workspaces.map((one) => html`<li><a href="/console/workspaces/${one.id}">${foreign(one.name)}</a> ${code(one.id)}</li>`)}</ul>` : nothing}`;
}
