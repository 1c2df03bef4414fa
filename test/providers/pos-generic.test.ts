import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import generic from "../../providers/pos/generic.ts";
import { translate } from "../../src/inbound/translate.ts";
import type { AnyProvider } from "../../src/provider/define.ts";
import type { Signing } from "../../src/provider/signatures.ts";
import { fixtures, signersOf } from "../support/fixtures.ts";

const receivedAt = new Date("2026-07-20T13:15:30Z");

/** Every outcome of a callback, or why it could not be read. */
function read(body: Record<string, unknown>, id = String(body.event_id)): any[] | string {
  const headers = { "webhook-id": id };
  const { items, failed } = translate(generic as AnyProvider, { body: Buffer.from(JSON.stringify(body)), headers, receivedAt });
  return failed ?? items;
}

const base = { version: 1, event_id: "evt_1", occurred_at: "2026-07-20T18:45:10+05:30", store_id: "BLR-04" };
const receipt = (status: unknown, more: object = {}) => ({ ...base, event: "receipt.status", receipt_id: "R1", status, ...more });
const order = (status: unknown, more: object = {}) => ({ ...base, event: "order.status", order_id: "O1", status, ...more });
const customer = (event: string, who: unknown, more: object = {}) => ({ ...base, event, customer: who, ...more });

describe("the signature", () => {
  const all = fixtures("pos").filter(({ adapter }) => adapter === "pos/generic");

  it("is right for a known answer", () => {
    const verify = generic.verify as Signing;
    const body = all.find(({ name }) => name === "generic-receipt-delivered")?.body ?? Buffer.alloc(0);
    const headers = {
      "webhook-id": "evt_01J8ZK2M9Q",
      "webhook-timestamp": "1784553312",
      "webhook-signature": "v1,7nvxJ7/iBV/1sAq6nRKLdd/9fem4Tf/vc4YhOP7ZUD8=",
    };
    const key = verify.key("whsec_Z2VuZXJpYy1wb3MtdGVzdC1zaWduaW5nLWtleS0zMmIh");
    expect(verify.verify(key, { body, headers, url: "" }, 1784553312_000)).toBe("ok");
  });

  it("of every fixture is right by the library of Standard Webhooks", async () => {
    const { fixtureSigner } = await signersOf("pos/generic");
    for (const { body, headers, name, now } of all) {
      const { "webhook-id": id = "", "webhook-signature": given } = headers;
      expect([name, new Webhook(fixtureSigner.secret).sign(id, now, body.toString())]).toEqual([name, given]);
    }
  });
});

describe("a status", () => {
  const both = [
    ["accepted", "sent"],
    ["preparing", "sent"],
    ["ready", "sent"],
    ["dispatched", "sent"],
    ["sent", "sent"],
    ["delivered", "delivered"],
    ["completed", "delivered"],
    ["failed", "failed"],
    ["cancelled", "failed"],
  ];
  it.each(both)("%s of an order is %s", (word, status) => {
    expect(read(order(word))).toMatchObject([
      { channel: "pos", status, data: { message_id: "O1" }, provider_data: { status: word } },
    ]);
  });

  it.each([
    ...both,
    ["bounced", "failed"],
    ["opened", "opened"],
    ["clicked", "clicked"],
    ["replied", "replied"],
    ["read", "read"],
  ])("%s of a receipt is %s", (word, status) => {
    expect(read(receipt(word))).toMatchObject([{ channel: "pos", status, data: { message_id: "R1" } }]);
  });

  it.each(["bounced", "opened", "clicked", "replied", "read", "laminated", "constructor"])("%s is none of an order", (word) => {
    expect(read(order(word))).toEqual([{ ignored: "unknown_word", word }]);
  });

  it("that failed tells why", () => {
    expect(read(receipt("bounced", { reason: "mailbox unknown" }))).toMatchObject([
      { data: { error_code: "bounced", error_reason: "mailbox unknown" } },
    ]);
    expect(read(order("cancelled"))).toMatchObject([{ data: { error_code: "cancelled", error_reason: null } }]);
  });

  it("of an order is the order's, whatever receipt it has", () => {
    expect(read(order("ready", { receipt_id: "R1" }))).toMatchObject([{ data: { message_id: "O1" } }]);
  });

  it("carries the contact, the time, what may be looked for, and no reference", () => {
    const [item] = read(receipt("delivered", { order_id: "O1", customer: { id: 7, phone: "+91", email: "" } })) as any[];
    expect(item).toMatchObject({
      key: '["BLR-04","evt_1"]',
      occurredAt: new Date("2026-07-20T13:15:10Z"),
      data: { message_id: "R1", contact_id: "7" },
      provider_data: { status: "delivered", event: "receipt.status", store_id: "BLR-04", receipt_id: "R1", order_id: "O1" },
      searchable: [null, "+91", "R1", "O1"],
    });
    expect(item.references).toBeUndefined();
    expect(item.metadata).toBeUndefined();
  });

  it("carries the metadata that its sender echoes", () => {
    const metadata = { homing_workspace_id: "x", message_id: "m" };
    expect(read(receipt("delivered", { metadata }))).toMatchObject([{ metadata: [{ where: "metadata", fields: metadata }] }]);
  });
});

