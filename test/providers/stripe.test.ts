import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Stripe from "stripe";
import { describe, expect, it } from "vitest";
import adapter from "../../providers/stripe/stripe.ts";
import { translate } from "../../src/inbound/translate.ts";
import type { AnyProvider } from "../../src/provider/define.ts";
import type { DeliveryDraft, FactDraft, Outcome, Reference, Teaching } from "../../src/provider/draft.ts";
import type { Signing } from "../../src/provider/signatures.ts";
import { ACME, fixtures, signersOf } from "../support/fixtures.ts";

const NOW = 1_795_345_200;
const SECRET = "whsec_of_this_test";
const stripe = adapter as AnyProvider;
const signing = stripe.verify as Signing;

const v1 = (body: Uint8Array | string, t: number | string = NOW, secret = SECRET) =>
  createHmac("sha256", secret).update(`${t}.`).update(body).digest("hex");

function verdict(header: string | undefined, body: Uint8Array | string, at = NOW, secret = SECRET) {
  const request = {
    body: Buffer.from(body),
    headers: { "stripe-signature": header },
    url: "https://gateway.example/callbacks/stripe",
  };
  return signing.verify(signing.key(secret), request, at * 1000);
}

/** What Stripe's own library says. */
function official(header: string, body: Uint8Array, at = NOW, secret = SECRET): boolean {
  try {
    return Stripe.webhooks.signature?.verifyHeader(Buffer.from(body), header, secret, 300, undefined, at * 1000) ?? false;
  } catch {
    return false;
  }
}

type Fields = Record<string, unknown>;
/** One callback of `type` about `object`, translated. */
function outcome(type: string, object: unknown, envelope: Fields = {}, data: Fields = {}): Outcome | undefined {
  const event = { id: "evt_1", object: "event", created: NOW, livemode: true, type, ...envelope, data: { object, ...data } };
  const request = { body: Buffer.from(JSON.stringify(event)), headers: {}, receivedAt: new Date(NOW * 1000) };
  const { items, failed } = translate(stripe, request);
  expect(failed).toBeUndefined();
  expect(items).toHaveLength(1);
  return items[0];
}
const delivery = (...given: Parameters<typeof outcome>) => outcome(...given) as DeliveryDraft;
const fact = (...given: Parameters<typeof outcome>) => outcome(...given) as FactDraft;
const taught = (...given: Parameters<typeof outcome>) => (outcome(...given) as Teaching).teaches;
const named = (references: Reference[] | undefined) => references?.map(({ kind, value }) => `${kind}:${value}`);

describe("the signature", () => {
  const body = '{"id":"evt_1"}';

  it("may be any of several v1, as while a secret is rolled", () => {
    expect(verdict(`t=${NOW},v1=${v1(body, NOW, "whsec_old")},v1=${v1(body)}`, body)).toBe("ok");
    expect(verdict(`t=${NOW},v1=${v1(body)},v1=${v1(body, NOW, "whsec_old")}`, body)).toBe("ok");
    expect(verdict(`t=${NOW},v1=${v1(body, NOW, "whsec_old")},v1=${v1(body, NOW, "whsec_older")}`, body)).toBe(
      "signature_mismatch",
    );
  });

  it("is never a v0", () => {
    expect(verdict(`t=${NOW},v0=${v1(body)}`, body)).toBe("signature_missing");
    expect(verdict(`t=${NOW},v1=${"0".repeat(64)},v0=${v1(body)}`, body)).toBe("signature_mismatch");
    expect(verdict(`t=${NOW},v1=${v1(body)},v0=${"0".repeat(64)}`, body)).toBe("ok");
  });

  it("is good for 300 seconds, both ways", () => {
    const at = (t: number) => verdict(`t=${t},v1=${v1(body, t)}`, body);
    expect([at(NOW - 300), at(NOW - 301)]).toEqual(["ok", "signature_expired"]);
    expect([at(NOW + 300), at(NOW + 301)]).toEqual(["ok", "signature_early"]);
  });

  it("is judged before its time", () => {
    expect(verdict(`t=${NOW - 9_999},v1=${"0".repeat(64)}`, body)).toBe("signature_mismatch");
  });

  it("takes the secret's characters as the key, with its prefix", () => {
    const bytes = Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64");
    const secret = `whsec_${bytes.toString("base64")}`;
    expect(verdict(`t=${NOW},v1=${v1(body, NOW, secret)}`, body, NOW, secret)).toBe("ok");
    const decoded = createHmac("sha256", bytes).update(`${NOW}.${body}`).digest("hex");
    expect(verdict(`t=${NOW},v1=${decoded}`, body, NOW, secret)).toBe("signature_mismatch");
  });

  it("needs a header", () => {
    expect(verdict(undefined, body)).toBe("signature_missing");
    expect(verdict("", body)).toBe("signature_missing");
    expect(verdict(v1(body), body)).toBe("signature_missing");
  });
});

