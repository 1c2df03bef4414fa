import { describe, expect, it } from "vitest";
import petpooja from "../../providers/pos/petpooja.ts";
import { translate } from "../../src/inbound/translate.ts";
import type { AnyProvider } from "../../src/provider/define.ts";

/** The one outcome of a callback. */
function read(body: object | string): any {
  const { items, failed } = translate(petpooja as AnyProvider, {
    body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
    headers: {},
    receivedAt: new Date("2026-04-11T12:41:10Z"),
  });
  expect(failed).toBeUndefined();
  expect(items).toHaveLength(1);
  return items[0];
}

const order = (status: unknown, more: object = {}) => ({
  restID: "czw6b9ykas",
  orderID: "ORD-1",
  status,
  cancel_reason: "",
  ...more,
});

describe("a status", () => {
  it.each([
    ["-1", "failed"],
    ["1", "sent"],
    ["2", "sent"],
    ["3", "sent"],
    ["4", "sent"],
    ["5", "sent"],
    ["10", "delivered"],
  ])("%s is %s", (word, status) => {
    const item = { channel: "pos", status, data: { message_id: "ORD-1" }, provider_data: { status: word } };
    expect(read(order(word))).toMatchObject(item);
    expect(read(order(Number(word)))).toMatchObject(item);
    expect(read(order(` ${word} `))).toMatchObject(item);
  });

  it.each(["0", "6", "7", "11", "-2", "01", "delivered", "constructor"])("%s is an unknown word", (word) => {
    expect(read(order(word))).toEqual({ ignored: "unknown_word", word });
  });

  it("of a cancelled order tells why; an empty reason is none", () => {
    expect(read(order("-1", { cancel_reason: "Item out of stock" })).data).toEqual({
      ...{ message_id: "ORD-1", error_code: "cancelled", error_reason: "Item out of stock" },
    });
    expect(read(order("-1")).data.error_reason).toBeNull();
    expect(read(order("10", { cancel_reason: "none" })).data).toEqual({ message_id: "ORD-1" });
  });
});

describe("whose it is", () => {
  it("is told by the restaurant's id, which makes the order's unique; neither is learned", () => {
    expect(read(order("1")).references).toEqual([
      { kind: "order", value: "czw6b9ykas:ORD-1" },
      { kind: "store", value: "czw6b9ykas" },
    ]);
  });

  it("is not told without the restaurant: an order's id is of anybody's choice", () => {
    for (const restID of ["", null, undefined]) expect(read(order("1", { restID })).references).toEqual([]);
  });
});

describe("the natural key", () => {
  it.each([
    ["restaurant", order("1", { restID: "another" })],
    ["order", order("1", { orderID: "ORD-2" })],
    ["status", order("2")],
  ])("differs by %s", (_what, other) => {
    expect(read(other).key).not.toBe(read(order("1")).key);
  });

  it("does not depend on anything else, or on how a number is written", () => {
    const more = { minimum_prep_time: "20", rider_name: "Ravi", is_modified: "Yes", restID: "czw6b9ykas" };
    expect(read(order(1, more)).key).toBe(read(order("1")).key);
  });
});

it("its time is that of receipt", () => {
  expect(read(order("1")).occurredAt).toBeNull();
});

it("keeps every digit of an order's number", () => {
  expect(read('{"restID":1,"orderID":90071992547409931,"status":10}').data.message_id).toBe("90071992547409931");
});

it("shows no rider", () => {
  const item = read(order("4", { rider_name: "Ravi Shastri", rider_phone_number: "+919800000000" }));
  expect(JSON.stringify(item)).not.toMatch(/Ravi|9800000000/);
});

it("without a status, or without an order, fails", () => {
  expect(read({ restID: "czw6b9ykas", store_status: "0" })).toEqual({ failed: "no_status" });
  expect(read(order("1", { orderID: "" }))).toEqual({ failed: "no_order_id" });
});
