import { WebhooksHelper } from "square";
import { describe, expect, it } from "vitest";
import square from "../../providers/pos/square.ts";
import { translate } from "../../src/inbound/translate.ts";
import type { AnyProvider } from "../../src/provider/define.ts";
import type { Signing } from "../../src/provider/signatures.ts";
import { fixtures, signersOf } from "../support/fixtures.ts";

const samples = new Map(fixtures("pos").map((fixture) => [fixture.name, fixture]));
const receivedAt = new Date("2026-04-16T23:15:00Z");

function sample(name: string) {
  const fixture = samples.get(name);
  if (!fixture) throw new Error(`no fixture ${name}`);
  return fixture;
}

/** Every outcome of a callback. */
function read(body: object, headers: Record<string, string> = {}): any[] {
  const { items, failed } = translate(square as AnyProvider, { body: Buffer.from(JSON.stringify(body)), headers, receivedAt });
  expect(failed).toBeUndefined();
  return items;
}

const envelope = (type: string, object: object, more: object = {}) => ({
  ...{ merchant_id: "M1", type, event_id: "e1", created_at: "2026-04-16T23:14:26.129Z" },
  data: { type: "any", id: "subject", object },
  ...more,
});
const payment = (status: string, more: object = {}) => envelope("payment.updated", { payment: { id: "p1", status, ...more } });
const order = (state: string, more: object = {}) =>
  envelope("order.updated", { order_updated: { order_id: "o1", state, location_id: "L1", ...more } });
const fulfillment = (...updates: unknown[]) =>
  envelope("order.fulfillment.updated", {
    order_fulfillment_updated: { order_id: "o1", location_id: "L1", fulfillment_update: updates },
  });

describe("the signature", () => {
  const verify = square.verify as Signing;
  const { body } = sample("square-fulfillment-completed");
  const url = "https://hooks.example.com/callbacks/pos/square/7b0f3c52-6f5e-4b1c-9d0e-0f6a2f9d1c11";
  // Known answers: `printf %s <url> | cat - <body> | openssl dgst -sha256 -hmac <key> -binary | base64`.
  const known = [
    ["square-fulfillment-completed", "ste2/u9NvhSh4dXcDeHs5r+7HkEvIWY4zTrk3HcoWmo="],
    ["square-payment-completed", "BllRCHEsvmkuYpViM765qMi8/hicluTsMSYfJ/I0a9A="],
    ["square-customer-deleted-by-merge", "Jb1UOCpVcOVamZExGi9AIBweUdqBrvDvYD27CyVUEKY="],
  ] as const;
  const judge = (given: string, at = url, of: Uint8Array = body) =>
    verify.verify(
      verify.key("square-test-signature-key"),
      { body: of, headers: { "x-square-hmacsha256-signature": given }, url: at },
      0,
    );

  it.each(known)("of %s is right for a known answer", (name, signature) => {
    expect(judge(signature, url, sample(name).body)).toBe("ok");
  });

  it.each([
    ["http for https", url.replace("https", "http")],
    ["a slash at the end", `${url}/`],
    ["another workspace", url.replace("7b0f3c52", "8b0f3c52")],
    ["no workspace", url.slice(0, url.lastIndexOf("/"))],
    ["another host", url.replace("hooks.", "www.")],
    ["a token after it", `${url}/0123456789abcdef0123456789abcdef`],
  ])("breaks with %s in the URL", (_what, at) => {
    expect(judge(known[0][1], at)).toBe("signature_mismatch");
  });

  it("does not let the end of the URL become the beginning of the body", () => {
    for (const end of [url.lastIndexOf("/"), -1, url.length - 36]) {
      expect(judge(known[0][1], url.slice(0, end), Buffer.concat([Buffer.from(url.slice(end)), body]))).toBe(
        "signature_mismatch",
      );
    }
    expect(judge(known[0][1], "", Buffer.concat([Buffer.from(url), body]))).toBe("signature_mismatch");
  });

  it("of the older scheme proves nothing, and neither is ever shown", () => {
    expect(
      verify.verify(verify.key("square-test-signature-key"), { body, headers: { "x-square-signature": known[0][1] }, url }, 0),
    ).toBe("signature_missing");
    expect(verify.hides).toEqual(["x-square-hmacsha256-signature", "x-square-signature"]);
  });

  it("of every fixture is right by Square's own library", async () => {
    const { fixtureSigner } = await signersOf("pos/square");
    for (const { adapter, body: requestBody, path, headers, name } of samples.values()) {
      if (adapter !== "pos/square") continue;
      const right = await WebhooksHelper.verifySignature({
        requestBody: requestBody.toString(),
        signatureHeader: headers["x-square-hmacsha256-signature"] ?? "",
        signatureKey: fixtureSigner.secret,
        notificationUrl: `https://gateway.example${path}`,
      });
      expect([name, right]).toEqual([name, true]);
    }
  });
});

