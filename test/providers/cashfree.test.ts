import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import cashfree from "../../providers/cashfree/cashfree.ts";
import { authorisations, links, payments, refunds } from "../../providers/cashfree/parts/words.ts";
import { translate } from "../../src/inbound/translate.ts";
import type { AnyProvider } from "../../src/provider/define.ts";
import type { DeliveryDraft, FactDraft, Outcome, Teaching } from "../../src/provider/draft.ts";
import { ACME, fixtures } from "../support/fixtures.ts";

type Body = Record<string, unknown>;
const provider = cashfree as AnyProvider;
const receivedAt = new Date("2025-09-07T01:00:00Z");

function items(body: unknown, headers: Record<string, string> = {}): Outcome[] {
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return translate(provider, { body: bytes, headers, receivedAt }).items;
}
const delivery = (body: unknown) => items(body)[0] as DeliveryDraft;
const keys = (...bodies: unknown[]) => new Set(bodies.map((body) => delivery(body).key)).size;

const envelope = (type: string, data: unknown, event_time: unknown = "2025-09-07T05:53:21+05:30"): Body => ({
  data,
  event_time,
  type,
});
const ours = { workspace_id: ACME };
const payment = (type: string, changes: Body = {}, order: Body = { order_id: "order_1" }, more: Body = {}) =>
  envelope(type, { order, payment: { cf_payment_id: "1453002795", payment_amount: 170, ...changes }, ...more });
const charge = (type: string, changes: Body = {}) =>
  envelope(type, {
    ...{ payment_id: "ab-1", cf_payment_id: "49914526", subscription_id: "ws_sub_1", cf_subscription_id: "23639356" },
    ...{ payment_status: "SUCCESS", retry_attempts: 0, ...changes },
  });
const refund = (refund_status: unknown, changes: Body = {}) =>
  envelope("REFUND_STATUS_WEBHOOK", {
    refund: { cf_refund_id: 11, cf_payment_id: 22, refund_id: "r_1", order_id: "order_1", refund_status, ...changes },
  });
const link = (link_status: unknown, changes: Body = {}) =>
  envelope("PAYMENT_LINK_EVENT", { cf_link_id: 1576977, link_id: "ws_link_1", link_status, ...changes });
const fixture = (name: string) => {
  const found = fixtures("cashfree").find((one) => one.name === name);
  if (!found) throw new Error(`no fixture ${name}`);
  return found.body.toString();
};

describe("verification", () => {
  const { verify } = cashfree;
  if (!verify.signs) throw new Error("it must sign");
  const secret = "cfsk_test_client_secret_9Xa4";
  const body = Buffer.from('{"data":{"order":{"order_amount":170.00,"note":"\\u20b9 \\/ ☃"}},"type":"PAYMENT_SUCCESS_WEBHOOK"}');
  const stamp = String(receivedAt.getTime());
  const sign = (time: string, bytes: Uint8Array = body) =>
    createHmac("sha256", secret).update(time).update(bytes).digest("base64");
  const judge = (signature: string | undefined, time: string | undefined, bytes: Uint8Array = body, now = receivedAt.getTime()) =>
    verify.verify(
      verify.key(secret),
      { body: bytes, headers: { "x-webhook-signature": signature, "x-webhook-timestamp": time }, url: "" },
      now,
    );

  it.each([
    ["razorpay-cashfree-20", "KlPvCFzDc0e7PadMNkl1m4+vKxswCibp+85v6NKoQfY=", "1757220885222", "subscription-payment-failed-2025"],
    ["razorpay-cashfree-24", "dIsXSmILY78+LDzk3EBXKQnc1h6oZL6bQv9Iml0eukM=", "1740728068000", "refund-success-2025"],
  ])("matches the signature of %s, made elsewhere", (_, signature, time, name) => {
    expect(judge(signature, time, Buffer.from(fixture(name)), Number(time))).toBe("ok");
  });

  it("covers the raw bytes: 170.00 is not 170", () => {
    expect(judge(sign(stamp), stamp)).toBe("ok");
    const rewritten = Buffer.from(JSON.stringify(JSON.parse(body.toString())));
    expect(rewritten.toString()).toContain('"order_amount":170,');
    expect(judge(sign(stamp), stamp, rewritten)).toBe("signature_mismatch");
  });

  it("covers the time, without a dot between, in milliseconds and in seconds", () => {
    const seconds = stamp.slice(0, 10);
    expect(judge(sign(seconds), seconds)).toBe("ok");
    expect(judge(sign(stamp), seconds)).toBe("signature_mismatch");
    const dotted = createHmac("sha256", secret).update(`${stamp}.`).update(body).digest("base64");
    expect(judge(dotted, stamp)).toBe("signature_mismatch");
    expect(judge(sign(stamp), seconds, Buffer.concat([Buffer.from("000"), body]))).toBe("signature_mismatch");
  });

  it("has no window for what comes late, and a narrow one for the future", () => {
    const at = (minutes: number) => judge(sign(stamp), stamp, body, receivedAt.getTime() + minutes * 60_000);
    expect([at(30), at(60 * 24 * 30), at(-5), at(-6)]).toEqual(["ok", "ok", "ok", "signature_early"]);
  });

  it("refuses another encoding, and a call without one of the headers", () => {
    const hex = createHmac("sha256", secret).update(stamp).update(body).digest("hex");
    expect(judge(hex, stamp)).toBe("signature_mismatch");
    expect(judge(sign(stamp).replace(/=$/, ""), stamp)).toBe("signature_mismatch");
    expect(judge(undefined, stamp)).toBe("signature_missing");
    expect(judge(sign(stamp), undefined)).toBe("signature_missing");
  });
});

