import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import razorpay from "../../providers/razorpay/razorpay.ts";
import { translate } from "../../src/inbound/translate.ts";
import type { AnyProvider } from "../../src/provider/define.ts";
import type { DeliveryDraft, FactDraft, Outcome } from "../../src/provider/draft.ts";
import { ACME, BETA, fixtures } from "../support/fixtures.ts";

type Body = Record<string, unknown>;
const provider = razorpay as AnyProvider;
const receivedAt = new Date("2025-11-24T16:00:30Z");

function items(body: unknown, headers: Record<string, string> = {}): Outcome[] {
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return translate(provider, { body: bytes, headers, receivedAt }).items;
}
const delivery = (body: unknown, headers?: Record<string, string>) => items(body, headers)[0] as DeliveryDraft;
const keys = (...bodies: unknown[]) => new Set(bodies.map((body) => delivery(body).key)).size;

const envelope = (event: string, payload: Body, at = 1764000010): Body => ({
  entity: "event",
  account_id: "acc_1",
  event,
  payload: Object.fromEntries(Object.entries(payload).map(([name, entity]) => [name, { entity }])),
  created_at: at,
});
const payment = { id: "pay_1", amount: 49900, currency: "INR", order_id: "order_1", notes: [] };
const subscription = {
  id: "sub_1",
  plan_id: "plan_basic",
  current_end: 1766592000,
  charge_at: 1766592000,
  auth_attempts: 1,
  notes: [],
};
const fixture = (name: string) => {
  const found = fixtures("razorpay").find((one) => one.name === name);
  if (!found) throw new Error(`no fixture ${name}`);
  return found.body.toString();
};

describe("verification", () => {
  const { verify } = razorpay;
  if (!verify.signs) throw new Error("it must sign");
  const secret = "rzp_whsec_test";
  const body = Buffer.from('{"event":"invoice.paid","payload":{"url":"https:\\/\\/rzp.io\\/i","currency":"\\u20b9"}}');
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const judge = (bytes: Uint8Array, headers: Record<string, string>, key = secret) =>
    verify.verify(
      verify.key(key),
      { body: bytes, headers, url: "https://gateway.example/callbacks/razorpay" },
      receivedAt.getTime(),
    );

  it("covers the raw bytes, PHP escapes and all", () => {
    expect(judge(body, { "x-razorpay-signature": signature })).toBe("ok");
    const rewritten = Buffer.from(JSON.stringify(JSON.parse(body.toString())));
    expect(judge(rewritten, { "x-razorpay-signature": signature })).toBe("signature_mismatch");
  });
  it("matches a signature made elsewhere", () => {
    const sample = "28112d5c366d7023198050b5870cd18b370eb3967e316f57b18b5e861a304e61";
    const bytes = Buffer.from(fixture("payment-failed-notes-empty-list"));
    expect(judge(bytes, { "x-razorpay-signature": sample }, "rzp_whsec_test_7Q2m")).toBe("ok");
  });
  it.each([0, 20, 60])("refuses a flipped bit at byte %i", (at) => {
    const altered = Buffer.from(body);
    altered[at] = (altered[at] ?? 0) ^ 1;
    expect(judge(altered, { "x-razorpay-signature": signature })).toBe("signature_mismatch");
  });
  it("refuses another secret, another encoding and no header", () => {
    expect(judge(body, { "x-razorpay-signature": signature }, "other")).toBe("signature_mismatch");
    expect(judge(body, { "x-razorpay-signature": signature.toUpperCase() })).toBe("signature_mismatch");
    expect(judge(body, { "x-razorpay-signature": Buffer.from(signature, "hex").toString("base64") })).toBe("signature_mismatch");
    expect(judge(body, { "x-razorpay-event-id": "Ev1" })).toBe("signature_missing");
  });
  it("has no time window: retries keep their signature for a day, replays for fifteen", () => {
    const key = verify.key(secret);
    const request = { body, headers: { "x-razorpay-signature": signature }, url: "" };
    expect(verify.verify(key, request, receivedAt.getTime() + 15 * 86_400_000)).toBe("ok");
  });
});

