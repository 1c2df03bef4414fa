import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Query, sqlState } from "../../src/db/client.ts";
import { commit } from "../../src/inbound/commit.ts";
import { ACME } from "../support/fixtures.ts";
import { freshDatabase } from "../support/gateway.ts";
import { type InProcess, openGateway } from "./support/in-process.ts";
import { type Report, report } from "./support/reports.ts";

/** More than one statement takes, twice over: in the opposite order the first slices of two callbacks share no row. */
const ITEMS = 11_000;

/** Two callbacks of several slices about the same rows, in opposite order and in step: each has written its first slice when the other goes on. */
describe("the slices of two large callbacks", () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let homing: InProcess;
  beforeAll(async () => {
    database = await freshDatabase("postgres");
    homing = await openGateway(database.settings);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  });
  afterAll(async () => {
    await homing.gateway.close();
    await database.remove();
  });

  it("teach the same references without a deadlock", async () => {
    const forward = reports("taught", "delivered", "echoed");
    const backward = reports("taught", "opened", "echoed").toReversed();
    expect(await inStep("learned", forward, backward)).toEqual({ emitted: 2 * ITEMS, deadlocks: 0 });
  });

  it("bring the same waiting items home without a deadlock", async () => {
    await commit([homing.arrival(reports("waited", "delivered", "none"))], homing.commitOptions());
    const again = reports("waited", "delivered", "echoed");
    expect(await inStep("returned", again, again.toReversed())).toEqual({ emitted: ITEMS, deadlocks: 0 });
  });

  function reports(name: string, status: Report["status"], meta: "echoed" | "none"): Report[] {
    return Array.from({ length: ITEMS }, (_, at) => report(`${name}-${at}`, status, at, meta));
  }

  async function inStep(table: string, ...batches: [Report[], Report[]]): Promise<{ emitted: number; deadlocks: number }> {
    let deadlocks = 0;
    let first = 0;
    const both = Promise.withResolvers<void>();
    const run = async (batch: Report[]) => {
      let met = false;
      const watched =
        (query: Query): Query =>
        async (text, parameters) => {
          const isSlice = text.includes(`"${table}_rows"`) && !met;
          try {
            const rows = await query(text, parameters);
            if (!isSlice) return rows as never;
          } catch (error) {
            if (sqlState(error) === "40P01") deadlocks += 1;
            throw error;
          }
          met = true;
          first += 1;
          if (first === 2) both.resolve();
          // Where they keep one order, the other cannot have come here: it waits for us.
          await Promise.race([both.promise, somebodyWaits()]);
          return [];
        };
      const { transaction } = homing.gateway.database;
      const options = homing.commitOptions({ transaction: (work) => transaction((query) => work(watched(query))) });
      return (await commit([homing.arrival(batch)], options)).emitted;
    };
    const emitted = await Promise.all(batches.map(run));
    return { emitted: emitted.reduce((sum, one) => sum + one, 0), deadlocks };
  }

  async function somebodyWaits(): Promise<void> {
    for (;;) {
      const waiting = await homing.gateway.database.query(
        "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
      if (waiting.length > 0) return;
    }
  }
});