describe("the tables", () => {
  it.each([...payments])("%s is %o", (type, { status, code }) => {
    const body = type.startsWith("SUBSCRIPTION") ? charge(type, { payment_status: "ODD" }) : payment(type);
    expect(delivery(body)).toMatchObject({ channel: "payment", status, provider_data: { event: type } });
    if (status === "failed") expect(delivery(body).data).toMatchObject({ error_code: code ?? null });
    else expect(Object.keys(delivery(body).data)).toEqual(["message_id"]);
  });
  it.each([...authorisations])("an authorisation that is %s is %o", (payment_status, { status }) => {
    expect(delivery(charge("SUBSCRIPTION_AUTH_STATUS", { payment_status })).status).toBe(status);
  });
  it.each([...refunds])("a refund that is %s is %o", (word, { status, code }) => {
    expect(delivery(refund(word))).toMatchObject({ status, data: { message_id: "r_1", ...(code && { error_code: code }) } });
    const subscription = { refund_id: "r_2", cf_refund_id: "12", cf_payment_id: "22", refund_status: word };
    expect(delivery(envelope("SUBSCRIPTION_REFUND_STATUS", subscription)).status).toBe(status);
    const automatic = envelope("AUTO_REFUND_STATUS_WEBHOOK", { auto_refund: { cf_refund_id: 13, refund_status: word } });
    expect(delivery(automatic)).toMatchObject({ status, data: { message_id: "13" } });
  });
  it.each([...links])("a link that is %s is %o", (word, { status, code }) => {
    expect(delivery(link(word))).toMatchObject({ status, data: { message_id: "ws_link_1", ...(code && { error_code: code }) } });
  });

  it.each([
    ["WEBHOOK", "connection_test"],
    ["DISPUTE_CLOSED", "dispute"],
    ["SETTLEMENT_REVERSED", "not_a_delivery"],
    ["INSTRUMENT_ACTIVE_WEBHOOK", "not_a_delivery"],
    ["PAYMENT_CHARGES_WEBHOOK", "not_a_delivery"],
    ["SUBSCRIPTION_CONTROLLED_NOTIFICATION_STATUS", "not_a_delivery"],
  ])("%s is known and quiet: %s, whatever its data", (type, reason) => {
    for (const data of [{}, null, undefined, [], 7]) expect(items(envelope(type, data))).toEqual([{ ignored: reason }]);
  });
  it.each(["constructor", "__proto__", "PAYMENT_SUCCESS", "payment_success_webhook", "SETTLEMENT_SUCCESS_2", "VENDOR_STATUS"])(
    "%s is no word of theirs",
    (word) => expect(items(envelope(word, {}))).toEqual([{ ignored: "unknown_word", word }]),
  );
  it.each([
    ["REFUND_STATUS_WEBHOOK REVERSED", refund("REVERSED")],
    ["REFUND_STATUS_WEBHOOK null", refund(null)],
    ["REFUND_STATUS_WEBHOOK constructor", refund("constructor")],
    ["PAYMENT_LINK_EVENT ACTIVE", link("ACTIVE")],
    ["SUBSCRIPTION_AUTH_STATUS CANCELLED", charge("SUBSCRIPTION_AUTH_STATUS", { payment_status: "CANCELLED" })],
  ])("%s is unknown, too", (word, body) => expect(items(body)).toEqual([{ ignored: "unknown_word", word }]));
});

