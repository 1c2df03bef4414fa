import type { Query } from "../db/client.ts";
import type { Event } from "../events/build.ts";
import { fanOut } from "../outbound/fan-out.ts";
import type { Json, JsonObject, Outcome } from "../provider/draft.ts";
import type { Context, Evidence, Way } from "./resolve.ts";

/** Everything that a flush writes, decided beforehand. Rows are named as their columns are. */
export class Plan {
  callbacks: CallbackRow[] = [];
  keys: { natural_key: string; owner: string; event_id: string | null; callback_id: string | null }[] = [];
  events: EventRow[] = [];
  waiting: WaitingRow[] = [];
  /** Waiting rows that have come home, and how. */
  returned: {
    waiting_id: string;
    verdict: string;
    reason: string | null;
    event_id: string | null;
    workspace_id: string | null;
    /** By which support finds the callback of that workspace. */
    workspace_term: string | null;
    cause: string;
    /** Whose token did it; null where nobody's did. */
    done_by: string | null;
    ways: Way[];
  }[] = [];
  /** Waiting rows that were looked at again in vain. */
  stillWaiting: { id: string; reason: string }[] = [];
  learned: LearnedRow[] = [];
  /** Shared, learned references that a second workspace was seen with. */
  ambiguous: { reference: string; workspace_id: string }[] = [];
  /** Bindings whose time was over when they were learned anew. */
  expired: string[] = [];
  states = new Map<string, StateRow>();
  readonly epoch: number;

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  addEvent(id: string, event: Event, from: { adapter: string | null; callbackId: string | null }): void {
    const own = typeof event.data.message_id === "string" ? event.data.message_id : null;
    const provider = typeof event.provider_data.message_id === "string" ? event.provider_data.message_id : null;
    this.events.push({
      id,
      epoch: this.epoch,
      position: this.events.length,
      workspace_id: event.workspace_id,
      adapter: from.adapter,
      name: event.name,
      variant: event.variant,
      type: event.type,
      // Index entries hold no longer ids; the event keeps them whole.
      message_id: own?.slice(0, LONGEST_INDEXED) ?? null,
      provider_message_id: provider && provider !== own ? provider.slice(0, LONGEST_INDEXED) : null,
      callback_id: from.callbackId,
      occurred_at: event.occurred_at,
      body: event,
    });
  }
}

export const LONGEST_INDEXED = 300;

export type CallbackRow = {
  id: string;
  adapter: string;
  received_at: Date;
  method: string;
  path: string;
  ip: string | null;
  headers: JsonObject;
  body: Uint8Array;
  body_encrypted: boolean;
  size: number;
  verification: Json;
  items: unknown;
  steps: JsonObject;
  first_status: string;
  reason: string | null;
  events: number;
  taught: number;
  unmatched: number;
  duplicates: number;
  ignored: number;
  failed: number;
  terms: string[];
};
type EventRow = {
  id: string;
  epoch: number;
  position: number;
  workspace_id: string;
  adapter: string | null;
  name: string;
  variant: string | null;
  type: string | null;
  message_id: string | null;
  provider_message_id: string | null;
  callback_id: string | null;
  occurred_at: string;
  body: Event;
};
type WaitingRow = {
  id: string;
  natural_key: string;
  owner: string;
  adapter: string;
  callback_id: string;
  item: number;
  occurred_at: Date;
  received_at: Date;
  reason: string;
  refs: string[];
  draft: { outcome: Outcome; evidence: Evidence };
};
type LearnedRow = {
  id: string;
  reference: string;
  adapter: string;
  kind: string;
  value: string;
  workspace_id: string;
  places: boolean;
  callback_id: string;
  context: Context | null;
  expires_at: Date | null;
};
type StateRow = {
  key: string;
  workspace_id: string;
  adapter: string;
  kind: string;
  fields: JsonObject | null;
  at: number;
  /** Whether there is a row, locked by us. */
  stored: boolean;
};

/** Long texts, which JSON in JSON would make dear, lie in the first parameter, one after the other; a column says where: its place, from 1, and its length in bytes. */
const sliced = (column: string) => `convert_from(substring($1::bytea from ${column}[1] for ${column}[2]), 'UTF8')`;

