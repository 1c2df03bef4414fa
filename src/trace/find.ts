import { type CallbackRow, showCallback } from "../api/callbacks.ts";
import { readEndpoints } from "../api/endpoints.ts";
import type { Gateway } from "../gateway.ts";
import { readId, showId } from "../ids.ts";
import { ORG, workspaceId } from "../inbound/resolve.ts";
import { endpointName } from "./fares.ts";
import { answer } from "./message.ts";
import { kindWord, maskPerson, providerName } from "./names.ts";
import { type Found, search } from "./search.ts";
import { atMinute, counted, tell, words } from "./sentence.ts";
import { readStory, workspaceNames } from "./story.ts";
import { taleOfAdapter } from "./tales/adapter.ts";
import { taleOfCallback } from "./tales/callback.ts";
import { taleOfEndpoint } from "./tales/endpoint.ts";
import { taleOfEvent } from "./tales/event.ts";
import { taleOfMessage } from "./tales/message.ts";
import { type Tale, type Teller, tellerOf } from "./tales/teller.ts";
import { taleOfWorkspace } from "./tales/workspace.ts";
import { readTrace } from "./trace.ts";
import { verdictOf } from "./verdict.ts";

/** The answer to "what about this?": one story, or what fits, newest first; or where we looked and found nothing. */
export type Answer = {
  q: string;
  time_zone: string;
  tale: Tale | null;
  /** What else fits. `id` asked for by itself tells its whole story. */
  others: { kind: "callback" | "message" | "binding" | "endpoint" | "adapter"; id: string; at: string | null; told: string }[];
  /** Where we looked in vain; null where something was found. */
  nothing: string | null;
};

/** Of so many the answer is told in a sentence each; of the rest the status alone. */
const TOLD = 10;

/** Finds whatever that is, and tells its whole story. */
export async function findTale(gateway: Gateway, asked: string): Promise<Answer> {
  const q = asked.trim();
  const teller = tellerOf(gateway);
  const is = (tale: Tale | null, others: Answer["others"] = []): Answer => ({
    ...{ q, time_zone: teller.zone.name, tale, others, nothing: null },
  });
  const named = (await byId(teller, q)) ?? (await byName(teller, q));
  if (named) return "tale" in named ? is(named.tale) : is(null, named.others);

  const found = await search(gateway, q);
  const callbacks = () => linesOf(teller, found.callbacks);
  const bindings = () => bindingLines(teller, found.bindings);
  const [callback, ...more] = found.callbacks;
  if (found.page?.kind === "message")
    return is(await taleOfMessage(teller, found.page.message), [...(await callbacks()), ...(await bindings())]);
  const messages = found.messages.map((one): Answer["others"][number] => ({
    ...{ kind: "message", id: one.message_id ?? one.provider_message_id ?? one.link.id, at: one.state_at },
    told: `${one.recipient ? `${maskPerson(one.recipient)}: ` : ""}${teller.text(answer(one))}`,
  }));
  if (messages.length === 0 && more.length === 0 && callback)
    return is(await taleOfCallback(teller, callback.id, await itemOf(gateway, callback.id, q)), await bindings());
  const others = [...messages, ...(await callbacks()), ...(await bindings())];
  return others.length > 0 ? is(null, others) : { ...is(null), nothing: nothingFound(teller, q, found.looked) };
}

/** What an id leads to. */
async function byId(teller: Teller, q: string): Promise<{ tale: Tale } | null> {
  const { query } = teller.gateway.database;
  const tale = await (async () => {
    const callback = readId("callback", q);
    if (callback) return taleOfCallback(teller, callback, null);
    const dispatch = readId("dispatch", q);
    const [owed] = dispatch ? await query<{ event_id: string }>("select event_id from dispatches where id = $1", [dispatch]) : [];
    const event = owed?.event_id ?? readId("event", q);
    if (event) {
      const [row] = await query<{ callback_id: string | null }>("select callback_id from events where id = $1", [event]);
      const told =
        row?.callback_id &&
        (await taleOfCallback(teller, row.callback_id, await itemOf(teller.gateway, row.callback_id, showId("event", event))));
      return told || taleOfEvent(teller, event);
    }
    const endpoint = readId("endpoint", q);
    if (endpoint) {
      const [row] = await readEndpoints(query, { id: endpoint, limit: 1 });
      return row ? taleOfEndpoint(teller, row) : null;
    }
    const workspace = workspaceId(q);
    return workspace ? taleOfWorkspace(teller, workspace) : null;
  })();
  return tale ? { tale } : null;
}

