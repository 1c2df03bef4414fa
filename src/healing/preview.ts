import type { Query } from "../db/client.ts";
import { GatewayError } from "../errors.ts";
import type { Event } from "../events/build.ts";
import { deliveryType } from "../events/catalogue.ts";
import type { Gateway } from "../gateway.ts";
import { showId } from "../ids.ts";
import { decide } from "../inbound/commit.ts";
import { wanted } from "../inbound/decide.ts";
import { workOf } from "../inbound/heal.ts";
import { lookUp, readStates } from "../inbound/lookup.ts";
import { askingFilter } from "../outbound/fan-out.ts";
import type { Status } from "../provider/draft.ts";
import { endpointName } from "../trace/fares.ts";
import { fingerprint } from "./fingerprint.ts";
import { type Chosen, countChosen, countKinds, readChosen } from "./selection.ts";

/** What a person decides of what they chose. */
export type Decision = {
  workspace: string;
  /** Whether the reference is to be that workspace's from now on. */
  bind: boolean;
  /** Only so many, the oldest first. */
  limit: number | null;
};

/** An event as it would be: it gets its id when it is emitted. */
export type EventToBe = Omit<Event, "id"> & { id: string | null };

type Told = { endpoints: { id: string; name: string }[]; webhooks: number };

/** What an assignment would do. */
export type Preview = {
  emitted: number;
  /** What would wait on: left, or more than the limit. */
  remaining: number;
  /** Conflicts, and what names another workspace: never done in bulk. */
  left: number;
  already_emitted: number;
  /** What no longer changes anything that we tell. */
  ignored: number;
  /** By variant, or by type where there is none. */
  by_kind: Record<string, number>;
  /** By the same: which endpoints would be told, and how many webhooks that is. What stays on the bus is told to none. */
  told_by_kind: Record<string, Told>;
  endpoints: number;
  webhooks: number;
  bindings_made: number;
  /** False: there are more than were looked at one by one, and the numbers are about. */
  exact: boolean;
  /** The first of them. */
  events: EventToBe[];
  /** The fingerprint. */
  preview: string;
};

/** More than these are counted, not looked at one by one. */
const MOST_EXACT = 1000;
/** Events that an answer shows. */
export const MOST_SHOWN = 50;
const LEFT = ["workspace_conflict", "unknown_workspace", "workspace_closed"];

/**
 * The same resolving and fanning out as in earnest, over the waiting rows; nothing is written and nothing locked. Answers also how many
 * wait and the newest of them, which is where an assignment ends.
 * @throws GatewayError `conflict` where the reference is bound to another workspace already.
 */
export async function look(
  gateway: Gateway,
  chosen: Chosen,
  decision: Decision,
): Promise<{ preview: Preview; count: number; newest: string | null }> {
  const { count, newest, mark } = await countChosen(gateway, chosen);
  const told = await bindingToBe(gateway, chosen, decision);
  const { events, ...seen } = await lookAtEach(gateway, chosen, decision);
  const exact = count <= MOST_EXACT || events.length === decision.limit;
  const { kinds, ...counted } = exact
    ? { emitted: events.length, ...seen, kinds: kindsOf(events) }
    : await countAbout(gateway, chosen, decision.workspace);
  const shown = {
    ...counted,
    remaining: count - counted.emitted - counted.already_emitted - counted.ignored,
    by_kind: Object.fromEntries(kinds.map(({ kind, count: of }) => [kind, of])),
    ...(await countWebhooks(gateway.database.query, decision.workspace, kinds)),
    bindings_made: told,
    exact,
  };
  const meant = chosen.by === "reference" ? [chosen.adapter, chosen.column] : chosen.ids;
  const preview = fingerprint(count, [meant, decision, mark, shown]);
  return { preview: { ...shown, events: events.slice(0, MOST_SHOWN), preview }, count, newest };
}

/** How many bindings would be made: none where it is told so already. */
async function bindingToBe(gateway: Gateway, chosen: Chosen, { workspace, bind }: Decision): Promise<number> {
  if (!bind || chosen.by !== "reference") return 0;
  const [binding] = await gateway.database.query<{ origin: string; workspace_id: string }>(
    "select origin, workspace_id from bindings where reference = $1",
    [chosen.column],
  );
  if (binding?.origin !== "told") return 1;
  if (binding.workspace_id !== workspace)
    throw new GatewayError("conflict", {
      message: `${chosen.kind} ${chosen.value} is bound to workspace ${binding.workspace_id} already. Remove that binding first, or assign without one.`,
    });
  return 0;
}