describe("one movement of money, one event", () => {
  const success = "PAYMENT_SUCCESS_WEBHOOK";
  it("in two versions: the id as a number and as text, the time a second later", () => {
    const older = { ...payment(success, { cf_payment_id: 1453002795 }), event_time: "2025-09-07T05:53:22+05:30" };
    expect(keys(payment(success), older)).toBe(1);
    expect(keys(fixture("payment-success-2025"), fixture("payment-success-2023-same-payment"))).toBe(1);
  });
  it("as an authorisation and as its payment, where the order's id is empty in one", () => {
    const paid = charge("SUBSCRIPTION_PAYMENT_SUCCESS", { payment_type: "AUTH", cf_order_id: "4518936510" });
    expect(keys(paid, charge("SUBSCRIPTION_AUTH_STATUS", { cf_order_id: "" }))).toBe(1);
    const failed = { payment_status: "FAILED" };
    expect(keys(charge("SUBSCRIPTION_PAYMENT_FAILED", failed), charge("SUBSCRIPTION_AUTH_STATUS", failed))).toBe(1);
  });
  it("under an older name", () => {
    expect(keys(charge("SUBSCRIPTION_PAYMENT_FAILED"), charge("SUBSCRIPTION_PAYMENT_DECLINED"))).toBe(1);
  });
  it("but each attempt its own, and the states of one apart", () => {
    const failed = (retry_attempts: unknown) => charge("SUBSCRIPTION_PAYMENT_FAILED", { retry_attempts });
    expect(keys(failed(0), failed(1), failed("2"), failed(2), failed(null))).toBe(3);
    expect(keys(payment("PAYMENT_FAILED_WEBHOOK"), payment("PAYMENT_USER_DROPPED_WEBHOOK"), payment(success))).toBe(3);
    expect(keys(payment(success), payment(success, { cf_payment_id: "2" }))).toBe(2);
    expect(keys(refund("PENDING"), refund("ONHOLD"), refund("SUCCESS"))).toBe(2);
  });
  it("and never one for another's: a merchant chooses ids of refunds and links", () => {
    expect(keys(refund("SUCCESS"), refund("SUCCESS", { order_id: "order_2" }))).toBe(2);
    const part = (order_id: string) => link("PARTIALLY_PAID", { order: { order_id } });
    expect(keys(part("CFPay_1"), part("CFPay_2"), link("PAID", { order: { order_id: "CFPay_2" } }))).toBe(3);
    expect(keys(payment(success, {}, {}), refund("SUCCESS", { refund_id: "1453002795", order_id: "", cf_payment_id: "" }))).toBe(
      2,
    );
  });
  it("whatever the unsigned headers say", () => {
    const body = fixture("payment-failed-2025");
    const headers = (n: string) => ({ "x-idempotency-key": n, "x-webhook-attempt": n, "x-webhook-version": n });
    expect(items(body, headers("1"))).toEqual(items(body, headers("2")));
  });
});