describe("beside Stripe's own library", async () => {
  const { fixtureSigner } = await signersOf("stripe");
  const samples = fixtures("stripe");
  const client = new Stripe("sk_test_none");

  it.each(samples)("accepts what it accepts: $name", ({ headers, body, now }) => {
    const header = headers["stripe-signature"] ?? "";
    const read = body.includes('"v2.core.event"')
      ? client.parseEventNotification.bind(client)
      : Stripe.webhooks.constructEvent.bind(Stripe.webhooks);
    expect(read(body, header, fixtureSigner.secret, 300, undefined, now.getTime())).toHaveProperty("id");
    expect(verdict(header, body, now.getTime() / 1000, fixtureSigner.secret)).toBe("ok");
  });

  /** Where it accepts and we refuse, on purpose. */
  function knownDifference(header: string, body: Uint8Array, at: number): string | null {
    const stamp = /(?:^|,)t=([^,]*)/.exec(header)?.[1] ?? "";
    if (!/^\d+$/.test(stamp)) return "a timestamp that is not digits (it reads the leading ones)";
    if (Number(stamp) - at > 300) return "a timestamp in the future (it sets no bound)";
    if (/v1=[^,]*=/.test(header)) return "a signature with a tail (it cuts it off)";
    return body[0] === 0xef ? "a byte order mark (it drops it before it signs)" : null;
  }

  it("refuses what it refuses, over 240 altered headers and bodies", () => {
    const random = seeded(20_261_122);
    const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
    const counts = { both: 0, neither: 0 };
    const differences = new Set<string>();
    for (let round = 0; round < 240; round++) {
      const sample = pick(samples);
      const alter = alterations[round % alterations.length] as Alteration;
      const original = { header: sample.headers["stripe-signature"] ?? "", body: sample.body, at: sample.now.getTime() / 1000 };
      const { header, body, at } = { ...original, ...alter(original, random) };
      const theirs = official(header, body, at, fixtureSigner.secret);
      const ours = verdict(header, body, at, fixtureSigner.secret) === "ok";
      const told = `${sample.name}, round ${round}: ${header}`;
      if (theirs === ours) counts[ours ? "both" : "neither"] += 1;
      else {
        expect(theirs, `we accept, Stripe's library refuses: ${told}`).toBe(true);
        const difference = knownDifference(header, body, at);
        expect(difference, `Stripe's library accepts, we refuse: ${told}`).not.toBeNull();
        differences.add(String(difference));
      }
    }
    expect(counts.both).toBeGreaterThan(20);
    expect(counts.neither).toBeGreaterThan(100);
    expect(differences.size).toBe(4);
  });

  it("differs in a timestamp that comes twice: it takes the last, we the first", () => {
    const body = Buffer.from("{}");
    const header = `t=${NOW},v1=${v1(body)},t=1`;
    expect([official(header, body), verdict(header, body)]).toEqual([false, "ok"]);
    // Nothing is won by it: a signature of the first timestamp is needed, and that one is judged.
    expect(verdict(`t=${NOW - 301},v1=${v1(body, NOW - 301)},t=${NOW}`, body)).toBe("signature_expired");
  });

  it("differs in an empty signature beside a right one: it throws", () => {
    const body = Buffer.from("{}");
    const header = `t=${NOW},v1=,v1=${v1(body)}`;
    expect([official(header, body), verdict(header, body)]).toEqual([false, "ok"]);
    expect(verdict(`t=${NOW},v1=`, body)).toBe("signature_mismatch");
  });

  it("differs in bytes that are not UTF-8: we sign the bytes, it signs its reading of them", () => {
    const body = Buffer.from([0x7b, 0xff, 0x7d]);
    const header = `t=${NOW},v1=${v1(body)}`;
    expect([official(header, body), verdict(header, body)]).toEqual([false, "ok"]);
  });

  it("knows every event type that the library lists", () => {
    const types = new Set(
      [
        ...readFileSync(join(import.meta.dirname, "../../node_modules/stripe/cjs/resources/Events.d.ts"), "utf8").matchAll(
          / type: '([a-z0-9_.]+)'/g,
        ),
      ].map(([, type]) => type as string),
    );
    expect(types.size).toBeGreaterThan(250);
    expect([...types].filter((type) => (outcome(type, {}) as { word?: string }).word)).toEqual([]);
  });
});

