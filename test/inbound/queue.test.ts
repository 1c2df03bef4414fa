import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../src/ids.ts";
import { type Committed, commit } from "../../src/inbound/commit.ts";
import { CommitQueue } from "../../src/inbound/queue.ts";
import type { Arrival, Receipt } from "../../src/inbound/record.ts";
import type { Adapter } from "../../src/registry.ts";
import { ACME } from "../support/fixtures.ts";
import { databases, freshDatabase, startGateway, type TestGateway } from "../support/gateway.ts";

const report = (id: string, more: object = {}) => ({
  reports: [
    {
      id,
      message_id: id,
      status: "delivered",
      at: "2026-11-22T10:30:00Z",
      to: "a@example.com",
      meta: { workspace_id: ACME },
      ...more,
    },
  ],
});

describe.each(databases)("odd callbacks among many, on the %s database", (kind) => {
  let homing: TestGateway;
  beforeAll(async () => {
    homing = await startGateway(kind);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    // A row that the database itself refuses.
    await homing.gateway.database.query(
      "alter table events add constraint no_poison check (message_id is distinct from 'poison')",
    );
  });
  afterAll(() => homing.close());

  it("a NUL, a lone surrogate and a poisoned row among 200: all others are stored, the odd ones kept byte for byte", async () => {
    const bodies = Array.from({ length: 200 }, (_, index) => JSON.stringify(report(`ok_${index}`)));
    bodies[50] = JSON.stringify(report("nul", { reason: "a\u0000b", status: "hard_bounce", message_id: "mail\u0000nul" }));
    bodies[100] = JSON.stringify(report("surrogate", { reason: "x" }))
      .replace('"x"', '"\\ud800"')
      .replace("delivered", "hard_bounce");
    bodies[150] = JSON.stringify(report("poison"));
    const answers = await Promise.all(bodies.map((body) => homing.callback("example", body)));
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    expect(answers.filter((answer) => answer.body.status === "accepted")).toHaveLength(199);
    expect(answers[150]?.body).toMatchObject({ status: "failed", events: 0, failed: 1 });
    for (const odd of [50, 100, 150]) {
      const { body: trace } = await homing.api("GET", `/v1/callbacks/${answers[odd]?.body.callback_id}`);
      expect(trace.request.body).toBe(bodies[odd]);
    }
    const events = await homing.events();
    expect(events).toHaveLength(199);
    expect(events.find((event) => event.provider_data.message_id === "mail\ufffdnul")).toBeDefined();
  });

  it("a callback whose few items teach more than one statement writes is written whole, too", async () => {
    const { database, epoch, keys, databaseClock } = homing.gateway;
    const references = Array.from({ length: 12 }, (_, at) => ({ kind: `kind_${at}`, learn: "forever" as const }));
    const works = Array.from({ length: 600 }, (_, item) => ({
      ...{
        adapter: "example",
        providerName: "example",
        dialect: null,
        callbackId: newId(databaseClock.now()),
        item,
        receivedAt: 0,
      },
      outcome: {
        key: `wide-${item}`,
        occurredAt: null,
        channel: "email",
        status: "sent",
        data: { message_id: `wide-${item}` },
      } as const,
      evidence: {
        ...{ adapter: "example", owner: "platform", path: null, message: null },
        metadata: [{ where: "meta", fields: { workspace_id: ACME } }],
        references: references.map((one) => ({ ...one, value: `wide-${item}` })),
      },
    }));
    const adapter = homing.gateway.registry.get("example") as Adapter;
    const wide: Arrival = {
      ...{
        id: newId(databaseClock.now()),
        adapter,
        receivedAt: 0,
        method: "POST",
        path: "/",
        ip: null,
        headers: {},
        body: new Uint8Array(),
      },
      ...{ verification: {}, works, failed: null, startedAt: 0, steps: {} },
    };
    const { receipts } = await commit([wide], { database, epoch, keys, now: () => databaseClock.now(), ignoreTestMode: false });
    expect(receipts).toMatchObject([{ status: "accepted", events: 600 }]);
  });

  it("a large callback is written whole, in slices, and its resend is a duplicate", async () => {
    const reports = Array.from({ length: 6000 }, (_, index) => report(`large_${index}`).reports[0]);
    const answer = await homing.callback("example", { reports });
    expect(answer.body).toMatchObject({ status: "accepted", events: 6000 });
    expect((await homing.callback("example", { reports })).body).toMatchObject({ status: "duplicate", duplicates: 6000 });
  });
});