/** What waited is counted as what became of it; why the callback waited goes with its last one. */
const RECOUNT = `unmatched = c.unmatched - n.total, events = c.events + n.events, duplicates = c.duplicates + n.duplicates,
  ignored = c.ignored + n.ignored, dismissed = c.dismissed + n.dismissed, terms = c.terms || n.terms,
  reason = case when c.failed > 0 or c.unmatched > n.total then c.reason
    when c.events + c.taught + c.duplicates + c.dismissed + n.events + n.duplicates + n.dismissed > 0 then null else n.reason end`;

/**
 * A statement is put together from these parts, each a chain of CTEs over one JSON parameter. Their order is the order in which tables
 * are touched, everywhere; within a table rows are sorted, so that concurrent flushes wait for each other and never in a circle.
 * `= any(array(…))` beside each join leaves the planner nothing but the index, whatever it believes of the table's size.
 */
const parts: { name: keyof Plan; columns: string; chain: string; ends: string[] }[] = [
  {
    name: "returned",
    columns:
      "waiting_id uuid, verdict text, reason text, event_id uuid, workspace_id text, workspace_term bigint, cause text, done_by text, ways text",
    chain: `
      locked as materialized (
        select id from waiting where id = any(array(select waiting_id from returned_rows)) order by id for update
      ),
      gone as (
        delete from waiting w using returned_rows r where w.id = r.waiting_id and w.id = any(array(select id from locked))
        returning w.callback_id, w.item, r.verdict, r.reason, r.event_id, r.workspace_id, r.workspace_term, r.cause, r.done_by, r.ways
      ),
      noted as (
        insert into healed (callback_id, item, verdict, reason, event_id, workspace_id, cause, done_by, ways)
        select callback_id, item, verdict, reason, event_id, workspace_id, cause, done_by, ways from gone
        on conflict (callback_id, item) do update set verdict = excluded.verdict, reason = excluded.reason, event_id = excluded.event_id,
          workspace_id = excluded.workspace_id, cause = excluded.cause, done_by = excluded.done_by, ways = excluded.ways, at = excluded.at
      ),
      counted as (
        select callback_id, count(*)::int as total, (count(*) filter (where verdict = 'event'))::int as events,
          (count(*) filter (where verdict = 'duplicate'))::int as duplicates, (count(*) filter (where verdict = 'ignored'))::int as ignored,
          (count(*) filter (where verdict = 'dismissed'))::int as dismissed, min(reason) as reason,
          coalesce(array_agg(distinct workspace_term) filter (where workspace_term is not null), '{}') as terms
        from gone group by callback_id
      ),
      callback_locks as materialized (
        select id from callbacks where id = any(array(select callback_id from counted)) order by id for update
      ),
      kept_locks as materialized (
        select id from kept_callbacks where id = any(array(select callback_id from counted)) order by id for update
      ),
      recounted as (
        update callbacks c set ${RECOUNT}
        from counted n where c.id = n.callback_id and c.id = any(array(select id from callback_locks)) returning 1
      ),
      recounted_kept as (
        update kept_callbacks c set ${RECOUNT}
        from counted n where c.id = n.callback_id and c.id = any(array(select id from kept_locks)) returning 1
      )`,
    ends: ["gone", "recounted", "recounted_kept"],
  },
  {
    name: "keys",
    columns: "natural_key uuid, owner bigint, event_id uuid, callback_id uuid",
    chain: `
      keyed as (
        insert into event_keys (natural_key, owner, event_id, callback_id)
        select natural_key, owner, event_id, callback_id from keys_rows order by natural_key, owner returning 1
      )`,
    ends: ["keyed"],
  },
  {
    name: "callbacks",
    columns: `id uuid, adapter text, received_at timestamptz, method text, path text, ip text, headers int[], body int[],
      body_encrypted boolean, size int, verification int[], items int[], steps int[], first_status text, reason text,
      events int, taught int, unmatched int, duplicates int, ignored int, failed int, terms bigint[]`,
    chain: `
      called as (
        insert into callbacks (id, adapter, received_at, method, path, ip, headers, body, body_encrypted, size, verification,
          items, steps, first_status, reason, events, taught, unmatched, duplicates, ignored, failed, terms)
        select id, adapter, received_at, method, path, ip, ${sliced("headers")}, substring($1::bytea from body[1] for body[2]), body_encrypted,
          size, ${sliced("verification")}, ${sliced("items")}, ${sliced("steps")}, first_status, reason, events, taught, unmatched, duplicates,
          ignored, failed, terms
        from callbacks_rows returning 1
      )`,
    ends: ["called"],
  },
  {
    name: "events",
    columns: `id uuid, epoch int, position int, workspace_id text, adapter text, name text, variant text, type text, message_id text,
      provider_message_id text, callback_id uuid, occurred_at timestamptz, body int[]`,
    chain: `
      emitted as (
        insert into events (id, epoch, workspace_id, adapter, name, variant, type, message_id, provider_message_id, callback_id, occurred_at, body)
        select id, epoch, workspace_id, adapter, name, variant, type, message_id, provider_message_id, callback_id, occurred_at, ${sliced("body")}
        from events_rows order by position returning 1
      ),
      ${fanOut("events_rows")}`,
    ends: ["emitted", "fanned_out"],
  },
  {
    name: "waiting",
    columns: `id uuid, natural_key uuid, owner bigint, adapter text, callback_id uuid, item int, occurred_at timestamptz, received_at timestamptz,
      reason text, refs text[], draft text`,
    chain: `
      waits as (
        insert into waiting (id, natural_key, owner, adapter, callback_id, item, occurred_at, received_at, reason, refs, draft)
        select id, natural_key, owner, adapter, callback_id, item, occurred_at, received_at, reason, refs, draft
        from waiting_rows order by natural_key, owner returning 1
      )`,
    ends: ["waits"],
  },
  {
    name: "expired",
    columns: "reference text",
    chain: `
      expired_locks as materialized (
        select id from bindings where reference = any(array(select reference from expired_rows)) and expires_at < now()
        order by reference collate "C" for update
      ),
      forgotten as (delete from bindings where id = any(array(select id from expired_locks)) returning 1)`,
    ends: ["forgotten"],
  },
  {
    name: "learned",
    columns: `id uuid, reference text, adapter text, kind text, value text, workspace_id text, places boolean, callback_id uuid, context text,
      expires_at timestamptz`,
    chain: `
      taught as (
        insert into bindings (id, reference, adapter, kind, value, workspace_id, origin, places, callback_id, context, expires_at)
        select id, reference, adapter, kind, value, workspace_id, 'learned', places, callback_id, context, expires_at
        from learned_rows order by reference collate "C" returning 1
      )`,
    ends: ["taught"],
  },
  {
    name: "ambiguous",
    columns: "reference text, workspace_id text",
    chain: `
      shared_locks as materialized (
        select id from bindings where reference = any(array(select reference from ambiguous_rows)) order by reference collate "C" for update
      ),
      shared as (
        update bindings b set origin = 'ambiguous', other_workspace_id = r.workspace_id, expires_at = null
        from ambiguous_rows r where b.reference = r.reference and b.id = any(array(select id from shared_locks)) and b.origin = 'learned' and b.workspace_id <> r.workspace_id returning 1
      )`,
    ends: ["shared"],
  },
  {
    name: "states",
    columns: "key uuid, workspace_id text, adapter text, kind text, fields text, at timestamptz, stored boolean",
    chain: `
      restated as (
        update snapshots s set fields = r.fields, at = r.at from states_rows r
        where r.stored and s.key = r.key and s.key = any(array(select key from states_rows)) returning 1
      ),
      stated as (
        insert into snapshots (key, workspace_id, adapter, kind, fields, at)
        select key, workspace_id, adapter, kind, fields, at from states_rows where not stored order by key returning 1
      )`,
    ends: ["restated", "stated"],
  },
  {
    name: "stillWaiting",
    columns: "id uuid, reason text",
    chain: `
      rereasoned as (
        update waiting w set reason = r.reason from "stillWaiting_rows" r
        where w.id = r.id and w.id = any(array(select id from "stillWaiting_rows")) and w.reason <> r.reason returning 1
      )`,
    ends: ["rereasoned"],
  },
];

