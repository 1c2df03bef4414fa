import { retryDispatch } from "../../api/dispatches.ts";
import { readEndpoints, retryDead } from "../../api/endpoints.ts";
import type { Query } from "../../db/client.ts";
import { GatewayError } from "../../errors.ts";
import { catalogueTypes } from "../../events/catalogue.ts";
import { readId, showId } from "../../ids.ts";
import { askingFilter } from "../../outbound/fan-out.ts";
import { type Circuit, type Endpoint, endpointFares, endpointName, percent } from "../../trace/fares.ts";
import { counted, id as idOf, many, plain } from "../../trace/sentence.ts";
import { workspaceNames } from "../../trace/story.ts";
import { clock } from "../../trace/zone.ts";
import { awayEndpoints, recount } from "../counts.ts";
import { type Clock, code, foreign, type Html, html, nothing, sentence, time } from "../html.ts";
import { acts } from "../parts/acts.ts";
import { copy, facts, moment } from "../parts/beside.ts";
import { dispatchTable, readDispatches, readEndpointActs } from "../parts/dispatches.ts";
import { crumbs, page } from "../parts/layout.ts";
import { soon } from "../parts/soon.ts";
import { badge, status } from "../parts/status.ts";
import { pages, view } from "../visit.ts";

const PAGE = 50;

/** Where webhooks go, and how that fares. */
export const endpoints = pages()
  .get("/", async (c) => {
    const { gateway } = c.var;
    const { query } = gateway.database;
    const seen = view(c);
    const [found, away] = await Promise.all([
      readEndpoints(query, {
        after: c.req.query("after") || undefined,
        workspace: c.req.query("workspace_id") || null,
        limit: PAGE,
      }),
      soon(gateway, awayEndpoints(gateway)),
    ]);
    const shown = found.slice(0, PAGE);
    const names = await workspaceNames(
      query,
      shown.map((one) => one.workspace_id),
    );
    const rows = shown.map((one) => endpointLine(one, names.get(one.workspace_id) ?? one.workspace_id, seen));
    const table = html`<table class="stack" data-list><thead><tr><th scope="col">Endpoint</th><th scope="col">Workspace</th><th scope="col">State</th><th scope="col" class="num">Accepted, 24 h</th><th scope="col" class="num">Waiting</th><th scope="col" class="num">Given up</th><th scope="col">Asks for</th><th scope="col" class="num">Last accepted</th></tr></thead><tbody>${rows}</tbody></table>`;
    const none = c.req.query("after")
      ? "There are no older ones."
      : "No workspace has an endpoint so far. Events stand in the log and on the bus all the same.";
    const bad = away?.size ?? 0;
    const body = html`<h1>${bad === 0 ? "Endpoints" : `${many(bad, "endpoint does", "endpoints do")} not answer`}</h1><p class="sub">Where webhooks go.</p>
<div class="box mid">${rows.length === 0 ? html`<p class="empty">${none}</p>` : table}</div>${found.length > PAGE ? html`<p class="more"><a href="/console/endpoints?after=${shown.at(-1)?.id}">Older ones</a></p>` : nothing}`;
    return page(c, { title: "Endpoints", section: "endpoints", body });
  })
  .get("/:id", async (c) => {
    const { query } = c.var.gateway.database;
    const uuid = readId("endpoint", c.req.param("id"));
    const [one] = uuid ? await readEndpoints(query, { id: uuid, limit: 1 }) : [];
    if (!one || !uuid) throw new GatewayError("not_found");
    const seen = view(c);
    const names = await workspaceNames(query, [one.workspace_id]);
    const workspace = names.get(one.workspace_id) ?? one.workspace_id;
    const [circuit, owed, dead, done] = await Promise.all([
      readCircuit(query, uuid),
      readDispatches(query, uuid, ["pending", "retrying", "held"]),
      readDispatches(query, uuid, ["dead"]),
      readEndpointActs(query, uuid),
    ]);
    const fares = endpointFares(one, circuit);
    const { health } = one;
    const retry =
      health.dead > 0
        ? html`<form method="post" action="/console/endpoints/${one.id}/retry-dead" class="offers"><button class="main">Retry ${health.dead === 1 ? "the one" : `all ${counted(health.dead)}`} given up</button></form>`
        : nothing;
    const body = html`${crumbs(html`<a href="/console/endpoints">Endpoints</a>`, html`<a href="/console/workspaces/${one.workspace_id}">${foreign(workspace)}</a>`, foreign(endpointName(one)))}
<div class="two"><div>${badge(fares.shape, fares.word)}<h1>${sentence(fares.headline, seen)}</h1><p class="why">${sentence(fares.explanation, seen)}</p>
${retry}
<dl class="totals"><div><dt>Accepted, last 24 h</dt><dd>${percent(health.success_rate_24h)}</dd></div><div><dt>Waiting</dt><dd>${counted(health.waiting)}</dd></div><div><dt>Given up</dt><dd>${counted(health.dead)}</dd></div></dl>
${dead.length > 0 ? html`<h2 class="over">Given up${ofAll(dead.length, health.dead)}</h2>${dispatchTable(dead, one, seen)}` : nothing}
<h2 class="over mid">Waiting${ofAll(owed.length, health.waiting)}</h2>${owed.length === 0 ? html`<p class="sub">Nothing waits.</p>` : dispatchTable(owed, one, seen)}
<h2 class="over mid">Last failures</h2>${lastFailures(one, seen)}
</div><div class="beside">${factsOf(one, workspace, seen)}${asksFor(one, seen)}${acts(done, null, seen)}</div></div>`;
    return page(c, { title: plain(fares.headline, seen.zone, seen.now), section: "endpoints", body });
  })
  .post("/:id/retry-dead", async (c) => {
    await retryDead(c);
    recount(c.var.gateway);
    return c.redirect(`/console/endpoints/${c.req.param("id")}`, 303);
  });

