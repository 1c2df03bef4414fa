import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME } from "./support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "./support/gateway.ts";

/**
 * Read this first. A provider calls, the gateway proves that the call is genuine, keeps it, finds out whose it is, and emits what
 * happened, once. What it cannot place waits, and comes home as soon as somebody says whose it is.
 */
describe.each(databases)("a callback's journey on the %s database", (kind) => {
  let homing: TestGateway;
  beforeAll(async () => {
    homing = await startGateway(kind);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  });
  afterAll(() => homing.close());

  const delivered = {
    reports: [
      {
        id: "report-1",
        message_id: "mail-1",
        status: "delivered",
        at: "2026-11-22T10:30:00Z",
        to: "asha@example.com",
        meta: { homing_workspace_id: ACME, message_id: "m_1", campaign_id: "spring" },
      },
    ],
  };

  it("comes home by the workspace that the provider echoed", async () => {
    const answer = await homing.callback("example", delivered);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      callback_id: expect.stringMatching(/^cb_[0-9a-f]{32}$/),
      ...{ status: "accepted", events: 1, taught: 0, unmatched: 0, duplicates: 0, ignored: 0, failed: 0 },
    });

    const [event] = await homing.events();
    expect(event).toEqual({
      id: expect.stringMatching(/^evt_[0-9a-f]{32}$/),
      name: "channel_delivery_status",
      variant: "email.delivered",
      type: "delivery.delivered",
      classification: "PASSIVE",
      workspace_id: ACME,
      workspace_source: "metadata",
      provider: "example",
      dialect: null,
      occurred_at: "2026-11-22T10:30:00.000Z",
      received_at: expect.any(String),
      callback_id: answer.body.callback_id,
      data: {
        message_id: "m_1",
        campaign_id: "spring",
        contact_id: null,
        channel: "email",
        delivered_at: "2026-11-22T10:30:00.000Z",
      },
      provider_data: { message_id: "mail-1", status: "delivered", recipient: "asha@example.com" },
    });
  });

  it("is emitted once, however often it is resent", async () => {
    const again = await homing.callback("example", delivered);
    expect(again.body).toMatchObject({ status: "duplicate", events: 0, duplicates: 1 });
    expect(await homing.events()).toHaveLength(1);
  });

  it("waits, visible and explained, while nobody knows whose it is, and comes home when somebody says so", async () => {
    const stranger = await homing.callback("example", {
      reports: [{ id: "report-2", message_id: "mail-2", status: "opened", at: "2026-11-22T10:31:00Z", to: "ravi@example.com" }],
    });
    expect(stranger.body).toMatchObject({ status: "unmatched", unmatched: 1 });

    const groups = await homing.api("GET", "/v1/unmatched?group=reference");
    expect(groups.body.data).toMatchObject([
      { provider: "example", reference: "message:mail-2", reason: "no_reference_bound", waiting: 1 },
    ]);

    const bound = await homing.api("PUT", "/v1/bindings", {
      provider: "example",
      kind: "message",
      value: "mail-2",
      workspace_id: ACME,
    });
    expect(bound.body).toMatchObject({ origin: "told", rematched: 1, remaining: 0 });

    const events = await homing.events();
    expect(events[1]).toMatchObject({
      type: "delivery.opened",
      workspace_source: "lookup",
      occurred_at: "2026-11-22T10:31:00.000Z",
    });
    const trace = await homing.api("GET", `/v1/callbacks/${stranger.body.callback_id}`);
    expect(trace.body).toMatchObject({
      status: "accepted",
      first_status: "unmatched",
      items: [{ verdict: "event", healed: { cause: "binding" } }],
    });
  });

  it("is refused without proof, and nothing is stored", async () => {
    const forged = await homing.callback("example", delivered, { headers: { "x-example-signature": "0".repeat(64) } });
    expect(forged.status).toBe(401);
    expect(forged.body.error.code).toBe("signature_mismatch");
  });

  it("answers support: was it delivered?", async () => {
    const { body } = await homing.api("GET", "/v1/messages/m_1");
    expect(body.data).toMatchObject([{ state: "delivered", recipient: "asha@example.com", provider_message_id: "mail-1" }]);
  });
});