/** Rows of one statement; a larger plan is written in several, inside one transaction. */
export const SLICE_ROWS = 5000;

/** Whether a plan fits one statement. */
function isOneSlice(plan: Plan): boolean {
  return [plan.keys, plan.learned, plan.returned, plan.ambiguous].every((rows) => rows.length <= SLICE_ROWS);
}

/**
 * Writes a plan, all or nothing: in one statement where it fits, else in slices, for which `query` must be in a transaction. A unique
 * violation says that somebody else was quicker: look up and decide again.
 */
export async function write(query: Query, plan: Plan): Promise<void> {
  const rows = new Map<string, unknown[]>(
    parts.map(({ name }) => {
      if (name === "callbacks") return [name, []];
      if (name === "states") return [name, [...plan.states.values()].map((state) => ({ ...state, at: new Date(state.at) }))];
      if (name === "expired") return [name, plan.expired.map((reference) => ({ reference }))];
      return [name, plan[name] as unknown[]];
    }),
  );
  if (isOneSlice(plan)) return writeSlice(query, plan.callbacks, rows);
  // Table by table over all slices, and sorted over all of them, so that both orders hold for the whole transaction.
  plan.keys.sort((a, b) => compare(a.natural_key, b.natural_key) || compare(BigInt(a.owner), BigInt(b.owner)));
  plan.returned.sort((a, b) => compare(a.waiting_id, b.waiting_id));
  plan.stillWaiting.sort((a, b) => compare(a.id, b.id));
  for (const list of [plan.learned, plan.ambiguous]) list.sort((a, b) => compare(a.reference, b.reference));
  plan.expired.sort();
  for (const { name } of parts) {
    if (name === "callbacks") await writeSlice(query, plan.callbacks, new Map());
    const all = rows.get(name) ?? [];
    for (let at = 0; at < all.length; at += SLICE_ROWS)
      await writeSlice(query, [], new Map([[name, all.slice(at, at + SLICE_ROWS)]]));
  }
}