async function lookAtEach(gateway: Gateway, chosen: Chosen, decision: Decision) {
  const { query } = gateway.database;
  const rows = await readChosen(gateway, chosen, MOST_EXACT);
  const assigned = { workspace: decision.workspace, overrides: chosen.by === "items" };
  const works = rows.map((row) => workOf(row, { cause: "assigned", assigned }));
  const found = await lookUp(query, wanted(works, gateway.keys));
  if (decision.bind && chosen.by === "reference") {
    found.bindings.set(chosen.column, {
      ...{ workspaceId: decision.workspace, otherWorkspaceId: null, origin: "told" },
      ...{ context: null, places: true, expired: false },
    });
  }
  const plan = await decide(works, query, gateway.commitOptions, found, readStates);
  const events = plan.events.map(({ body }): EventToBe => ({ ...body, id: null })).slice(0, decision.limit ?? undefined);
  const verdicts = works.map((work) => work.verdict?.verdict);
  const reached = events.length === decision.limit;
  // Behind the last one that would go out nothing is touched.
  const last = reached ? works.findIndex((work) => work.verdict?.eventId === plan.events[events.length - 1]?.id) : works.length;
  const until = (word: string) => verdicts.slice(0, last).filter((verdict) => verdict === word).length;
  return { events, left: until("waiting"), already_emitted: until("duplicate"), ignored: until("ignored") };
}

type Kind = { kind: string; type: string | null; count: number };

function kindsOf(events: EventToBe[]): Kind[] {
  const grouped = Map.groupBy(events, ({ variant, type }) => variant ?? type ?? "");
  return [...grouped].map(([kind, of]) => ({ kind, type: of[0]?.type ?? null, count: of.length })).sort(byKind);
}

async function countAbout(gateway: Gateway, chosen: Chosen, workspace: string) {
  const rows = await countKinds(gateway, chosen, gateway.keys.ownerDigest(workspace));
  const sum = (of: { count: number }[]) => of.reduce((all, { count }) => all + count, 0);
  const going = rows.filter((row) => !row.known && (chosen.by === "items" || !LEFT.includes(row.reason)));
  const kinds = Map.groupBy(going, ({ type, channel, status }) => type ?? `${channel}.${status}`);
  return {
    emitted: sum(going),
    left: sum(rows.filter((row) => !row.known && !going.includes(row))),
    already_emitted: sum(rows.filter((row) => row.known)),
    ignored: 0,
    kinds: [...kinds]
      .map(([kind, of]): Kind => {
        const { type, status } = of[0] as { type: string | null; status: Status };
        return { kind, type: type ?? deliveryType(status), count: sum(of) };
      })
      .sort(byKind),
  };
}

function byKind(a: Kind, b: Kind): number {
  return a.kind < b.kind ? -1 : 1;
}

/** What the fan-out would owe: which endpoints would be told of each kind, how many webhooks that is, and of all together. */
async function countWebhooks(
  query: Query,
  workspace: string,
  kinds: Kind[],
): Promise<Pick<Preview, "told_by_kind" | "endpoints" | "webhooks">> {
  const rows = await query<{ id: string; url: string; description: string | null; filters: string[] }>(
    "select id, url, description, filters from endpoints where workspace_id = $1 and state = 'active' and deleted_at is null order by id",
    [workspace],
  );
  const told = kinds.map(({ kind, type, count }): [string, Told] => {
    const asking = type ? rows.filter(({ filters }) => askingFilter(filters, type)) : [];
    const endpoints = asking.map((row) => ({ id: showId("endpoint", row.id), name: endpointName(row) }));
    return [kind, { endpoints, webhooks: endpoints.length * count }];
  });
  return {
    told_by_kind: Object.fromEntries(told),
    endpoints: new Set(told.flatMap(([, { endpoints }]) => endpoints.map(({ id }) => id))).size,
    webhooks: told.reduce((all, [, { webhooks }]) => all + webhooks, 0),
  };
}
