import type { Query } from "../db/client.ts";
import type { Event } from "../events/build.ts";
import type { Gateway } from "../gateway.ts";
import { decide } from "../inbound/commit.ts";
import { type Verdict, wanted } from "../inbound/decide.ts";
import { lockStates, lookUp, readStates } from "../inbound/lookup.ts";
import type { Plan } from "../inbound/write.ts";
import { Examination } from "./examination.ts";
import { type Finding, type ItemNow, itemOf, type WaitingHere } from "./finding.ts";
import type { Reading } from "./stored.ts";

/**
 * Compares what stored callbacks say today with what became of them, item by item by natural key, and decides what is new by the same
 * rules as a new callback. Nothing is written.
 * @param lock whether the plan will be written in this transaction.
 */
export async function examine(
  gateway: Gateway,
  query: Query,
  readings: Reading[],
  { lock }: { lock: boolean },
): Promise<{ findings: Finding[]; plan: Plan }> {
  const ids = readings.map(({ stored }) => stored.id);
  const nows = await itemsNow(query, readings);
  const waiting = Map.groupBy(await waitingHere(query, ids), (row) => row.callback_id);
  const events = await readEvents(query, [...nows.values()].flat());
  const found = await lookUp(
    query,
    wanted(
      readings.flatMap(({ works }) => works),
      gateway.keys,
    ),
  );
  const examinations = readings.map(
    (reading) => new Examination(reading, nows.get(reading.stored.id) ?? [], waiting.get(reading.stored.id) ?? [], events, found),
  );
  const forgottenBefore = gateway.databaseClock.now() - gateway.config.GUARD_DAYS * 86_400_000;
  const open = examinations.flatMap((one) => one.compare(forgottenBefore));
  const plan = await decide(open, query, gateway.commitOptions, found, lock ? lockStates : readStates);
  const emitted = new Map(plan.events.map(({ id, body }) => [id, body]));
  return { findings: examinations.map((one) => one.conclude(plan, emitted, found)), plan };
}

/** Items by callback: their first verdicts, and what changed since. */
async function itemsNow(query: Query, readings: Reading[]): Promise<Map<string, ItemNow[]>> {
  const rows = await query<{
    callback_id: string;
    item: number;
    verdict: string;
    reason: string | null;
    event_id: string | null;
  }>(
    `select callback_id, item, verdict, reason, event_id from healed
     where callback_id = any(array(select json_array_elements_text($1::text::json)::uuid)) order by callback_id, item`,
    [JSON.stringify(readings.map(({ stored }) => stored.id))],
  );
  const healed = Map.groupBy(rows, (row) => row.callback_id);
  return new Map(
    readings.map(({ stored }) => {
      const items = (JSON.parse(stored.items) as Verdict[]).map(itemOf);
      for (const { item, verdict, reason, event_id } of healed.get(stored.id) ?? [])
        items[item] = { verdict, reason, eventId: event_id };
      return [stored.id, items];
    }),
  );
}

async function waitingHere(query: Query, ids: string[]): Promise<WaitingHere[]> {
  return query<WaitingHere>(
    `select id, callback_id, item, natural_key::text as natural_key, draft from waiting
     where callback_id = any(array(select json_array_elements_text($1::text::json)::uuid))`,
    [JSON.stringify(ids)],
  );
}

async function readEvents(query: Query, items: ItemNow[]): Promise<Map<string, Event>> {
  const ids = items.flatMap(({ verdict, eventId }) => (verdict === "event" && eventId ? [eventId] : []));
  if (ids.length === 0) return new Map();
  const rows = await query<{ id: string; body: string }>(
    "select id, body from events where id = any(array(select json_array_elements_text($1::text::json)::uuid))",
    [JSON.stringify(ids)],
  );
  return new Map(rows.map((row) => [row.id, JSON.parse(row.body) as Event]));
}