describe("a state", () => {
  it.each([
    ["payment", "PENDING", payment("PENDING"), { ignored: "not_final" }],
    ["payment", "APPROVED", payment("APPROVED"), { ignored: "not_final" }],
    ["payment", "COMPLETED", payment("COMPLETED"), { status: "delivered", data: { message_id: "p1", contact_id: null } }],
    ["payment", "CANCELED", payment("CANCELED"), { status: "failed", data: { error_code: "CANCELED", error_reason: null } }],
    ["payment", "FAILED", payment("FAILED"), { status: "failed", data: { error_code: "FAILED", error_reason: null } }],
    ["order", "DRAFT", order("DRAFT"), { ignored: "not_final" }],
    ["order", "OPEN", order("OPEN"), { ignored: "not_final" }],
    ["order", "COMPLETED", order("COMPLETED"), { status: "delivered", data: { message_id: "o1" } }],
    ["order", "CANCELED", order("CANCELED"), { status: "failed", data: { message_id: "o1", error_code: "CANCELED" } }],
  ])("of a %s: %s", (_what, _state, body, expected) => {
    expect(read(body)).toMatchObject([{ ...expected, ...("status" in expected && { channel: "pos" }) }]);
  });

  it.each([
    ["PROPOSED", { ignored: "not_accepted" }],
    ["RESERVED", { status: "sent" }],
    ["PREPARED", { status: "sent" }],
    ["COMPLETED", { status: "delivered" }],
    ["CANCELED", { status: "failed", data: { error_code: "CANCELED" } }],
    ["FAILED", { status: "failed", data: { error_code: "FAILED" } }],
  ])("of a fulfilment: %s", (state, expected) => {
    expect(read(fulfillment({ fulfillment_uid: "f1", new_state: state }))).toMatchObject([
      { ...expected, ...("status" in expected && { data: { message_id: "o1:f1" } }) },
    ]);
  });

  it.each([payment("LEVITATED"), order("LEVITATED"), fulfillment({ fulfillment_uid: "f1", new_state: "LEVITATED" })])(
    "that is unknown is told as such",
    (body) => {
      expect(read(body)).toEqual([{ ignored: "unknown_word", word: "LEVITATED" }]);
    },
  );

  it.each(["payment.created", "payment.updated"])("is told by %s", (type) => {
    expect(read({ ...payment("COMPLETED"), type })).toMatchObject([{ status: "delivered", provider_data: { event: type } }]);
  });

  it("of an order just created is told, at the time of its creation", () => {
    const created = { order_created: { order_id: "o1", state: "COMPLETED", created_at: "2026-04-16T22:58:03.511Z" } };
    expect(read(envelope("order.created", created))).toMatchObject([
      { status: "delivered", occurredAt: new Date("2026-04-16T22:58:03.511Z") },
    ]);
  });

  it("that did not change is no news", () => {
    const [same, none] = read(
      fulfillment(
        { fulfillment_uid: "f1", old_state: "COMPLETED", new_state: "COMPLETED" },
        { fulfillment_uid: "f2", new_state: "COMPLETED" },
      ),
    );
    expect(same).toEqual({ ignored: "state_unchanged" });
    expect(none).toMatchObject({ status: "delivered", key: "e1:1" });
  });
});

describe("a list of fulfilments", () => {
  it("keeps each one's place in the key, and lets a broken one fail alone", () => {
    const all = read(
      fulfillment(null, { new_state: "RESERVED" }, { fulfillment_uid: "a", new_state: "RESERVED" }, "x", {
        fulfillment_uid: "b",
        new_state: "COMPLETED",
      }),
    );
    expect(all.map((item) => item.key ?? item.failed)).toEqual([
      "unreadable_item",
      "unreadable_item",
      "e1:2",
      "unreadable_item",
      "e1:4",
    ]);
  });

  it("may be empty", () => {
    expect(read(fulfillment())).toEqual([]);
  });
});

