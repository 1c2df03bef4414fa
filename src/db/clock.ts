import type { Database } from "./client.ts";

/** The database's time, in milliseconds: ids are made from it, so that a wrong clock here still finds its partition. */
export type DatabaseClock = { now(): number; measure(): Promise<void> };

/** Measures the offset between this machine's clock and the database's. Call `measure` again every minute. */
export async function databaseClock(database: Database, local: () => number): Promise<DatabaseClock> {
  let offset = 0;
  const clock: DatabaseClock = {
    now: () => local() + offset,
    async measure() {
      const before = local();
      const [row] = await database.query<{ now: string }>(
        "select (extract(epoch from clock_timestamp()) * 1000)::bigint::text as now",
      );
      offset = Number(row?.now) - (before + local()) / 2;
    },
  };
  await clock.measure();
  return clock;
}