function compare<Value extends string | bigint>(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const statements = new Map<string, string>();

async function writeSlice(query: Query, callbacks: CallbackRow[], rows: Map<string, unknown[]>): Promise<void> {
  const bytes = new Bytes();
  const long: { [name: string]: (row: never) => unknown } = {
    callbacks: (row: CallbackRow) => ({
      ...row,
      body: bytes.add(row.body),
      headers: bytes.json(row.headers),
      verification: bytes.json(row.verification),
      items: bytes.json(row.items),
      steps: bytes.json(row.steps),
    }),
    events: (row: EventRow) => ({ ...row, body: bytes.json(row.body) }),
  };
  const of = (name: string): unknown[] => (name === "callbacks" ? callbacks : (rows.get(name) ?? []));
  const used = parts.filter(({ name }) => of(name).length > 0);
  if (used.length === 0) return;
  const parameters = used.map(({ name }) => JSON.stringify(long[name] ? of(name).map(long[name] as never) : of(name)));
  await query(statementOf(used), [bytes.whole(), ...parameters]);
}

/** Bytes one after the other, each found by its place from 1 and its length. */
class Bytes {
  readonly #parts: Uint8Array[] = [];
  #next = 1;

  add(part: Uint8Array): [place: number, length: number] {
    this.#parts.push(part);
    const place = this.#next;
    this.#next += part.byteLength;
    return [place, part.byteLength];
  }

  json(value: unknown): [place: number, length: number] {
    return this.add(Buffer.from(JSON.stringify(value)));
  }

  whole(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

function statementOf(used: typeof parts): string {
  const name = used.map((part) => part.name).join();
  const known = statements.get(name);
  if (known) return known;
  const chains = used.map(
    (part, index) =>
      `"${part.name}_rows" as materialized (select * from json_to_recordset($${index + 2}::text::json) as r(${part.columns})), ${part.chain}`,
  );
  // Counting each part's rows in turn makes the parts run in this order.
  const ends = ["octet_length($1::bytea)", ...used.flatMap((part) => part.ends.map((end) => `(select count(*) from ${end})`))];
  const statement = `with ${chains.join(",\n")}\nselect ${ends.join(" + ")} as rows`;
  statements.set(name, statement);
  return statement;
}