describe("what a payment tells beside its state", () => {
  it("is the card's error, where it failed", () => {
    const card_details = { errors: [{ category: "X", code: "CVV_FAILURE", detail: "CVV did not match." }] };
    expect(read(payment("FAILED", { card_details }))[0].data).toEqual({
      ...{ message_id: "p1", contact_id: null },
      ...{ error_code: "CVV_FAILURE", error_reason: "CVV did not match." },
    });
    expect(read(payment("COMPLETED", { card_details }))[0].data).toEqual({ message_id: "p1", contact_id: null });
  });

  it.each([null, {}, { errors: null }, { errors: [] }, { errors: "x" }, "x"])(
    "is the word where the card tells %j",
    (card_details) => {
      expect(read(payment("FAILED", { card_details }))[0].data).toMatchObject({ error_code: "FAILED", error_reason: null });
    },
  );

  it("is its time, else the event's, else none", () => {
    const at = (body: object) => read(body)[0].occurredAt;
    expect(at(payment("COMPLETED", { updated_at: "2026-04-16T23:14:25.902Z" }))).toEqual(new Date("2026-04-16T23:14:25.902Z"));
    expect(at(payment("COMPLETED", { updated_at: "yesterday" }))).toEqual(new Date("2026-04-16T23:14:26.129Z"));
    expect(at({ ...payment("COMPLETED"), created_at: null })).toBeNull();
  });

  it("is whose it is, most specific first, and nothing of it is learned", () => {
    const [{ references }] = read(payment("COMPLETED", { order_id: "o1", location_id: "L1", customer_id: "c1" }));
    expect(references).toEqual([
      { kind: "payment", value: "p1" },
      { kind: "order", value: "o1" },
      { kind: "location", value: "L1" },
      { kind: "merchant", value: "M1" },
    ]);
    expect(read({ ...payment("COMPLETED"), merchant_id: "" })[0].references).toEqual([{ kind: "payment", value: "p1" }]);
  });

  it("is searchable by what people know of it", () => {
    const [{ searchable }] = read(
      payment("COMPLETED", {
        order_id: "o1",
        receipt_number: "R1",
        reference_id: "till-7",
        buyer_email_address: "a@example.com",
      }),
    );
    expect(searchable).toEqual(["o1", "R1", "till-7", "a@example.com"]);
  });
});

describe("the sandbox", () => {
  it.each([
    ["Sandbox", true],
    ["sandbox", true],
    ["Production", undefined],
  ])("is known by its header: %s", (environment, test) => {
    expect(read(payment("COMPLETED"), { "square-environment": environment })[0].test).toBe(test);
    expect(read(payment("COMPLETED"))[0].test).toBeUndefined();
  });
});

const whole = { created_at: "2026-02-20T09:00:00.421Z", updated_at: "2026-02-21T09:00:00Z" };
const customer = (type: string, profile: object | undefined, more: object = {}) => envelope(type, { customer: profile, ...more });

describe("a customer", () => {
  it("is created when its profile says so", () => {
    expect(read(customer("customer.created", { ...whole, given_name: "Amelia", phone_number: "+1" }))).toEqual([
      {
        key: "e1:0",
        occurredAt: new Date("2026-02-20T09:00:00.421Z"),
        references: [
          { kind: "customer", value: "subject" },
          { kind: "merchant", value: "M1" },
        ],
        provider_data: { event: "customer.created", merchant_id: "M1" },
        type: "contact.created",
        data: { contact_id: "subject", email: null, phone: "+1", source: "webhook" },
        state: {
          ...{ kind: "contact", id: "subject" },
          fields: { email: null, phone: "+1", first_name: "Amelia", last_name: null, company_name: null },
        },
        searchable: [null, "+1"],
      },
    ]);
  });

  it("is updated at the time of its profile, of which a whole one tells what is empty", () => {
    const [update] = read(customer("customer.updated", { ...whole, email_address: "a@example.com", family_name: "" }));
    expect(update).toMatchObject({ type: "contact.updated", occurredAt: new Date("2026-02-21T09:00:00Z") });
    expect(update.state.fields).toEqual({
      ...{ email: "a@example.com", phone: null, first_name: null, last_name: null, company_name: null },
    });
  });

  it("of which only a part comes has not lost the rest", () => {
    const [update] = read(customer("customer.updated", { phone_number: null, company_name: "Acme" }));
    expect(update.state.fields).toEqual({ phone: null, company_name: "Acme" });
    expect(update.occurredAt).toEqual(new Date("2026-04-16T23:14:26.129Z"));
  });

  it.each(["customer.created", "customer.updated"])("without a profile cannot be read (%s)", (type) => {
    expect(read(customer(type, undefined))).toEqual([{ failed: "unreadable_item" }]);
  });

  it.each(["customer.created", "customer.updated", "customer.deleted"])("without an id cannot be told (%s)", (type) => {
    expect(read({ ...customer(type, whole), data: { object: { customer: whole } } })).toEqual([{ failed: "no_customer_id" }]);
  });

  it("is deleted, with nothing newer than that", () => {
    const gone = { contact_id: "subject", deletion_reason: "deleted" };
    const left = { kind: "contact", id: "subject", fields: null };
    expect(read(customer("customer.deleted", whole))).toMatchObject([
      { type: "contact.deleted", key: "e1:0", data: gone, state: left, occurredAt: new Date("2026-04-16T23:14:26.129Z") },
    ]);
    const ahead = { ...whole, updated_at: "2026-04-16T23:14:27Z" };
    expect(read(customer("customer.deleted", ahead))[0].occurredAt).toEqual(new Date("2026-04-16T23:14:27Z"));
    expect(read(customer("customer.deleted", undefined))).toMatchObject([{ type: "contact.deleted", data: gone }]);
  });
});

