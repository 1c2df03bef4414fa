import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dropOldPartitions, keepPartitions, partitionsOf, sweepGuard } from "../../src/db/partitions.ts";
import type { Event } from "../../src/events/build.ts";
import { firstIdOf, newId } from "../../src/ids.ts";
import { commit } from "../../src/inbound/commit.ts";
import { type InProcess, openGateway } from "../proof/support/in-process.ts";
import { type Report, report } from "../proof/support/reports.ts";
import { ACME } from "../support/fixtures.ts";
import { databases, freshDatabase } from "../support/gateway.ts";

const DAY_MS = 86_400_000;
const dayName = (time: number) => new Date(time).toISOString().slice(0, 10).replaceAll("-", "");

/** Days go as a whole; what still waits keeps its callback, and nothing comes twice because of it. */
describe.each(databases)("retention on the %s database", (kind) => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let homing: InProcess;
  let today = 0;
  beforeAll(async () => {
    database = await freshDatabase(kind);
    homing = await openGateway(database.settings);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    today = Math.floor(homing.gateway.databaseClock.now() / DAY_MS) * DAY_MS;
  });
  afterAll(async () => {
    await homing.gateway.close();
    await database.remove();
  });

  /** A day of the past, as it was made when it was ahead. Each test has its own. */
  async function dayAgo(days: number): Promise<number> {
    const day = today - days * DAY_MS;
    for (const table of ["callbacks", "events"]) {
      await homing.gateway.database.query(
        `create table ${table}_${dayName(day)} partition of ${table} for values from ('${firstIdOf(day)}') to ('${firstIdOf(day + DAY_MS)}')`,
      );
    }
    return day;
  }

  /** A callback that came then; now where no day is given. */
  async function call(reports: Report[], day?: number) {
    const now = () => (day === undefined ? homing.gateway.databaseClock.now() : day + DAY_MS / 2);
    const arrival = homing.arrival(reports);
    const id = newId(now());
    for (const work of arrival.works) work.callbackId = id;
    const { receipts } = await commit([{ ...arrival, id }], { ...homing.commitOptions(), now });
    return receipts[0];
  }
  const json = async (path: string) => {
    const answer = await homing.api("GET", path);
    return { status: answer.status, body: (await answer.json()) as Record<string, any> };
  };
  const drop = (table: "callbacks" | "events", days: number) =>
    homing.gateway.database.session((query) => dropOldPartitions(kind, query, table, days));

  it("keeps the callback of what waits under its id, drops the others, and the guard outlives both", async () => {
    const day = await dayAgo(40);
    const placed = report("placed", "delivered", 1, "echoed");
    const waits = report("waits", "opened", 2, "none");
    const gone = await call([placed], day);
    const kept = await call([waits, report("beside", "delivered", 3, "echoed")], day);
    expect([gone, kept]).toMatchObject([{ events: 1 }, { events: 1, unmatched: 1 }]);
    const before = await json(`/v1/callbacks/${kept?.callback_id}`);

    expect(await drop("callbacks", 30)).toEqual([`callbacks_${dayName(day)}`]);
    expect((await json(`/v1/callbacks/${gone?.callback_id}`)).status).toBe(404);
    const after = await json(`/v1/callbacks/${kept?.callback_id}`);
    expect(after).toEqual(before);
    expect(after.body).toMatchObject({ status: "unmatched", request: { body: expect.stringContaining("waits/opened") } });
    const listed = await json("/v1/callbacks?status=unmatched&q=waits");
    expect(listed.body.data.map((one: { id: string }) => one.id)).toEqual([kept?.callback_id]);

    expect(await call([placed])).toMatchObject({ status: "duplicate", duplicates: 1 });
    expect(await call([waits])).toMatchObject({ status: "duplicate", duplicates: 1 });
  });

  it("emits what waited longer than its day, with the callback that brought it", async () => {
    const day = await dayAgo(41);
    const waited = report("waited", "opened", 4, "none");
    const kept = await call([waited, report("placed-beside", "delivered", 5, "echoed")], day);
    await drop("callbacks", 30);
    await homing.api("PUT", "/v1/bindings", { provider: "example", kind: "message", value: "waited", workspace_id: ACME });
    const events = await json("/v1/events?message_id=waited");
    expect(events.body.data).toMatchObject([
      { variant: "email.opened", callback_id: kept?.callback_id, occurred_at: waited.at, workspace_source: "lookup" },
    ]);
    expect((await json(`/v1/callbacks/${kept?.callback_id}`)).body).toMatchObject({
      status: "accepted",
      first_status: "unmatched",
      items: [{ verdict: "event", healed: { cause: "binding" } }, { verdict: "event" }],
    });

    // Nothing of it waits any more: now it may go, and is still known.
    await homing.gateway.database.session((query) => sweepGuard(query, 180, 30));
    expect((await json(`/v1/callbacks/${kept?.callback_id}`)).status).toBe(404);
    expect(await call([waited])).toMatchObject({ status: "duplicate" });
  });

  it("tells a reader whose place is in a dropped day, and nobody else", async () => {
    const [ancient, past] = [await dayAgo(100), await dayAgo(50)];
    const lost = report("lost", "delivered", 6, "echoed");
    await call([lost], ancient);
    await call([report("left", "delivered", 7, "echoed")], past);
    await call([report("new", "delivered", 8, "echoed")]);
    const place = async (message: string) => (await json(`/v1/events?limit=1&message_id=${message}`)).body.next;
    const [inAncient, inPast] = [await place("lost"), await place("left")];

    expect(await drop("events", 90)).toEqual([`events_${dayName(ancient)}`]);
    expect(await json(`/v1/events?after=${inAncient}`)).toMatchObject({
      status: 410,
      body: { error: { code: "cursor_expired" } },
    });
    expect((await json(`/v1/events?message_id=new&after=${inPast}`)).body.data).toHaveLength(1);
    // Who begins anew reads all that there is.
    const messages = (await json("/v1/events")).body.data.map((event: Event) => event.provider_data.message_id);
    expect(messages).toEqual(expect.arrayContaining(["left", "new"]));
    expect(messages).not.toContain("lost");
    expect(await call([lost])).toMatchObject({ status: "duplicate" });
  });

  it("forgets a guard entry after its days, but not of what waits", async () => {
    const waits = report("waits-on", "opened", 9, "none");
    const forgotten = report("forgotten", "delivered", 10, "echoed");
    await call([waits, forgotten]);
    await homing.gateway.database.query("update event_keys set seen_on = current_date - 181");
    await homing.gateway.database.session((query) => sweepGuard(query, 180, 30));
    expect(await call([waits])).toMatchObject({ status: "duplicate" });
    expect(await call([forgotten])).toMatchObject({ status: "accepted", events: 1 });
  });

  it("forgets the sample of refused requests after the callbacks' days", async () => {
    const { database } = homing.gateway;
    const refuse = async () => {
      homing.gateway.rejections.add({
        ...{ adapter: "example", receivedAt: Date.now(), method: "POST", path: "/callbacks/example", target: "", ip: null },
        ...{ code: "signature_missing", headers: {}, body: null, size: 0, verification: {} },
      });
      await homing.gateway.rejections.flush();
    };
    await refuse();
    await database.query("update rejections set received_at = now() - interval '31 days'");
    await refuse();
    await database.session((query) => sweepGuard(query, 180, 30));
    expect(await database.query("select code from rejections")).toEqual([{ code: "signature_missing" }]);
  });

  it("has every day from yesterday to 14 ahead, and may be asked again", async () => {
    await homing.gateway.database.session((query) => keepPartitions(kind, query));
    const days = Array.from({ length: 16 }, (_, at) => dayName(today + (at - 1) * DAY_MS));
    for (const table of ["callbacks", "events", "attempts"] as const) {
      const existing = await partitionsOf(homing.gateway.database.query, table);
      expect(existing).toEqual(expect.arrayContaining(days.map((day) => `${table}_${day}`)));
    }
  });

  it("ends what an earlier run began and could not end", async () => {
    const day = await dayAgo(250);
    const partition = `events_${dayName(day)}`;
    const { database: db } = homing.gateway;
    if (kind === "postgres") {
      // A reader in a transaction holds the DETACH up in its second phase; then it is cancelled there.
      const reading = Promise.withResolvers<void>();
      const done = Promise.withResolvers<void>();
      const reader = db.session(async (query) => {
        await query("begin");
        await query("select 1 from events limit 1");
        reading.resolve();
        await done.promise;
        await query("rollback");
      });
      await reading.promise;
      const cut = db.session(async (query) => {
        await query("set lock_timeout = '200ms'");
        await query(`alter table events detach partition ${partition} concurrently`);
      });
      await expect(cut).rejects.toThrow();
      done.resolve();
      await reader;
    } else {
      // A crash between DETACH and DROP.
      await db.query(`alter table events detach partition ${partition}`);
    }
    expect(await drop("events", 240)).toContain(partition);
    expect(await drop("events", 240)).toEqual([]);
  });
});
