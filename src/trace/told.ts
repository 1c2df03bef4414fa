import type { CallbackRow } from "../api/callbacks.ts";
import { readMessages } from "../api/messages.ts";
import type { Event } from "../events/build.ts";
import type { Gateway } from "../gateway.ts";
import type { Way } from "../inbound/resolve.ts";
import type { DataKeys } from "../keys.ts";
import type { Message } from "./message.ts";

/** A message with the place of its page: an id, and which it is of those that go by this id; null where it is the only one. */
export type FoundMessage = Message & { link: { id: string; of: number | null } };

/** Messages of one id. */
export function foundBy(id: string, messages: Message[]): FoundMessage[] {
  return messages.map((message, of) => ({ ...message, link: { id, of: messages.length === 1 ? null : of } }));
}

const MOST_EVENTS = 2000;
const MOST_MESSAGES = 12;
/** Support asks for a person or an order; what else is looked for by a reference is told by its callbacks. */
const PERSON = ["email", "phone", "contact_id"] as const;

type Row = { callback_id: string; body: string; ways: string; alone: boolean };

/**
 * The messages that these callbacks tell of, to the person or about the order that was looked for, newest first; and which of the callbacks
 * tell of them. Looks by ids alone, at the events of these callbacks.
 */
export async function messagesTold(
  { database, keys }: Pick<Gateway, "database" | "keys">,
  asked: string,
  callbacks: readonly CallbackRow[],
): Promise<{ messages: FoundMessage[]; tellers: Set<string> }> {
  const q = asked.replace(/^order:/, "");
  // Another reference, named by its kind.
  if (callbacks.length === 0 || /^[a-z][a-z0-9_]*:./.test(q)) return { messages: [], tellers: new Set() };
  const rows = await eventsOf(
    database,
    callbacks.map((row) => row.id),
  );
  const meant = rows.flatMap((row) => {
    const event = JSON.parse(row.body) as Event;
    return isMeant(keys, q, event, row) ? [{ callback: row.callback_id, event }] : [];
  });
  const ids = [...new Set(meant.flatMap(({ event }) => idOf(event) ?? []))].slice(0, MOST_MESSAGES);
  const wanted = new Set(meant.map(({ event }) => event.id));
  const found = await Promise.all(ids.map(async (id) => foundBy(id, await readMessages(database.query, id, null))));
  const messages = new Map<string, FoundMessage>();
  for (const message of found.flat())
    if (message.events.some((event) => wanted.has(event.id))) messages.set(message.events[0]?.id ?? "", message);
  const told = new Set([...messages.values()].flatMap(({ events }) => events.map((event) => event.id)));
  return {
    messages: [...messages.values()].sort((a, b) => (lastOf(a) < lastOf(b) ? 1 : -1)),
    tellers: new Set(meant.flatMap(({ callback, event }) => (told.has(event.id) ? [callback] : []))),
  };
}

const lastOf = ({ events }: Message) => events.at(-1)?.occurred_at ?? "";

/** The provider's id, which is one person's alone more often than ours. */
function idOf({ data, provider_data }: Event): string | null {
  const id = provider_data.message_id ?? data.message_id;
  return typeof id === "string" && id ? id : null;
}

/** The delivery events of these callbacks, those of repeats and of what came home later among them, newest callbacks first. */
function eventsOf({ query }: Gateway["database"], callbacks: string[]): Promise<Row[]> {
  const of = (table: string) =>
    `select id, items::json as items from ${table} where id = any(array(select json_array_elements_text($1::text::json)::uuid))`;
  return query<Row>(
    `with c as materialized (${of("callbacks")} union all ${of("kept_callbacks")}),
     i as materialized (
       select id, one ->> 'eventId' as event, one ->> 'ways' as ways, json_array_length(items) = 1 as alone from c, json_array_elements(items) one
       union all select id, h.event_id::text, h.ways,
         json_array_length(items) <= 1 and not exists (select 1 from healed o where o.callback_id = h.callback_id and o.item > 0)
       from c join healed h on h.callback_id = c.id
     ),
     newest as materialized (select * from i where event is not null order by id desc limit ${MOST_EVENTS})
     select n.id as callback_id, e.body, coalesce(n.ways, '[]') as ways, n.alone from newest n
     cross join lateral (select body from events where id = n.event::uuid and name = 'channel_delivery_status' offset 0) e`,
    [JSON.stringify(callbacks)],
  );
}

/** Whether an event is to this person or about this order. */
function isMeant(keys: DataKeys, q: string, { data, provider_data }: Event, { ways, alone }: Row): boolean {
  const term = keys.term(q);
  const is = (value: unknown) => typeof value === "string" && value !== "" && keys.term(value) === term;
  if (is(provider_data.recipient) || PERSON.some((field) => is(data[field]))) return true;
  const looked = (JSON.parse(ways) as Way[]).flatMap((way) => way.looked_at).find((one) => is(one.value));
  // What else it was found by is a number that its adapter lets people look for: an order's, mostly.
  return looked ? looked.where === "order" : alone;
}
