import postgres from "postgres";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { freshDatabase } from "../support/gateway.ts";
import { chance, extent, inParallel, say } from "./support/extent.ts";
import { endAll, newSigner, nothingWaits, readOn, type Served, serve } from "./support/process.ts";
import { bodyOf, keyOf, type Report, repeated, report } from "./support/reports.ts";

/** Two processes that write the same rows at the same time, in different orders. */
describe("overlapping batches at two processes", () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let served: Served[];
  beforeEach(async () => {
    database = await freshDatabase("postgres");
    const signer = newSigner();
    served = await Promise.all([serve(database.settings, signer), serve(database.settings, signer)]);
    await (served[0] as Served).api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  });
  afterEach(() => database.remove());
  afterAll(endAll);

  /** Posts all at the same moment, in turn to both. */
  async function post(batches: Report[][]): Promise<void> {
    const bodies = batches.map(bodyOf);
    await Promise.all(
      bodies.map(async (body, index) => {
        const answer = await (served[index % 2] as Served).report(body);
        expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200, body: { failed: 0, ignored: 0 } });
      }),
    );
  }

  /** Every one of `reports` is in the log once and nothing waits; no deadlock came up, and nobody complained. */
  async function settledTo(reports: Report[], show: string, figures: string): Promise<void> {
    await nothingWaits(served[0] as Served);
    const { events } = await readOn(served[0] as Served);
    const problems = (await Promise.all(served.map((one) => one.stop()))).flat();
    // The processes are gone: the database has counted all that they did.
    const { deadlocks, rollbacks } = await counters(database.settings.DATABASE_URL as string);
    say(
      show,
      `${figures}; ${events.length} events, ${deadlocks} deadlocks, ${rollbacks} statements lost a race and were decided anew`,
    );
    expect(repeated(events)).toEqual([]);
    expect(new Set(events.map(keyOf))).toEqual(new Set(reports.map((one) => one.id)));
    expect(problems).toEqual([]);
    expect(deadlocks).toBe(0);
  }

  it("batches of 200 that share most of their reports, each in its own order", async () => {
    const dice = chance(3);
    const rounds = extent(60);
    const everything: Report[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const reports = Array.from({ length: 300 }, (_, at) =>
        report(`batch-${round}-${at % 250}`, at < 250 ? "delivered" : "opened", at, "echoed"),
      );
      const batches = Array.from({ length: 8 }, () => dice.shuffled(reports).slice(0, 200));
      await post(batches);
      everything.push(...new Set(batches.flat()));
    }
    await settledTo(everything, "overlapping batches", `${rounds} × 8 batches of 200 of the same 300 reports`);
  });

  it("callbacks of more reports than fit one statement, about the same messages in another order", async () => {
    const dice = chance(4);
    const messages = Array.from({ length: 6000 }, (_, at) => `large-${at}`);
    const rounds = extent(5);
    const everything: Report[] = [];
    for (let round = 0; round < rounds; round += 1) {
      // Different reports, so that only what they teach overlaps: a message and a recipient each.
      const about = (status: Report["status"]) =>
        messages.map((message, at) => report(`${round}-${message}`, status, at, "echoed"));
      const delivered = about("delivered");
      const batches = [
        delivered,
        about("accepted").toReversed(),
        dice.shuffled(about("opened")),
        dice.shuffled(about("hard_bounce")),
        dice.shuffled(delivered),
        delivered.toReversed(),
      ];
      await post(batches);
      everything.push(...batches.slice(0, 4).flat());
    }
    await settledTo(everything, "large callbacks", `${rounds} × 6 callbacks of 6,000 reports of the same messages`);
  });

  it("a resend that knows more, of more waiting reports than fit one statement, while bindings bring them home", async () => {
    const dice = chance(5);
    const rounds = extent(5);
    const everything: Report[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const numbers = Array.from({ length: 6000 }, (_, at) => at);
      const made = (meta: "echoed" | "none") => numbers.map((at) => report(`waiting-${round}-${at}`, "delivered", at, meta));
      await post([made("none")]);
      const bound = dice.shuffled(numbers).slice(0, extent(500));
      await Promise.all([
        post([dice.shuffled(made("echoed")), made("echoed").toReversed(), dice.shuffled(made("echoed"))]),
        inParallel(bound, 8, (at) => bind([`waiting-${round}-${at}`], served[at % 2] as Served)),
      ]);
      everything.push(...made("none"));
    }
    await settledTo(
      everything,
      "resends that know more",
      `${rounds} × 6,000 waiting reports, 3 resends and ${extent(500)} bindings at once`,
    );
  });

  it("bindings that bring home items of the same callbacks", async () => {
    const dice = chance(6);
    const rounds = extent(10);
    const everything: Report[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const messages = Array.from({ length: 40 }, (_, at) => `shared-${round}-${at}`);
      // Every callback has an item of every message, each under its own key.
      const callbacks = Array.from({ length: 40 }, (_, callback) =>
        dice
          .shuffled(messages)
          .map((message, at): Report => ({ ...report(message, "opened", at, "none"), id: `${message}/opened/${callback}` })),
      );
      await post(callbacks);
      await inParallel(dice.shuffled(messages), 16, (message) => bind([message], dice.pick(served)));
      everything.push(...callbacks.flat());
    }
    await nothingWaits(served[0] as Served);
    const { events } = await readOn(served[0] as Served);
    const statuses = await (served[0] as Served).api("GET", "/v1/callbacks?status=unmatched");
    const problems = (await Promise.all(served.map((one) => one.stop()))).flat();
    const { deadlocks, rollbacks } = await counters(database.settings.DATABASE_URL as string);
    say(
      "bindings of shared callbacks",
      `${rounds} × 40 callbacks with an item of each of 40 messages, 40 bindings at once; ${events.length} events, ${deadlocks} deadlocks, ${rollbacks} statements lost a race`,
    );
    expect(events).toHaveLength(everything.length);
    expect(new Set(events.map((event) => event.id)).size).toBe(everything.length);
    expect(statuses.body.data).toEqual([]);
    expect(problems).toEqual([]);
    expect(deadlocks).toBe(0);
  });

  async function bind(messages: string[], at: Served): Promise<void> {
    const bindings = messages.map((value) => ({ provider: "example", kind: "message", value, workspace_id: ACME }));
    const answer = await at.api("PUT", "/v1/bindings", { bindings });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  }
});

async function counters(url: string): Promise<{ deadlocks: number; rollbacks: number }> {
  const name = new URL(url).pathname.slice(1);
  const admin = new URL(url);
  admin.pathname = "/postgres";
  const sql = postgres(admin.href, { max: 1 });
  try {
    // A connection's counts arrive when it ends.
    for (;;) {
      const [row] = await sql`select count(*)::int as open from pg_stat_activity where datname = ${name}`;
      if (row?.open === 0) break;
    }
    const [row] =
      await sql`select deadlocks::int as deadlocks, xact_rollback::int as rollbacks from pg_stat_database where datname = ${name}`;
    return row as unknown as { deadlocks: number; rollbacks: number };
  } finally {
    await sql.end();
  }
}
