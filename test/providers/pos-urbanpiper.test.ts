import { describe, expect, it } from "vitest";
import urbanpiper from "../../providers/pos/urbanpiper.ts";
import { translate } from "../../src/inbound/translate.ts";
import type { AnyProvider } from "../../src/provider/define.ts";

const receivedAt = new Date("2026-04-11T12:41:10Z");

/** The one outcome of a callback. */
function read(body: object | string, event?: string): any {
  const { items, failed } = translate(urbanpiper as AnyProvider, {
    body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
    headers: event === undefined ? {} : { "x-upr-event-type": event },
    receivedAt,
  });
  expect(failed).toBeUndefined();
  expect(items).toHaveLength(1);
  return items[0];
}

const update = (new_state: unknown, more: object = {}) => ({ order_id: 4013123, store_id: "STORE-17", new_state, ...more });

describe("a state", () => {
  it.each([
    ["Placed", { ignored: "not_accepted" }],
    ["Acknowledged", { status: "sent" }],
    ["Food Ready", { status: "sent" }],
    ["Dispatched", { status: "sent" }],
    ["Completed", { status: "delivered" }],
    ["Cancelled", { status: "failed", data: { message_id: "4013123", error_code: "cancelled", error_reason: null } }],
    ["customer_cancelled", { ignored: "cancellation_requested" }], // a wish, which may be refused
    ["Levitated", { ignored: "unknown_word", word: "Levitated" }],
    ["constructor", { ignored: "unknown_word", word: "constructor" }],
  ])("%s", (state, expected) => {
    expect(read(update(state))).toMatchObject({ ...expected, ...("status" in expected && { channel: "pos" }) });
  });

  it.each(["Food Ready", "food_ready", "FOOD READY", "Food-Ready", " food ready "])("%j is one in every spelling", (state) => {
    expect(read(update(state))).toMatchObject({ status: "sent", key: '["STORE-17","4013123","food_ready"]' });
  });

  it("that is a failure tells why, and no other does", () => {
    expect(read(update("Cancelled", { message: "Rider not available" })).data.error_reason).toBe("Rider not available");
    expect(read(update("Completed", { message: "Thanks" })).data).toEqual({ message_id: "4013123" });
  });
});

describe("the natural key", () => {
  it.each([
    ["store", { store_id: "STORE-18" }],
    ["order", { order_id: 4013124 }],
    ["state", { new_state: "Dispatched" }],
  ])("differs by %s", (_what, change) => {
    expect(read(update("Completed", change)).key).not.toBe(read(update("Completed")).key);
  });

  it("does not depend on time, message or how a number is written", () => {
    const again = { timestamp: "2026-04-11T13:00:00Z", message: "again", order_id: "4013123", updater: { name: "zomato" } };
    expect(read(update("Completed", again)).key).toBe(read(update("Completed")).key);
  });

  it("cannot be forged by a store's name that looks like the rest", () => {
    const one = read(update("Completed", { store_id: 'A","B', order_id: "C" })).key;
    expect(one).not.toBe(read(update("Completed", { store_id: "A", order_id: 'B","C' })).key);
  });
});

describe("the time", () => {
  const noon = new Date("2026-04-11T12:41:07Z");
  it.each([
    ["RFC 3339", { timestamp: "2026-04-11T12:41:07Z" }],
    ["with another zone", { timestamp: "2026-04-11 18:11:07+0530" }],
    ["without a zone, as in India", { timestamp: "2026-04-11 18:11:07" }],
    ["seconds", { timestamp: 1775911267 }],
    ["seconds as text", { timestamp: "1775911267" }],
    ["milliseconds", { timestamp: 1775911267000 }],
    ["in the other member", { timestamp_unix: 1775911267 }],
    ["in the other member, beside one that nobody can read", { timestamp: "noon", timestamp_unix: 1775911267000 }],
    ["in the other member, rather than without a zone", { timestamp: "2026-04-11 12:41:07", timestamp_unix: 1775911267 }],
  ])("may be %s", (_what, told) => {
    expect(read(update("Completed", told)).occurredAt).toEqual(noon);
  });

  it.each([
    {},
    { timestamp: null },
    { timestamp: "" },
    { timestamp: 0 },
    { timestamp: true },
    { timestamp: [] },
    { timestamp: 1e30 },
  ])("is none of %j", (told) => {
    expect(read(update("Completed", told)).occurredAt).toBeNull();
  });
});

describe("whose it is", () => {
  it("is told by the order's number alone: the store's name is the shop's own choice", () => {
    expect(read(update("Completed")).references).toEqual([{ kind: "order", value: "4013123" }]);
  });

  it("keeps every digit", () => {
    const item = read('{"order_id":90071992547409931,"new_state":"Completed","store_id":90071992547409933}');
    expect(item).toMatchObject({ data: { message_id: "90071992547409931" }, provider_data: { store_id: "90071992547409933" } });
  });
});

describe("what the aggregator calls it", () => {
  it("is carried, and searchable", () => {
    const item = read(update("Completed", { additional_info: { external_channel: { name: "zomato", order_id: 5900000001 } } }));
    expect(item.provider_data).toEqual({
      ...{ status: "Completed", store_id: "STORE-17", external_channel: "zomato", external_order_id: "5900000001" },
    });
    expect(item.searchable).toEqual(["5900000001"]);
  });

  it.each([null, {}, "x", { external_channel: null }, { external_channel: "zomato" }])(
    "may be missing: %j",
    (additional_info) => {
      expect(read(update("Completed", { additional_info })).provider_data).toEqual({ status: "Completed", store_id: "STORE-17" });
    },
  );
});

describe("another event", () => {
  it.each([
    ["a rider's", { delivery_info: { current_state: "delivered" }, order_id: 1 }, { word: "delivered" }],
    ["a rider's without a state", { delivery_info: {}, order_id: 1 }, {}],
  ])("%s ends no order", (_what, body, word) => {
    expect(read(body, "60012")).toEqual({ ignored: "rider_status_update", ...word });
  });

  it("a placed order is no delivery", () => {
    expect(read({ order: { details: { id: 1, order_state: "Placed" } }, customer: {} }, "18")).toEqual({
      ignored: "order_placed",
    });
  });

  it.each(["60013", "60014", "60015", "60016", "60017", "60018", "60019", "12002", "12004", "12005", "10005", "store_action"])(
    "%s is known",
    (event) => {
      expect(read({ status: "ok" }, event)).toEqual({ ignored: "event_not_told" });
    },
  );

  it.each(["60099", "seance", "constructor"])("%s is not", (event) => {
    expect(read({ status: "ok" }, event)).toEqual({ ignored: "unknown_word", word: event });
  });

  it.each([undefined, "", "60008", "order_status_update"])("a status without a state fails (%s)", (event) => {
    expect(read({ order_id: 1 }, event)).toEqual({ failed: "no_new_state" });
  });

  it("the header never makes a state of something else, or hides one", () => {
    expect(read(update("Completed"), "60012")).toMatchObject({ status: "delivered" });
    expect(read({ order: {} }, "60008")).toEqual({ ignored: "order_placed" });
  });
});

it("an order without its number fails", () => {
  for (const order_id of [null, "", undefined, {}, true])
    expect(read(update("Completed", { order_id }))).toEqual({ failed: "no_order_id" });
});

it("hides the codes of handover", () => {
  expect(urbanpiper.hidden).toEqual(["order_otp", "order_return_otp", "bag_return_otp", "contact_access_code"]);
});