describe("one movement of money, one event", () => {
  it("gives order.paid, invoice.paid, subscription.charged and payment.captured of one payment the same key", () => {
    const captured = envelope("payment.captured", { payment });
    const paid = envelope("order.paid", { payment, order: { id: "order_1" } }, 1764000050);
    const invoiced = envelope("invoice.paid", { payment, invoice: { id: "inv_1" } }, 1764000060);
    const charged = envelope("subscription.charged", { payment, subscription }, 1764000070);
    expect(keys(captured, paid, invoiced, charged)).toBe(1);
  });
  it("tells a failed try, a second failed try and the capture of one payment apart", () => {
    const [first, second] = [1764000010, 1764000400].map((at) => envelope("payment.failed", { payment }, at));
    expect(keys(first, second, envelope("payment.captured", { payment }))).toBe(3);
    expect(delivery(first).data.message_id).toBe(delivery(second).data.message_id);
  });
  it("never looks at the unsigned event id", () => {
    const body = fixture("payment-failed");
    expect(items(body, { "x-razorpay-event-id": "A" })).toEqual(items(body, { "x-razorpay-event-id": "B" }));
  });
  it("keeps partial payments of a link or an invoice apart", () => {
    const part = (event: string, entity: Body, id: string) => envelope(event, { payment: { ...payment, id }, ...entity });
    const link = { payment_link: { id: "plink_1" } };
    const invoice = { invoice: { id: "inv_1" } };
    const link1 = part("payment_link.partially_paid", link, "pay_1");
    expect(keys(link1, part("payment_link.partially_paid", link, "pay_2"), part("payment_link.paid", link, "pay_2"))).toBe(3);
    expect(keys(part("invoice.partially_paid", invoice, "pay_1"), part("invoice.partially_paid", invoice, "pay_2"))).toBe(2);
  });
  it("makes a second failed cycle or try a second event, a resend none", () => {
    const pending = (changes: Body, at?: number) =>
      envelope("subscription.pending", { subscription: { ...subscription, ...changes } }, at);
    expect(keys(pending({}), pending({}))).toBe(1);
    expect(keys(pending({}), pending({ auth_attempts: 2 }))).toBe(2);
    expect(keys(pending({}), pending({ current_end: 1769270400 }))).toBe(2);
    expect(keys(pending({}), pending({}, 1764086410))).toBe(2);
    expect(keys(pending({}), envelope("subscription.halted", { subscription }))).toBe(2);
  });
  it("takes the payment from the invoice where it stands only there", () => {
    const body = envelope("invoice.paid", { invoice: { id: "inv_1", payment_id: "pay_1" } });
    expect(delivery(body).data.message_id).toBe("pay_1");
  });
});

describe("notes", () => {
  it.each([[[]], [null], ["text"], [7]])("%j say nothing and break nothing", (notes) => {
    const body = envelope("order.paid", { payment: { ...payment, notes }, order: { id: "order_1", notes } });
    expect(delivery(body).metadata?.map(({ fields }) => fields)).toEqual([notes, notes]);
    expect(delivery(body).status).toBe("delivered");
  });
  it("are read from every entity, also one that nobody foresaw or whose name has a dot", () => {
    const notes = { homing_workspace_id: ACME };
    const body = envelope("payment.captured", { payment, "fund_account.validation": { notes }, novelty: { notes } });
    expect(delivery(body).metadata?.map(({ where }) => where)).toEqual([
      "payload.payment.entity.notes",
      "payload.fund_account.validation.entity.notes",
      "payload.novelty.entity.notes",
    ]);
  });
  it("of a payment never teach, all others do", () => {
    const body = envelope("order.paid", {
      payment: { ...payment, notes: { workspace_id: BETA } },
      order: { id: "order_1", notes: { workspace_id: ACME } },
    });
    expect(delivery(body).metadata?.map(({ teaches }) => teaches)).toEqual([false, undefined]);
  });
  it("named like an object's insides do not harm", () => {
    const body =
      '{"event":"payment.captured","payload":{"__proto__":{"entity":{"notes":{"__proto__":{"workspace_id":"x"}}}},"payment":{"entity":{"id":"pay_1"}}}}';
    expect(delivery(body).data.message_id).toBe("pay_1");
    expect(({} as Body).entity).toBeUndefined();
  });
});

describe("references", () => {
  const values = (draft: DeliveryDraft) => draft.references?.map(({ kind, value }) => `${kind}:${value}`);
  it("meet: an order with and without its prefix is one", () => {
    const link = { id: "plink_1" };
    const bare = delivery(
      envelope("payment_link.paid", { order: { id: "R6aaa" }, payment: { id: "pay_1" }, payment_link: link }),
    );
    const prefixed = delivery(envelope("payment.captured", { payment: { id: "pay_1", order_id: "order_R6aaa" } }));
    expect(values(bare)).toContain("order:order_R6aaa");
    expect(values(prefixed)).toContain("order:order_R6aaa");
  });
  it("end with our own account, which is not learned", () => {
    const references = delivery(envelope("payment.captured", { payment })).references;
    expect(references?.at(-1)).toEqual({ kind: "account", value: "acc_1", own: true });
    expect(references?.slice(0, -1).every(({ learn }) => learn)).toBe(true);
  });
  it("of a plain capture lead back to the subscription's invoice", () => {
    const charged = delivery(envelope("subscription.charged", { payment: { ...payment, invoice_id: "inv_1" }, subscription }));
    const captured = delivery(envelope("payment.captured", { payment: { ...payment, invoice_id: "inv_1" } }));
    expect(values(charged)).toEqual(expect.arrayContaining(values(captured) ?? []));
  });
});

