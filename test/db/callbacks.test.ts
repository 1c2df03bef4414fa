import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Fitting, listCallbacks } from "../../src/db/callbacks.ts";
import { firstIdOf } from "../../src/ids.ts";
import { type InProcess, openGateway } from "../proof/support/in-process.ts";
import { databases, freshDatabase } from "../support/gateway.ts";

const ADAPTERS = ["shipping", "shipping/delhivery", "shipping/shiprocket", "ship", "stripe"];
const COUNTS = { failed: "failed", unmatched: "unmatched", accepted: "events", duplicate: "duplicates", dismissed: "dismissed" };
const STATUSES = [...Object.keys(COUNTS), "ignored"];
const DAY_MS = 86_400_000;

describe.each(databases)("the list of callbacks on the %s database", (kind) => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let homing: InProcess;
  const stored: { id: string; adapter: string; status: string; term: string }[] = [];
  beforeAll(async () => {
    database = await freshDatabase(kind);
    homing = await openGateway(database.settings);
    const today = Math.floor(homing.gateway.databaseClock.now() / DAY_MS) * DAY_MS;
    // Over two days, so that partitions have to be put in order; adapters and statuses drift apart at different paces.
    for (let n = 0; n < 120; n += 1) {
      const at = today + Math.floor((n * 2 * DAY_MS) / 120);
      const status = STATUSES[(n * 5 + Math.floor(n / 7)) % STATUSES.length] as string;
      const row = {
        ...{ id: firstIdOf(at), adapter: ADAPTERS[Math.floor(n / 3) % ADAPTERS.length] as string, status, term: String(n % 4) },
        table: n % 9 === 0 ? "kept_callbacks" : "callbacks",
        column: COUNTS[status as keyof typeof COUNTS] ?? "ignored",
      };
      const columns = ["events", "taught", "unmatched", "duplicates", "ignored", "failed", "dismissed"];
      await homing.gateway.database.query(
        `insert into ${row.table} (id, adapter, received_at, method, path, headers, body, size, verification, items, steps, first_status, ${columns.join(", ")}, terms)
         values ($1, $2, now(), 'POST', '/', '{}', '', 0, '{}', '[]', '{}', 'accepted', ${columns.map((one) => (one === row.column ? 1 : 0)).join(", ")}, $3::text::bigint[])`,
        [row.id, row.adapter, `{${row.term}}`],
      );
      stored.push(row);
    }
  });
  afterAll(async () => {
    await homing.gateway.close();
    await database.remove();
  });

  const expected = (fits: Fitting, order: "asc" | "desc", limit: number) => {
    const found = stored.filter(
      (one) =>
        (!fits.above || one.id > fits.above) &&
        (!fits.below || one.id < fits.below) &&
        (!fits.from || one.id >= fits.from) &&
        (!fits.provider || one.adapter === fits.provider || one.adapter.split("/")[0] === fits.provider) &&
        (!fits.status || one.status === fits.status) &&
        (!fits.id || one.id === fits.id) &&
        (fits.terms ?? []).every((term) => term === one.term),
    );
    return (order === "asc" ? found : found.reverse()).slice(0, limit).map((one) => one.id);
  };

  it("tells what fits, in order and no other, whatever is asked together", async () => {
    const ids = stored.map((one) => one.id);
    const bounds: Fitting[] = [{}, { above: ids[10] ?? "", below: ids[100] ?? "" }, { from: ids[30] ?? "", below: null }];
    let asked = 0;
    for (const provider of [undefined, "shipping", "shipping/delhivery", "ship", "clerk"])
      for (const status of [undefined, ...STATUSES])
        for (const terms of [[], ["2"], ["1", "2"]])
          for (const bound of bounds)
            for (const order of ["asc", "desc"] as const)
              for (const limit of order === "asc" ? [7] : [1, 1000]) {
                const fits = { ...bound, provider, status, terms };
                const rows = await listCallbacks<{ id: string }>(
                  homing.gateway.database.query,
                  { columns: "id", order, limit },
                  fits,
                );
                expect([fits, rows.map((row) => row.id)]).toEqual([fits, expected(fits, order, limit)]);
                asked += 1;
              }
    expect(asked).toBe(5 * 7 * 3 * 3 * 3);
  });

  it("finds one by its id, if it fits", async () => {
    const one = stored[9];
    const list = (fits: Fitting) =>
      listCallbacks<{ id: string }>(homing.gateway.database.query, { columns: "id", order: "desc", limit: 5 }, fits);
    expect(await list({ id: one?.id ?? "" })).toEqual([{ id: one?.id }]);
    expect(await list({ id: one?.id ?? "", provider: "clerk" })).toEqual([]);
  });
});