describe("references", () => {
  const payment = { id: "pi_1", object: "payment_intent", metadata: {} };

  it("are the same whether an object is named or expanded, and whether it still exists", () => {
    const plain = delivery("payment_intent.succeeded", { ...payment, customer: "cus_1", latest_charge: "ch_1" });
    const expanded = {
      customer: { id: "cus_1", object: "customer", deleted: true },
      latest_charge: { id: "ch_1", metadata: { a: "b" } },
    };
    expect(delivery("payment_intent.succeeded", { ...payment, ...expanded })).toEqual(plain);
    expect(named(plain.references)).toEqual(["charge:ch_1", "payment:pi_1", "customer:cus_1"]);
  });

  it.each([[null], [""], [undefined], [{}], [{ id: null }], [{ id: "" }], [7], [[]]])(
    "are never nothing: customer %j",
    (customer) => {
      const found = delivery("payment_intent.succeeded", {
        ...payment,
        customer,
        customer_account: customer,
        latest_charge: customer,
      });
      expect(named(found.references)).toEqual(["payment:pi_1"]);
      expect(named(delivery("payment_intent.succeeded", { ...payment, customer }, { account: "" }).references)).toEqual([
        "payment:pi_1",
      ]);
    },
  );

  it("are the same before and since Basil", () => {
    const invoice = { id: "in_1", object: "invoice", customer: "cus_1" };
    const before = { ...invoice, subscription: "sub_1", subscription_details: { metadata: { workspace_id: ACME } } };
    const since = { ...invoice, parent: { subscription_details: { subscription: "sub_1", metadata: { workspace_id: ACME } } } };
    const [old, current] = [delivery("invoice.paid", before), delivery("invoice.paid", since)];
    expect(named(old.references)).toEqual(["invoice:in_1", "subscription:sub_1", "customer:cus_1"]);
    expect(old.references).toEqual(current.references);
    expect(old.metadata?.map(({ fields }) => fields)).toEqual(current.metadata?.map(({ fields }) => fields));
  });

  it("of a connected account's customer are its own, not the platform's", () => {
    const ours = delivery("payment_intent.succeeded", { ...payment, customer: "cus_1" });
    const theirs = delivery("payment_intent.succeeded", { ...payment, customer: "cus_1" }, { account: "acct_1" });
    expect(named(ours.references)).toContain("customer:cus_1");
    expect(named(theirs.references)).toEqual(["account:acct_1", "payment:pi_1", "customer:acct_1:cus_1"]);
  });

  it("of a connected account are never learned", () => {
    const found = delivery("payment_intent.succeeded", payment, { account: "acct_1" });
    expect(found.references?.find(({ kind }) => kind === "account")).toEqual({ kind: "account", value: "acct_1" });
  });

  it("of an account that pays are learned as a customer, which may be two workspaces'", () => {
    const found = delivery("payment_intent.succeeded", { ...payment, customer_account: "acct_2" });
    expect(found.references?.slice(1)).toEqual([
      { kind: "customer", value: "acct_2", learn: "forever" },
      { kind: "account", value: "acct_2" },
    ]);
  });
});