/** What a name leads to: an adapter's, a provider's, an endpoint's, a workspace's. */
async function byName(teller: Teller, q: string): Promise<{ tale: Tale } | { others: Answer["others"] } | null> {
  const { registry, database } = teller.gateway;
  const wanted = q.toLowerCase();
  const adapters = [...registry.values()].filter(
    (one) => one.name === wanted || one.providerName === wanted || providerName(registry, one.name).toLowerCase() === wanted,
  );
  const exact = adapters.find((one) => one.name === wanted) ?? (adapters.length === 1 ? adapters[0] : undefined);
  if (exact) return { tale: await taleOfAdapter(teller, exact) };
  if (adapters.length > 0) {
    const tales = await Promise.all(adapters.map((one) => taleOfAdapter(teller, one)));
    return { others: tales.map(({ id, headline }) => ({ kind: "adapter", id, at: null, told: headline })) };
  }
  const endpoints = await database.query<{ id: string }>(
    "select id from endpoints where deleted_at is null and (lower(description) = $1 or split_part(split_part(url, '://', 2), '/', 1) = $1) order by id desc limit 20",
    [wanted],
  );
  const rows = (await Promise.all(endpoints.map(({ id }) => readEndpoints(database.query, { id, limit: 1 })))).flat();
  if (rows.length === 1 && rows[0]) return { tale: await taleOfEndpoint(teller, rows[0]) };
  if (rows.length > 1) {
    const names = await workspaceNames(
      database.query,
      rows.map((one) => one.workspace_id),
    );
    return {
      others: rows.map((one) => ({
        kind: "endpoint",
        id: one.id,
        at: null,
        told: `${endpointName(one)}, of ${names.get(one.workspace_id)}`,
      })),
    };
  }
  const [workspace] = await database.query<{ id: string }>(
    "select id from workspaces where lower(name) = $1 and id <> $2 limit 1",
    [wanted, ORG],
  );
  const tale = workspace && (await taleOfWorkspace(teller, workspace.id));
  return tale ? { tale } : null;
}

/** The item of a callback that is meant: a batch opens at what was looked for. */
async function itemOf(gateway: Gateway, callback: string, q: string): Promise<number | null> {
  const trace = await readTrace(gateway, callback);
  if (!trace || trace.items.length < 2) return null;
  const ids = trace.items.flatMap((item) => (item.event_id ? [readId("event", item.event_id)] : []));
  const events = await gateway.database.query<{ id: string; body: string }>(
    "select id, body from events where id = any(array(select json_array_elements_text($1::text::json)::uuid))",
    [JSON.stringify(ids)],
  );
  const bodies = new Map(events.map((event) => [showId("event", event.id), event.body.toLowerCase()]));
  const wanted = q.replace(/^[a-z][a-z0-9_]*:(?=.)/, "").toLowerCase();
  const says = (text: string | undefined) => text?.toLowerCase().includes(wanted) ?? false;
  const item = trace.items.find(
    (one) => one.event_id === q || says(bodies.get(one.event_id ?? "")) || says(JSON.stringify(one.ways)),
  );
  return item?.index ?? null;
}

/** A line for each callback, newest first. */
async function linesOf(teller: Teller, rows: CallbackRow[]): Promise<Answer["others"]> {
  const { gateway, text } = teller;
  const stories = await Promise.all(rows.slice(0, TOLD).map((row) => readStory(gateway, row.id, null)));
  return rows.map((row, index) => {
    const story = stories[index];
    const state = story && verdictOf(story, gateway.registry);
    const { id, received_at, status } = showCallback(row);
    const from = providerName(gateway.registry, row.adapter);
    return {
      kind: "callback",
      id,
      at: received_at,
      told: `${from}: ${state ? `${state.word}. ${text(state.headline)}` : status}`,
    };
  });
}

async function bindingLines({ gateway, text }: Teller, rows: Found["bindings"]): Promise<Answer["others"]> {
  const names = await workspaceNames(
    gateway.database.query,
    rows.map((row) => row.workspace_id),
  );
  return rows.map((row) => {
    const said =
      row.origin === "told"
        ? "Somebody said so."
        : row.origin === "learned"
          ? "A callback taught it."
          : "It was seen with others, too, and decides nothing.";
    const told = text(
      tell`${kindWord(row.kind)} ${words(row.value)} of ${providerName(gateway.registry, row.adapter)} is ${words(names.get(row.workspace_id) ?? row.workspace_id)}’s. ${said}`,
    );
    return { kind: "binding", id: showId("binding", row.id), at: null, told };
  });
}

function nothingFound({ text }: Teller, q: string, { callbacks, since, rejectedKept, rejectedAll }: Found["looked"]): string {
  const from = since ? tell` since ${atMinute(since)}` : [];
  return text(
    tell`Nothing found for ${words(q)}. Looked in ${counted(callbacks)} callbacks${from}, messages, bindings, ${counted(rejectedKept)} of ${counted(rejectedAll)} refused ones.`,
  );
}