describe("the natural key", () => {
  it("keeps stores apart that share a secret and number their events alike", () => {
    const keys = ["BLR-04", "BLR-05", null, undefined].map((store_id) => (read(receipt("sent", { store_id })) as any[])[0].key);
    expect(new Set(keys).size).toBe(3);
  });
});

describe("what is required", () => {
  it.each([
    ["a version", { ...receipt("sent"), version: undefined }],
    ["version 1", { ...receipt("sent"), version: 2 }],
    ["version 1 as a number", { ...receipt("sent"), version: "1" }],
    ["an event", { ...receipt("sent"), event: undefined }],
    ["an event that is no empty text", { ...receipt("sent"), event: "" }],
    ["an event_id", { ...receipt("sent"), event_id: undefined }],
    ["an event_id of 128 characters at most", { ...receipt("sent"), event_id: "e".repeat(129) }],
    ["a time", { ...receipt("sent"), occurred_at: undefined }],
    ["a time as text", { ...receipt("sent"), occurred_at: 1784553310 }],
    ["at least one merged id", customer("customer.merged", { id: "C1" }, { merged_customer_ids: [] })],
    ["100 merged ids at most", customer("customer.merged", { id: "C1" }, { merged_customer_ids: Array(101).fill("x") })],
  ])("%s", (_what, body) => {
    expect(read(body)).toBe("unreadable");
  });

  it.each([
    ["a time with its zone", receipt("sent", { occurred_at: "2026-07-20T18:45:10" }), "occurred_at_unreadable"],
    ["a time that there is", receipt("sent", { occurred_at: "2026-02-30T18:45:10Z" }), "occurred_at_unreadable"],
    ["a receipt's id", receipt("sent", { receipt_id: null }), "no_message_id"],
    ["an order's id", order("sent", { order_id: "" }), "no_message_id"],
    ["a status", receipt(undefined), "no_status"],
    ["a customer", customer("customer.created", undefined), "no_customer_id"],
    ["a customer's id", customer("customer.deleted", { email: "a@example.com" }), "no_customer_id"],
    ["merged ids", customer("customer.merged", { id: "C1" }), "no_merged_customer"],
    ["another id to merge", customer("customer.merged", { id: "C1" }, { merged_customer_ids: ["C1"] }), "no_merged_customer"],
  ])("%s, or it fails", (_what, body, reason) => {
    expect(read(body)).toEqual([{ failed: reason }]);
  });

  it("the same id in the header", () => {
    expect(read(receipt("sent"), "evt_2")).toEqual([{ failed: "event_id_mismatch" }]);
  });

  it.each([
    { amount: "12", extra: { a: 1 } },
    { customer: "Asha", store_id: 4, reason: ["x"], metadata: "x" },
    { customer: null, metadata: null, amount: null },
  ])("and nothing of the rest: %j", (more) => {
    expect(read(receipt("sent", more))).toMatchObject([{ status: "sent" }]);
  });

  it.each(["table.booked", "customer.teleported", "receipt", "__proto__"])("an event that is known: %s is not", (event) => {
    expect(read({ ...receipt("sent"), event, customer: { id: "C1" } })).toEqual([{ ignored: "unknown_word", word: event }]);
  });
});

describe("a customer", () => {
  const asha = { id: "C1", email: "asha@example.in", phone: "+91", name: "Asha" };

  it("is created", () => {
    expect(read(customer("customer.created", asha))).toMatchObject([
      {
        type: "contact.created",
        data: { contact_id: "C1", email: "asha@example.in", phone: "+91", source: "webhook" },
        state: { kind: "contact", id: "C1", fields: { email: "asha@example.in", phone: "+91", name: "Asha" } },
      },
    ]);
  });

  it.each([
    [{ id: "C1", email: "new@example.in" }, { email: "new@example.in" }],
    [{ id: "C1", phone: "" }, { phone: null }],
    [
      { id: "C1", phone: null, name: "A" },
      { phone: null, name: "A" },
    ],
    [{ id: "C1" }, {}],
  ])("is updated as far as it is told: %j", (who, fields) => {
    expect(read(customer("customer.updated", who))).toMatchObject([{ type: "contact.updated", state: { id: "C1" } }]);
    expect((read(customer("customer.updated", who)) as any[])[0].state.fields).toEqual(fields);
  });

  it("is deleted, for a reason or without", () => {
    expect(read(customer("customer.deleted", asha, { reason: "asked" }))).toMatchObject([
      { type: "contact.deleted", data: { contact_id: "C1", deletion_reason: "asked" }, state: { id: "C1", fields: null } },
    ]);
    expect(read(customer("customer.deleted", asha))).toMatchObject([{ data: { deletion_reason: "deleted" } }]);
  });

  it("takes others in: an event for each, whatever their order", () => {
    const keys = (merged_customer_ids: unknown[]) =>
      (read(customer("customer.merged", asha, { merged_customer_ids })) as any[]).map(({ key, type, data, state }) => {
        expect([type, data, state]).toEqual([
          "contact.merged",
          { surviving_id: "C1", merged_id: data.merged_id, merge_source: "pos" },
          { kind: "contact", id: data.merged_id, fields: null },
        ]);
        return key;
      });
    expect(keys(["C2", 3, "C2", "C1"])).toEqual(['["BLR-04","evt_1","C2"]', '["BLR-04","evt_1","3"]']);
    expect(keys(["3", "C2"]).sort()).toEqual(keys(["C2", "3"]).sort());
  });
});
