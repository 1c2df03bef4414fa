import { listCallbacks } from "../db/callbacks.ts";
import type { Gateway } from "../gateway.ts";
import { readId, showId } from "../ids.ts";
import type { Message } from "./message.ts";

/** How often an event was sent again, and when it was for the last time. */
export type Repeats = { times: number; lastAt: string };
/** What came of a message beside its events. */
export type Heard = {
  /** By the event's shown id. */
  repeats: Map<string, Repeats>;
  /** Callbacks that told of it, repeats among them. */
  callbacks: number;
  /** Those of them that are not read or not placed yet. */
  open: number;
};

const MOST_CALLBACKS = 200;

type Row = { id: string; received_at: Date; status: string; event_id: string | null };

/** What was told of a message again, and what of it is open: of the latest callbacks that carry one of its ids. */
export async function readHeard({ database, keys }: Pick<Gateway, "database" | "keys">, message: Message): Promise<Heard> {
  const ids = [...new Set([message.message_id, message.provider_message_id])].filter((id) => id !== null);
  const latest = { columns: "id", order: "desc", limit: MOST_CALLBACKS } as const;
  const carrying = await Promise.all(
    ids.map((id) => listCallbacks<{ id: string }>(database.query, latest, { terms: [keys.term(id)] })),
  );
  const chosen = [...new Set(carrying.flat().map(({ id }) => id))].sort().slice(-MOST_CALLBACKS);
  const of = (table: string) =>
    `select id, received_at, status, items from ${table} where id = any(array(select json_array_elements_text($1::text::json)::uuid))`;
  const rows = await database.query<Row>(
    `with c as materialized (${of("callbacks")} union all ${of("kept_callbacks")})
     select c.id, c.received_at, c.status, r.event_id from c left join lateral (
       select one ->> 'eventId' as event_id from json_array_elements(c.items::json) one
       where one ->> 'verdict' = 'duplicate' and one ->> 'eventId' = any(array(select json_array_elements_text($2::text::json)))
     ) r on true order by c.id`,
    [JSON.stringify(chosen), JSON.stringify(message.events.flatMap((event) => readId("event", event.id) ?? []))],
  );
  const told = new Set(message.events.flatMap((event) => event.callback_id ?? []));
  const repeats = new Map<string, Repeats>();
  const open = new Set<string>();
  for (const { id, received_at, status, event_id } of rows) {
    if (event_id) {
      const event = showId("event", event_id);
      repeats.set(event, { times: (repeats.get(event)?.times ?? 0) + 1, lastAt: received_at.toISOString() });
      told.add(showId("callback", id));
    } else if (status === "failed" || status === "unmatched") open.add(id);
  }
  return { repeats, callbacks: told.size, open: open.size };
}
