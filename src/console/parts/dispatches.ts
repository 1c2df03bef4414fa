import type { Query } from "../../db/client.ts";
import { showId } from "../../ids.ts";
import { type Endpoint, endpointName } from "../../trace/fares.ts";
import { dispatched } from "../../trace/states.ts";
import { clock } from "../../trace/zone.ts";
import { type Clock, code, foreign, type Html, html, nothing, sentence, time } from "../html.ts";
import { status } from "./status.ts";

type Dispatch = {
  id: string;
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

const MOST = 50;
const WEEK_MS = 7 * 86_400_000;

/** What an endpoint is owed in one of these states, newest first. */
export async function readDispatches(query: Query, endpoint: string, states: string[]): Promise<Dispatch[]> {
  return query<Dispatch>(
    `select d.id, e.callback_id, d.type, d.state, d.attempts, d.next_at, d.last_status, d.last_error, d.created_at, d.settled_at
     from dispatches d left join events e on e.id = d.event_id
     where d.endpoint_id = $1 and d.state in (${states.map((state) => `'${state}'`).join(", ")}) order by d.created_at desc, d.id desc limit ${MOST}`,
    [endpoint],
  );
}

/** Since when, what, what happened, and trying it again. */
export function dispatchTable(rows: readonly Dispatch[], endpoint: Endpoint, seen: Clock): Html {
  const lines = rows.map((row) => dispatchLine(row, endpoint, seen));
  return html`<div class="box"><table class="stack" data-list><thead><tr><th scope="col">Since</th><th scope="col">Event</th><th scope="col">What happened</th><th scope="col"><span class="unseen">Do</span></th></tr></thead><tbody>${lines}</tbody></table></div>`;
}

function dispatchLine(row: Dispatch, endpoint: Endpoint, seen: Clock): Html {
  const since = row.created_at.toISOString();
  const state = dispatched({
    ...{ endpoint: endpointName(endpoint), state: row.state, reason: null, type: row.type, filters: [], subscribedAt: since },
    ...{ attempts: [], tries: row.attempts, nextAt: row.next_at?.toISOString() ?? null, cancelledBecause: null, offAt: null },
    ...{ heldSince: null, heldCount: endpoint.health.waiting },
    keptUntil: row.settled_at ? new Date(row.settled_at.getTime() + WEEK_MS).toISOString() : null,
  });
  const headline = row.state === "held" ? "Held back" : sentence(state.headline, seen);
  const said = row.last_status === null ? (row.last_error ?? "") : `It answered ${row.last_status}`;
  const last = said ? html`${foreign(said)}. ` : nothing;
  const kept = row.state === "dead" ? sentence(state.explanation, seen) : nothing;
  const event = code(row.type);
  const mayRetry =
    (row.state === "dead" || row.state === "retrying") && endpoint.state === "active" && endpoint.health.circuit === "closed";
  return html`<tr><td data-label="Since" class="nowrap">${time(since, clock(since, seen.zone, seen.now))}</td><td data-label="Event">${row.callback_id ? html`<a class="go" href="/console/callbacks/${showId("callback", row.callback_id)}">${event}</a>` : event}</td><td data-label="What happened">${status(state.shape, html`${headline}`)}<small>${last}${kept}</small></td><td>${mayRetry ? html`<form method="post" action="/console/dispatches/${showId("dispatch", row.id)}/retry"><button class="plain">${row.state === "dead" ? "Retry" : "Retry now"}</button></form>` : nothing}</td></tr>`;
}

const MOST_ACTS = 20;

/** What people did to an endpoint, and to single webhooks of it; newest first. */
export async function readEndpointActs(query: Query, endpoint: string) {
  const rows = await query<{ at: Date; token: string; action: string; type: string | null }>(
    `select a.created_at as at, a.token, a.action, d.type from audit a
     left join dispatches d on d.id = case when a.action = 'dispatch.retried' then substr(a.object, 5)::uuid end
     where a.object = $1 or d.endpoint_id = $2 order by a.id desc limit ${MOST_ACTS}`,
    [showId("endpoint", endpoint), endpoint],
  );
  return rows.map(({ at, token, action, type }) => ({ at: at.toISOString(), token, action, on: type }));
}