describe("a merge", () => {
  const merge = (subject: string, given: object) =>
    read({
      ...envelope("customer.deleted", {}),
      event_id: `of-${subject}`,
      data: { id: subject, object: { customer: whole, event_context: { merge: given } } },
    });

  it("is the same events by each of its callbacks", () => {
    const given = { from_customer_ids: ["a", "b"], to_customer_id: "c" };
    const [ofA, ofB] = [merge("a", given), merge("b", given)];
    expect(ofA.map(({ type, data, key }) => [type, data.merged_id, data.surviving_id, key])).toEqual([
      ["contact.merged", "a", "c", "merged:a:c"],
      ["contact.merged", "b", "c", "merged:b:c"],
    ]);
    expect(ofB.map(({ key }) => key).sort()).toEqual(ofA.map(({ key }) => key).sort());
    expect(ofA.map(({ state }) => state)).toEqual([
      { kind: "contact", id: "a", fields: null },
      { kind: "contact", id: "b", fields: null },
    ]);
  });

  it.each([null, undefined, [], "x", [null]])(
    "that does not name all, %j, takes the one that is deleted",
    (from_customer_ids) => {
      expect(merge("a", { from_customer_ids, to_customer_id: "c" }).map(({ data }) => data.merged_id)).toEqual(["a"]);
    },
  );

  it("that does not tell into what is a deletion", () => {
    expect(merge("a", { from_customer_ids: ["a", "b"] })).toMatchObject([
      { type: "contact.deleted", key: "of-a:0", data: { contact_id: "a", deletion_reason: "merged" } },
    ]);
  });

  it("never takes what it keeps", () => {
    expect(merge("a", { from_customer_ids: ["a", "c"], to_customer_id: "c" }).map(({ data }) => data.merged_id)).toEqual(["a"]);
    expect(merge("c", { from_customer_ids: ["c"], to_customer_id: "c" })).toEqual([{ failed: "merged_into_itself" }]);
  });

  it("that made a customer creates it", () => {
    const event_context = { merge: { from_customer_ids: ["a", "b"], to_customer_id: "subject" } };
    expect(read(customer("customer.created", whole, { event_context }))).toMatchObject([
      { type: "contact.created", data: { contact_id: "subject" } },
    ]);
  });
});

describe("an event", () => {
  it.each([
    ...["refund.updated", "invoice.payment_made", "catalog.version.updated", "customer.custom_attribute.owned.updated"],
    ...["order.custom_attribute_definition.visible.created", "terminal.checkout.updated", "team_member.wage_setting.updated"],
  ])("of another family, %s, is known and not told", (type) => {
    expect(read(envelope(type, {}))).toEqual([{ ignored: "event_not_told" }]);
  });

  it("by which a seller leaves is named", () => {
    expect(read(envelope("oauth.authorization.revoked", {}))).toEqual([{ ignored: "authorization_revoked" }]);
  });

  it.each(["seance.held", "customer.teleported", "order.teleported", "payments.updated", "refund", "constructor", "__proto__"])(
    "that nobody knows, %s, is an unknown word",
    (type) => {
      expect(read(envelope(type, {}))).toEqual([{ ignored: "unknown_word", word: type }]);
    },
  );

  it("without an id of its own is not told", () => {
    expect(read({ ...payment("COMPLETED"), event_id: "" })).toEqual([{ failed: "no_event_id" }]);
  });

  it.each([null, undefined, "x", {}, { id: "p1" }, { id: "p1", object: null }, { id: "p1", object: [] }])(
    "without its object, %j, fails",
    (data) => {
      expect(read({ ...payment("COMPLETED"), data })).toEqual([{ failed: "unreadable_item" }]);
    },
  );
});
