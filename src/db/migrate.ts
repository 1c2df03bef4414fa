import { join } from "node:path";
import { migrate as migratePglite } from "drizzle-orm/pglite/migrator";
import { migrate as migratePostgres } from "drizzle-orm/postgres-js/migrator";
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
      if (database.kind === "postgres") await migratePostgres(database.orm, { migrationsFolder: FOLDER });
      else await migratePglite(database.orm as never, { migrationsFolder: FOLDER });
      await keepPartitions(database.kind, query);
      return { epoch: await currentEpoch(query) };
    } finally {
      await query(`select pg_advisory_unlock(${LOCK})`);
    }
  });
}

/** Readers order the log by transaction id, which starts again in a database restored elsewhere. */
async function currentEpoch(query: Database["query"]): Promise<number> {
  const [row] = await query<{ epoch: number | null; behind: boolean }>(
    `select (select max(epoch) from log_epochs) as epoch,
            coalesce(pg_current_xact_id() <= (select max(xid) from events where epoch = (select max(epoch) from log_epochs)), false) as behind`,
  );
  if (row?.epoch && !row.behind) return row.epoch;
  const next = (row?.epoch ?? 0) + 1;
  await query("insert into log_epochs (epoch) values ($1)", [next]);
  return next;
}
