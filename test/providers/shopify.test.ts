import { createHmac, createSecretKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import shopify from "../../providers/shopify/shopify.ts";
import { translate } from "../../src/inbound/translate.ts";
import { fixtures } from "../support/fixtures.ts";

const samples = new Map(fixtures("shopify").map((fixture) => [fixture.name, fixture]));
const receivedAt = new Date("2026-07-12T12:00:00Z");

function sample(name: string) {
  const fixture = samples.get(name);
  if (!fixture) throw new Error(`no fixture ${name}`);
  return fixture;
}

/** The one outcome of a body under a topic. */
function read(topic: string | undefined, body: Uint8Array | string | object, headers: Record<string, string> = {}) {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const { items, failed } = translate(shopify as never, {
    body: bytes,
    headers: { ...(topic !== undefined && { "x-shopify-topic": topic }), ...headers },
    receivedAt,
  });
  expect(failed).toBeUndefined();
  expect(items).toHaveLength(1);
  return items[0] as any;
}

/** A fixture's body with some of its members changed; long ids stay as they are. */
function changed(name: string, changes: Record<string, unknown>) {
  let source = sample(name).body.toString();
  for (const [key, value] of Object.entries(changes)) {
    const member = new RegExp(`"${key}":("(?:[^"\\\\]|\\\\.)*"|[^,{}[\\]]+|\\[[^\\]]*\\])`);
    if (!member.test(source)) throw new Error(`${name} has no simple member ${key}`);
    source = source.replace(member, () => `"${key}":${JSON.stringify(value)}`);
  }
  return source;
}

describe("the signature", () => {
  const body = sample("event-failure").body;
  const key = shopify.verify.signs ? shopify.verify.key("shopify-test-client-secret") : createSecretKey(Buffer.alloc(1));
  // A known answer: `openssl dgst -sha256 -hmac <secret> -binary | base64` over the body of this fixture.
  const signature = "MNy5AgMK+unkmBiIfWzZc9RrKybj7MzAdjfP2QvPseA=";
  const url = "https://gateway.example/callbacks/shopify";
  const verify = (body: Uint8Array, headers: Record<string, string>) =>
    shopify.verify.signs ? shopify.verify.verify(key, { body, headers, url }, receivedAt.getTime()) : "unsigned";

  it("is right for a known answer", () => {
    expect(verify(body, { "x-shopify-hmac-sha256": signature })).toBe("ok");
  });

  it("is right in the headers of the Events preview", () => {
    expect(verify(body, { "shopify-hmac-sha256": signature })).toBe("ok");
    expect(verify(body, { "shopify-hmac-sha256": `A${signature.slice(1)}` })).toBe("signature_mismatch");
  });

  it("is judged by the established header where both are there", () => {
    const headers = { "x-shopify-hmac-sha256": `A${signature.slice(1)}`, "shopify-hmac-sha256": signature };
    expect(verify(body, headers)).toBe("signature_mismatch");
  });

  it("breaks when the body is serialised anew", () => {
    const again = Buffer.from(JSON.stringify(JSON.parse(body.toString())));
    expect(again.equals(body)).toBe(false);
    expect(verify(again, { "x-shopify-hmac-sha256": signature })).toBe("signature_mismatch");
  });

  it.each([
    ["hex", Buffer.from(signature, "base64").toString("hex")],
    ["base64url", signature.replaceAll("+", "-").replaceAll("/", "_")],
    ["without padding", signature.replace("=", "")],
    ["cut short", signature.slice(0, 8)],
    ["twice", `${signature}, ${signature}`],
  ])("is refused as %s", (_how, given) => {
    expect(verify(body, { "x-shopify-hmac-sha256": given })).toBe("signature_mismatch");
  });

  it.each(["x-shopify-hmac-sha256", "shopify-hmac-sha256"])("of an empty body is refused, right as it is (%s)", (header) => {
    const empty = createHmac("sha256", "shopify-test-client-secret").update("").digest("base64");
    expect(verify(Buffer.alloc(0), { [header]: empty })).toBe("signature_missing");
  });

  it("is missing without its header", () => {
    expect(verify(body, {})).toBe("signature_missing");
  });

  it("is never shown, in either dialect", () => {
    expect(shopify.verify.hides).toEqual(["x-shopify-hmac-sha256", "shopify-hmac-sha256"]);
  });
});

describe("the topic", () => {
  it.each(["customer.tags_added", "customer/tags_added", "customer_tags_added", "CUSTOMER_TAGS_ADDED", " Customer.Tags_Added "])(
    "%j is known in every spelling",
    (topic) => {
      expect(read(topic, sample("tags-added").body)).toMatchObject({ type: "contact.updated" });
    },
  );

  it.each(["customers_email_marketing_consent/update", "customers/email_marketing_consent_update"])("%s is one", (topic) => {
    expect(read(topic, sample("consent-email").body)).toMatchObject({ type: "contact.updated" });
  });

  it.each([
    "teleports/create",
    "orders/teleported",
    "customers/teleported",
    "constructor",
    "__proto__",
    "toString",
    "shops/update",
  ])("%s is an unknown word", (topic) => {
    expect(read(topic, {})).toEqual({ ignored: "unknown_word", word: topic });
  });

  it.each([
    "orders/updated",
    "orders/paid",
    "refunds/create",
    "checkouts/update",
    "carts/create",
    "draft_orders/delete",
    "shop/update",
  ])("%s is known and tells nothing", (topic) => {
    expect(read(topic, sample("order-created").body)).toEqual({ ignored: "topic_not_told" });
  });

  it("missing is a failure, and of the Events preview ignored", () => {
    expect(read(undefined, sample("customer-deleted").body)).toEqual({ failed: "topic_missing" });
    const preview = { "shopify-topic": "Customer", "shopify-action": "delete" };
    expect(read(undefined, sample("customer-deleted").body, preview)).toEqual({ ignored: "events_preview" });
  });
});

describe("a topic that is not the body's own", () => {
  const topics = [
    ...["fulfillment_events/create", "fulfillments/create", "fulfillments/update"],
    ...["orders/create", "orders/cancelled", "orders/fulfilled"],
    ...["customers/create", "customers/update", "customers/enable", "customers/disable", "customers/delete", "customers/merge"],
    ...["customers/redact", "customers/data_request", "customer.tags_added", "customer.tags_removed", "shop/redact"],
    ...["customers_marketing_consent/update", "customers_email_marketing_consent/update"],
    "customers_whats_app_marketing_consent/update",
  ];

  function meaning(outcome: any): string | null {
    const { type, channel, status, data, state } = outcome;
    if (channel === "commerce") return `order ${data.message_id} ${status === "failed" ? "cancelled" : "placed"}`;
    if (channel) return `${channel} ${data.message_id} ${status}`;
    if (type === "contact.created" || (type === "contact.updated" && state)) return `contact ${data.contact_id} is there`;
    if (type === "contact.updated") return `contact ${data.contact_id} ${Object.keys(data.changes)}`;
    if (type === "contact.deleted") return `contact ${data.contact_id} ${data.deletion_reason}`;
    return type ? `${type} ${data.surviving_id} ${data.merged_id}` : null;
  }

  /** What a body may mean whose fixture shows it under a topic that tells nothing. */
  const quiet: Record<string, string> = {
    "event-withdrawn": "shipping 5023478841612 sent",
    "order-updated": "order 820982911946154508 placed",
    "order-fulfilled-shipped": "order 820982911946154508 placed",
    "topic-mismatch": "order 820982911946154508 cancelled",
  };

  it.each([...samples.values()])("never gives $name another meaning", (fixture) => {
    const own = meaning(read(fixture.headers["x-shopify-topic"], fixture.body)) ?? quiet[fixture.name] ?? null;
    for (const topic of topics) {
      const outcome = read(topic, fixture.body);
      const told = meaning(outcome);
      if (told !== null) expect(`${topic}: ${told}`).toBe(`${topic}: ${own}`);
      else expect(outcome.failed ?? outcome.ignored).toMatch(/^[a-z_]+$/);
    }
  });

  it.each([
    [
      "an order",
      "order-created",
      ["customers/create", "customers/update", "customers/delete", "fulfillments/create", "orders/cancelled"],
    ],
    ["a cancelled order", "order-cancelled", ["orders/create", "orders/fulfilled", "customers/delete", "customers/redact"]],
    [
      "a customer",
      "customer-updated",
      ["customers/delete", "customers/redact", "customers/merge", "orders/create", "shop/redact"],
    ],
    ["a deleted customer", "customer-deleted", ["customers/create", "customers/update", "customers/enable", "customers/redact"]],
    ["a merge", "customer-merged", ["customers/delete", "customers/update", "customer.tags_added"]],
    ["an event", "event-delivered", ["fulfillments/create", "fulfillments/update", "orders/fulfilled"]],
    ["a fulfilment", "fulfillment-created", ["fulfillment_events/create", "orders/create", "customers/update"]],
    ["a data request", "customer-data-request", ["customers/redact", "shop/redact", "customers/delete"]],
    ["a redaction", "customer-redacted", ["customers/data_request", "shop/redact", "customers/delete"]],
    ["tags", "tags-added", ["customers/delete", "customers/update", "customers/merge"]],
    ["an SMS consent", "consent-sms", ["customers/delete", "customers/update", "customers_email_marketing_consent/update"]],
  ])("refuses %s", (_what, name, topics) => {
    for (const topic of topics) expect([topic, read(topic, sample(name).body)]).toEqual([topic, { failed: "topic_mismatch" }]);
  });

  it.each([
    ["a deleted order or product", "customers/delete", { id: 820982911 }],
    ["a shop", "customers/update", { id: 548380009, email: "a@shop.example", phone: "1", updated_at: "2026-07-10T10:00:00Z" }],
    [
      "a draft order",
      "orders/create",
      { id: 1, email: "a@b.example", line_items: [], admin_graphql_api_id: "gid://shopify/DraftOrder/1" },
    ],
    [
      "a checkout",
      "orders/create",
      { id: 1, email: "a@b.example", line_items: [], token: "t", created_at: "2026-07-10T10:00:00Z" },
    ],
    ["a refund", "fulfillments/create", { id: 1, order_id: 2, status: "success", refund_line_items: [] }],
    [
      "a company's location",
      "customers/delete",
      { id: 1, tax_exemptions: [], admin_graphql_api_id: "gid://shopify/CompanyLocation/1" },
    ],
    [
      "a customer's spending",
      "customer.tags_added",
      { customerId: "gid://shopify/Customer/1", occurredAt: "2026-07-10T10:00:00Z" },
    ],
    ["a segment", "customers_email_marketing_consent/update", { customer_id: "gid://shopify/Customer/2", segment_id: "x" }],
    ["a request for data, cut", "customers/redact", { shop_domain: "a", customer: { id: 1 }, data_request: { id: 1 } }],
    ["a request for orders", "customers/redact", { shop_domain: "a", customer: { id: 1 }, orders_requested: [] }],
    ["an event with a service", "fulfillments/create", { id: 1, fulfillment_id: 2, service: null, status: "success" }],
    ["nothing at all", "customers/update", {}],
  ])("refuses %s", (_what, topic, body) => {
    expect(read(topic, body)).toEqual({ failed: "topic_mismatch" });
  });

  it.each(["created_at", "updated_at", "email", "first_name", "last_name"])(
    "refuses to delete a customer that has %s",
    (member) => {
      const left = { id: 1, admin_graphql_api_id: "gid://shopify/Customer/1" };
      expect(read("customers/delete", { ...left, [member]: null })).toMatchObject({ type: "contact.deleted" });
      expect(read("customers/delete", { ...left, [member]: "2026-07-10T10:00:00Z" })).toEqual({ failed: "topic_mismatch" });
    },
  );

  it("refuses a gid of another type or number, or of none", () => {
    const body = (gid: unknown) => changed("order-created", { admin_graphql_api_id: gid });
    expect(read("orders/create", body("gid://shopify/Order/820982911946154508"))).toMatchObject({ status: "sent" });
    for (const gid of ["gid://shopify/Order/820982911946154509", "gid://shopify/DraftOrder/820982911946154508", "x", 7])
      expect(read("orders/create", body(gid))).toEqual({ failed: "topic_mismatch" });
  });

  it("makes no second event of a body that was resent under a sibling", () => {
    const key = (topic: string, name: string) => read(topic, sample(name).body).key;
    expect(key("customers/create", "customer-updated")).toBe(key("customers/create", "customer-created"));
    expect(key("orders/create", "order-fulfilled-digital")).toBe(key("orders/create", "order-created"));
    expect(key("fulfillments/update", "fulfillment-created")).toBe(key("fulfillments/create", "fulfillment-created"));
    expect(key("FULFILLMENT_EVENTS_CREATE", "event-delivered")).toBe(key("fulfillment_events/create", "event-delivered"));
    expect(key("customers/disable", "customer-updated")).toBe(key("customers/update", "customer-updated"));
  });
});

describe("a parcel", () => {
  it.each([
    ["label_purchased", "not_handed_over"],
    ["label_printed", "not_handed_over"],
    ["confirmed", "not_handed_over"],
    ["delayed", "not_final"],
    ["attempted_delivery", "not_final"],
  ])("that is %s is no event", (status, reason) => {
    expect(read("fulfillment_events/create", changed("event-in-transit", { status }))).toEqual({ ignored: reason });
    expect(read("fulfillments/update", changed("fulfillment-created", { shipment_status: status }))).toEqual({ ignored: reason });
  });

  it.each([
    ["carrier_picked_up", "sent"],
    ["in_transit", "sent"],
    ["out_for_delivery", "sent"],
    ["ready_for_pickup", "sent"],
    ["delivered", "delivered"],
    ["picked_up", "delivered"],
    ["failure", "failed"],
  ])("that is %s is %s, told by an event or by its fulfilment", (word, status) => {
    const expected = { channel: "shipping", status, data: { message_id: "5023478841612" }, provider_data: { status: word } };
    expect(read("fulfillment_events/create", changed("event-in-transit", { status: word }))).toMatchObject(expected);
    expect(read("fulfillments/update", changed("fulfillment-created", { shipment_status: word }))).toMatchObject(expected);
  });

  it.each([
    ["cancelled", "failed"],
    ["error", "failed"],
    ["failure", "failed"],
  ])("whose fulfilment is %s has %s, however far it came", (word, status) => {
    const body = changed("fulfillment-created", { status: word, shipment_status: "in_transit" });
    expect(read("fulfillments/update", body)).toMatchObject({ status, data: { error_code: word, error_reason: null } });
  });

  it.each(["pending", "open"])("whose fulfilment is %s is no event", (status) => {
    expect(read("fulfillments/update", changed("fulfillment-created", { status }))).toEqual({ ignored: "not_handed_over" });
  });

  it.each(["DELIVERED", "constructor", ""])("with the new word %j is ignored and counted", (word) => {
    const unknown = { ignored: "unknown_word", word };
    expect(read("fulfillment_events/create", changed("event-in-transit", { status: word }))).toEqual(unknown);
    expect(read("fulfillments/update", changed("fulfillment-created", { status: word }))).toEqual(unknown);
  });

  it("keeps every digit of ids beyond 2^53", () => {
    const event = read("fulfillment_events/create", sample("event-in-transit").body);
    expect(event.provider_data.order_id).toBe("820982911946154508");
    expect(event.references).toContainEqual({ kind: "order", value: "820982911946154508" });
  });

  it("is known without its gid", () => {
    const body = sample("fulfillment-created")
      .body.toString()
      .replace(/,"admin_graphql_api_id":"[^"]*"/, "");
    expect(body).not.toContain("gid");
    expect(read("fulfillments/create", body)).toMatchObject({ status: "sent", data: { message_id: "5023478841612" } });
  });
});

describe("an order", () => {
  it("that was cancelled names its reason and its buyer, with every digit", () => {
    expect(read("orders/cancelled", sample("order-cancelled").body).data).toEqual({
      message_id: "820982911946154508",
      contact_id: "115310627314723954",
      error_code: "cancelled",
      error_reason: "customer",
    });
  });

  it.each([
    ["every line needs no shipping", [{ requires_shipping: false }, { requires_shipping: false }], "delivered"],
    ["one line is shipped", [{ requires_shipping: false }, { requires_shipping: true }], undefined],
    ["a line does not say", [{ requires_shipping: false }, {}], undefined],
    ["a line is broken", [{ requires_shipping: false }, null], undefined],
    ["there are no lines", [], undefined],
    ["the lines are cut", null, undefined],
  ])("that is fulfilled is delivered only if it needs no shipping: %s", (_when, line_items, status) => {
    const body = { id: 1, order_number: 1, fulfillment_status: "fulfilled", line_items };
    const outcome = read("orders/fulfilled", body);
    expect(outcome.status).toBe(status);
    if (!status) expect(outcome).toEqual({ ignored: "shipped_not_delivered" });
  });

  it("that is not fulfilled is none of that topic", () => {
    const body = { id: 1, order_number: 1, fulfillment_status: "partial", line_items: [{ requires_shipping: false }] };
    expect(read("orders/fulfilled", body)).toEqual({ failed: "topic_mismatch" });
  });

  it("of the test mode says so, and only that", () => {
    expect(read("orders/create", { id: 1, order_number: 1, test: true }).test).toBe(true);
    for (const test of [false, null, "true", 1])
      expect(read("orders/create", { id: 1, order_number: 1, test })).not.toHaveProperty("test");
  });

  it("of Shopify's test notification is ignored under every topic of orders", () => {
    for (const topic of ["orders/create", "orders/cancelled", "orders/fulfilled"])
      expect(read(topic, sample("order-created-sample").body)).toEqual({ ignored: "sample_order" });
  });

  it("is never placed by what its buyer wrote", () => {
    const body = {
      ...{ id: 1, order_number: 1, metadata: { workspace_id: "7b0f3c52-6f5e-4b1c-9d0e-0f6a2f9d1c11" } },
      note: "7b0f3c52-6f5e-4b1c-9d0e-0f6a2f9d1c11",
      note_attributes: [{ name: "homing_workspace_id", value: "7b0f3c52-6f5e-4b1c-9d0e-0f6a2f9d1c11" }],
    };
    expect(JSON.stringify(read("orders/create", body))).not.toContain("7b0f3c52");
  });
});

describe("a contact", () => {
  it("says of its state only what the body carries", () => {
    expect(read("customers/update", sample("customer-updated-minimal").body).state.fields).toStrictEqual({ first_name: "Bob" });
    const emptied = changed("customer-updated", { email: null, phone: "", last_name: 7 });
    expect(read("customers/update", emptied).state.fields).toMatchObject({ email: null, phone: null, last_name: "7" });
  });

  it("told twice in one second is told twice if it differs", () => {
    const once = read("customers/update", changed("customer-updated", { state: "invited" }));
    const twice = read("customers/update", changed("customer-updated", { state: "enabled" }));
    expect(once.occurredAt).toEqual(twice.occurredAt);
    expect(once.key).not.toBe(twice.key);
  });

  it("without a time of its update is not guessed at", () => {
    for (const updated_at of [null, "", "yesterday", 5])
      expect(read("customers/update", changed("customer-updated", { updated_at }))).toEqual({ failed: "topic_mismatch" });
  });

  it("is gone after deletion, redaction and, the lost one, merging", () => {
    const gone = (topic: string, name: string) => read(topic, sample(name).body).state;
    expect(gone("customers/delete", "customer-deleted")).toEqual({ kind: "contact", id: "706405506930370084", fields: null });
    expect(gone("customers/redact", "customer-redacted")).toEqual({ kind: "contact", id: "191167", fields: null });
    expect(gone("customers/merge", "customer-merged")).toEqual({ kind: "contact", id: "706405506930370099", fields: null });
  });

  it("that is deleted and later redacted makes two events", () => {
    const deleted = read("customers/delete", { id: 191167, admin_graphql_api_id: "gid://shopify/Customer/191167" });
    const redacted = read("customers/redact", sample("customer-redacted").body);
    expect(deleted.data.contact_id).toBe(redacted.data.contact_id);
    expect(deleted.key).not.toBe(redacted.key);
  });

  it.each(["failed", "in_progress", "pending", "requested"])("is not merged while the merge is %s", (status) => {
    expect(read("customers/merge", changed("customer-merged", { status }))).toEqual({
      ignored: "merge_not_completed",
      word: status,
    });
  });

  it("is not merged by a word that nobody knows", () => {
    const body = changed("customer-merged", { status: "succeeded" });
    expect(read("customers/merge", body)).toEqual({ ignored: "unknown_word", word: "succeeded" });
  });

  it("whose tags changed is told without the direction, for which nothing vouches", () => {
    const [added, removed] = ["customer.tags_added", "customer.tags_removed"].map((topic) =>
      read(topic, sample("tags-added").body),
    );
    expect(added.data).toEqual(removed.data);
    expect(added.key).toBe(removed.key);
  });

  it("whose consent is not told has no event", () => {
    const body = { id: 1, phone: null, sms_marketing_consent: { state: null, consent_updated_at: null } };
    expect(read("customers_marketing_consent/update", body)).toEqual({ ignored: "consent_without_state" });
  });
});

describe("the headers beside it", () => {
  it("tell the shop, to object and never to place, on every draft", () => {
    for (const { name, headers, body } of samples.values()) {
      const outcome = read(headers["x-shopify-topic"], body, { "x-shopify-shop-domain": " Other.MyShopify.com" });
      if (!("key" in outcome)) continue;
      const expected = { kind: "shop", value: "other.myshopify.com", unsigned: true, learn: "forever" };
      expect([name, outcome.references.at(-1)]).toEqual([name, expected]);
    }
  });

  it("repeat nothing of the signed shop of a redaction, which alone may place it", () => {
    const domain = { "x-shopify-shop-domain": "snowdevil.myshopify.com" };
    const body = changed("customer-redacted", { shop_domain: "SnowDevil.myshopify.com" });
    expect(read("customers/redact", body, domain).references).toEqual([{ kind: "shop", value: "snowdevil.myshopify.com" }]);
  });

  it("teach no reference but the shop", () => {
    for (const { headers, body } of samples.values())
      for (const reference of read(headers["x-shopify-topic"], body).references ?? [])
        expect(reference).toEqual({ kind: reference.kind, value: reference.value });
  });

  it("are in no key, and tell a time only where the body does not", () => {
    for (const { headers, body } of samples.values()) {
      const [early, late] = ["2026-01-01T00:00:00.000000Z", "2026-02-02T00:00:00.000000Z"].map((at) =>
        read(headers["x-shopify-topic"], body, {
          "x-shopify-triggered-at": at,
          "x-shopify-webhook-id": at,
          "x-shopify-event-id": at,
        }),
      );
      expect(early.key).toBe(late.key);
    }
    const at = { "x-shopify-triggered-at": "2026-01-01T00:00:00.123456Z" };
    expect(read("customers/delete", sample("customer-deleted").body, at).occurredAt).toEqual(
      new Date("2026-01-01T00:00:00.123Z"),
    );
    expect(read("fulfillment_events/create", sample("event-delivered").body, at).occurredAt).toEqual(
      new Date("2026-07-12T09:32:11Z"),
    );
    expect(read("customers/delete", sample("customer-deleted").body).occurredAt).toBeNull();
  });
});

describe("odd bodies", () => {
  it.each([
    "event-in-transit",
    "fulfillment-created",
    "order-created",
    "order-cancelled",
    "customer-created",
    "customer-redacted",
  ])("%s keeps its meaning when what is not essential is missing, null or of a wrong type", (name) => {
    const { headers, body } = sample(name);
    const source = JSON.parse(body.toString().replaceAll(/:(\d{16,})/g, ':"$1"'));
    // `test: true` would make the fixture's order Shopify's sample; without the others there is no event.
    const essential = ["id", "admin_graphql_api_id", "status", "fulfillment_id", "shop_domain", "customer", "test"];
    const needed = [...essential, "cancelled_at", "updated_at"];
    const meaning = ({ type, channel, status, data }: ReturnType<typeof read>) => [type, channel, status, data?.message_id];
    const own = meaning(read(headers["x-shopify-topic"], source));
    for (const member of Object.keys(source).filter((member) => !needed.includes(member)))
      for (const value of [undefined, null, {}, [[]], "", true]) {
        const outcome = meaning(read(headers["x-shopify-topic"], { ...source, [member]: value }));
        expect([member, value, ...outcome]).toEqual([member, value, ...own]);
      }
  });

  it("cannot reach what every object inherits", () => {
    const body = '{"__proto__":{"id":1,"order_number":1},"constructor":{"id":2}}';
    expect(read("orders/create", body)).toEqual({ failed: "topic_mismatch" });
    expect(
      read("customers/update", '{"id":{"toString":1,"valueOf":1},"admin_graphql_api_id":"gid://shopify/Customer/1"}'),
    ).toEqual({
      failed: "topic_mismatch",
    });
  });

  it.each(["[]", "null", "1", '"x"', "<html>"])("%s is unreadable", (source) => {
    const headers = { "x-shopify-topic": "orders/create" };
    expect(translate(shopify as never, { body: Buffer.from(source), headers, receivedAt })).toEqual({
      items: [],
      failed: "unreadable",
    });
  });
});
