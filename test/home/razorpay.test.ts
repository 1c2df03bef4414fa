import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME, BETA } from "../support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";

const envelope = (event: string, payload: Record<string, object>, created_at: number) => ({
  entity: "event",
  account_id: "acc_platform",
  event,
  contains: Object.keys(payload),
  payload: Object.fromEntries(Object.entries(payload).map(([name, entity]) => [name, { entity }])),
  created_at,
});
const payment = (id: string, more: object = {}) => ({
  id,
  entity: "payment",
  amount: 49900,
  currency: "INR",
  notes: [],
  created_at: 1764000000,
  ...more,
});
const ours = { workspace_id: ACME };

describe.each(databases)("Razorpay comes home on the %s database", (kind) => {
  let homing: TestGateway;
  const send = (body: object, headers: Record<string, string> = {}) => homing.callback("razorpay", body, { headers });
  const emittedBy = async (callbackId: string) => (await homing.events()).filter((event) => event.callback_id === callbackId);
  beforeAll(async () => {
    homing = await startGateway(kind);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
  });
  afterAll(() => homing.close());

  it("reads notes as object, [] and null, over all entities", async () => {
    const object = await send(envelope("payment.captured", { payment: payment("pay_obj", { notes: ours }) }, 1764000010));
    expect(object.body).toMatchObject({ status: "accepted", events: 1 });
    const elsewhere = await send(
      envelope(
        "order.paid",
        { payment: payment("pay_else", { order_id: "order_else" }), order: { id: "order_else", notes: ours } },
        1764000010,
      ),
    );
    expect(elsewhere.body).toMatchObject({ status: "accepted", events: 1 });
    for (const notes of [[], null]) {
      const none = await send(
        envelope("payment.captured", { payment: payment(`pay_none_${notes === null}`, { notes }) }, 1764000010),
      );
      expect(none.body).toMatchObject({ status: "unmatched", unmatched: 1 });
    }
  });

  it("what a buyer may have written places, and teaches nothing", async () => {
    const captured = await send(
      envelope("payment.captured", { payment: payment("pay_buyer", { order_id: "order_buyer", notes: ours }) }, 1764000010),
    );
    expect(captured.body).toMatchObject({ events: 1 });
    const learned = await homing.api("GET", "/v1/bindings?provider=razorpay&value=order_buyer");
    expect(learned.body.data).toEqual([]);
    const later = await send(
      envelope("payment.failed", { payment: payment("pay_buyer2", { order_id: "order_buyer" }) }, 1764000020),
    );
    expect(later.body).toMatchObject({ status: "unmatched" });
  });

  it("a bound order that differs from the buyer's notes is a conflict", async () => {
    await send(
      envelope(
        "order.paid",
        { payment: payment("pay_c1", { order_id: "order_c" }), order: { id: "order_c", notes: ours } },
        1764000010,
      ),
    );
    const forged = await send(
      envelope(
        "payment.captured",
        { payment: payment("pay_c2", { order_id: "order_c", notes: { workspace_id: BETA } }) },
        1764000011,
      ),
    );
    expect(forged.body).toMatchObject({ status: "unmatched" });
    const trace = await homing.api("GET", `/v1/callbacks/${forged.body.callback_id}`);
    expect(trace.body.reason).toBe("workspace_conflict");
  });

  it("the same body under another, unsigned event id is a duplicate", async () => {
    const body = envelope("payment.captured", { payment: payment("pay_twice", { notes: ours }) }, 1764000010);
    expect((await send(body, { "x-razorpay-event-id": "one" })).body).toMatchObject({ events: 1 });
    expect((await send(body, { "x-razorpay-event-id": "two" })).body).toMatchObject({ status: "duplicate", duplicates: 1 });
  });

  it("failed, then captured: both events, and the message is delivered, in either order", async () => {
    for (const [id, order] of [
      ["pay_fc", ["failed", "captured"]],
      ["pay_cf", ["captured", "failed"]],
    ] as const) {
      for (const word of order)
        await send(envelope(`payment.${word}`, { payment: payment(id, { notes: ours, error_code: "BAD" }) }, 1764000010));
      const { body } = await homing.api("GET", `/v1/messages/${id}`);
      expect(body.data).toHaveLength(1);
      expect(body.data[0]).toMatchObject({ state: "delivered", workspace_id: ACME });
      expect(body.data[0].events.map((event: { type: string }) => event.type).sort()).toEqual([
        "delivery.delivered",
        "delivery.failed",
      ]);
    }
  });

  it("a changed plan_id is told with the old plan; the first one is stored, an older one ignored", async () => {
    const updated = (plan: string, at: number) =>
      envelope("subscription.updated", { subscription: { id: "sub_1", plan_id: plan, notes: ours } }, at);
    const first = await send(updated("plan_Basic", 1764000000));
    expect(first.body).toMatchObject({ events: 0, ignored: 1 });
    const changed = await send(updated("plan_Pro", 1764500000));
    expect(changed.body).toMatchObject({ status: "accepted", events: 1 });
    const [event] = await emittedBy(changed.body.callback_id);
    expect(event).toMatchObject({
      type: "billing.plan_changed",
      name: "billing.plan_changed",
      variant: null,
      data: { old_plan: "plan_Basic", new_plan: "plan_Pro", effective_at: new Date(1764500000_000).toISOString() },
    });
    expect((await send(updated("plan_Pro", 1764500001))).body).toMatchObject({ status: "ignored", ignored: 1 });
    const late = await send(updated("plan_Basic", 1764100000));
    expect(late.body).toMatchObject({ status: "ignored" });
    const trace = await homing.api("GET", `/v1/callbacks/${late.body.callback_id}`);
    expect(trace.body.items[0]).toMatchObject({ reason: "older_than_state" });
  });

  it("the same subscription id in two workspaces keeps two states", async () => {
    // A workspace's own Razorpay account, with its own secret: its ids may be anything.
    const { newSigner } = await import("../../providers/razorpay/fixtures/sign.ts");
    const signer = newSigner();
    await homing.api("PUT", "/v1/secrets/razorpay", { workspace_id: BETA, secrets: [signer.secret] });
    const body = envelope("subscription.updated", { subscription: { id: "sub_1", plan_id: "plan_Gold", notes: [] } }, 1764600000);
    const answer = await homing.callback("razorpay", body, { path: `/callbacks/razorpay/${BETA}`, signer });
    expect(answer.body).toMatchObject({ events: 0, ignored: 1, unmatched: 0 });
    const trace = await homing.api("GET", `/v1/callbacks/${answer.body.callback_id}`);
    expect(trace.body.items[0]).toMatchObject({ reason: "first_seen", workspace_id: BETA });
  });
});