describe("plans", () => {
  const words = [
    "authenticated",
    "activated",
    "charged",
    "completed",
    "updated",
    "pending",
    "halted",
    "cancelled",
    "paused",
    "resumed",
  ];
  it.each(words)("are told by subscription.%s", (word) => {
    const facts = items(envelope(`subscription.${word}`, { payment, subscription })).filter(
      (one): one is FactDraft => "state" in one,
    );
    expect(facts.map(({ state }) => state)).toEqual([{ kind: "plan", id: "sub_1", fields: { plan: "plan_basic" } }]);
    expect(facts[0]?.data).toEqual({ effective_at: "2025-11-24T16:00:10.000Z" });
  });
  it("switched there and back are three keys", () => {
    const updated = (plan_id: string, at: number) =>
      envelope("subscription.updated", { subscription: { ...subscription, plan_id } }, at);
    expect(keys(updated("plan_a", 1764000001), updated("plan_b", 1764000002), updated("plan_a", 1764000003))).toBe(3);
  });
  it("without a plan id are ignored, and a charge is told all the same", () => {
    const bare = { id: "sub_1", plan_id: null };
    expect(items(envelope("subscription.updated", { subscription: bare }))).toEqual([{ ignored: "no_plan" }]);
    expect(items(envelope("subscription.charged", { payment, subscription: bare }))).toHaveLength(1);
  });
});

describe("failures", () => {
  const failedWith = (changes: Body) => delivery(envelope("payment.failed", { payment: { ...payment, ...changes } }));
  it("give the reason, else the description; an empty code is none", () => {
    const reason = { error_code: "", error_reason: "", error_description: "Payment failed" };
    expect(failedWith(reason).data).toMatchObject({ error_code: null, error_reason: "Payment failed" });
    expect(failedWith(reason).provider_data).not.toHaveProperty("code");
    expect(failedWith({}).data).toMatchObject({ error_code: null, error_reason: null });
  });
  it("of a refund do not repeat the payment's error", () => {
    const body = envelope("refund.failed", {
      refund: { id: "rfnd_1", payment_id: "pay_1" },
      payment: { ...payment, error_code: "X" },
    });
    expect(delivery(body).data).toEqual({ message_id: "rfnd_1", error_code: null, error_reason: null });
  });
  it("of a subscription tell the next try only while one is due in this cycle", () => {
    const next = (event: string, charge_at: unknown) =>
      delivery(envelope(event, { subscription: { ...subscription, charge_at } })).provider_data?.next_attempt_at;
    expect(next("subscription.pending", 1764086400)).toBe("2025-11-25T16:00:00.000Z");
    expect(next("subscription.pending", 1766592000)).toBeUndefined(); // the next cycle's
    expect(next("subscription.pending", 1763999999)).toBeUndefined(); // past
    expect(next("subscription.halted", 1764086400)).toBeUndefined();
    expect(next("subscription.pending", null)).toBeUndefined();
  });
  it("tell the attempt as a number, where the body does", () => {
    expect(delivery(envelope("subscription.pending", { subscription })).provider_data?.attempt).toBe(1);
    expect(failedWith({}).provider_data).not.toHaveProperty("attempt");
  });
});

describe("times", () => {
  it("of a link are the payment's or the link's last change, never the envelope's", () => {
    const at = (payload: Body) => delivery(envelope("payment_link.paid", payload, 1763999000)).occurredAt?.getTime() ?? null;
    const link = { id: "plink_1", updated_at: 1764000030 };
    expect(at({ payment_link: link, payment: { id: "pay_1", created_at: 1764000000 } })).toBe(1764000000_000);
    expect(at({ payment_link: link })).toBe(1764000030_000);
    expect(at({ payment_link: { id: "plink_1" } })).toBeNull();
  });
  it("may stand in the payload", () => {
    const body = { event: "payment.captured", payload: { payment: { entity: payment }, created_at: 1764000010 } };
    expect(delivery(body).occurredAt).toEqual(new Date(1764000010_000));
  });
});

describe("words", () => {
  it.each(["constructor", "__proto__", "payment.capturedd", "subscription.created"])("%s is unknown", (word) => {
    expect(items(envelope(word, { payment, subscription }))).toEqual([{ ignored: "unknown_word", word }]);
  });
  it.each(["payment.dispute.lost", "transfer.failed", "payment.downtime.resolved", "token.confirmed", "payout_link.issued"])(
    "%s is known and quiet",
    (word) =>
      expect(items(envelope(word, { payment }))).toEqual([{ ignored: expect.stringMatching(/^(dispute|not_a_delivery)$/) }]),
  );
  it.each([[{}], [{ payment: 7 }], [{ payment: { id: {} } }], [[]], [null]])(
    "payload %j fails alone, without a throw",
    (payload) => {
      const body = { event: "payment.captured", created_at: 1764000010, payload };
      expect(items(body)).toEqual([{ failed: "no_payment" }]);
    },
  );
  it("a body without an event word cannot be read", () => {
    expect(translate(provider, { body: Buffer.from('{"payload":{}}'), headers: {}, receivedAt })).toEqual({
      items: [],
      failed: "unreadable",
    });
  });
});
