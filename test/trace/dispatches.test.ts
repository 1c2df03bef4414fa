import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { tidy } from "../../src/outbound/settle.ts";
import type { Answer } from "../../src/trace/find.ts";
import { readWhole } from "../../src/trace/trace.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";

describe.each(databases)("what a trace tells of webhooks that did not go out, on the %s database", (kind) => {
  let homing: TestGateway;
  let receiver: Receiver;
  let status: number;
  let workspace: string;
  let endpoint: string;
  const query = (text: string, parameters: unknown[] = []) => homing.gateway.database.query(text, parameters);
  const uuid = (shown: string) => shown.replace(/^\w+_(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  beforeAll(async () => {
    homing = await startGateway(kind, { ALLOW_PRIVATE_ENDPOINTS: "true" });
    receiver = await startReceiver((_, response) => void response.writeHead(status).end());
  });
  afterAll(async () => {
    await homing.close();
    await receiver.close();
  });
  beforeEach(async () => {
    status = 500;
    workspace = crypto.randomUUID();
    await homing.api("PUT", `/v1/workspaces/${workspace}`, { name: "Acme" });
    const made = { workspace_id: workspace, url: receiver.url, events: ["*"], description: "ERP" };
    endpoint = (await homing.api("POST", "/v1/endpoints", made)).body.id;
  });

  const deliver = async (): Promise<string> => {
    const id = crypto.randomUUID();
    const reports = [{ id, message_id: id, status: "delivered", meta: { workspace_id: workspace } }];
    return (await homing.callback("example", { reports })).body.callback_id;
  };
  const storyOf = async (callback: string) => {
    const one = (await readWhole(homing.gateway, uuid(callback)))?.items[0]?.endpoints[0];
    if (!one) throw new Error("nothing is told of its endpoint");
    return one;
  };
  const inState = (callback: string, state: string) =>
    until(
      () => storyOf(callback),
      (one) => one.state === state,
    );
  const tale = async (q: string) => (await homing.api<Answer>("GET", `/v1/trace?q=${q}`)).body.tale;
  const step = async (q: string, name: string) => (await tale(q))?.steps.find((one) => one.name === name)?.lines.join(" ");
  const tokenOf = async (name: string) =>
    (await homing.api("POST", "/v1/tokens", { name, role: "operator" })).body.token as string;
  const as = (token: string, method: string, path: string, body?: object) =>
    fetch(`${homing.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });

  it("held: how many wait at its endpoint, and since when", async () => {
    await query("update endpoints set circuit_open_since = now(), probe_at = now() + interval '1 hour' where id = $1", [
      uuid(endpoint),
    ]);
    const [first, second] = [await deliver(), await deliver()];
    await deliver();
    await query(
      "update dispatches set created_at = now() - interval '1 hour' where event_id in (select id from events where callback_id = $1)",
      [uuid(first)],
    );
    const one = await storyOf(second);
    expect(one).toMatchObject({ state: "held", held: { count: 3 }, off: null, kept_until: null });
    expect(Date.parse(one.held?.since ?? "")).toBeLessThan(homing.gateway.databaseClock.now() - 3_000_000);
    expect(await step(second, "Webhooks")).toMatch(/ERP does not answer; we try one at a time\. 3 wait since [^.]*\d\d:\d\d\./);
  });

  it("given up: until when it is kept", async () => {
    const callback = await deliver();
    await query(
      "update dispatches set state = 'dead', next_at = null, lease = null, attempts = 7, settled_at = '2026-11-20T10:00:00Z' where workspace_id = $1",
      [workspace],
    );
    expect(await storyOf(callback)).toMatchObject({ state: "dead", kept_until: "2026-11-27T10:00:00.000Z", tries: 7 });
    expect(await step(callback, "Webhooks")).toMatch(/Given up after 7 attempts\. Kept until 27 Nov[^.]*10:00\./);
  });

  it("not sent: its endpoint answered 410; held until then, as it might be switched on", async () => {
    status = 410;
    const callback = await deliver();
    const held = await inState(callback, "held");
    expect(held.off).toMatchObject({ why: "answered_410", by: null });
    expect(Date.parse(held.kept_until ?? "") - Date.parse(held.off?.at ?? "")).toBe(7 * 86_400_000);
    expect(await step(callback, "Webhooks")).toMatch(
      /ERP is switched off since [^.]*\. It waits since [^.]*\. Switched on before [^.]*, it goes out\. It answered 410\./,
    );
    await query("update endpoints set disabled_at = now() - interval '8 days' where id = $1", [uuid(endpoint)]);
    await tidy(homing.gateway.database.query, 30);
    expect(await storyOf(callback)).toMatchObject({ state: "cancelled", off: { at: held.off?.at, why: "answered_410" } });
    expect(await step(callback, "Webhooks")).toMatch(/ERP: The endpoint was switched off at [^.]*\d\d:\d\d\. It answered 410\./);
  });

  it("not sent: who switched it off, who deleted it, who closed its workspace", async () => {
    const [asha, meera, ravi] = [await tokenOf("Asha"), await tokenOf("Meera"), await tokenOf("Ravi")];
    const before = await deliver();
    await inState(before, "retrying");
    await as(asha, "PATCH", `/v1/endpoints/${endpoint}`, { state: "disabled" });
    const after = await deliver();
    expect(await storyOf(after)).toMatchObject({ reason: "switched_off", off: { why: "switched_off", by: "Asha" } });
    expect(await step(after, "Webhooks")).toMatch(
      /The endpoint was switched off at [^.]*\. It was off when the event came\. Asha did it\./,
    );
    expect(await storyOf(before)).toMatchObject({ state: "held", off: { why: "switched_off", by: "Asha" } });
    await as(meera, "DELETE", `/v1/endpoints/${endpoint}`);
    expect(await storyOf(before)).toMatchObject({ state: "cancelled", off: { why: "deleted", by: "Meera" } });
    expect(await step(before, "Webhooks")).toContain("Meera deleted it.");
    // What was so before is so still.
    expect(await storyOf(after)).toMatchObject({ reason: "switched_off", off: { by: "Asha" } });

    const other = { workspace_id: workspace, url: receiver.url, events: ["*"], description: "Other" };
    await homing.api("POST", "/v1/endpoints", other);
    const third = await deliver();
    await inState(third, "retrying");
    await as(ravi, "DELETE", `/v1/workspaces/${workspace}`);
    expect(await storyOf(third)).toMatchObject({ state: "held", off: { why: "workspace_closed", by: "Ravi" } });
    expect(await step(third, "Webhooks")).toContain("Ravi closed its workspace.");
    // Who of the staff did it is no customer's affair.
    await homing.api("PUT", `/v1/workspaces/${workspace}`, { name: "Acme" });
    const own = (await homing.api("POST", "/v1/tokens", { name: "own", role: "workspace", workspace_id: workspace })).body.token;
    const seen = await (await as(own, "GET", `/v1/callbacks/${after}`)).text();
    expect(seen).toContain('"reason":"switched_off"');
    expect(seen).not.toMatch(/Asha|Meera|Ravi/);
  });

  it("tried again by a person: who did it, and the count begins anew", async () => {
    const callback = await deliver();
    const { dispatch_id } = await inState(callback, "retrying");
    expect(await step(callback, "Webhooks")).toContain("Attempt 2 of 7");
    await query("update dispatches set state = 'dead', next_at = null, attempts = 7, settled_at = now() where id = $1", [
      uuid(dispatch_id ?? ""),
    ]);
    await as(await tokenOf("Meera"), "POST", `/v1/dispatches/${dispatch_id}/retry`);
    await until(
      () => storyOf(callback),
      (one) => one.state === "retrying" && one.tries === 1,
    );
    expect(await step(callback, "Webhooks")).toContain("Attempt 2 of 7");
    expect(await step(callback, "Who did what")).toMatch(/^[^A-Z]*\d\d:\d\d:\d\d Meera tried ERP again$/);
  });
});
