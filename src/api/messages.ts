import type { Query } from "../db/client.ts";
import type { Event } from "../events/build.ts";
import { marksOf, reportOf, stateOf } from "../events/lattice.ts";
import { storable } from "../inbound/translate.ts";
import { LONGEST_INDEXED } from "../inbound/write.ts";
import { api, scope } from "./http.ts";

/** Channels on which one message goes to several people. */
const TO_PEOPLE = new Set(["sms", "email", "whatsapp", "rcs", "voice", "push"]);
const MOST_EVENTS = 5000;

async function find(query: Query, ids: string[], workspace: string | null): Promise<Event[]> {
  const rows = await query<{ body: string }>(
    `select body from events where name = 'channel_delivery_status' and message_id = any(array(select json_array_elements_text($1::text::json)))
       and ($2::text is null or workspace_id = $2)
     union all
     select body from events where name = 'channel_delivery_status' and provider_message_id = any(array(select json_array_elements_text($1::text::json)))
       and ($2::text is null or workspace_id = $2)
     limit ${MOST_EVENTS}`,
    [JSON.stringify(ids), workspace],
  );
  const events = new Map(rows.map((row) => JSON.parse(row.body) as Event).map((event) => [event.id, event]));
  return [...events.values()];
}

const text = (value: unknown) => (typeof value === "string" ? value : null);

/** Which message an event belongs to: workspace, adapter, the provider's id (else ours), and the recipient where there are several. */
function identity(event: Event): string {
  const recipient = TO_PEOPLE.has(text(event.data.channel) ?? "")
    ? (text(event.provider_data.recipient)?.toLowerCase() ?? "")
    : "";
  const id = text(event.provider_data.message_id) ?? text(event.data.message_id);
  return JSON.stringify([event.workspace_id, event.provider, event.dialect, id, recipient]);
}

/** The messages that these delivery events tell of, one timeline and state per recipient. */
function messagesOf(events: Event[]) {
  const firstParty = events.filter((event) => event.provider === null);
  const reported = Map.groupBy(
    events.filter((event) => event.provider !== null),
    identity,
  );
  const own = firstParty.filter((event) => ![...reported.values()].some(([one]) => one && joins(event, one)));
  const groups = [
    ...[...reported.values()].map((group) => [...group, ...firstParty.filter((event) => group[0] && joins(event, group[0]))]),
    ...Map.groupBy(own, identity).values(),
  ];
  return groups.map((group) => {
    // By when it happened, not by when it reached us.
    const timeline = group.toSorted((a, b) => (a.occurred_at + a.id < b.occurred_at + b.id ? -1 : 1));
    const reports = timeline.map(reportOf);
    const state = stateOf(reports);
    const newest = (read: (event: Event) => string | null) => timeline.map(read).findLast((value) => value !== null) ?? null;
    const fromProvider = timeline.find((event) => event.provider !== null);
    return {
      message_id: newest((event) => text(event.data.message_id)),
      provider_message_id: newest((event) => text(event.provider_data.message_id)),
      workspace_id: group[0]?.workspace_id ?? null,
      provider: fromProvider?.provider ?? null,
      dialect: fromProvider?.dialect ?? null,
      channel: newest((event) => text(event.data.channel)),
      recipient: newest((event) => text(event.provider_data.recipient)),
      contact_id: newest((event) => text(event.data.contact_id)),
      campaign_id: newest((event) => text(event.data.campaign_id)),
      state: state?.state ?? null,
      state_at: state?.at ?? null,
      marks: marksOf(reports),
      events: timeline,
    };
  });
}

/** A first-party `delivery.sent` joins the message of the same id. */
function joins(sent: Event, reported: Event): boolean {
  return sent.workspace_id === reported.workspace_id && sent.data.message_id === reported.data.message_id;
}

/** The messages of that id, ours or the provider's; of one workspace, or of all. */
export async function readMessages(query: Query, shown: string, workspace: string | null) {
  const id = storable(shown).slice(0, LONGEST_INDEXED);
  const first = await find(query, [id], workspace);
  // Events that lost our id carry the provider's alone, and the other way round.
  const related = first
    .flatMap((event) => [text(event.provider_data.message_id), text(event.data.message_id)])
    .filter((one) => one !== null);
  const events =
    related.length > 0
      ? await find(query, [...new Set([id, ...related.map((one) => one.slice(0, LONGEST_INDEXED))])], workspace)
      : first;
  return messagesOf(events);
}

/** Was it delivered? By our id or the provider's. */
export const messages = api().get("/:id{.+}", async (c) =>
  c.json({ data: await readMessages(c.var.gateway.database.query, c.req.param("id"), scope(c)) }),
);
