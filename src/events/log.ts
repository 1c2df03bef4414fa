import type { Query } from "../db/client.ts";
import { partitionsOf } from "../db/partitions.ts";
import { GatewayError } from "../errors.ts";
import { firstIdOf, timeOf } from "../ids.ts";

/**
 * A place in the log: everything before it has been seen. `at` bounds the partitions that a reader looks at, with a day to spare, which
 * no statement outlives (`statement_timeout`).
 */
export type Place = { epoch: number; xid: string; seq: string; at: number };

/** Before everything. */
export const START: Place = { epoch: 0, xid: "0", seq: "-1", at: 0 };
const DAY_MS = 86_400_000;
/** Beyond it no UUIDv7 tells a time. */
const LATEST_MS = 2 ** 48;

export type LogFilter = {
  workspace_id?: string | undefined;
  type?: string | undefined;
  name?: string | undefined;
  variant?: string | undefined;
  provider?: string | undefined;
  message_id?: string | undefined;
  callback_id?: string | undefined;
};

/** A place as a cursor, opaque to everyone outside. */
export function showPlace(place: Place): string {
  return Buffer.from(`${place.epoch}.${place.xid}.${place.seq}.${place.at}`).toString("base64url");
}

/** @throws GatewayError `invalid` for what is no cursor of ours. */
export function readPlace(cursor: string): Place {
  const [, epoch, xid, seq, at] =
    /^(\d{1,9})\.(\d{1,20})\.(-1|\d{1,19})\.(\d{1,15})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  // A cursor from here; what no column could hold is somebody's invention.
  const holds = epoch && xid && seq && at && BigInt(xid) < 2n ** 64n && BigInt(seq) < 2n ** 63n && Number(at) < LATEST_MS;
  if (!holds) throw new GatewayError("invalid", { fields: { after: "is not a cursor from here" } });
  return { epoch: Number(epoch), xid, seq, at: Number(at) };
}

/** An event as it lies in the log. */
export type Entry = { place: Place; id: string; workspace: string; name: string; variant: string | null; body: string };

/**
 * The log for those outside: bodies after a cursor, and the next cursor, which is never null.
 * @throws GatewayError `cursor_expired` where days after the cursor have been dropped.
 */
export async function readLog(
  query: Query,
  after: string | undefined,
  filter: LogFilter,
  limit: number,
): Promise<{ bodies: string[]; next: string }> {
  const from = after ? readPlace(after) : START;
  if (after && from.at < (await oldestDay(query))) throw new GatewayError("cursor_expired");
  const { entries, next } = await readEntries(query, from, filter, limit);
  return { bodies: entries.map((entry) => entry.body), next: showPlace(next) };
}

/**
 * Reads on in commit order, oldest first and without gaps: readers stay below the oldest transaction that is still open, so that a late
 * commit is never skipped. `next` is the place of the last entry; where the log is read to its end, it stands at that point.
 *
 * The place stands in sub-selects so that the planner does not see it: it judges a row comparison by the first column alone, takes hardly
 * anything to be beyond an epoch that all rows have, and would fetch and sort the whole rest of the log for each page.
 */
