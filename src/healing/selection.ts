import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { readId } from "../ids.ts";
import { type WaitingRow, waitingColumns } from "../inbound/heal.ts";
import { ORG, referenceKey } from "../inbound/resolve.ts";

/** What a person means: everything that waits with a reference (`kind:value`), or items one by one. */
export type Selection =
  | { provider: string; dialect?: string | null | undefined; reference: string }
  | { items: { callback_id: string; index: number }[] };

/** The same, ready to be asked for. */
export type Chosen =
  | { by: "reference"; adapter: string; kind: string; value: string; column: string }
  | { by: "items"; ids: string[] };

/** Items that one call may name. */
export const MOST_ITEMS = 1000;

/** Finds what is meant. @throws GatewayError `invalid` where it names no adapter or nothing that things wait for. */
export async function choose(gateway: Gateway, selection: Selection): Promise<Chosen> {
  if ("items" in selection) return chooseItems(gateway, selection.items);
  const { provider, dialect, reference } = selection;
  const adapter = dialect ? `${provider}/${dialect}` : provider;
  if (!gateway.registry.has(adapter))
    throw new GatewayError("invalid", { fields: { provider: `there is no adapter ${adapter}` } });
  const [kind = "", value = ""] = split(reference);
  if (kind === "default" || kind === "recipient")
    throw new GatewayError("invalid", { fields: { reference: `nothing is grouped by ${kind}` } });
  const column = kind === "workspace" ? `workspace:${value}` : referenceKey(adapter, kind, value);
  return { by: "reference", adapter, kind, value, column };
}

function split(reference: string): [kind: string, value: string] {
  const colon = reference.indexOf(":");
  return [reference.slice(0, colon), reference.slice(colon + 1)];
}

async function chooseItems(gateway: Gateway, items: { callback_id: string; index: number }[]): Promise<Chosen> {
  const asked = new Map(
    items.map(({ callback_id, index }, at) => {
      const id = readId("callback", callback_id);
      if (!id) throw new GatewayError("invalid", { fields: { [`items.${at}.callback_id`]: "must be a callback's id: cb_…" } });
      return [`${id} ${index}`, { callback_id: id, item: index }];
    }),
  );
  const rows = await gateway.database.query<{ id: string }>(
    `select w.id from json_to_recordset($1::text::json) as r(callback_id uuid, item int)
     cross join lateral (select id from waiting where callback_id = r.callback_id and item = r.item offset 0) w order by w.id`,
    [JSON.stringify([...asked.values()])],
  );
  return { by: "items", ids: rows.map((row) => row.id) };
}

/** The condition that finds the waiting rows of a choice, on `$1` and `$2`. */
function where(chosen: Chosen): { condition: string; parameters: [string, string | null] } {
  return chosen.by === "reference"
    ? { condition: "refs @> array[$1::text] and adapter = $2", parameters: [chosen.column, chosen.adapter] }
    : {
        condition: "id = any(array(select json_array_elements_text($1::text::json)::uuid)) and $2::text is null",
        parameters: [JSON.stringify(chosen.ids), null],
      };
}

/** How many wait, the newest of them, and a number that changes with any of them. */
export async function countChosen(
  gateway: Gateway,
  chosen: Chosen,
): Promise<{ count: number; newest: string | null; mark: string }> {
  const { condition, parameters } = where(chosen);
  const [row] = await gateway.database.query<{ count: number; newest: string | null; mark: string }>(
    `select count(*)::int as count, max(id::text) as newest, coalesce(sum(hashtextextended(id::text, 0)), 0)::text as mark
     from waiting where ${condition}`,
    parameters,
  );
  return row as { count: number; newest: string | null; mark: string };
}

/** The oldest ones, whole. */
export async function readChosen(gateway: Gateway, chosen: Chosen, limit: number): Promise<WaitingRow[]> {
  const { condition, parameters } = where(chosen);
  return gateway.database.query<WaitingRow>(
    `select ${waitingColumns} from waiting where ${condition} order by occurred_at, id limit $3`,
    [...parameters, limit],
  );
}

/** Of more than can be looked at one by one: how many of each kind would go out, by why they wait, and how many went out already. */
export async function countKinds(
  gateway: Gateway,
  chosen: Chosen,
  owner: string,
): Promise<
  { type: string | null; channel: string | null; status: string | null; reason: string; known: boolean; count: number }[]
> {
  const { condition, parameters } = where(chosen);
  return gateway.database.query(
    `select d ->> 'type' as type, d ->> 'channel' as channel, d ->> 'status' as status, reason, known, count(*)::int as count
     from (select draft::json -> 'outcome' as d, reason,
         exists (select 1 from event_keys k where k.natural_key = waiting.natural_key and k.owner = $3::text::bigint) as known
       from waiting where ${condition}) w
     group by 1, 2, 3, 4, 5`,
    [...parameters, owner],
  );
}

const PAGE = 5000;

/** Ids in the order in which it happened, a page at a time; none that came after `newest`. */
export async function* pagesOf(gateway: Gateway, chosen: Chosen, newest: string): AsyncGenerator<string[]> {
  const { condition, parameters } = where(chosen);
  let after: { at: string; id: string } | undefined;
  for (;;) {
    const rows: { id: string; at: string }[] = await gateway.database.query(
      `select id, occurred_at::text as at from waiting where ${condition} and id <= $3::uuid
         and ($4::text is null or (occurred_at, id) > ($4::text::timestamptz, $5::uuid)) order by occurred_at, id limit ${PAGE}`,
      [...parameters, newest, after?.at ?? null, after?.id ?? null],
    );
    if (rows.length > 0) yield rows.map((row) => row.id);
    if (rows.length < PAGE) return;
    after = rows.at(-1);
  }
}

/** @throws GatewayError in words where a workspace is not registered, or closed. */
export async function requireOpen(gateway: Gateway, workspace: string): Promise<void> {
  if (workspace === ORG) return;
  const [row] = await gateway.database.query<{ name: string; closed: boolean }>(
    "select name, closed_at is not null as closed from workspaces where id = $1",
    [workspace],
  );
  if (!row) throw new GatewayError("invalid", { fields: { workspace_id: "is not registered here" } });
  if (row.closed)
    throw new GatewayError("conflict", { message: `${row.name} is closed here. Opened again, it can be given what waits.` });
}

/** What was meant, for the sentence that tells of it. */
export function nameOf(chosen: Chosen): string {
  return chosen.by === "reference" ? `${chosen.kind} ${chosen.value}` : "these items";
}