describe("ids", () => {
  it("beyond 2^53 stay exact, in every place", () => {
    const long = "18446744073709551617";
    const body = JSON.stringify(
      envelope("PAYMENT_SUCCESS_WEBHOOK", { order: { order_id: "L" }, payment: { cf_payment_id: "L" } }),
    ).replaceAll('"L"', long);
    expect(delivery(body)).toMatchObject({ data: { message_id: long }, provider_data: { order_id: long } });
    expect(delivery(body).references).toContainEqual({ kind: "payment", value: long, learn: "180d" });
    expect(
      delivery(JSON.stringify(refund("SUCCESS")).replace('"cf_payment_id":22', `"cf_payment_id":${long}`)).references,
    ).toContainEqual({
      kind: "payment",
      value: long,
      learn: "180d",
    });
  });
  it.each([[""], [null], ["null"], ["NA"], [{}], [[]], [true]])("%j is none", (nothing) => {
    expect(items(payment("PAYMENT_SUCCESS_WEBHOOK", { cf_payment_id: nothing }))).toEqual([{ failed: "no_payment" }]);
    expect(items(refund("SUCCESS", { refund_id: nothing, cf_refund_id: nothing }))).toEqual([{ failed: "no_refund" }]);
    expect(items(link("PAID", { link_id: nothing, cf_link_id: nothing }))).toEqual([{ failed: "no_link" }]);
    const orderless = delivery(payment("PAYMENT_SUCCESS_WEBHOOK", {}, { order_id: nothing }));
    expect(orderless.references?.map(({ kind }) => kind)).toEqual(["payment"]);
    expect(orderless.provider_data).not.toHaveProperty("order_id");
  });
  it("of ours do where Cashfree's are missing", () => {
    expect(delivery(charge("SUBSCRIPTION_PAYMENT_SUCCESS", { cf_payment_id: null })).data.message_id).toBe("ab-1");
    expect(delivery(link("PAID", { link_id: null })).data.message_id).toBe("1576977");
  });
});

describe("tags", () => {
  const found = (body: unknown) => {
    const [first] = items(body);
    const said = first && "teaches" in first ? first.teaches : (first as DeliveryDraft);
    return (said.metadata ?? []).map(({ where, names, teaches }) => [where, names, teaches]);
  };
  const tagged = { cf_subscription_id: "23639356", subscription_tags: ours };
  it.each<[string, unknown, string, false | undefined]>([
    [
      "an order's payment",
      payment("PAYMENT_FAILED_WEBHOOK", {}, { order_id: "o", order_tags: ours }),
      "data.order.order_tags",
      undefined,
    ],
    ["a link", link("PAID", { link_notes: ours }), "data.link_notes", undefined],
    [
      "a subscription's payment since 2026-01-01",
      charge("SUBSCRIPTION_PAYMENT_SUCCESS", { subscription_details: tagged }),
      "data.subscription_details.subscription_tags",
      false,
    ],
    [
      "a change of status",
      envelope("SUBSCRIPTION_STATUS_CHANGED", { subscription_details: tagged }),
      "data.subscription_details.subscription_tags",
      false,
    ],
    [
      "a card's reminder",
      envelope("SUBSCRIPTION_CARD_EXPIRY_REMINDER", { subscription_status_webhook: { subscription_details: tagged } }),
      "data.subscription_status_webhook.subscription_details.subscription_tags",
      false,
    ],
  ])("of %s are read, and teach", (_, body, where, names) => expect(found(body)).toEqual([[where, names, undefined]]));

  it.each([[null], [undefined], ["text"], [[]], [7]])("%j say nothing and break nothing", (order_tags) => {
    const draft = delivery(payment("PAYMENT_SUCCESS_WEBHOOK", {}, { order_id: "order_1", order_tags }));
    expect(draft).toMatchObject({ status: "delivered", data: { message_id: "1453002795" } });
  });
  it("are none in refunds", () => expect(found(refund("SUCCESS"))).toEqual([]));
});

