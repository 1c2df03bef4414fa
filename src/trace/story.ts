import type { Query } from "../db/client.ts";
import type { Event } from "../events/build.ts";
import type { Gateway } from "../gateway.ts";
import { readId, showId } from "../ids.ts";
import { countWaiting } from "../inbound/heal.ts";
import { ORG, referenceKey } from "../inbound/resolve.ts";
import type { Draft, JsonObject } from "../provider/draft.ts";
import { type Act, readActs } from "./acts.ts";
import { countHome } from "./home.ts";
import { readWhole } from "./trace.ts";

export type Trace = NonNullable<Awaited<ReturnType<typeof readWhole>>>;
export type Item = Trace["items"][number];
/** What an item says, whether it became an event or waits. */
export type Told = Pick<Event, "variant" | "type" | "name" | "occurred_at" | "data" | "provider_data">;

/** Everything that a page about one callback tells: its trace, and what stands beside it. */
export type Story = {
  trace: Trace;
  adapter: string | null;
  /** The one that the page opens at; null where there is none. */
  item: Item | null;
  told: Told | null;
  event: Event | null;
  names: Map<string, string>;
  /** What it waits for, and how many wait for the same, itself among them. */
  waits: { kind: string; value: string; count: number } | null;
  /** Of a repeat: the callback that told it first. */
  first: { id: string; at: string } | null;
  /** Of a refused one: the last good one. */
  lastGood: { id: string; at: string } | null;
  /** Of a new word: how often it was said, and since when. */
  word: { times: number; since: string } | null;
  /** Of one that only teaches: how many that had waited for that came home; null where that is not known. */
  home: number | null;
  acts: Act[];
  /** Where the API answers. */
  publicUrl: string;
};

/** @param index the item that was asked for. */
export async function readStory(gateway: Gateway, id: string, index: number | null): Promise<Story | null> {
  const trace = await readWhole(gateway, id);
  if (!trace) return null;
  const { query } = gateway.database;
  const adapter = trace.provider && (trace.dialect ? `${trace.provider}/${trace.dialect}` : trace.provider);
  const item = (index !== null && trace.items[index]) || telling(trace);
  const event = item?.event_id ? await readEvent(query, item.event_id) : null;
  const waits = item?.verdict === "waiting" && adapter ? await readWaits(query, adapter, item) : null;
  const told = event ?? (item?.verdict === "waiting" && adapter ? await readDraft(query, adapter, id, item) : null);
  const [names, first, lastGood, acts, word, home] = await Promise.all([
    workspaceNames(query, namedIn(trace)),
    item?.first_callback_id ? readFirst(query, item.first_callback_id) : null,
    trace.status === "rejected" && adapter ? readLastGood(query, adapter) : null,
    readActs(query, id, dispatchesOf(trace)),
    item?.word !== undefined && adapter ? readWord(query, adapter, item.word, trace.received_at ?? "") : null,
    item?.verdict === "taught" ? countHome(gateway, id, trace) : null,
  ]);
  return {
    ...{ trace, adapter, item, told, event, names, waits, first, lastGood, word, home, acts },
    publicUrl: gateway.publicUrl(),
  };
}

const MOST_DISPATCHES = 500;

/** The webhooks that it led to, each with its endpoint's name. */
function dispatchesOf({ items }: Trace): Map<string, string> {
  const owed = items
    .flatMap((item) => item.endpoints)
    .flatMap(({ dispatch_id, name }) => (dispatch_id ? [[dispatch_id, name]] : []));
  return new Map(owed.slice(0, MOST_DISPATCHES) as [string, string][]);
}

/** The item that decided what became of the whole. */
function telling({ items, status }: Trace): Item | null {
  const verdicts: Readonly<Record<string, string[]>> = {
    failed: ["failed"],
    unmatched: ["waiting"],
    accepted: ["event", "taught"],
    duplicate: ["duplicate"],
    dismissed: ["dismissed"],
  };
  return items.find((item) => verdicts[status]?.includes(item.verdict)) ?? items[0] ?? null;
}

async function readEvent(query: Query, shown: string): Promise<Event | null> {
  const id = readId("event", shown);
  const [row] = await query<{ body: string }>("select body from events where id = $1", [id]);
  return row ? (JSON.parse(row.body) as Event) : null;
}