describe("metadata", () => {
  const mine = { homing_workspace_id: ACME };

  it("is not read in a Connect event, wherever it stands", () => {
    const details = { subscription: "sub_1", metadata: mine };
    const object = {
      id: "in_1",
      object: "invoice",
      metadata: mine,
      subscription_details: details,
      parent: { subscription_details: details },
      lines: { data: [{ metadata: mine }] },
    };
    expect(delivery("invoice.paid", object).metadata).toHaveLength(4);
    expect(delivery("invoice.paid", object, { account: "acct_1" }).metadata).toEqual([]);
    expect(taught("invoice.created", object, { account: "acct_1" }).metadata).toEqual([]);
  });

  it("is not read where the connected account stands expanded, and nothing is where it cannot be read", () => {
    const payment = { id: "pi_1", object: "payment_intent", metadata: mine };
    expect(delivery("payment_intent.succeeded", payment, { account: { id: "acct_1" } }).metadata).toEqual([]);
    const body = { id: "evt_1", type: "payment_intent.succeeded", account: ["acct_1"], data: { object: payment } };
    const request = { body: Buffer.from(JSON.stringify(body)), headers: {}, receivedAt: new Date(NOW * 1000) };
    expect(translate(stripe, request)).toEqual({ items: [], failed: "unreadable" });
  });

  it("is taken from the first invoice line that has any", () => {
    const lines = { data: [{ metadata: {} }, null, { metadata: null }, { metadata: { campaign_id: "c" } }, { metadata: mine }] };
    expect(delivery("invoice.paid", { id: "in_1", object: "invoice", lines }).metadata).toEqual([
      { where: "data.object.lines.data[3].metadata", fields: { campaign_id: "c" } },
    ]);
  });

  it("is never client_reference_id", () => {
    const session = {
      id: "cs_1",
      object: "checkout.session",
      client_reference_id: ACME,
      payment_link: "plink_1",
      customer: "cus_1",
    };
    expect(JSON.stringify(outcome("checkout.session.completed", session))).not.toContain(ACME);
  });

  it("of any shape passes as it came", () => {
    const odd = JSON.parse('{"__proto__":{"workspace_id":"x"},"workspace_id":7}');
    const [entry] = delivery("payment_intent.succeeded", { id: "pi_1", object: "payment_intent", metadata: odd }).metadata ?? [];
    expect(JSON.stringify(entry?.fields)).toBe(JSON.stringify(odd));
    for (const none of [null, {}, "", "x", 7, []])
      expect(delivery("payment_intent.succeeded", { id: "pi_1", object: "payment_intent", metadata: none }).metadata).toEqual([]);
  });

  it("without a state is taught", () => {
    const subscription = { id: "sub_1", object: "subscription", customer: "cus_1", metadata: mine };
    for (const type of ["customer.subscription.created", "customer.subscription.paused"])
      expect(taught(type, subscription)).toEqual({
        metadata: [{ where: "data.object.metadata", fields: mine }],
        references: [
          { kind: "subscription", value: "sub_1", learn: "forever" },
          { kind: "customer", value: "cus_1", learn: "forever" },
        ],
      });
    const added = outcome("customer.subscription.updated", subscription, {}, { previous_attributes: { metadata: {} } });
    expect(added).toEqual(outcome("customer.subscription.created", subscription));
  });
});

