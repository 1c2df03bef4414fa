import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME, BETA, fixtures } from "../support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";

const envelope = (type: string, data: object, event_time: string) => ({ data, event_time, type });
const at = (hour: number) => `2025-08-07T${String(hour).padStart(2, "0")}:00:00+05:30`;
const tags = { workspace_id: ACME };

const statusChanged = (id: string, plan_id: string, hour: number, subscription_tags: object | null = tags) =>
  envelope(
    "SUBSCRIPTION_STATUS_CHANGED",
    {
      subscription_details: {
        ...{ cf_subscription_id: id, subscription_id: `ws_${id}`, subscription_status: "ACTIVE" },
        ...(subscription_tags && { subscription_tags }),
      },
      plan_details: { plan_id },
    },
    at(hour),
  );
const charge = (word: string, id: string, payment: string, more: object = {}, hour = 12) =>
  envelope(
    `SUBSCRIPTION_PAYMENT_${word}`,
    {
      ...{ payment_id: `ab-${payment}`, cf_payment_id: payment, subscription_id: `ws_${id}`, cf_subscription_id: id },
      ...{ payment_status: word, payment_amount: 399, retry_attempts: 0, ...more },
    },
    at(hour),
  );
const paid = (word: string, cf_payment_id: string | number, order_id: string, order_tags: object | null, hour = 12) =>
  envelope(
    `PAYMENT_${word}_WEBHOOK`,
    { order: { order_id, order_tags }, payment: { cf_payment_id, payment_status: word, payment_amount: 170 } },
    at(hour),
  );
const refunded = (refund_id: string, cf_payment_id: number, order_id: string, hour = 13) =>
  envelope(
    "REFUND_STATUS_WEBHOOK",
    { refund: { cf_refund_id: 7, cf_payment_id, refund_id, order_id, refund_status: "SUCCESS" } },
    at(hour),
  );
const linkPaid = (cf_link_id: number, link_notes: object | null) =>
  envelope(
    "PAYMENT_LINK_EVENT",
    { cf_link_id, link_id: `ws_link_${cf_link_id}`, link_status: "PAID", link_notes, order: { order_id: `CFPay_${cf_link_id}` } },
    at(12),
  );

