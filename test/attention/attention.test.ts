import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { attention } from "../../src/attention/attention.ts";
import { providerRows, totals, writeCounts } from "../../src/attention/minutes.ts";
import type { Count } from "../../src/attention/tally.ts";
import { ACME } from "../support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe.each(databases)("what needs attention (%s)", (kind) => {
  let home: TestGateway;
  let now: number;
  const query = (...args: Parameters<TestGateway["gateway"]["database"]["query"]>) => home.gateway.database.query(...args);

  beforeAll(async () => {
    home = await startGateway(kind);
    await home.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  });
  afterAll(() => home.close());
  beforeEach(async () => {
    await query("delete from minutes");
    now = home.gateway.databaseClock.now();
  });

  /** So many of an outcome, every minute between these times ago. */
  const counts = (adapter: string, outcome: string, from: number, to: number, count: number, step = MINUTE): Count[] => {
    const all: Count[] = [];
    for (let ago = from; ago > to; ago -= step)
      all.push({ adapter, outcome, count, minute: new Date(Math.floor((now - ago) / step) * step) });
    return all;
  };
  const write = (...all: Count[][]) => writeCounts(home.gateway.database.query, all.flat());
  const kinds = async () =>
    (await attention(home.gateway.database.query)).map((one) => `${one.kind} ${one.adapter ?? ""}`.trim());

  it("is nothing while everything is as usual", async () => {
    await write(
      counts("example", "accepted", 2 * DAY, 0, 3),
      counts("example", "rejected:signature_mismatch", 2 * DAY, 0, 1, HOUR),
    );
    expect(await kinds()).toEqual([]);
  });

  it("is a provider of whom everything is refused", async () => {
    await write(
      counts("example", "accepted", HOUR, 40 * MINUTE, 2),
      counts("example", "rejected:signature_mismatch", 38 * MINUTE, 0, 1),
    );
    const [first] = await attention(home.gateway.database.query);
    expect(first).toMatchObject({ kind: "all_refused", adapter: "example", cause: { code: "signature_mismatch" } });
    expect(first?.count).toBeGreaterThanOrEqual(37);
    expect(now - Date.parse(first?.since ?? "")).toBeGreaterThanOrEqual(37 * MINUTE);
    expect(now - Date.parse(first?.cause.last_good_at ?? "")).toBeGreaterThanOrEqual(40 * MINUTE);
  });

  it("is a provider that has gone quiet, by its own pace", async () => {
    // One a minute: ten minutes are long. One every half hour: they are not.
    await write(
      counts("example", "accepted", DAY, 12 * MINUTE, 1),
      counts("slow", "accepted", 2 * DAY, 40 * MINUTE, 1, 30 * MINUTE),
    );
    expect(await kinds()).toEqual(["quiet example"]);
    await query("delete from minutes");
    await write(counts("example", "accepted", DAY, 8 * MINUTE, 1));
    expect(await kinds()).toEqual([]);
    // Nothing is usual at this weekday and hour: its silence is as usual.
    await query("delete from minutes");
    await write(
      counts("example", "accepted", 15 * DAY, 14 * DAY + 2 * HOUR, 1, HOUR),
      counts("example", "accepted", 5 * HOUR, 3 * HOUR, 5),
    );
    expect(await kinds()).toEqual([]);
  });

  it("is a share of refused, failed or unmatched ones that has risen", async () => {
    await write(counts("example", "accepted", DAY, 0, 10), counts("example", "unmatched", 14 * MINUTE, 0, 5));
    expect(await kinds()).toEqual(["unmatched_rising example"]);
    await query("delete from minutes");
    await write(counts("example", "accepted", DAY, 0, 10), counts("example", "unmatched", DAY, 0, 5));
    expect(await kinds()).toEqual([]);
  });

  it("is a word that nobody had seen, and no longer once it is old", async () => {
    await write(counts("example", "accepted", DAY, 0, 10), counts("example", "word:teleported", 80 * MINUTE, 60 * MINUTE, 1));
    const [first] = await attention(home.gateway.database.query);
    expect(first).toMatchObject({ kind: "new_word", adapter: "example", count: 20, cause: { word: "teleported" } });
    await write(counts("example", "word:teleported", 3 * DAY, 3 * DAY - MINUTE, 1));
    expect(await kinds()).toEqual([]);
  });

  it("is a field that is missing from a fifth of what carried it", async () => {
    await write(
      counts("example", "accepted", DAY, 0, 10),
      counts("example", "item:email.delivered", 30 * HOUR, 0, 20, HOUR),
      counts("example", "field:email.delivered:recipient", 30 * HOUR, 2 * HOUR, 20, HOUR),
      counts("example", "field:email.delivered:message_id", 30 * HOUR, 0, 20, HOUR),
    );
    const [first] = await attention(home.gateway.database.query);
    expect(first).toMatchObject({
      kind: "field_missing",
      adapter: "example",
      cause: { field: "recipient", variant: "email.delivered", share: 1 },
    });
    expect(await kinds()).toEqual(["field_missing example"]);
  });

  it("is what waits and what could not be read, as it really came", async () => {
    await home.callback("example", {
      reports: [{ id: "w1", message_id: "m1", status: "delivered", at: "2026-11-22T10:00:00Z" }],
    });
    await home.callback("example", "no JSON");
    await home.callback("example", {}, { signer: null });
    const found = await attention(home.gateway.database.query);
    expect(found.map((one) => one.kind)).toEqual(["failed", "unmatched"]);
    expect(found[1]).toMatchObject({ count: 1, cause: { groups: 1 }, link: { to: "unmatched" } });
    expect(found[0]).toMatchObject({ adapter: "example", count: 1, link: { to: "callback" } });
    // The minutes tell the same, once the timer has written them.
    const rows = await until(
      () => providerRows(home.gateway.database.query),
      ([row]) => row?.lastHour === 3,
    );
    expect(rows[0]).toMatchObject({
      adapter: "example",
      waiting: 1,
      outcomes: { unmatched: 1, failed: 1, refused: 1 },
      matched: 0.5,
    });
    expect(await totals(home.gateway.database.query, rows)).toMatchObject({
      callbacks: 3,
      waiting: 1,
      waitingGroups: 1,
      refused: 1,
    });
  });
});
