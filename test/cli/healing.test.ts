import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { homing, start } from "./support/run.ts";

const paid = (id: string, customer: string, at = 0) => ({
  ...{ id: `evt_${id}`, object: "event", created: 1795345198 + at, livemode: true, type: "invoice.paid" },
  data: { object: { id: `in_${id}`, object: "invoice", customer, metadata: {} } },
});

describe("the commands that bring home what waits", () => {
  let test: TestGateway;
  beforeAll(async () => {
    test = await startGateway("embedded");
    await test.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme Books" });
  });
  afterAll(() => test.close());

  const run = (...args: string[]) => homing(test.url, args);
  const waiting = async () => (await test.api("GET", "/v1/unmatched")).body.data.length as number;

  it("assign shows what would happen, and does it only where somebody means it", async () => {
    for (const at of [0, 1, 2]) await test.callback("stripe", paid(`a${at}`, "cus_a", at));
    const told = ["assign", "stripe", "customer:cus_a", "--workspace", "Acme Books"];
    const [preview, unasked] = await Promise.all([run(...told, "--dry-run"), run(...told)]);
    expect(preview.code).toBe(0);
    expect(preview.stdout).toMatch(/^This emits 3 events to Acme Books\. What is emitted is never taken back\.\n/);
    expect(preview.stdout).toMatch(/customer:cus_a is Acme Books’s from then on.*\nNothing was done\.\n$/);
    expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringContaining("add --yes to mean it")]);
    expect(await waiting()).toBe(3);
    const oldest = await run(...told, "--limit", "1", "--yes", "--json");
    expect(JSON.parse(oldest.stdout)).toMatchObject({ emitted: 1, remaining: 2 });
    expect((await test.events()).map((event) => event.data.message_id)).toEqual(["in_a0"]);
    const rest = await run(...told, "--yes");
    expect(rest.stdout).toMatch(/2 events came home to Acme Books\.\n$/);
    expect(await waiting()).toBe(0);
    expect(await run(...told, "--yes")).toMatchObject({ code: 1, stdout: "" });
  });

  it("assign and dismiss one callback's item", async () => {
    const ids = [await test.callback("stripe", paid("b", "cus_b")), await test.callback("stripe", paid("c", "cus_c"))];
    const [one = "", other = ""] = ids.map(({ body }) => body.callback_id);
    const assigned = await run("assign", "--callback", one, "--workspace", ACME, "--yes");
    expect(assigned.stdout).toMatch(/1 event came home to Acme Books\.\n$/);
    const dismissed = await run("dismiss", "--callback", other, "--yes");
    expect(dismissed.stdout).toMatch(/1 event was put aside\.\n$/);
    expect((await run("trace", other)).stdout).toMatch(/^○ Put aside/);
    expect(await waiting()).toBe(0);
  });

  it("replay one, and many with their counts", async () => {
    const { body } = await test.callback("stripe", paid("d", "cus_a"));
    const [one, many] = await Promise.all([
      run("replay", body.callback_id, "--dry-run"),
      run("replay", "--filter", "provider=stripe,since=1h", "--dry-run", "--json"),
    ]);
    expect(one).toMatchObject({ code: 0, stdout: "Nothing comes of it that was not there before; 1 unchanged.\n" });
    expect(many.code).toBe(0);
    const done = JSON.parse(many.stdout);
    expect(done).toMatchObject({ state: "done", dry_run: true, added: 0 });
    expect((await run("replay", "--status", done.id)).stdout).toContain(
      `${done.id} is done. Nothing was changed: it only looked.`,
    );
  });

  it("Ctrl-C ends the watching of a replay, not the replay, and says so", async () => {
    let asked = 0;
    const endless = createServer((_, response) => {
      asked += 1;
      response.end(JSON.stringify({ id: "rpl_1", state: "running", looked_at: asked }));
    });
    endless.listen(0, "127.0.0.1");
    await new Promise((resolve) => endless.once("listening", resolve));
    const url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}`;
    const watching = start(["replay", "--filter", "since=7d"], { HOMING_URL: url, HOMING_TOKEN: "any" });
    await until(
      () => asked,
      (count) => count > 1,
    );
    watching.child.kill("SIGINT");
    const { code, stderr } = await watching.ended;
    expect([code, stderr]).toEqual([0, expect.stringContaining("It goes on without us. Look: homing replay --status rpl_1.")]);
    endless.closeAllConnections();
    await new Promise((resolve) => endless.close(resolve));
  });
});