describe.each(databases)("Cashfree comes home on the %s database", (kind) => {
  let homing: TestGateway;
  const send = (body: object | string, headers: Record<string, string> = {}) => homing.callback("cashfree", body, { headers });
  const emittedBy = async (callbackId: string) => (await homing.events()).filter((event) => event.callback_id === callbackId);
  const firstItem = async (callbackId: string) => (await homing.api("GET", `/v1/callbacks/${callbackId}`)).body.items[0];
  beforeAll(async () => {
    homing = await startGateway(kind);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
  });
  afterAll(() => homing.close());

  it("tags that only the change of status carries bring later payments home", async () => {
    const taught = await send(statusChanged("1001", "plan_basic", 10));
    expect(taught.body).toMatchObject({ status: "accepted", taught: 1, events: 0, ignored: 1 });
    const learned = await homing.api("GET", "/v1/bindings?provider=cashfree&kind=subscription&value=1001");
    expect(learned.body.data).toMatchObject([{ workspace_id: ACME, origin: "learned" }]);
    for (const [word, payment] of [
      ["SUCCESS", "51"],
      ["FAILED", "52"],
    ] as const) {
      const answer = await send(charge(word, "1001", payment));
      expect(answer.body).toMatchObject({ status: "accepted", events: 1 });
      expect(await emittedBy(answer.body.callback_id)).toMatchObject([{ workspace_id: ACME, workspace_source: "lookup" }]);
    }
  });

  it("a payment that was quicker than the tags waits, and is healed by them", async () => {
    const early = await send(charge("SUCCESS", "1002", "53"));
    expect(early.body).toMatchObject({ status: "unmatched", unmatched: 1 });
    await send(statusChanged("1002", "plan_basic", 10));
    await homing.settled();
    expect(await emittedBy(early.body.callback_id)).toMatchObject([{ workspace_id: ACME, data: { message_id: "53" } }]);
  });

  it("the version that carries tags brings home what came without them, as one event", async () => {
    const older = await send(charge("SUCCESS", "1003", "54"));
    expect(older.body).toMatchObject({ unmatched: 1 });
    const newer = charge("SUCCESS", "1003", "54", { subscription_details: { subscription_tags: tags } });
    expect((await send(newer)).body).toMatchObject({ status: "accepted", events: 1 });
    expect((await send(newer)).body).toMatchObject({ status: "duplicate" });
    await homing.settled();
    expect((await homing.events()).filter((event) => event.data.message_id === "54")).toHaveLength(1);
    // It taught the payment, which is all that a refund of it names.
    const refund = { refund_id: "sub_r_1", cf_refund_id: "8", cf_payment_id: "54", refund_status: "SUCCESS" };
    const answer = await send(envelope("SUBSCRIPTION_REFUND_STATUS", refund, at(14)));
    expect(await emittedBy(answer.body.callback_id)).toMatchObject([{ workspace_id: ACME, workspace_source: "lookup" }]);
  });

  it("another plan is told with the old one; what is older, or the same, is not", async () => {
    expect((await send(statusChanged("1004", "plan_basic", 10))).body).toMatchObject({ taught: 1, events: 0 });
    const changed = await send(statusChanged("1004", "plan_pro", 15));
    expect(changed.body).toMatchObject({ status: "accepted", events: 1, taught: 0 });
    expect(await emittedBy(changed.body.callback_id)).toMatchObject([
      {
        ...{ type: "billing.plan_changed", variant: null, workspace_id: ACME },
        data: { old_plan: "plan_basic", new_plan: "plan_pro", effective_at: new Date(at(15)).toISOString() },
      },
    ]);
    expect((await send(statusChanged("1004", "plan_pro", 16))).body).toMatchObject({ status: "ignored", events: 0 });
    expect((await send(statusChanged("1004", "plan_basic", 12))).body).toMatchObject({ status: "ignored", events: 0 });
    // The version without tags tells a plan, too, once the subscription is known.
    const untagged = await send(statusChanged("1004", "plan_max", 17, null));
    expect(await emittedBy(untagged.body.callback_id)).toMatchObject([{ data: { old_plan: "plan_pro", new_plan: "plan_max" } }]);
  });

  it("the same payment in two versions, resent, or under other unsigned headers, is one event", async () => {
    const first = await send(paid("SUCCESS", "61", "order_61", tags), { "x-webhook-version": "2025-01-01" });
    expect(first.body).toMatchObject({ events: 1 });
    const older = await send(paid("SUCCESS", 61, "order_61", tags), { "x-webhook-version": "2022-09-01" });
    expect(older.body).toMatchObject({ status: "duplicate", duplicates: 1 });
    const again = await send(paid("SUCCESS", "61", "order_61", tags), { "x-idempotency-key": "b", "x-webhook-attempt": "2" });
    expect(again.body).toMatchObject({ status: "duplicate" });
  });

  it("20-digit ids are not rounded: neighbours are two messages, and their refunds find them", async () => {
    const [one, other] = ["18446744073709551617", "18446744073709551618"] as const;
    const written = (body: object, id: string) => JSON.stringify(body).replace("12345", id);
    const bodies = [
      written(paid("SUCCESS", 12345, "order_a", tags), one),
      written(paid("SUCCESS", 12345, "order_b", { workspace_id: BETA }), other),
    ];
    for (const [index, body] of bodies.entries()) {
      const answer = await send(body);
      expect(answer.body).toMatchObject({ events: 1 });
      expect(await emittedBy(answer.body.callback_id)).toMatchObject([{ data: { message_id: [one, other][index] } }]);
    }
    const refund = await send(written(refunded("r_20", 12345, "never_seen"), other));
    expect(await emittedBy(refund.body.callback_id)).toMatchObject([{ workspace_id: BETA, workspace_source: "lookup" }]);
  });

  it("170.00 in the bytes verifies, and 170 in its place does not", async () => {
    const body =
      fixtures("cashfree")
        .find(({ name }) => name === "payment-success-2025")
        ?.body.toString() ?? "";
    expect(body).toContain('"payment_amount":170.00');
    expect((await send(body)).body).toMatchObject({ status: "accepted", events: 1 });
    const signed = homing.signers.get("cashfree")?.sign({ body: Buffer.from(body), url: "", now: new Date() });
    const answer = await homing.callback("cashfree", body.replaceAll("170.00", "170"), { signer: null, headers: { ...signed } });
    expect([answer.status, answer.body.error.code]).toEqual([401, "signature_mismatch"]);
  });

  it("a call that was signed for tomorrow is refused, one of last week is not", async () => {
    const at = (days: number) => ({ now: new Date(Date.now() + days * 86_400_000) });
    const body = paid("SUCCESS", "62", "order_62", tags);
    expect((await homing.callback("cashfree", body, at(1))).body.error.code).toBe("signature_early");
    expect((await homing.callback("cashfree", body, at(-7))).body).toMatchObject({ events: 1 });
  });

  it("each attempt at an order is a message of its own, all under our id", async () => {
    const named = { ...tags, message_id: "order_msg_1" };
    const attempts = [
      paid("USER_DROPPED", "71", "order_7", named, 10),
      paid("FAILED", "72", "order_7", named, 11),
      paid("SUCCESS", "73", "order_7", named, 12),
    ];
    for (const body of attempts.toReversed()) expect((await send(body)).body).toMatchObject({ events: 1 });
    const { body } = await homing.api("GET", "/v1/messages/order_msg_1");
    const states = body.data.map((message: { provider_message_id: string; state: string }) => [
      message.provider_message_id,
      message.state,
    ]);
    expect(states.sort()).toEqual([
      ["71", "failed"],
      ["72", "failed"],
      ["73", "delivered"],
    ]);
  });

  it("an attempt that failed and succeeded after all is delivered, in either order", async () => {
    for (const [id, words] of [
      ["74", ["USER_DROPPED", "SUCCESS"]],
      ["75", ["SUCCESS", "FAILED"]],
    ] as const) {
      for (const word of words) expect((await send(paid(word, id, "order_74", tags))).body).toMatchObject({ events: 1 });
      const { body } = await homing.api("GET", `/v1/messages/${id}`);
      expect(body.data).toMatchObject([{ state: "delivered", workspace_id: ACME }]);
    }
  });

  it("a payment link brings its payment home, whichever comes first", async () => {
    const payment = (id: string, link: number) => paid("SUCCESS", id, `CFPay_${link}`, { cf_link_id: String(link) });
    const early = await send(payment("81", 501));
    expect(early.body).toMatchObject({ status: "unmatched" });
    expect((await send(linkPaid(501, tags))).body).toMatchObject({ events: 1 });
    await homing.settled();
    expect(await emittedBy(early.body.callback_id)).toMatchObject([{ workspace_id: ACME, workspace_source: "lookup" }]);
  });

  it("a refund is found by its payment, else by its order, else it waits", async () => {
    await send(paid("FAILED", "91", "order_91", { workspace_id: BETA }));
    expect(await emittedBy((await send(refunded("r_1", 91, "elsewhere"))).body.callback_id)).toMatchObject([
      { workspace_id: BETA },
    ]);
    expect(await emittedBy((await send(refunded("r_2", 92, "order_91"))).body.callback_id)).toMatchObject([
      { workspace_id: BETA },
    ]);
    expect((await send(refunded("r_3", 93, "order_93"))).body).toMatchObject({ status: "unmatched" });
  });

  it("tags that name another workspace than the subscription's are a conflict", async () => {
    await send(statusChanged("1005", "plan_basic", 10));
    const body = charge("SUCCESS", "1005", "55", { subscription_details: { subscription_tags: { workspace_id: BETA } } });
    const answer = await send(body);
    expect(answer.body).toMatchObject({ status: "unmatched" });
    expect(await firstItem(answer.body.callback_id)).toMatchObject({ reason: "workspace_conflict" });
  });

  it("the same ids in a workspace's own account are other things", async () => {
    const { newSigner } = await import("../../providers/cashfree/fixtures/sign.ts");
    const signer = newSigner();
    await homing.api("PUT", "/v1/secrets/cashfree", { workspace_id: BETA, secrets: [signer.secret] });
    await send(paid("SUCCESS", "95", "order_95", tags));
    const own = await homing.callback("cashfree", paid("SUCCESS", "95", "order_95", null), {
      path: `/callbacks/cashfree/${BETA}`,
      signer,
    });
    expect(own.body).toMatchObject({ events: 1 });
    expect(await emittedBy(own.body.callback_id)).toMatchObject([{ workspace_id: BETA, workspace_source: "credential" }]);
  });
});
