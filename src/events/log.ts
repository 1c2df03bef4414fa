import type { Query } from "../db/client.ts";
import { partitionsOf } from "../db/partitions.ts";
import { GatewayError } from "../errors.ts";
import { firstIdOf, timeOf } from "../ids.ts";

/**
 * A place in the log: everything before it has been seen. `at` bounds the partitions that a reader looks at, with a day to spare, which
 * no statement outlives (`statement_timeout`).
 */
type Place = { epoch: number; xid: string; seq: string; at: number };

const START: Place = { epoch: 0, xid: "0", seq: "-1", at: 0 };
const DAY_MS = 86_400_000;

export type LogFilter = {
  workspace_id?: string | undefined;
  type?: string | undefined;
  name?: string | undefined;
  variant?: string | undefined;
  provider?: string | undefined;
  message_id?: string | undefined;
  callback_id?: string | undefined;
};

function showPlace(place: Place): string {
  return Buffer.from(`${place.epoch}.${place.xid}.${place.seq}.${place.at}`).toString("base64url");
}

/** @throws GatewayError `invalid` for what is no cursor of ours. */
function readPlace(cursor: string): Place {
  const [, epoch, xid, seq, at] =
    /^(\d{1,9})\.(\d{1,20})\.(-1|\d{1,19})\.(\d{1,15})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (!epoch || !xid || !seq || !at) throw new GatewayError("invalid", { fields: { after: "is not a cursor from here" } });
  return { epoch: Number(epoch), xid, seq, at: Number(at) };
}

/**
 * Reads on in commit order, oldest first and without gaps: readers stay below the oldest transaction that is still open, so that a late
 * commit is never skipped. `next` is never null; where the log is read to its end, it stands at that point.
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
  const rows = await query<{
    now: string;
    horizon: string;
    current: number;
    epoch: number | null;
    xid: string;
    seq: string;
    id: string;
    body: string;
  }>(
    `with edge as materialized (
       select pg_snapshot_xmin(pg_current_snapshot()) as xmin, (select max(epoch) from log_epochs) as epoch,
         (extract(epoch from clock_timestamp()) * 1000)::bigint::text as now
     )
     select edge.now, edge.xmin::text as horizon, edge.epoch as current, e.epoch, e.xid::text as xid, e.seq::text as seq, e.id, e.body
     from edge left join lateral (
       select * from events
       where (epoch, xid, seq) > ($1::int, $2::text::xid8, $3::text::bigint) and id >= $4::uuid
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
  const found = rows.filter((row) => row.epoch !== null);
  const last = found.at(-1);
  const [edge] = rows;
  if (last && found.length === limit) {
    return {
      bodies: found.map((row) => row.body),
      next: showPlace({ epoch: last.epoch as number, xid: last.xid, seq: last.seq, at: timeOf(last.id) }),
    };
  }
  const end: Place = { epoch: edge?.current ?? 0, xid: edge?.horizon ?? "0", seq: "-1", at: Number(edge?.now ?? 0) };
  return {
    bodies: found.map((row) => row.body),
    next: showPlace(isAfter(end, from) ? end : { ...from, at: Math.max(from.at, end.at) }),
  };
}

function isAfter(a: Place, b: Place): boolean {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch;
  if (a.xid !== b.xid) return BigInt(a.xid) > BigInt(b.xid);
  return BigInt(a.seq) > BigInt(b.seq);
}

/** The start of the oldest day that the log still has, in milliseconds. */
async function oldestDay(query: Query): Promise<number> {
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