describe("references", () => {
  const values = (body: unknown) => {
    const [first] = items(body);
    const said = first && "teaches" in first ? (first as Teaching).teaches : (first as DeliveryDraft);
    return (said.references ?? []).map(({ kind, value, learn }) => `${kind}:${value} ${learn ?? "told"}`);
  };
  const subscription = ["subscription:23639356 forever", "subscription:ws_sub_1 told"];
  it("lead from a refund to its payment, the number to the text", () => {
    expect(values(refund("SUCCESS"))).toEqual(["refund:11 180d", "payment:22 180d", "order:order_1 180d"]);
    expect(values(payment("PAYMENT_SUCCESS_WEBHOOK", { cf_payment_id: "22" }))).toEqual([
      "payment:22 180d",
      "order:order_1 180d",
    ]);
  });
  it("lead from a charge to its subscription, wherever that stands", () => {
    expect(values(charge("SUBSCRIPTION_PAYMENT_FAILED"))).toEqual(["payment:49914526 180d", ...subscription]);
    const details = { cf_subscription_id: 23639356, subscription_id: "ws_sub_1" };
    expect(values(envelope("SUBSCRIPTION_STATUS_CHANGE", { subscription_details: details }))).toEqual(subscription);
    const reminder = { subscription_status_webhook: { subscription_details: details } };
    expect(values(envelope("SUBSCRIPTION_CARD_EXPIRY_REMINDER", reminder))).toEqual(subscription);
  });
  it("lead from a link's payment to the link", () => {
    const paid = payment("PAYMENT_SUCCESS_WEBHOOK", {}, { order_id: "CFPay_1", order_tags: { cf_link_id: "1576977" } });
    expect(values(paid)).toEqual(["payment:1453002795 180d", "order:CFPay_1 180d", "link:1576977 forever"]);
    expect(values(link("PAID", { order: { order_id: "CFPay_1" } }))).toEqual([
      "order:CFPay_1 180d",
      "link:1576977 forever",
      "link:ws_link_1 told",
    ]);
  });
  it("take no digits that a merchant chose for Cashfree's", () => {
    expect(values(link("PAID", { link_id: "501" }))).toEqual(["link:1576977 forever"]);
    expect(values(charge("SUBSCRIPTION_PAYMENT_FAILED", { subscription_id: 1001 }))).toEqual([
      "payment:49914526 180d",
      "subscription:23639356 forever",
    ]);
  });
  it.each([[null], [""], [{}], [[1]], [true]])("name no link where its tag is %j", (cf_link_id) => {
    const paid = payment("PAYMENT_SUCCESS_WEBHOOK", {}, { order_tags: { cf_link_id } });
    expect(values(paid)).toEqual(["payment:1453002795 180d"]);
  });
});

describe("a change of a subscription's status", () => {
  const changed = (plan_details: unknown, more: Body = {}, at?: unknown) =>
    envelope(
      "SUBSCRIPTION_STATUS_CHANGED",
      {
        subscription_details: { cf_subscription_id: "1", subscription_tags: ours, subscription_status: "ACTIVE" },
        plan_details,
        ...more,
      },
      at,
    );
  const facts = (body: unknown) => items(body).filter((one): one is FactDraft => "state" in one);
  it("teaches first, then tells the plan", () => {
    const [teaching, fact] = items(changed({ plan_id: "plan_basic" }));
    expect(teaching).toHaveProperty("teaches.references", [{ kind: "subscription", value: "1", learn: "forever" }]);
    expect(fact).toMatchObject({
      type: "billing.plan_changed",
      data: { effective_at: "2025-09-07T00:23:21.000Z" },
      state: { kind: "plan", id: "1", fields: { plan: "plan_basic" } },
      provider_data: { event: "SUBSCRIPTION_STATUS_CHANGED", status: "ACTIVE", cf_subscription_id: "1" },
    });
  });
  it("takes the gateway's plan where there is no other, and the time of receipt", () => {
    const [fact] = facts(changed({ plan_id: null }, { payment_gateway_details: { gateway_plan_id: "plan_g" } }, null));
    expect(fact).toMatchObject({
      occurredAt: null,
      data: { effective_at: receivedAt.toISOString() },
      state: { fields: { plan: "plan_g" } },
    });
  });
  it.each([[null], [{}], [{ plan_id: null, plan_name: "Check1" }], ["plan"]])("with the plan %j only teaches", (plan) => {
    expect(items(changed(plan))).toEqual([{ teaches: expect.anything() }]);
  });
  it("there and back are three keys", () => {
    const at = (plan_id: string, time: string) => facts(changed({ plan_id }, {}, time))[0]?.key;
    const times = ["2025-09-07T05:53:21+05:30", "2025-09-08T05:53:21+05:30", "2025-09-09T05:53:21+05:30"] as const;
    expect(new Set([at("a", times[0]), at("b", times[1]), at("a", times[2])]).size).toBe(3);
  });
});

describe("an authorisation that is not decided", () => {
  it.each([["PENDING"], ["INITIALIZED"], [null], [""]])("(%j) teaches", (payment_status) => {
    expect(items(charge("SUBSCRIPTION_AUTH_STATUS", { payment_status }))).toEqual([{ teaches: expect.anything() }]);
  });
});

