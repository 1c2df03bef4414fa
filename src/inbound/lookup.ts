import type { Query } from "../db/client.ts";
import type { Found, KnownKey } from "./decide.ts";
import type { KnownState } from "./state.ts";

type Row = {
  what: "binding" | "workspace" | "key";
  a: string;
  b: string | null;
  c: string | null;
  d: string | null;
  e: string | null;
  f: string | null;
  g: boolean;
};

const LOOK_UP = `
  select 'binding' as what, b.reference as a, b.workspace_id as b, b.other_workspace_id as c, b.origin as d, b.context as e,
    case when w.id is null then null when w.closed_at is null then 'open' else 'closed' end as f,
    b.places as g, coalesce(b.expires_at < now(), false) as h
  from bindings b left join workspaces w on w.id = b.workspace_id
  where b.reference = any(array(select json_array_elements_text($1::text::json)))
  union all
  select 'workspace', w.id, case when w.closed_at is null then 'open' else 'closed' end, null, null, null, null, false, false
  from workspaces w where w.id = any(array(select json_array_elements_text($2::text::json)))
  union all
  select 'key', k.natural_key::text, k.owner::text, k.event_id::text, k.callback_id::text, w.id::text, null, false, false
  from event_keys k left join waiting w on w.natural_key = k.natural_key and w.owner = k.owner
  where k.natural_key = any(array(select json_array_elements_text($3::text::json)::uuid))`;

/**
 * One statement for all that a flush needs to know. `= any(array(…))` and not a join: a plan that was made for an empty table may scan the
 * whole of it later, an array leaves the planner nothing but the index.
 */
export async function lookUp(
  query: Query,
  wanted: { references: string[]; workspaces: string[]; keys: string[] },
): Promise<Found> {
  const found: Found = { bindings: new Map(), workspaces: new Map(), keys: new Map() };
  if (wanted.references.length + wanted.workspaces.length + wanted.keys.length === 0) return found;
  const lists = [wanted.references, wanted.workspaces, wanted.keys].map((list) => JSON.stringify(list));
  for (const row of await query<Row & { h: boolean }>(LOOK_UP, lists)) {
    if (row.what === "workspace") {
      found.workspaces.set(row.a, row.b as "open" | "closed");
    } else if (row.what === "binding") {
      if (row.f) found.workspaces.set(row.b as string, row.f as "open" | "closed");
      found.bindings.set(row.a, {
        workspaceId: row.b as string,
        otherWorkspaceId: row.c,
        origin: row.d as "told" | "learned" | "ambiguous",
        context: row.e ? JSON.parse(row.e) : null,
        places: row.g,
        expired: row.h,
      });
    } else {
      const key: KnownKey = { owner: row.b as string, eventId: row.c, callbackId: row.d, waiting: row.e ? { id: row.e } : null };
      const known = found.keys.get(row.a);
      if (known) known.push(key);
      else found.keys.set(row.a, [key]);
    }
  }
  return found;
}

/** Last-known states by key, locked until the transaction ends, in the order of their keys. */
export async function lockStates(query: Query, keys: string[]): Promise<Map<string, KnownState>> {
  return statesOf(query, keys, "order by key for update");
}

/** The same for a preview: nothing is locked. */
export async function readStates(query: Query, keys: string[]): Promise<Map<string, KnownState>> {
  return statesOf(query, keys, "");
}

async function statesOf(query: Query, keys: string[], ending: string): Promise<Map<string, KnownState>> {
  if (keys.length === 0) return new Map();
  const rows = await query<{ key: string; fields: string | null; at: string }>(
    `select key::text as key, fields, (extract(epoch from at) * 1000)::bigint::text as at from snapshots
     where key = any(array(select json_array_elements_text($1::text::json)::uuid)) ${ending}`,
    [JSON.stringify(keys)],
  );
  return new Map(
    rows.map((row) => [row.key, { fields: row.fields ? JSON.parse(row.fields) : null, at: Number(row.at), stored: true }]),
  );
}
