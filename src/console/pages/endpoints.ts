import { readAudit } from "../../api/audit.ts";
import { retryDispatch } from "../../api/dispatches.ts";
import { readEndpoints, retryDead } from "../../api/endpoints.ts";
import { GatewayError } from "../../errors.ts";
import { catalogueTypes } from "../../events/catalogue.ts";
import { readId, showId } from "../../ids.ts";
import { askingFilter } from "../../outbound/fan-out.ts";
import { at, atMinute, counted, id as idOf, many, plain, type Sentence, tell, words } from "../../trace/sentence.ts";
import { dispatched, type Shape } from "../../trace/states.ts";
import { workspaceNames } from "../../trace/story.ts";
import { clock } from "../../trace/zone.ts";
import { recount } from "../counts.ts";
import { type Clock, code, foreign, type Html, html, nothing, sentence, time } from "../html.ts";
import { acts } from "../parts/acts.ts";
import { copy, facts, moment } from "../parts/beside.ts";
import { crumbs, page } from "../parts/layout.ts";
import { badge, status } from "../parts/status.ts";
import { pages, view } from "../visit.ts";

type Endpoint = Awaited<ReturnType<typeof readEndpoints>>[number];
type Dispatch = {
  id: string;
  event_id: string;
  callback_id: string | null;
  type: string;
  state: string;
  attempts: number;
  next_at: Date | null;
  last_status: number | null;
  last_error: string | null;
  created_at: Date;
  settled_at: Date | null;
};

const PAGE = 50;
const nameOf = ({ description, url }: Endpoint) => description ?? new URL(url).host;

