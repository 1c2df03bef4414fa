import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { attention } from "../../src/attention/attention.ts";
import { providerRows, totals, writeCounts } from "../../src/attention/minutes.ts";
import type { Count } from "../../src/attention/tally.ts";
import { newId } from "../../src/ids.ts";
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

  it("is refused where too few come for five minutes to tell, and where somebody knocked once it is quiet all the same", async () => {
    // One every ten minutes; since somebody changed the secret each is refused.
    await write(
      counts("example", "accepted", 2 * DAY, 2 * HOUR, 1, 10 * MINUTE),
      counts("example", "rejected:signature_mismatch", 2 * HOUR, 0, 1, 10 * MINUTE),
    );
    expect(await attention(home.gateway.database.query)).toMatchObject([
      { kind: "all_refused", adapter: "example", cause: { code: "signature_mismatch" } },
    ]);
    await query("delete from minutes");
    await write(
      counts("example", "accepted", DAY, 46 * MINUTE, 30),
      counts("example", "rejected:signature_missing", 20 * MINUTE, 19 * MINUTE, 1),
    );
    expect(await kinds()).toEqual(["quiet example"]);
  });

  it("tells as refused because of what most were refused for", async () => {
    await write(
      counts("example", "rejected:signature_mismatch", 30 * MINUTE, 0, 2),
      counts("example", "rejected:signature_missing", 10 * MINUTE, 9 * MINUTE, 9),
    );
    expect(await attention(home.gateway.database.query)).toMatchObject([
      { kind: "all_refused", cause: { code: "signature_mismatch" } },
    ]);
  });

  it("takes as usual what came in the weeks that it knows, no more", async () => {
    // Eight days: there is one such hour to look back on, not two.
    await write(
      counts("example", "accepted", 8 * DAY, 7 * DAY - 2 * HOUR, 6),
      counts("example", "accepted", 3 * HOUR, 40 * MINUTE, 6),
    );
    const [first] = await attention(home.gateway.database.query);
    expect(first).toMatchObject({ kind: "quiet", adapter: "example", cause: { usual: 6 } });
  });

  it("leads to the callbacks of the dialect that it is about, not of the whole provider", async () => {
    await write(counts("msg91/sms", "accepted", DAY, 0, 10), counts("msg91/sms", "unmatched", 14 * MINUTE, 0, 5));
    const [first] = await attention(home.gateway.database.query);
    expect(first?.link).toEqual({ to: "callbacks", status: "unmatched", provider: "msg91/sms" });
  });

  it("is an endpoint that fails, by its description or its host, while something waits there", async () => {
    const { body } = await home.api("POST", "/v1/endpoints", {
      ...{ workspace_id: ACME, url: "https://hooks.example.com/in/s3cret-path", events: ["*"] },
    });
    const endpoint = body.id.replace("ep_", "");
    await query("update endpoints set failures = 3 where id = $1::text::uuid", [endpoint]);
    await query(
      `insert into attempts (id, dispatch_id, endpoint_id, at, ok, status, ms)
       values ($2::text::uuid, gen_random_uuid(), $1::text::uuid, now() - interval '6 minutes', false, 503, 20)`,
      [endpoint, newId(now)],
    );
    expect(await kinds()).toEqual([]);
    await query(
      `insert into dispatches (endpoint_id, event_id, workspace_id, type, state, next_at)
       values ($1::text::uuid, gen_random_uuid(), $2, 'delivery.sent', 'retrying', now() + interval '1 hour')`,
      [endpoint, ACME],
    );
    const [first] = await attention(home.gateway.database.query);
    expect(first).toMatchObject({ kind: "endpoint_failing", count: 1, cause: { endpoint: "hooks.example.com", status: 503 } });
    await home.api("DELETE", `/v1/endpoints/${body.id}`);
  });

  it("counts webhooks of the last hour, also when a new one has just begun", async () => {
    await query(
      `insert into endpoint_hours (endpoint_id, hour, accepted, failed) values (gen_random_uuid(), date_trunc('hour', now()) - interval '1 hour', 3, 1)`,
    );
    expect(await totals(home.gateway.database.query, [])).toMatchObject({ webhooks: 4, webhooksAccepted: 0.75 });
    await query("delete from endpoint_hours");
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