describe("a payment that failed", () => {
  const failedPayment = (last_payment_error: unknown) =>
    delivery("payment_intent.payment_failed", { id: "pi_1", object: "payment_intent", last_payment_error }).data;

  it("tells the most precise code", () => {
    const error = { type: "card_error", code: "card_declined", decline_code: "lost_card", message: "No." };
    expect(failedPayment(error)).toMatchObject({ error_code: "lost_card", error_reason: "No." });
    expect(failedPayment({ ...error, decline_code: null })).toMatchObject({ error_code: "card_declined" });
    expect(failedPayment({ type: "api_error" })).toMatchObject({ error_code: "api_error", error_reason: null });
    for (const none of [null, "declined", [], undefined])
      expect(failedPayment(none)).toMatchObject({ error_code: "payment_failed", error_reason: null });
  });

  it("is one event for each attempt of an invoice", () => {
    const invoice = { id: "in_1", object: "invoice" };
    const first = delivery(
      "invoice.payment_failed",
      { ...invoice, attempt_count: 1, next_payment_attempt: NOW },
      { id: "evt_1" },
    );
    const last = delivery(
      "invoice.payment_failed",
      { ...invoice, attempt_count: 4, next_payment_attempt: null },
      { id: "evt_2" },
    );
    expect(first.provider_data).toMatchObject({ attempt: 1, next_attempt_at: "2026-11-22T11:00:00.000Z" });
    expect(last.provider_data).toMatchObject({ attempt: 4, next_attempt_at: null });
    expect([first.data.message_id, last.data.message_id]).toEqual(["in_1", "in_1"]);
    expect(first.key).not.toBe(last.key);
  });

  it("is left to its invoice where it names one", () => {
    for (const word of ["processing", "succeeded", "payment_failed", "canceled"])
      for (const invoice of ["in_1", { id: "in_1", object: "invoice" }])
        expect(outcome(`payment_intent.${word}`, { id: "pi_1", object: "payment_intent", invoice })).toEqual({
          ignored: "part_of_invoice",
        });
    expect(delivery("payment_intent.succeeded", { id: "pi_1", object: "payment_intent", invoice: null }).status).toBe(
      "delivered",
    );
  });
});

describe("a plan", () => {
  const price = (id: string, lookup_key: string | null = null, more: Fields = {}) => ({ price: { id, lookup_key }, ...more });
  const changed = (was: Fields[], is: Fields[], more: Fields = {}) =>
    fact(
      "customer.subscription.updated",
      { id: "sub_1", object: "subscription", items: { data: is, ...more } },
      {},
      { previous_attributes: { items: { data: was } } },
    );

  it("is changed when the prices are others, in any order", () => {
    expect(changed([price("p1", "basic")], [price("p3"), price("p2", "pro")]).data).toEqual({
      old_plan: "basic",
      new_plan: "p3+pro",
      effective_at: "2026-11-22T11:00:00.000Z",
    });
    expect(changed([price("p1"), price("p2")], [price("p1"), price("p1")]).type).toBe("billing.plan_changed");
    expect(changed([price("p1"), price("p2")], [price("p2"), price("p1")])).toEqual({ ignored: "no_plan_change" });
  });

  it.each([
    ["another period", price("p1", "pro", { current_period_end: 1 }), price("p1", "pro", { current_period_end: 2 })],
    ["another quantity", price("p1", "pro", { quantity: 1 }), price("p1", "pro", { quantity: 9 })],
    ["a look-up key that moved away", price("p1", "pro"), price("p1", null)],
    ["a new price of the same name", price("p1", "pro"), price("p2", "pro")],
    ["the plan told without its price", { plan: { id: "p1" } }, price("p1")],
  ])("is not changed by %s", (_name, was, is) => {
    expect(changed([was], [is])).toEqual({ ignored: "no_plan_change" });
  });

  it("that cannot be read whole is never told in part", () => {
    expect(changed([price("p1")], [price("p2")], { has_more: true })).toEqual({ failed: "items_incomplete" });
    expect(changed([price("p1")], [price("p1")], { has_more: true })).toEqual({ ignored: "no_plan_change" });
    expect(changed([{ id: "si_1" }], [price("p2")])).toEqual({ failed: "unreadable_items" });
    expect(outcome("customer.subscription.deleted", { id: "sub_1", object: "subscription" })).toEqual({
      failed: "unreadable_items",
    });
  });

  it("ends with its subscription, at the time that Stripe tells", () => {
    const ended = (more: Fields) =>
      fact("customer.subscription.deleted", {
        id: "sub_1",
        object: "subscription",
        items: { data: [price("p1", "pro")] },
        ...more,
      }).data;
    expect(ended({ ended_at: NOW - 9, canceled_at: NOW - 99 })).toEqual({
      old_plan: "pro",
      new_plan: null,
      effective_at: "2026-11-22T10:59:51.000Z",
    });
    expect(ended({ ended_at: null, canceled_at: NOW - 99 })).toMatchObject({ effective_at: "2026-11-22T10:58:21.000Z" });
    expect(ended({})).toMatchObject({ effective_at: "2026-11-22T11:00:00.000Z" });
  });
});

