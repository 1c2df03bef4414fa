import { join } from "node:path";
import type { Database } from "./client.ts";
import { keepPartitions } from "./partitions.ts";

const FOLDER = join(import.meta.dirname, "../../drizzle");
/** "homing", as an advisory lock: concurrent migrators fail without one. */
const LOCK = 0x686f6d696e67;

/** Brings the schema up to date, makes the partitions of the coming days and begins a new epoch of the log where one is due. */
export async function migrate(database: Database): Promise<{ epoch: number }> {
  return database.session(async (query) => {
    await query(`select pg_advisory_lock(${LOCK})`);
    try {
      await database.applyMigrations(FOLDER);
      await keepPartitions(database.kind, query);
      return { epoch: await currentEpoch(query) };
    } finally {
      await query(`select pg_advisory_unlock(${LOCK})`);
    }
  });
}

/**
 * Readers order the log by transaction id, which starts again in a database that was restored elsewhere or put back to an earlier moment: a
 * server or timeline that the epoch did not begin on, or transaction ids behind the log's, begin a new one.
 */
async function currentEpoch(query: Database["query"]): Promise<number> {
  const server = await identityOf(query);
  const [row] = await query<{ epoch: number | null; server: string | null; behind: boolean }>(
    `select e.epoch, e.server, coalesce(pg_current_xact_id() <= (select max(xid) from events where epoch = e.epoch), false) as behind
     from (select max(epoch) as epoch from log_epochs) newest left join log_epochs e on e.epoch = newest.epoch`,
  );
  if (row?.epoch && !row.behind && row.server === server) return row.epoch;
  const next = (row?.epoch ?? 0) + 1;
  await query("insert into log_epochs (epoch, server) values ($1, $2)", [next, server]);
  return next;
}

/** Which server, on which timeline; a new epoch more than necessary does no harm. Null where the server does not tell. */
async function identityOf(query: Database["query"]): Promise<string | null> {
  try {
    const [row] = await query<{ server: string }>(
      "select (select system_identifier from pg_control_system()) || ' ' || (select timeline_id from pg_control_checkpoint()) as server",
    );
    return row?.server ?? null;
  } catch {
    return null;
  }
}