export async function readEntries(
  query: Query,
  from: Place,
  filter: LogFilter,
  limit: number,
): Promise<{ entries: Entry[]; next: Place }> {
  const rows = await query<{ now: string; horizon: string; current: number } & (EventRow | { epoch: null })>(
    `with edge as materialized (
       select pg_snapshot_xmin(pg_current_snapshot()) as xmin, (select max(epoch) from log_epochs) as epoch,
         (extract(epoch from clock_timestamp()) * 1000)::bigint::text as now
     )
     select edge.now, edge.xmin::text as horizon, edge.epoch as current, e.epoch, e.xid::text as xid, e.seq::text as seq, e.id,
       e.workspace_id, e.name, e.variant, e.body
     from edge left join lateral (
       select * from events
       where (epoch, xid, seq) > ((select $1::int), (select $2::text::xid8), (select $3::text::bigint)) and id >= $4::uuid
         and (epoch < edge.epoch or xid < edge.xmin)
         and ($5::text is null or workspace_id = $5) and ($6::text is null or type = $6) and ($7::text is null or name = $7)
         and ($8::text is null or variant = $8) and ($9::text is null or adapter = $9 or split_part(adapter, '/', 1) = $9)
         and ($10::text is null or message_id = $10 or provider_message_id = $10) and ($11::uuid is null or callback_id = $11)
       order by epoch, xid, seq limit $12
     ) e on true order by e.epoch, e.xid, e.seq`,
    [
      from.epoch,
      from.xid,
      from.seq,
      firstIdOf(from.at - DAY_MS),
      filter.workspace_id ?? null,
      filter.type ?? null,
      filter.name ?? null,
      filter.variant ?? null,
      filter.provider ?? null,
      filter.message_id ?? null,
      filter.callback_id ?? null,
      limit,
    ],
  );
  const entries = rows.flatMap((row) => (row.epoch === null ? [] : [entryOf(row)]));
  const last = entries.at(-1);
  if (last && entries.length === limit) return { entries, next: last.place };
  const [edge] = rows;
  const end: Place = { epoch: edge?.current ?? 0, xid: edge?.horizon ?? "0", seq: "-1", at: Number(edge?.now ?? 0) };
  return { entries, next: isAfter(end, from) ? end : { ...from, at: Math.max(from.at, end.at) } };
}

type PlaceRow = { epoch: number; xid: string; seq: string; id: string };
type EventRow = PlaceRow & { workspace_id: string; name: string; variant: string | null; body: string };

function entryOf(row: EventRow): Entry {
  const { id, workspace_id: workspace, name, variant, body } = row;
  return { place: placeOf(row), id, workspace, name, variant, body };
}

function placeOf({ epoch, xid, seq, id }: PlaceRow): Place {
  return { epoch, xid, seq, at: timeOf(id) };
}

/** Where an event stands; null where the log does not have it (any more). */
export async function findPlace(query: Query, id: string): Promise<Place | null> {
  const [row] = await query<PlaceRow>("select epoch, xid::text as xid, seq::text as seq, id from events where id = $1", [id]);
  return row ? placeOf(row) : null;
}

/**
 * What is written by transactions that have not begun yet stands here or later. Readers of before this moment, who stay below open
 * transactions, have seen nothing of it.
 */
export async function frontier(query: Query): Promise<Place> {
  const [row] = await query<{ epoch: number | null; xid: string; now: string }>(
    `select (select max(epoch) from log_epochs) as epoch, pg_snapshot_xmax(pg_current_snapshot())::text as xid,
       (extract(epoch from clock_timestamp()) * 1000)::bigint::text as now`,
  );
  return { epoch: row?.epoch ?? 0, xid: row?.xid ?? "0", seq: "-1", at: Number(row?.now ?? 0) };
}

/** Whether `a` stands later in the log than `b`. */
export function isAfter(a: Place, b: Place): boolean {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch;
  if (a.xid !== b.xid) return BigInt(a.xid) > BigInt(b.xid);
  return BigInt(a.seq) > BigInt(b.seq);
}

/** The start of the oldest day that the log still has, in milliseconds. */
export async function oldestDay(query: Query): Promise<number> {
  const [oldest] = await partitionsOf(query, "events");
  const day = /_(\d{4})(\d\d)(\d\d)$/.exec(oldest ?? "");
  return day ? Date.UTC(Number(day[1]), Number(day[2]) - 1, Number(day[3])) : 0;
}

/** For how many seconds an open writing transaction, anywhere in the server, has held the log back; and whose it is. */
export async function heldBack(query: Query): Promise<{ seconds: number; pid: number | null }> {
  const [row] = await query<{ seconds: number; pid: number | null }>(
    `select coalesce(extract(epoch from clock_timestamp() - min(xact_start)), 0)::float as seconds,
       (array_agg(pid order by xact_start))[1] as pid
     from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()`,
  );
  return { seconds: Math.max(0, row?.seconds ?? 0), pid: row?.pid ?? null };
}