describe("a billing alert", () => {
  const triggered = (value: unknown, lte: unknown) =>
    fact("billing.alert.triggered", {
      object: "billing.alert_triggered",
      customer: "cus_1",
      value,
      alert: { credit_balance_threshold: { lte } },
    });

  it.each([
    [40, 50],
    ["40", "50.0"],
    ["40.0", { monetary: { currency: "usd", value: 50 } }],
    [{ custom_pricing_unit: { value: "40" } }, { custom_pricing_unit: { value: "50" } }],
  ])("on a balance says that credit is low: %j of %j", (value, lte) => {
    expect(triggered(value, lte)).toMatchObject({ type: "billing.credit_low", data: { current_balance: 40, threshold: 50 } });
  });

  it.each([
    [null, 50],
    ["", 50],
    [40, undefined],
    [40, "many"],
  ])("that cannot be read is no event: %j of %j", (value, lte) => {
    expect(triggered(value, lte)).toEqual({ failed: "unreadable_alert" });
  });

  it("on usage says nothing about credit", () => {
    const alert = { usage_threshold: { gte: 800 }, credit_balance_threshold: null };
    expect(outcome("billing.alert.triggered", { value: 812, alert })).toEqual({ ignored: "usage_alert" });
  });
});

describe("odd callbacks", () => {
  it("of test mode are marked, those of live mode and of unknown mode not", () => {
    const payment = { id: "pi_1", object: "payment_intent" };
    expect(delivery("payment_intent.succeeded", payment, { livemode: false }).test).toBe(true);
    for (const livemode of [true, null, undefined])
      expect(delivery("payment_intent.succeeded", payment, { livemode })).not.toHaveProperty("test");
  });

  it.each(["constructor", "__proto__", "toString", "invoice", "invoice.", "Invoice.paid", "accounts.updated"])(
    "with the word %s are kept as unknown",
    (type) => {
      expect(outcome(type, { id: "in_1", object: "invoice" })).toEqual({ ignored: "unknown_word", word: type });
    },
  );

  it.each([[null], ["in_1"], [[]], [7], [undefined]])("about %j fail alone", (object) => {
    expect(outcome("invoice.paid", object)).toEqual({ failed: "unreadable_item" });
  });

  it("without the id of what they are about make no event", () => {
    expect(outcome("invoice.paid", { object: "invoice" })).toEqual({ failed: "no_id" });
  });

  it("keep their payment whatever else is broken", () => {
    const broken = Object.fromEntries(
      "amount amount_received attempt_count currency next_payment_attempt last_payment_error lines items plan parent alert value number"
        .split(" ")
        .map((key) => [key, [{}]]),
    );
    const found = delivery(
      "payment_intent.payment_failed",
      { ...broken, id: "pi_1", object: "payment_intent" },
      { created: "soon" },
    );
    expect(found).toMatchObject({ status: "failed", occurredAt: null, data: { message_id: "pi_1" } });
  });
});