describe("a database that goes away", () => {
  it("is answered 503 with Retry-After, nothing is stored, and a resend afterwards is", async () => {
    const database = await freshDatabase("postgres");
    const homing = await startGateway("postgres", {}, { database });
    try {
      await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
      const name = new URL(database.settings.DATABASE_URL as string).pathname.slice(1);
      const admin = await startGateway("postgres");
      await admin.gateway.database.session(async (query) => {
        await query(`alter database ${name} allow_connections false`);
        await query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [name]);
        const refused = await homing.callback("example", report("away"));
        expect([refused.status, refused.body.error.code]).toEqual([503, "database_unavailable"]);
        expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
        await query(`alter database ${name} allow_connections true`);
      });
      await admin.close();
      const again = await homing.callback("example", report("away"));
      expect(again.body).toMatchObject({ status: "accepted", events: 1 });
    } finally {
      await homing.close();
      await database.remove();
    }
  });
});

describe("the queue", () => {
  const arrival = (bytes: number) =>
    ({ body: new Uint8Array(bytes), works: [], failed: null, adapter: { name: "x" } }) as unknown as Arrival;
  const blocked = () => {
    const batches: { size: number; done: () => void; fail: (error: Error) => void }[] = [];
    const write = ((arrivals: Arrival[]) =>
      new Promise<Committed>((resolve, reject) => {
        const receipts = arrivals.map(() => ({ status: "accepted" }) as Receipt);
        batches.push({
          size: arrivals.length,
          done: () => resolve({ receipts, emitted: 0, recheck: { waiting: [], references: [] } }),
          fail: reject,
        });
      })) as typeof commit;
    return { batches, queue: new CommitQueue({} as never, () => {}, write) };
  };
  const turn = async () => {
    for (let turns = 0; turns < 6; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  it("flushes at most two at once, 200 callbacks or 8 MiB each, a larger one alone", async () => {
    const { batches, queue } = blocked();
    const answers = Array.from({ length: 450 }, () => queue.submit(arrival(10)));
    await turn();
    expect(batches.map((batch) => batch.size)).toEqual([200, 200]);
    answers.push(queue.submit(arrival(9 * 1024 * 1024)));
    for (const batch of batches.splice(0)) batch.done();
    await turn();
    expect(batches.map((batch) => batch.size)).toEqual([50, 1]);
    for (const batch of batches) batch.done();
    await Promise.all(answers);
  });

  it("a broken connection is no fault of the callback: 503, and it is not kept as unreadable", async () => {
    for (const code of ["EPIPE", "ECONNRESET", "CONNECTION_CLOSED", "57P01"]) {
      const { batches, queue } = blocked();
      const answer = queue.submit(arrival(10));
      await turn();
      batches.splice(0)[0]?.fail(Object.assign(new Error("gone"), { code }));
      await expect(answer).rejects.toMatchObject({ code: "database_unavailable" });
      await turn();
      expect(batches).toEqual([]);
    }
  });

  it("is overloaded beyond 64 MiB and takes more as soon as there is room", async () => {
    const { batches, queue } = blocked();
    const big = 4 * 1024 * 1024;
    const answers = Array.from({ length: 16 }, () => queue.submit(arrival(big)));
    await turn();
    expect(batches).toHaveLength(2);
    expect(() => Array.from({ length: 20 }, () => answers.push(queue.submit(arrival(big))))).toThrow(/call again/);
    while (queue.size > 0 || batches.length > 0) {
      for (const batch of batches.splice(0)) batch.done();
      await turn();
    }
    await Promise.all(answers);
    expect(() => queue.submit(arrival(big))).not.toThrow();
  });
});