/** Where webhooks go, and how that fares. */
export const endpoints = pages()
  .get("/", async (c) => {
    const { query } = c.var.gateway.database;
    const seen = view(c);
    const found = await readEndpoints(query, {
      after: c.req.query("after") || undefined,
      workspace: c.req.query("workspace_id") || null,
      limit: PAGE,
    });
    const shown = found.slice(0, PAGE);
    const names = await workspaceNames(
      query,
      shown.map((one) => one.workspace_id),
    );
    const rows = shown.map((one) => {
      const { shape, word } = stateOf(one);
      return html`<tr><th scope="row"><a class="go" href="/console/endpoints/${one.id}">${foreign(nameOf(one))}</a><small>${foreign(new URL(one.url).host)}</small></th><td data-label="Workspace">${foreign(names.get(one.workspace_id) ?? one.workspace_id)}</td><td data-label="State">${status(shape, word)}</td><td data-label="Accepted, 24 h" class="num">${percent(one.health.success_rate_24h)}</td><td data-label="Waiting" class="num ${one.health.waiting > 0 ? "wait" : "zero"}">${counted(one.health.waiting)}</td><td data-label="Given up" class="num ${one.health.dead > 0 ? "bad" : "zero"}">${counted(one.health.dead)}</td><td data-label="Asks for">${one.events.map((filter) => html`${code(filter)} `)}</td><td data-label="Last accepted" class="num nowrap">${one.health.last_success_at ? time(one.health.last_success_at, clock(one.health.last_success_at, seen.zone, seen.now)) : "never"}</td></tr>`;
    });
    const bad = shown.filter((one) => one.health.circuit === "open").length;
    const body = html`<h1>${bad === 0 ? "Endpoints" : `${many(bad, "endpoint does", "endpoints do")} not answer`}</h1><p class="sub">Where webhooks go.</p>
<div class="box mid">${rows.length === 0 ? html`<p class="empty">No workspace has an endpoint so far. Events stand in the log and on the bus all the same.</p>` : html`<table class="stack" data-list><thead><tr><th scope="col">Endpoint</th><th scope="col">Workspace</th><th scope="col">State</th><th scope="col" class="num">Accepted, 24 h</th><th scope="col" class="num">Waiting</th><th scope="col" class="num">Given up</th><th scope="col">Asks for</th><th scope="col" class="num">Last accepted</th></tr></thead><tbody>${rows}</tbody></table>`}</div>${found.length > PAGE ? html`<p class="more"><a href="/console/endpoints?after=${shown.at(-1)?.id}">Older ones</a></p>` : nothing}`;
    return page(c, { title: "Endpoints", section: "endpoints", body });
  })
  .get("/:id", async (c) => {
    const { gateway } = c.var;
    const { query } = gateway.database;
    const uuid = readId("endpoint", c.req.param("id"));
    const [one] = uuid ? await readEndpoints(query, { id: uuid, limit: 1 }) : [];
    if (!one || !uuid) throw new GatewayError("not_found");
    const seen = view(c);
    const names = await workspaceNames(query, [one.workspace_id]);
    const workspace = names.get(one.workspace_id) ?? one.workspace_id;
    const [row] = await query<{ probe_at: Date | null; circuit_open_since: Date | null }>(
      "select probe_at, circuit_open_since from endpoints where id = $1",
      [uuid],
    );
    const [owed, dead, audit] = await Promise.all([
      listed(query, uuid, ["pending", "retrying", "held"]),
      listed(query, uuid, ["dead"]),
      readAudit(query, { object: one.id, limit: 20 }),
    ]);
    const { shape, word } = stateOf(one);
    const headline = healthOf(one, row ?? null);
    const mayTry = one.health.dead > 0;
    const deaf = catalogueTypes.filter((type) => !askingFilter(one.events, type));
    const body = html`${crumbs(html`<a href="/console/endpoints">Endpoints</a>`, foreign(workspace), foreign(nameOf(one)))}
<div class="two"><div class="top">${badge(shape, word)}<h1>${sentence(headline, seen)}</h1><p class="why">${sentence(whyOf(one, row ?? null), seen)}</p>
${mayTry ? html`<form method="post" action="/console/endpoints/${one.id}/retry-dead" class="offers"><button class="main">Retry ${one.health.dead === 1 ? "the one" : `all ${counted(one.health.dead)}`} given up</button></form>` : nothing}</div>
<div class="beside">${facts([
      ["Address", code(one.url)],
      ["Workspace", html`<a href="/console/workspaces/${one.workspace_id}">${foreign(workspace)}</a>`],
      ["Made", one.created_at ? moment(one.created_at, seen) : null],
      ["Accepted", one.health.last_success_at ? moment(one.health.last_success_at, seen) : "never so far"],
      ["Signature in", code(one.signature_header)],
      ["Endpoint", code(one.id)],
    ])}</div></div>
<dl class="totals"><div><dt>Accepted, last 24 h</dt><dd>${percent(one.health.success_rate_24h)}</dd></div><div><dt>Waiting</dt><dd>${counted(one.health.waiting)}</dd></div><div><dt>Given up</dt><dd>${counted(one.health.dead)}</dd></div></dl>
<div class="two"><div>
${dead.length > 0 ? html`<h2>Given up</h2>${dispatchTable(dead, one, seen)}` : nothing}
<h2 class="mid">Waiting</h2>${owed.length === 0 ? html`<p class="sub">Nothing waits.</p>` : dispatchTable(owed, one, seen)}
<h2 class="mid">Last failures</h2>${one.health.last_failures.length === 0 ? html`<p class="sub">None is known.</p>` : html`<ul class="dots">${one.health.last_failures.map((failure) => html`<li>${time(failure.at, clock(failure.at, seen.zone, seen.now))} ${failure.status === null ? "no answer" : `answered ${failure.status}`}${failure.error && failure.status === null ? html`: ${foreign(failure.error)}` : nothing}</li>`)}</ul>`}
</div><div class="beside"><section><h2>It asks for</h2><p>${one.events.map((filter) => html`${code(filter)}<br>`)}</p></section><section><h2>It is not told of</h2>${deaf.length === 0 ? html`<p>Nothing: it asks for everything.</p>` : html`<p>${deaf.map((type) => html`${code(type)}<br>`)}</p>${copy("Copy what to add", [idOf(deaf.join(", "))], seen, "deaf")}`}</section>${acts(audit.data, null, seen)}</div></div>`;
    return page(c, { title: plain(headline, seen.zone, seen.now), section: "endpoints", body });
  })
  .post("/:id/retry-dead", async (c) => {
    await retryDead(c);
    recount(c.var.gateway);
    return c.redirect(`/console/endpoints/${c.req.param("id")}`, 303);
  });

/** One webhook, tried again now. */
export const dispatches = pages().post("/:id/retry", async (c) => {
  const row = await retryDispatch(c);
  return c.redirect(`/console/endpoints/${showId("endpoint", row.endpoint_id)}`, 303);
});

function stateOf(one: Endpoint): { shape: Shape; word: string } {
  if (one.state === "disabled") return { shape: "not_sent", word: "Switched off" };
  if (one.health.circuit === "open") return { shape: "held", word: "Does not answer" };
  return one.health.waiting > 0 && one.health.success_rate_24h === 0
    ? { shape: "retrying", word: "Trying again" }
    : { shape: "accepted", word: "Answers" };
}

/** Rounded down: 100 % means all. */
export function percent(share: number | null): string {
  if (share === null) return "–";
  const tenths = Math.floor(share * 1000 + 1e-9) / 10;
  return `${Number.isInteger(tenths) ? tenths : tenths.toFixed(1)} %`;
}