type Call = { header: string; body: Buffer; at: number };
type Alteration = (call: Call, random: () => number) => Partial<Call>;

/** Each is one way in which a header, a body or the clock can be other than what Stripe sent. */
const alterations: Alteration[] = [
  ({ header }) => ({ header: header.replace(/v1=([0-9a-f])/, (_all, digit) => `v1=${digit === "0" ? "1" : "0"}`) }),
  ({ header }) => ({ header: header.replace(/v1=([^,]*)/, (_all, hex: string) => `v1=${hex.toUpperCase()}`) }),
  ({ header }) => ({ header: header.replace(/v1=([^,]*)/, (_all, hex: string) => `v1=${hex.slice(1)}`) }),
  ({ header }) => ({ header: header.replace(/v1=([^,]*)/, "v1=$10") }),
  ({ header }) => ({ header: header.replace(/v1=([^,]*)/, "v1=$1=tail") }),
  ({ header }) => ({ header: header.replace("v1=", "v0=") }),
  ({ header }) => ({ header: header.replace("v1=", "v2=") }),
  ({ header }) => ({ header: header.replace("v1=", "v1=x,v1=") }),
  ({ header }) => ({ header: header.replace("v1=", `v1=${"a".repeat(64)},v1=`) }),
  ({ header }) => ({ header: header.replace(/v1=[^,]*/, "v1=") }),
  ({ header }) => ({ header: `${header},v0=${"b".repeat(64)}` }),
  ({ header }) => ({ header: header.split(",").reverse().join(",") }),
  ({ header }) => ({ header: header.replaceAll(",", ", ") }),
  ({ header }) => ({ header: header.replaceAll(",", ";") }),
  ({ header }) => ({ header: ` ${header}` }),
  ({ header }) => ({ header: header.replace(/t=\d+,?/, "") }),
  ({ header }) => ({ header: header.replace(/t=(\d+)/, (_all, t) => `t=${Number(t) + 1}`) }),
  ({ header }) => ({ header: header.replace(/t=(\d+)/, "t=$1abc") }),
  ({ header }) => ({ header: header.replace(/t=(\d+)/, "t= $1") }),
  ({ header }) => ({ header: header.replace(/t=(\d+)/, "t=0$1x") }),
  ({ header }) => ({ header: header.replace(/t=(\d+)/, "t=-$1") }),
  ({ header }) => ({ header: header.replace("t=", "T=") }),
  ({ header }, random) => ({ header: header.slice(0, Math.floor(random() * header.length)) }),
  ({ header }, random) => {
    const cut = Math.floor(random() * header.length);
    return { header: header.slice(0, cut) + header.slice(cut + 1) };
  },
  ({ body }, random) => {
    const altered = Buffer.from(body);
    const place = Math.floor(random() * body.length);
    altered[place] = (altered[place] ?? 0) ^ (1 << Math.floor(random() * 7));
    return { body: altered };
  },
  ({ body }) => ({ body: Buffer.concat([body, Buffer.from(" ")]) }),
  ({ body }) => ({ body: Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body]) }),
  ({ body }, random) => ({ body: body.subarray(0, 1 + Math.floor(random() * (body.length - 1))) }),
  ({ body }) => ({ body: Buffer.from(`${JSON.stringify(JSON.parse(body.toString()))}\n`) }),
  ({ at }, random) => ({ at: at + 301 + Math.floor(random() * 1e6) }),
  ({ at }, random) => ({ at: at - 301 - Math.floor(random() * 1e6) }),
  ({ at }, random) => ({ at: at - 300 + Math.floor(random() * 601) }),
];

/** The same numbers in every run. */
function seeded(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
