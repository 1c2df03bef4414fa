import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Committed, commit } from "../../src/inbound/commit.ts";
import { ACME } from "../support/fixtures.ts";
import { databases, freshDatabase } from "../support/gateway.ts";
import { type InProcess, openGateway } from "./support/in-process.ts";
import { type Report, report } from "./support/reports.ts";

/** Why a flush looks again after its commit: forced to cross, with and without the second look. The gateway does not listen, so that nothing sweeps. */
describe.each(databases)("crossing by force on the %s database", (kind) => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let homing: InProcess;
  beforeAll(async () => {
    database = await freshDatabase(kind);
    homing = await openGateway(database.settings);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  });
  afterAll(async () => {
    await homing.gateway.close();
    await database.remove();
  });

  let message = "";
  let crossings = 0;
  beforeEach(() => {
    crossings += 1;
    message = `crossed-${crossings}`;
  });

  const emitted = async () => {
    const answer = await homing.api("GET", `/v1/events?message_id=${message}`);
    return ((await answer.json()) as { data: { variant: string }[] }).data.map((event) => event.variant);
  };
  const waiting = async () => (await homing.gateway.database.query("select id from waiting")).length;
  const bind = async () => {
    const answer = await homing.api("PUT", "/v1/bindings", {
      provider: "example",
      kind: "message",
      value: message,
      workspace_id: ACME,
    });
    expect(await answer.json()).toMatchObject({ origin: "told", rematched: 0 });
  };

  /** Commits; between its look-up and its write, `meanwhile` happens. */
  async function commitCrossing(reports: Report[], meanwhile: () => Promise<unknown>): Promise<Committed> {
    let looked = false;
    const options = homing.commitOptions({
      async hot(text, parameters) {
        const rows = await homing.gateway.database.hot(text, parameters);
        if (!looked) {
          looked = true;
          await meanwhile();
        }
        return rows as never;
      },
    });
    return commit([homing.arrival(reports)], options);
  }

  it("without a second look it waits although its binding is there", async () => {
    const { receipts, recheck } = await commitCrossing([report(message, "delivered", 1, "none")], bind);
    expect(receipts).toMatchObject([{ status: "unmatched", unmatched: 1 }]);
    expect(recheck.waiting).toHaveLength(1);
    expect(await emitted()).toEqual([]);
    expect(await waiting()).toBe(1);

    // What the queue does after each commit.
    homing.gateway.healer.recheck(recheck);
    await homing.gateway.healer.idle();
    expect(await emitted()).toEqual(["email.delivered"]);
    expect(await waiting()).toBe(0);
  });

  it("where the process dies before its second look, the sweep brings it home", async () => {
    await commitCrossing([report(message, "delivered", 1, "none")], bind);
    expect(await emitted()).toEqual([]);
    await homing.gateway.healer.sweep();
    expect(await emitted()).toEqual(["email.delivered"]);
    expect(await waiting()).toBe(0);
  });

  it("what another flush learns meanwhile is seen by the second look", async () => {
    const teach = async () => {
      const teacher = await commitCrossing([report(message, "delivered", 1, "echoed")], async () => {});
      expect(teacher.recheck.references).toContain(`example message:${message}`);
      homing.gateway.healer.recheck(teacher.recheck);
      await homing.gateway.healer.idle();
    };
    const { receipts, recheck } = await commitCrossing([report(message, "opened", 2, "none")], teach);
    expect(receipts).toMatchObject([{ status: "unmatched" }]);
    expect(await emitted()).toEqual(["email.delivered"]);
    homing.gateway.healer.recheck(recheck);
    await homing.gateway.healer.idle();
    expect(await emitted()).toEqual(["email.delivered", "email.opened"]);
    expect(await waiting()).toBe(0);
  });

  it("what waited before another flush learned is seen by that flush's second look", async () => {
    const teacher = await commitCrossing([report(message, "delivered", 1, "echoed")], async () => {
      const { recheck } = await commitCrossing([report(message, "opened", 2, "none")], async () => {});
      homing.gateway.healer.recheck(recheck);
      await homing.gateway.healer.idle();
    });
    expect(await waiting()).toBe(1);
    homing.gateway.healer.recheck(teacher.recheck);
    await homing.gateway.healer.idle();
    expect(await emitted()).toEqual(["email.delivered", "email.opened"]);
    expect(await waiting()).toBe(0);
  });

  it("a resend that was emitted between look-up and write is decided anew", async () => {
    const reports = [report(message, "delivered", 1, "echoed")];
    const { receipts } = await commitCrossing(reports, () => commitCrossing(reports, async () => {}));
    expect(receipts).toMatchObject([{ status: "duplicate", events: 0, duplicates: 1 }]);
    expect(await emitted()).toEqual(["email.delivered"]);
  });
});
