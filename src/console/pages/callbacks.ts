import { type Asked, find, findRejected, query } from "../../api/callbacks.ts";
import { GatewayError } from "../../errors.ts";
import { showId } from "../../ids.ts";
import { storable } from "../../inbound/translate.ts";
import { type Html, html, nothing } from "../html.ts";
import { chooseProvider } from "../parts/adapters.ts";
import { callbackTable, NONE_CAME, STATUSES } from "../parts/callbacks.ts";
import { choose } from "../parts/filters.ts";
import { page } from "../parts/layout.ts";
import { pages, type Visit, view } from "../visit.ts";

const PAGE = 50;
const AGES = { "1h": "Last hour", "24h": "Last day", "7d": "Last week" };

/** What a page of callbacks is asked for, as its URL says; an empty field of the form asks for nothing. @throws GatewayError `invalid` */
export function askedFor(c: Visit): Asked {
  const given = Object.entries(c.req.query()).filter(([name, value]) => value !== "" && name !== "limit");
  const parsed = query.safeParse(storable(Object.fromEntries(given)));
  if (!parsed.success)
    throw new GatewayError("invalid", {
      fields: Object.fromEntries(
        parsed.error.issues.map((issue) => [issue.path.join("."), `${issue.path.join(".")}: ${issue.message}`]),
      ),
    });
  return { ...parsed.data, limit: PAGE };
}

export const findAsked = (c: Visit, asked: Asked) =>
  asked.status === "rejected" ? findRejected(c.var.gateway, asked) : find(c.var.gateway, asked);

function emptyBecause(c: Visit): Html {
  const asked = Object.entries(c.req.query()).flatMap(([name, value]) => (value === "" ? [] : name));
  if (asked.includes("after")) return html`There are no older ones.`;
  return asked.length > 0 ? html`None came that fit this.` : NONE_CAME;
}

/** What came, newest first. */
export const callbacks = pages().get("/", async (c) => {
  const { gateway } = c.var;
  const asked = askedFor(c);
  const rows = await findAsked(c, asked);
  const shown = rows.slice(0, PAGE);
  const { search } = new URL(c.req.url);
  const next = new URLSearchParams(search);
  next.set("after", showId("callback", shown.at(-1)?.id ?? "00000000-0000-0000-0000-000000000000"));
  const live = new URLSearchParams(search);
  live.set("page", "callbacks");
  if (shown[0]) live.set("newest", showId("callback", shown[0].id));
  const body = html`<h1>Callbacks</h1>
<p class="sub">What providers sent, newest first.${asked.status === "rejected" ? " Of refused ones a bounded sample is kept." : ""}</p>
<form class="filters" action="/console/callbacks">
${choose("status", "Status", "All states", Object.fromEntries(Object.entries(STATUSES).map(([name, [, word]]) => [name, word])), asked.status)}
${chooseProvider(gateway.registry, asked.provider)}
${choose("since", "Since", "Any time", AGES, c.req.query("since"))}
${asked.workspace_id ? html`<input type="hidden" name="workspace_id" value="${asked.workspace_id}">` : nothing}
<button>Show</button></form>
<div class="box"><a class="fresh" data-fresh href="/console/callbacks${search}" hidden></a>${shown.length === 0 ? html`<p class="empty">${emptyBecause(c)}</p>` : await callbackTable(gateway, shown, view(c))}</div>
${rows.length > PAGE ? html`<p class="more"><a href="/console/callbacks?${next.toString()}">Older ones</a></p>` : nothing}`;
  return page(c, { title: "Callbacks", section: "callbacks", body, live: asked.after ? "" : live.toString() });
});
