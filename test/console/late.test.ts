import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { recount } from "../../src/console/counts.ts";
import { kept } from "../../src/console/kept.ts";
import { hourglass } from "../../src/console/parts/soon.ts";
import { API_TOKEN, databases, startGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { read, Visitor } from "./support/visitor.ts";

/** The query that reads the last hour of every provider. */
const SLOW = "date_trunc('minute', now()) - minute";
const PATIENCE = 300;
const ALONE = 20_000;

describe.each(databases)("a part of a page that is slow to read (%s)", (kind) => {
  let homing: TestGateway;
  let visitor: Visitor;
  let glasses: { ms: number; runOut: () => void }[];

  beforeAll(async () => {
    homing = await startGateway(kind);
    visitor = await new Visitor(homing.url).login(API_TOKEN);
    await homing.callback("example", {
      reports: [{ id: "l1", message_id: "l1", status: "delivered", at: "2026-11-22T10:00:00Z" }],
    });
    await homing.settled();
  });
  afterAll(() => homing.close());
  afterEach(() => vi.restoreAllMocks());

  /** Holds every hourglass, and keeps the slow query from ending. */
  function plant() {
    const { database } = homing.gateway;
    const { query } = database;
    const { promise: mended, resolve: mend } = Promise.withResolvers<void>();
    const state = { slow: 0, others: 0 };
    glasses = [];
    vi.spyOn(hourglass, "run").mockImplementation((ms) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      glasses.push({ ms, runOut: resolve });
      return promise;
    });
    vi.spyOn(database, "query").mockImplementation(async (text, parameters) => {
      const which = text.includes(SLOW) ? "slow" : "others";
      state[which] += 1;
      if (which === "slow") await mended;
      try {
        return await query(text, parameters);
      } finally {
        if (which === "others") state.others -= 1;
      }
    });
    recount(homing.gateway);
    return { state, mend };
  }
  const runOut = (ms: number) => {
    for (const glass of glasses) if (glass.ms === ms) glass.runOut();
  };

  it("the page comes without it, with a link that shows it by itself; it is read once", async () => {
    const { state, mend } = plant();
    const coming = visitor.get("/console");
    await until(
      () => state.slow === 1 && state.others === 0 && glasses.length === 3,
      (isRest) => isRest,
    );
    runOut(PATIENCE);
    const page = await coming;
    expect(page.status).toBe(200);
    expect(read(page.text)).toMatch(/One thing needs attention.*1 event waits for a workspace/);
    expect(page.text).not.toContain("<table");
    expect(page.text).not.toContain('<dl class="totals">');
    expect(page.text).toContain('<a href="/console?part=totals">Show the totals</a>');
    expect(page.text).toContain('<a href="/console?part=providers">Show the providers</a>');

    const alone = visitor.get("/console?part=providers");
    await until(
      () => glasses.some((glass) => glass.ms === ALONE),
      (isAsked) => isAsked,
    );
    mend();
    const part = await alone;
    expect([part.status, state.slow]).toEqual([200, 1]);
    expect(read(part.text)).toMatch(/The providers.*Example Mail/);
  });

  it("nothing waits for ever: who asked for the part alone is told so in the end", async () => {
    const { mend } = plant();
    const coming = visitor.get("/console?part=totals");
    await until(
      () => glasses.some((glass) => glass.ms === ALONE),
      (isAsked) => isAsked,
    );
    runOut(ALONE);
    const page = await coming;
    expect([page.status, read(page.text).includes("It takes too long to read")]).toEqual([503, true]);
    expect((await visitor.get("/console?part=nothing")).status).toBe(404);
    mend();
  });

  it("what failed is read again, what is there is not", async () => {
    let reads = 0;
    const one = kept(async () => {
      reads += 1;
      if (reads === 1) throw new Error("away");
      return reads;
    });
    await expect(one(homing.gateway)).rejects.toThrow("away");
    expect([await one(homing.gateway), await one(homing.gateway)]).toEqual([2, 2]);
    one.forget(homing.gateway);
    expect(await one(homing.gateway)).toBe(3);
  });
});
