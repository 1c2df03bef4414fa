import { type CallbackRow, find } from "../api/callbacks.ts";
import { readMessages } from "../api/messages.ts";
import type { Gateway } from "../gateway.ts";
import { readId } from "../ids.ts";
import { referenceKey } from "../inbound/resolve.ts";
import { storable } from "../inbound/translate.ts";
import { findRefused } from "./refused.ts";
import { type FoundMessage, foundBy, messagesTold } from "./told.ts";

export type Found = {
  /** Newest first, refused ones among them. */
  callbacks: CallbackRow[];
  /** Messages of that very id, ours or the provider's; else those to that person or about that order, newest first. */
  messages: FoundMessage[];
  bindings: { id: string; adapter: string; kind: string; value: string; workspace_id: string; origin: string }[];
  workspaces: { id: string; name: string }[];
  /** The page that is the whole answer: an id's own, or the only message's. */
  page: { kind: "callback" | "endpoint"; id: string } | { kind: "message"; message: FoundMessage } | null;
  looked: { callbacks: number; since: string | null; rejectedKept: number; rejectedAll: number };
};

const MOST = 50;
const MOST_REFUSED = 20;

/** Looks for an id, order, payment, e-mail or phone everywhere that may hold it, and tells where it looked. */
export async function search(gateway: Gateway, asked: string): Promise<Found> {
  const { query } = gateway.database;
  const q = storable(asked.trim()).slice(0, 300);
  const rejection = readId("callback", q);
  const endpoint = readId("endpoint", q);
  const [taken, refused, rejected, endpoints, byId, bindings, workspaces, looked] = await Promise.all([
    find(gateway, { q, limit: MOST }),
    rejection ? [] : findRefused(gateway, q, MOST_REFUSED),
    rejection ? query<{ id: string }>("select id from rejections where id = $1", [rejection]) : [],
    endpoint ? query<{ id: string }>("select id from endpoints where id = $1", [endpoint]) : [],
    readMessages(query, q, null),
    query<Found["bindings"][number]>(
      `select id, adapter, kind, value, workspace_id, origin from bindings
       where reference = any(array(select json_array_elements_text($1::text::json))) and kind <> 'recipient' and (expires_at is null or expires_at > now()) limit ${MOST}`,
      [JSON.stringify(referencesOf(gateway, q))],
    ),
    query<Found["workspaces"][number]>("select id, name from workspaces where id = $1 or lower(name) = lower($1) limit 20", [
      q.toLowerCase(),
    ]),
    lookedThrough(gateway),
  ]);
  const told =
    byId.length === 0 && !rejection && !readId("event", q) ? await messagesTold(gateway, q, taken.slice(0, MOST)) : null;
  const messages = told ? told.messages : foundBy(q, byId);
  const callbacks = [...taken, ...refused].sort((a, b) => (a.id < b.id ? 1 : -1));
  // Nothing else was found but what tells of it. A message of that very id is the story that its callbacks tell.
  const others = told ? callbacks.filter((row) => !told.tellers.has(row.id)).length + bindings.length + workspaces.length : 0;
  const [message] = messages;
  const page: Found["page"] =
    rejected[0] || (callbacks.length === 1 && rejection)
      ? { kind: "callback", id: q }
      : endpoints[0]
        ? { kind: "endpoint", id: q }
        : message && messages.length === 1 && others === 0
          ? { kind: "message", message }
          : null;
  return { callbacks: callbacks.slice(0, MOST), messages, bindings, workspaces, page, looked };
}

/** Every reference that this value could be: of each adapter the kinds that it knows; and `order:42` as it says. */
function referencesOf({ registry }: Gateway, value: string): string[] {
  const [kind, rest] = /^([a-z][a-z0-9_]*):(.+)$/.exec(value)?.slice(1) ?? [];
  return [...registry.values()].flatMap(({ name, provider }) => [
    ...provider.kinds.map((one) => referenceKey(name, one, value)),
    ...(kind && rest ? [referenceKey(name, kind, rest)] : []),
  ]);
}

/** How much was looked through, without counting the callbacks one by one. */
async function lookedThrough({ database }: Gateway): Promise<Found["looked"]> {
  const [row] = await database.query<{ callbacks: string; since: Date | null; kept: number; refused: number }>(
    `select greatest((select coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'callbacks'::regclass),
         (select count(*) from (select 1 from callbacks limit 10000) c))::text as callbacks,
       (select received_at from callbacks order by id limit 1) as since,
       (select count(*)::int from (select 1 from rejections limit 100000) r) as kept,
       (select coalesce(sum(count), 0)::int from minutes where outcome like 'rejected:%') as refused`,
  );
  const kept = row?.kept ?? 0;
  return {
    callbacks: Number(row?.callbacks ?? 0),
    since: row?.since?.toISOString() ?? null,
    rejectedKept: kept,
    rejectedAll: Math.max(kept, row?.refused ?? 0),
  };
}
