import type { CallbackRow } from "../../api/callbacks.ts";
import type { Query } from "../../db/client.ts";
import type { Event } from "../../events/build.ts";
import type { Gateway } from "../../gateway.ts";
import { showId } from "../../ids.ts";
import type { Verdict } from "../../inbound/decide.ts";
import { explainVerification } from "../../trace/explain.ts";
import { happened } from "../../trace/names.ts";
import { many } from "../../trace/sentence.ts";
import type { Shape } from "../../trace/states.ts";
import { workspaceNames } from "../../trace/story.ts";
import { ago, clock } from "../../trace/zone.ts";
import { type Clock, foreign, type Html, html, time } from "../html.ts";
import { adapterName } from "./adapters.ts";
import { status } from "./status.ts";

/** Where there is nothing to list yet, and how that changes. */
export const NONE_CAME = html`No callback has come so far. <code>homing url ‹adapter›</code> tells the URL to register with a provider.`;

/** Shape and word of a callback's status. */
export const STATUSES: Readonly<Record<string, [Shape, string]>> = {
  accepted: ["accepted", "Accepted"],
  unmatched: ["unmatched", "Unmatched"],
  duplicate: ["repeat", "Repeat"],
  ignored: ["ignored", "Ignored"],
  failed: ["failed", "Failed"],
  dismissed: ["ignored", "Put aside"],
  rejected: ["refused", "Refused"],
};

/** A callback's status as shape and word; a word that no rule knows, and a set-up check, have their own. */
function callbackStatus({ status: of, reason }: Pick<CallbackRow, "status" | "reason">): Html {
  if (of === "ignored" && reason === "unknown_word") return status("new", "New");
  if (of === "rejected" && reason === "probe") return status("ignored", "Check");
  const [shape, word] = STATUSES[of] ?? ["ignored", of];
  return status(shape, word);
}

type Said = { says: string; workspaces: string[] };

/** What each of these callbacks said, and whose it was: from their events and verdicts, for a page of a list. */
async function saidBy({ database }: Gateway, rows: readonly CallbackRow[]): Promise<Map<string, Said>> {
  const ids = JSON.stringify(rows.map((row) => row.id));
  const wanted = "array(select json_array_elements_text($1::text::json)::uuid)";
  const verdicts = await database.query<{ id: string; items: string }>(
    `select id, items from callbacks where id = any(${wanted}) and length(items) < 200000 union all select id, items from kept_callbacks where id = any(${wanted}) and length(items) < 200000`,
    [ids],
  );
  const read = verdicts.map((row) => ({ id: row.id, items: JSON.parse(row.items) as Verdict[] }));
  const healed = await database.query<{ callback_id: string; event_id: string | null; workspace_id: string | null }>(
    `select callback_id, event_id, workspace_id from healed where callback_id = any(${wanted})`,
    [ids],
  );
  const eventIds = [
    ...read.flatMap((row) => row.items.slice(0, 3).flatMap((item) => item.eventId ?? [])),
    ...healed.flatMap((row) => row.event_id ?? []),
  ];
  const events = await database.query<{ id: string; type: Event["type"]; variant: string | null; name: string }>(
    `select id, type, variant, name from events where id = any(${wanted})`,
    [JSON.stringify(eventIds)],
  );
  const saying = new Map(events.map((event) => [event.id, happened(event)]));
  const home = Map.groupBy(healed, (row) => row.callback_id);
  const waiting = await saidByWaiting(database.query, ids);
  return new Map(
    read.map(({ id, items }) => {
      const later = home.get(id) ?? [];
      const words = items.flatMap((item) => (item.word === undefined ? [] : [`“${item.word}”`]));
      const told = [
        ...items.flatMap((item) => saying.get(item.eventId ?? "") ?? []),
        ...later.flatMap((row) => saying.get(row.event_id ?? "") ?? []),
        ...(waiting.get(id) ?? []),
      ];
      const first = told[0] ?? words[0] ?? (items.some((item) => item.verdict === "taught") ? "Whose something is" : "");
      const says =
        items.length > 1
          ? `${first}${first ? ", and " : ""}${first ? `${items.length - 1} more` : many(items.length, "event")}`
          : first;
      const workspaces = [
        ...new Set([...items.flatMap((item) => item.workspace ?? []), ...later.flatMap((row) => row.workspace_id ?? [])]),
      ];
      return [id, { says, workspaces }];
    }),
  );
}

/** What still waits says it in its draft: of each callback one. */
async function saidByWaiting(query: Query, ids: string): Promise<Map<string, string[]>> {
  const rows = await query<{ id: string; outcome: string }>(
    `select distinct on (callback_id) callback_id as id, draft::json ->> 'outcome' as outcome from waiting
     where callback_id = any(array(select json_array_elements_text($1::text::json)::uuid)) order by callback_id, item`,
    [ids],
  );
  return new Map(
    rows.map(({ id, outcome }) => {
      const { type = null, channel, status } = JSON.parse(outcome) as { type?: Event["type"]; channel?: string; status?: string };
      return [id, [happened({ type, variant: type ? null : `${channel}.${status}`, name: type ?? "" })]];
    }),
  );
}

/** Of what told nothing: why. */
function whyNothing({ status: of, reason }: Pick<CallbackRow, "status" | "reason">): string {
  if (of === "rejected") return explainVerification(false, reason);
  return of === "failed" ? "It could not be read" : "";
}

/** A list of callbacks: status, provider, what it said, workspace, age. */
export async function callbackTable(gateway: Gateway, rows: readonly CallbackRow[], { zone, now }: Clock): Promise<Html> {
  const said = await saidBy(gateway, rows);
  const names = await workspaceNames(
    gateway.database.query,
    [...said.values()].flatMap((one) => one.workspaces),
  );
  const lines = rows.map((row) => {
    const one = said.get(row.id);
    const at = row.received_at.toISOString();
    const [first, ...rest] = one?.workspaces ?? [];
    return html`<tr><td>${callbackStatus(row)}</td><td data-label="Provider"><a class="go" href="/console/callbacks/${showId("callback", row.id)}">${row.adapter ? adapterName(gateway.registry, row.adapter) : "Somebody"}</a></td><td data-label="It said">${foreign(one?.says || whyNothing(row))}</td><td data-label="Workspace">${first ? html`${foreign(names.get(first) ?? first)}${rest.length > 0 ? ` and ${rest.length} more` : ""}` : ""}</td><td data-label="Received" class="num nowrap">${time(at, clock(at, zone, now))}</td><td data-label="Age" class="num nowrap">${ago(at, now)}</td></tr>`;
  });
  return html`<table class="stack" data-list><thead><tr><th scope="col">Status</th><th scope="col">Provider</th><th scope="col">What it said</th><th scope="col">Workspace</th><th scope="col" class="num">Received</th><th scope="col" class="num">Age</th></tr></thead><tbody>${lines}</tbody></table>`;
}
