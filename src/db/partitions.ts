import { firstIdOf } from "../ids.ts";
import type { Database, Query } from "./client.ts";

const DAY_MS = 86_400_000;
const DAYS_AHEAD = 14;
/** How long a DETACH or DROP waits for readers; what does not come to an end is ended by the next run. */
const DROP_LOCK_TIMEOUT = "30s";
const TABLES = ["callbacks", "events", "attempts"] as const;
export type Partitioned = (typeof TABLES)[number];

function nameOf(table: Partitioned, day: number): string {
  return `${table}_${new Date(day).toISOString().slice(0, 10).replaceAll("-", "")}`;
}

/** The start of a partition's day in milliseconds, from its name. */
function dayOf(partition: string): number {
  const [, year, month, day] = /_(\d{4})(\d\d)(\d\d)$/.exec(partition) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day));
}

async function databaseNow(query: Query): Promise<number> {
  const [row] = await query<{ now: string }>("select (extract(epoch from clock_timestamp()) * 1000)::bigint::text as now");
  return Number(row?.now);
}

/** The partitions of a table, oldest first. */
export async function partitionsOf(query: Query, table: Partitioned): Promise<string[]> {
  const rows = await query<{ name: string }>(
    "select c.relname::text as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = $1::text::regclass order by 1",
    [table],
  );
  return rows.map((row) => row.name);
}

/**
 * Sees to it that every day from yesterday to 14 days ahead has its partition. Made apart and attached, because `CREATE … PARTITION OF`
 * beside a slow reader stalls inserts. May be repeated; a lock that does not come within 2 s is left for the next time.
 */
export async function keepPartitions(kind: Database["kind"], query: Query): Promise<void> {
  const today = Math.floor((await databaseNow(query)) / DAY_MS) * DAY_MS;
  if (kind === "postgres") await query("set lock_timeout = '2s'");
  for (const table of TABLES) {
    const existing = new Set(await partitionsOf(query, table));
    for (let day = today - DAY_MS; day <= today + DAYS_AHEAD * DAY_MS; day += DAY_MS) {
      const name = nameOf(table, day);
      if (existing.has(name)) continue;
      await query(`create table if not exists ${name} (like ${table} including all excluding identity)`);
      await query(
        `alter table ${table} attach partition ${name} for values from ('${firstIdOf(day)}') to ('${firstIdOf(day + DAY_MS)}')`,
      );
    }
  }
  if (kind === "postgres") await query("reset lock_timeout");
}

/**
 * Drops the days of a table that lie wholly before `keepDays`. Callbacks whose items still wait are first copied to `kept_callbacks`
 * under the same id; the guard (`event_keys`) is not touched. What an earlier run began and did not end (a cancelled or crashed DETACH) is
 * ended first. Answers the names of what was dropped.
 */
export async function dropOldPartitions(
  kind: Database["kind"],
  query: Query,
  table: Partitioned,
  keepDays: number,
): Promise<string[]> {
  const oldest = Math.floor((await databaseNow(query)) / DAY_MS) * DAY_MS - keepDays * DAY_MS;
  const isOld = (partition: string) => dayOf(partition) + DAY_MS <= oldest;
  if (kind === "postgres") {
    await query(`set lock_timeout = '${DROP_LOCK_TIMEOUT}'`);
    const [pending] = await query<{ name: string }>(
      "select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::text::regclass and inhdetachpending",
      [table],
    );
    if (pending) await query(`alter table ${table} detach partition ${pending.name} finalize`);
  }
  const attached = new Set(await partitionsOf(query, table));
  const all = await query<{ name: string }>(
    "select relname::text as name from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace and relname ~ ('^' || $1 || '_\\d{8}$') order by 1",
    [table],
  );
  const dropped: string[] = [];
  for (const { name } of all.filter((partition) => isOld(partition.name))) {
    if (table === "callbacks") await keepWaiting(query, name);
    // Detaching CONCURRENTLY does not stop inserts; the embedded database has one connection and cannot.
    if (attached.has(name))
      await query(`alter table ${table} detach partition ${name}${kind === "postgres" ? " concurrently" : ""}`);
    await query(`drop table ${name}`);
    dropped.push(name);
  }
  if (kind === "postgres") await query("reset lock_timeout");
  return dropped;
}

async function keepWaiting(query: Query, partition: string): Promise<void> {
  const columns = await query<{ name: string }>(
    `select attname::text as name from pg_attribute where attrelid = '${partition}'::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
  );
  const list = columns.map((column) => `"${column.name}"`).join(", ");
  await query(
    `insert into kept_callbacks (${list}) select ${list} from ${partition} where id in (select callback_id from waiting) on conflict (id) do nothing`,
  );
}

/** Forgets the sample of refused requests past `retentionDays`, and guard entries older than `keepDays`, but for what still waits; ends learned bindings whose time is over. */
export async function sweepGuard(query: Query, keepDays: number, retentionDays: number): Promise<void> {
  await query(
    `delete from event_keys k where k.seen_on < current_date - $1::int
       and not exists (select 1 from waiting w where w.natural_key = k.natural_key and w.owner = k.owner)`,
    [keepDays],
  );
  await query("delete from bindings where expires_at < now()");
  await query("delete from kept_callbacks k where not exists (select 1 from waiting w where w.callback_id = k.id)");
  await query("delete from rejections where received_at < now() - make_interval(days => $1::int)", [retentionDays]);
  await query("delete from healed h where h.at < now() - make_interval(days => $1::int)", [keepDays]);
  await query("delete from replayed r where r.at < now() - make_interval(days => $1::int)", [keepDays]);
  await query("delete from replays r where r.ended_at < now() - make_interval(days => $1::int)", [keepDays]);
}