describe("failures", () => {
  const failed = (more: Body) => delivery(payment("PAYMENT_FAILED_WEBHOOK", { payment_message: "said" }, {}, more));
  it("tell the reason, else the description, else the message", () => {
    const error = { error_code: "GATEWAY_ERROR", error_reason: "invalid_amount", error_description: "too small" };
    expect(failed({ error_details: error })).toMatchObject({
      data: { error_code: "GATEWAY_ERROR", error_reason: "invalid_amount" },
      provider_data: { code: "GATEWAY_ERROR" },
    });
    expect(failed({ error_details: { ...error, error_reason: "" } }).data.error_reason).toBe("too small");
    for (const error_details of [null, "", { error_code: "null", error_reason: "NA" }])
      expect(failed({ error_details }).data).toEqual({ message_id: "1453002795", error_code: null, error_reason: "said" });
  });
  it.each([
    [{ failure_details: { failure_reason: "Insufficient balance" } }],
    [{ failureDetails: { failureReason: "Insufficient balance" } }],
  ])("of a subscription are spelled as the version does: %j", (details) => {
    expect(delivery(charge("SUBSCRIPTION_PAYMENT_FAILED", details)).data).toEqual({
      message_id: "49914526",
      error_code: "PAYMENT_FAILED",
      error_reason: "Insufficient balance",
    });
  });
  it.each([[""], [null], [{ failure_reason: null }]])("without a reason (%j) repeat the code", (failure_details) => {
    const body = { refund_id: "r", refund_status: "CANCELLED", failure_details };
    expect(delivery(envelope("SUBSCRIPTION_REFUND_STATUS", body)).data).toMatchObject({ error_reason: "CANCELLED" });
  });
  it.each([
    [0, 1],
    ["2", 3],
    [null, undefined],
    ["many", undefined],
    [-1, undefined],
  ])("after %j retries are attempt %j", (retry_attempts, attempt) => {
    expect(delivery(charge("SUBSCRIPTION_PAYMENT_FAILED", { retry_attempts })).provider_data?.attempt).toBe(attempt);
  });
  it("alone tell an attempt and an error", () => {
    const success = delivery(
      payment("PAYMENT_SUCCESS_WEBHOOK", { retry_attempts: 0 }, {}, { error_details: { error_code: "X" } }),
    );
    expect(success.data).toEqual({ message_id: "1453002795" });
    expect(Object.keys(success.provider_data ?? {})).toEqual(["event", "amount"]);
  });
});

describe("times, test mode and what is missing", () => {
  it.each([
    ["2025-09-07T05:53:21+05:30", "2025-09-07T00:23:21.000Z"],
    ["2025-09-03T16:12:03.622Z", "2025-09-03T16:12:03.622Z"],
    ["2025-09-07T05:53:21", "2025-09-07T00:23:21.000Z"], // Indian
    ["yesterday", null],
    ["", null],
    [1757204601, null],
  ])("%j is %j", (event_time, expected) => {
    const body = { ...payment("PAYMENT_SUCCESS_WEBHOOK"), event_time };
    expect(delivery(body).occurredAt?.toISOString() ?? null).toBe(expected);
  });
  it("only a link's own URL tells of the sandbox", () => {
    expect(delivery(link("PAID", { link_url: "https://payments-test.cashfree.com/links//U1" })).test).toBe(true);
    for (const link_url of ["https://payments.cashfree.com/links/U1", "https://x.in/?https://payments-test.cashfree.com/", null])
      expect(delivery(link("PAID", { link_url }))).not.toHaveProperty("test");
  });
  it.each([[null], [undefined], [[]], ["text"], [7]])("data %j fails alone, without a throw", (data) => {
    expect(items(envelope("PAYMENT_SUCCESS_WEBHOOK", data))).toEqual([{ failed: "unreadable_item" }]);
  });
  it("a payment in no object is none", () => {
    for (const given of [7, "text", [], null])
      expect(items(envelope("PAYMENT_SUCCESS_WEBHOOK", { payment: given }))).toEqual([{ failed: "no_payment" }]);
  });
  it.each(["{}", '{"type":""}', '{"type":7}', '{"cf_event":"SUBSCRIPTION_NEW_PAYMENT"}', "[]", "null"])(
    "%s cannot be read",
    (body) => {
      expect(translate(provider, { body: Buffer.from(body), headers: {}, receivedAt })).toEqual({
        items: [],
        failed: "unreadable",
      });
    },
  );
});