type Circuit = { probe_at: Date | null; circuit_open_since: Date | null } | null;

function healthOf(one: Endpoint, circuit: Circuit): Sentence {
  const name = words(nameOf(one));
  if (one.state === "disabled") return tell`${name} is switched off`;
  if (circuit?.circuit_open_since)
    return tell`${name} does not answer since ${atMinute(circuit.circuit_open_since.toISOString())}`;
  if (one.health.success_rate_24h === null) return tell`${name} was not called in the last 24 hours`;
  return one.health.success_rate_24h === 1
    ? tell`${name} accepts everything`
    : tell`${name} accepted ${percent(one.health.success_rate_24h)} of the last 24 hours’ attempts`;
}

function whyOf(one: Endpoint, circuit: Circuit): Sentence {
  const [last] = one.health.last_failures;
  const waits =
    one.health.waiting > 0 ? tell` ${many(one.health.waiting, "webhook waits", "webhooks wait")}.` : tell` Nothing waits.`;
  const dead =
    one.health.dead > 0
      ? tell` ${many(one.health.dead, "was", "were")} given up, kept for 7 days.`
      : tell` None has been given up.`;
  if (one.state === "disabled")
    return tell`${words(one.state_reason ?? "Somebody did it")}. Enabled within 7 days, what waits goes out.${waits}${dead}`;
  const said = last ? tell`It ${last.status === null ? "gave no answer" : `answered ${last.status}`} at ${at(last.at)}.` : [];
  if (circuit?.circuit_open_since)
    return tell`${said} We try one at a time, the next ${circuit.probe_at ? tell`at ${at(circuit.probe_at.toISOString())}` : "soon"}; that uses up no attempt.${waits}${dead}`;
  return tell`${one.health.success_rate_24h === 1 ? [] : said}${waits}${dead}`;
}

async function listed(
  query: (text: string, parameters?: unknown[]) => Promise<unknown[]>,
  endpoint: string,
  states: string[],
): Promise<Dispatch[]> {
  return (await query(
    `select d.id, d.event_id, e.callback_id, d.type, d.state, d.attempts, d.next_at, d.last_status, d.last_error, d.created_at, d.settled_at
     from dispatches d left join events e on e.id = d.event_id
     where d.endpoint_id = $1 and d.state in (${states.map((state) => `'${state}'`).join(", ")}) order by d.created_at desc, d.id desc limit ${PAGE}`,
    [endpoint],
  )) as Dispatch[];
}

const WEEK_MS = 7 * 86_400_000;

function dispatchTable(rows: Dispatch[], endpoint: Endpoint, seen: Clock): Html {
  return html`<div class="box"><table class="stack" data-list><thead><tr><th scope="col">Since</th><th scope="col">Event</th><th scope="col">What happened</th><th scope="col"><span class="unseen">Do</span></th></tr></thead><tbody>${rows.map(
    (row) => {
      const since = row.created_at.toISOString();
      const state = dispatched({
        ...{ endpoint: nameOf(endpoint), state: row.state, reason: null, type: row.type, filters: [], subscribedAt: since },
        attempts: Array.from({ length: row.attempts }, () => ({
          at: since,
          status: row.last_status,
          ms: null,
          error: row.last_error,
        })),
        ...{
          nextAt: row.next_at?.toISOString() ?? null,
          heldSince: null,
          heldCount: endpoint.health.waiting,
          cancelledBecause: null,
        },
        keptUntil: row.settled_at ? new Date(row.settled_at.getTime() + WEEK_MS).toISOString() : null,
      });
      const last = row.last_status === null ? row.last_error : `answered ${row.last_status}`;
      const mayRetry =
        (row.state === "dead" || row.state === "retrying") && endpoint.state === "active" && endpoint.health.circuit === "closed";
      return html`<tr><td data-label="Since" class="nowrap">${time(since, clock(since, seen.zone, seen.now))}</td><td data-label="Event">${row.callback_id ? html`<a class="go" href="/console/callbacks/${showId("callback", row.callback_id)}">${code(row.type)}</a>` : code(row.type)}</td><td data-label="What happened">${status(state.shape, row.state === "held" ? "Held back" : sentence(state.headline, seen))}${last ? html`<small>${foreign(last)}${row.state === "dead" ? html`; ${sentence(state.explanation, seen)}` : nothing}</small>` : nothing}</td><td>${mayRetry ? html`<form method="post" action="/console/dispatches/${showId("dispatch", row.id)}/retry"><button class="plain">${row.state === "dead" ? "Retry" : "Retry now"}</button></form>` : nothing}</td></tr>`;
    },
  )}</tbody></table></div>`;
}