/** One webhook, tried again now. */
export const dispatches = pages().post("/:id/retry", async (c) => {
  const row = await retryDispatch(c);
  recount(c.var.gateway);
  return c.redirect(`/console/endpoints/${showId("endpoint", row.endpoint_id)}`, 303);
});

function endpointLine(one: Endpoint, workspace: string, seen: Clock): Html {
  const { health } = one;
  const { shape, word } = endpointFares(one);
  const last = health.last_success_at;
  return html`<tr><th scope="row"><a class="go" href="/console/endpoints/${one.id}">${foreign(endpointName(one))}</a>${one.description ? html`<small>${foreign(new URL(one.url).host)}</small>` : nothing}</th><td data-label="Workspace">${foreign(workspace)}</td><td data-label="State">${status(shape, word)}</td><td data-label="Accepted, 24 h" class="num">${percent(health.success_rate_24h)}</td><td data-label="Waiting" class="num ${health.waiting > 0 ? "wait" : "zero"}">${counted(health.waiting)}</td><td data-label="Given up" class="num ${health.dead > 0 ? "bad" : "zero"}">${counted(health.dead)}</td><td data-label="Asks for"><span>${one.events.map((filter) => html`${code(filter)} `)}</span></td><td data-label="Last accepted" class="num nowrap">${last ? time(last, clock(last, seen.zone, seen.now)) : "never"}</td></tr>`;
}

async function readCircuit(query: Query, endpoint: string): Promise<Circuit> {
  const [row] = await query<{ since: Date | null; next_at: Date | null }>(
    "select circuit_open_since as since, probe_at as next_at from endpoints where id = $1",
    [endpoint],
  );
  return { since: row?.since?.toISOString() ?? null, next_at: row?.next_at?.toISOString() ?? null };
}

function factsOf(one: Endpoint, workspace: string, seen: Clock): Html {
  return facts([
    ["Address", code(one.url)],
    ["Workspace", html`<a href="/console/workspaces/${one.workspace_id}">${foreign(workspace)}</a>`],
    ["Made", one.created_at ? moment(one.created_at, seen) : null],
    ["Accepted", one.health.last_success_at ? moment(one.health.last_success_at, seen) : "never so far"],
    ["Signature in", code(one.signature_header)],
    ["Endpoint", code(one.id)],
  ]);
}

const ofAll = (shown: number, all: number) => (all > shown ? `: the newest ${counted(shown)} of ${counted(all)}` : "");

function lastFailures({ health }: Endpoint, seen: Clock): Html {
  if (health.last_failures.length === 0) return html`<p class="sub">None is known.</p>`;
  const lines = health.last_failures.map(({ at, status, error }) => {
    const said = status === null ? html`no answer${error ? html`: ${foreign(error)}` : nothing}` : `answered ${status}`;
    return html`<li>${time(at, clock(at, seen.zone, seen.now))} ${said}</li>`;
  });
  return html`<ul class="dots">${lines}</ul>`;
}

/** What it asks for, and what it is not told. */
function asksFor({ events }: Endpoint, seen: Clock): Html {
  const deaf = catalogueTypes.filter((type) => !askingFilter(events, type));
  const list = (types: readonly string[]) => html`<p>${types.map((type) => html`${code(type)}<br>`)}</p>`;
  const missed = html`${list(deaf)}${copy("Copy what to add", [idOf(deaf.join(", "))], seen, "deaf")}`;
  return html`<section><h2>It asks for</h2>${list(events)}</section><section><h2>It is not told of</h2>${deaf.length === 0 ? html`<p>Nothing: it asks for everything.</p>` : missed}</section>`;
}