/** The references that a waiting item was looked up by, most specific first; a recipient's says nothing to anybody. */
function references(item: Item): { kind: string; value: string }[] {
  const lookup = item.ways.find((way) => way.way === "lookup");
  return (lookup?.looked_at ?? []).flatMap(({ where, value }) =>
    value === null || where === "recipient" || where === "default" ? [] : [{ kind: where, value }],
  );
}

async function readWaits(query: Query, adapter: string, item: Item): Promise<Story["waits"]> {
  const named = item.ways.find((way) => way.answer !== null)?.answer;
  if (named && (item.reason === "unknown_workspace" || item.reason === "workspace_closed"))
    return { kind: "workspace", value: named, count: await countWaiting(query, [`workspace:${named}`]) };
  // The one that most wait for: an answer to it brings the most home.
  const counted = await Promise.all(
    references(item)
      .slice(0, 10)
      .map(async (one) => ({ ...one, count: await countWaiting(query, [referenceKey(adapter, one.kind, one.value)]) })),
  );
  return counted.reduce<Story["waits"]>((best, one) => (best && best.count >= one.count ? best : one), null);
}

async function readDraft(query: Query, adapter: string, callbackId: string, item: Item): Promise<Told | null> {
  const keys = references(item).map((one) => referenceKey(adapter, one.kind, one.value));
  for (const way of item.ways) if (way.answer) keys.push(`workspace:${way.answer}`);
  const [row] = await query<{ draft: string; occurred_at: Date }>(
    `select draft, occurred_at from waiting where callback_id = $1 and item = $2
       and (refs && array(select json_array_elements_text($3::text::json)) or $3 = '[]')`,
    [callbackId, item.index, JSON.stringify(keys)],
  );
  if (!row) return null;
  const { outcome } = JSON.parse(row.draft) as { outcome: Draft };
  const delivery = "status" in outcome;
  return {
    variant: delivery ? `${outcome.channel}.${outcome.status}` : null,
    type: delivery ? null : outcome.type,
    name: delivery ? "channel_delivery_status" : outcome.type,
    occurred_at: row.occurred_at.toISOString(),
    data: { ...(outcome.data as JsonObject), ...(delivery && { channel: outcome.channel }) },
    provider_data: { ...(delivery && { message_id: outcome.data.message_id }), ...outcome.provider_data },
  };
}

async function readFirst(query: Query, shown: string): Promise<Story["first"]> {
  const id = readId("callback", shown);
  const [row] = await query<{ received_at: Date }>("select received_at from callbacks where id = $1", [id]);
  return row ? { id: shown, at: row.received_at.toISOString() } : null;
}

/** The last callback of an adapter that was taken. */
async function readLastGood(query: Query, adapter: string): Promise<Story["lastGood"]> {
  const [row] = await query<{ id: string; received_at: Date }>(
    "select id, received_at from callbacks where adapter = $1 order by id desc limit 1",
    [adapter],
  );
  return row ? { id: showId("callback", row.id), at: row.received_at.toISOString() } : null;
}

async function readWord(query: Query, adapter: string, word: string, receivedAt: string): Promise<Story["word"]> {
  const [row] = await query<{ times: number | null; since: Date | null }>(
    "select sum(count)::int as times, min(minute) as since from minutes where adapter = $1 and outcome = $2 and minute > now() - interval '7 days'",
    [adapter, `word:${word}`.slice(0, 150)],
  );
  return { times: Math.max(1, row?.times ?? 1), since: row?.since && row.times ? row.since.toISOString() : receivedAt };
}

/** Every workspace that a trace names. */
function namedIn({ items, verification, learned }: Trace): string[] {
  const owner = verification.credential?.owner;
  return [
    ...items.flatMap((item) => [
      item.workspace_id,
      ...item.ways.flatMap((way) => [
        way.answer,
        way.objection,
        ...way.looked_at.flatMap((one) => one.found?.split(" and ") ?? []),
      ]),
    ]),
    ...learned.map((binding) => binding.workspace_id),
    owner,
  ].filter((one): one is string => typeof one === "string" && one !== "platform");
}

/** The names of these workspaces; one that is not registered keeps its id. */
export async function workspaceNames(query: Query, ids: readonly string[]): Promise<Map<string, string>> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return new Map();
  const rows = await query<{ id: string; name: string }>(
    "select id, name from workspaces where id = any(array(select json_array_elements_text($1::text::json)))",
    [JSON.stringify(wanted)],
  );
  const known = new Map(rows.map((row) => [row.id, row.name]));
  return new Map(wanted.map((id) => [id, known.get(id) ?? (id === ORG ? "the platform itself" : id)]));
}
