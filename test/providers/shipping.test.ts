import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import aftership from "../../providers/shipping/aftership.ts";
import clickpost from "../../providers/shipping/clickpost.ts";
import delhivery from "../../providers/shipping/delhivery.ts";
import easypost from "../../providers/shipping/easypost.ts";
import generic from "../../providers/shipping/generic.ts";
import shiprocket from "../../providers/shipping/shiprocket.ts";
import { translate } from "../../src/inbound/translate.ts";
import type { AnyProvider } from "../../src/provider/define.ts";
import type { DeliveryDraft, Outcome } from "../../src/provider/draft.ts";
import type { Signing } from "../../src/provider/signatures.ts";
import { ACME, fixtures } from "../support/fixtures.ts";

type Body = Record<string, unknown>;
const receivedAt = new Date("2026-11-22T11:00:00Z");

function items(provider: AnyProvider, body: unknown): Outcome[] {
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return translate(provider, { body: bytes, headers: {}, receivedAt }).items;
}
const first = (provider: AnyProvider, body: unknown) => items(provider, body)[0] as Outcome;
const draft = (provider: AnyProvider, body: unknown) => first(provider, body) as DeliveryDraft;
const fixture = (name: string) => {
  const found = fixtures("shipping").find((one) => one.name === name);
  if (!found) throw new Error(`no fixture ${name}`);
  return found.body.toString();
};

/** What became of it, in a word: `sent`, `delivered`, `failed <code>`, or `– <reason>`. */
function said(outcome: Outcome): string {
  if ("ignored" in outcome) return `– ${outcome.ignored}`;
  if ("failed" in outcome) return `! ${outcome.failed}`;
  if (!("status" in outcome)) return "?";
  return outcome.status === "failed" ? `failed ${outcome.data.error_code}` : outcome.status;
}
const RETURNED = "failed returned_to_origin";

describe("Shiprocket", () => {
  const scan: Body = {
    awb: "19041424751540",
    courier_name: "Delhivery Surface",
    current_status: "IN TRANSIT",
    current_status_id: 20,
    shipment_status: "IN TRANSIT",
    shipment_status_id: 18,
    current_timestamp: "23 05 2023 11:43:52",
    order_id: "1373900_150876814",
    sr_order_id: 348456385,
    is_return: 0,
  };
  const read = (changes: Body) => said(first(shiprocket, { ...scan, shipment_status: null, current_status: null, ...changes }));

  const byMeaning: [string, number[]][] = [
    ["– pre_transit", [0, 1, 2, 3, 4, 5, 11, 13, 15, 16, 19, 20, 27, 52, 59, 60, 61, 62, 63, 67, 68, 71, 72]],
    ["sent", [6, 42, 18, 38, 17, 48, 49, 50, 51, 54, 55, 56, 57]],
    ["– attempt_failed", [21, 77]],
    ["– held_up", [22, 39, 75]],
    ["delivered", [7, 26, 43, 23]],
    [RETURNED, [9, 46, 41, 40, 10, 14, 78]],
    ["failed cancelled", [8, 45]],
    ["failed lost", [12, 76]],
    ["failed damaged", [25]],
    ["failed destroyed", [24, 44]],
    ["– return_leg", [47]],
    ["– unknown_word", [28, 58, 90, 99, 1000]],
  ];
  const rows = byMeaning.flatMap(([meaning, ids]) => ids.map((id) => [id, meaning] as const));

  it.each(rows)("shipment_status_id %i: %s", (id, meaning) => {
    expect(read({ shipment_status_id: id })).toBe(meaning);
    expect(read({ shipment_status_id: String(id) })).toBe(meaning);
  });
  it("never looks at current_status_id, which counts in another table", () => {
    for (const current_status_id of [5, 7, 12, 16, 17, 20]) expect(read({ current_status_id })).toBe("sent");
    expect(said(first(shiprocket, { ...scan, shipment_status_id: 20, current_status_id: 20 }))).toBe("– pre_transit");
  });
  it.each([
    ["IN TRANSIT", "sent"],
    ["Picked Up", "sent"],
    ["OUT_FOR_DELIVERY", "sent"],
    ["Delivered", "delivered"],
    ["UNDELIVERED", "– attempt_failed"],
    ["RTO DELIVERED", RETURNED],
    ["RTO_INITIATED", RETURNED],
    ["RTO IN  TRANSIT", RETURNED],
    ["CANCELED", "failed cancelled"],
    ["CANCELLED", "failed cancelled"],
    ["RTO LOCK", "– held_up"],
    ["NOT DELIVERED", "– unknown_word"],
    ["RTO", "– unknown_word"],
    ["constructor", "– unknown_word"],
  ])("without an id goes by the whole label: %s is %s", (label, meaning) => {
    expect(read({ shipment_status_id: undefined, shipment_status: label })).toBe(meaning);
    expect(read({ shipment_status_id: "NA", current_status: label })).toBe(meaning);
  });
  it.each(["RTO DELIVERED", "Rto_Delivered", "RTO", "UNDELIVERED", "RETURN DELIVERED"])(
    "never tells a delivery that is labelled %s",
    (label) => {
      for (const id of [7, 26, 43, 23]) {
        expect(read({ shipment_status_id: id, shipment_status: label })).toBe("! status_mismatch");
        expect(read({ shipment_status_id: id, current_status: label })).toBe("! status_mismatch");
      }
    },
  );
  it.each([1, "1", true, "true"])("a return leg (is_return %j) reaches nobody, whatever happened to it", (is_return) => {
    for (const shipment_status_id of [18, 7, 10, 12, 99]) expect(read({ shipment_status_id, is_return })).toBe("– return_leg");
  });
  it.each([0, "0", false, null, "", undefined])("is_return %j is none", (is_return) => {
    expect(read({ is_return })).toBe("sent");
  });
  it.each([
    ["23 05 2023 11:43:52", "2023-05-23T06:13:52.000Z"],
    ["2023-05-23 11:43:52", "2023-05-23T06:13:52.000Z"],
    ["01 01 2024 02:00:00", "2023-12-31T20:30:00.000Z"],
    ["NA", undefined],
    ["", undefined],
    [null, undefined],
    ["31 02 2023 11:43:52", undefined],
    [1684824232, undefined],
  ])("reads the time %j as Indian", (current_timestamp, time) => {
    expect(draft(shiprocket, { ...scan, current_timestamp }).occurredAt?.toISOString()).toBe(time);
  });
  it("takes numbers and texts for ids, and keeps their digits", () => {
    const body = fixture("shiprocket-delivered-numeric-awb");
    expect(draft(shiprocket, body).data.message_id).toBe("19041424751540");
    expect(draft(shiprocket, body.replace("19041424751540", "19041424751540190414")).data.message_id).toBe(
      "19041424751540190414",
    );
    expect(draft(shiprocket, { ...scan, awb: " 190 " }).data.message_id).toBe("190");
  });
  it.each([null, undefined, "", " ", "NA", {}, []])("a parcel without a number (%j) fails alone", (awb) => {
    expect(said(first(shiprocket, { ...scan, awb }))).toBe("! no_tracking_number");
  });
  it("tells a parcel partly delivered as delivered, and says so", () => {
    expect(draft(shiprocket, { ...scan, shipment_status_id: 23 }).provider_data).toMatchObject({ partial: true, code: "23" });
  });
  it("needs a status", () => {
    expect(said(first(shiprocket, { awb: "1" }))).toBe("! no_status");
  });

  describe("its set-up check", () => {
    const probe = (body: string, headers: Record<string, string> = {}) =>
      (shiprocket as AnyProvider).probe?.({ body: Buffer.from(body), headers, receivedAt });
    it.each(["", " \n", "{}", '{"awb":""}', '{"awb":null}', '{"awb":"NA","current_status":"TEST"}', '{"test":true}'])(
      "is a body without a number: %s",
      (body) => expect(probe(body)).toBe(true),
    );
    it.each([
      '{"awb":"19041424751540"}',
      '{"awb":19041424751540}',
      '{"awb":["19041424751540"]}',
      '{"awb":{}}',
      '[{"awb":"1"}]',
      "[]",
      "null",
      '"text"',
    ])("is no body with a number, and none of another shape: %s", (body) => expect(probe(body)).toBe(false));
    it.each(["x-api-key", "x-callback-token", "authorization"])("is no call with a credential (%s)", (name) => {
      expect(probe("{}", { [name]: "any" })).toBe(false);
      expect(probe("{}", { [name]: "" })).toBe(true);
    });
    it("is no long body, and no other adapter has one", () => {
      expect(probe(`{"padding":"${"a".repeat(5000)}"}`)).toBe(false);
      for (const other of [delhivery, clickpost, aftership, easypost, generic]) expect(other.probe).toBeUndefined();
    });
  });

  it("keeps the words that it refuses out of its URL", () => {
    const uuids = "0123456789abcdef-__org__";
    const url = `/callbacks/shipping/${shiprocket.aliases?.[0]}/${uuids}/${uuids}`;
    for (const word of shiprocket.forbiddenInUrl ?? []) expect(url).not.toContain(word);
    expect(shiprocket.forbiddenInUrl).toEqual(["shiprocket", "kartrocket", "sr", "kr"]);
  });
});

describe("Delhivery", () => {
  const push = (StatusType: unknown, Status: unknown, more: Body = {}, status: Body = {}) => ({
    Shipment: {
      Status: { Status, StatusType, StatusDateTime: "2025-11-04T10:59:42.78", Instructions: "as told", ...status },
      ...{ NSLCode: "X-1", ReferenceNo: "28", AWB: "44800710000663", ...more },
    },
  });
  const rows: [string, string, string][] = [
    ["UD", "Manifested", "– pre_transit"],
    ["UD", "Not Picked", "– pre_transit"],
    ["UD", "In Transit", "sent"],
    ["UD", "Dispatched", "sent"],
    ["UD", "Pending", "– pending"],
    ["UD", "Cancelled", "failed cancelled"],
    ["UD", "Canceled", "failed cancelled"],
    ["DL", "Delivered", "delivered"],
    ["DL", "RTO", RETURNED],
    ["RT", "In Transit", RETURNED],
    ["RT", "Pending", RETURNED],
    ["RT", "Dispatched", RETURNED],
    ["DL", "DTO", "– return_leg"],
    ["DL", "Collected", "– return_leg"],
    ["LT", "Lost", "failed lost"],
    ["LT", "anything", "failed lost"],
    ...["Open", "Scheduled", "Dispatched"].map((status): [string, string, string] => ["PP", status, "– return_leg"]),
    ...["In Transit", "Pending", "Dispatched"].map((status): [string, string, string] => ["PU", status, "– return_leg"]),
    ...["Canceled", "Closed"].map((status): [string, string, string] => ["CN", status, "– return_leg"]),
    // Nobody documents these: they are counted, not guessed.
    ["UD", "Delivered", "– unknown_word"],
    ["RT", "Delivered", "– unknown_word"],
    ["UD", "LOST", "– unknown_word"],
    ["UD", "RTO", "– unknown_word"],
    ["DL", "In Transit", "– unknown_word"],
    ["", "Delivered", "– unknown_word"],
    ["DL", "", "– unknown_word"],
  ];
  it.each(rows)("%s / %s: %s", (type, status, meaning) => {
    expect(said(first(delhivery, push(type, status)))).toBe(meaning);
    expect(said(first(delhivery, push(type.toLowerCase(), status.toUpperCase())))).toBe(meaning);
  });
  it("a parcel that is pending after an attempt is an attempt that failed", () => {
    for (const nsl of ["EOD-74", "EOD-6", "eod-11"])
      expect(said(first(delhivery, push("UD", "Pending", { NSLCode: nsl })))).toBe("– attempt_failed");
  });
  it.each(["RD-AC", "RT-101", "rt-108"])("never tells a delivery with the code of a return, %s", (NSLCode) => {
    expect(said(first(delhivery, push("DL", "Delivered", { NSLCode })))).toBe("! status_mismatch");
  });
  it.each([
    ["2025-11-04T10:59:42.78", "2025-11-04T05:29:42.780Z"],
    ["2025-11-04T10:59:42.7", "2025-11-04T05:29:42.700Z"],
    ["2025-11-04T10:59:42", "2025-11-04T05:29:42.000Z"],
    ["2025-11-04T10:59:42.767123", "2025-11-04T05:29:42.767Z"],
    ["2025-11-04 10:59:42.767", "2025-11-04T05:29:42.767Z"],
    ["2025-11-04T00:10:00", "2025-11-03T18:40:00.000Z"],
    ["", undefined],
    [null, undefined],
    ["yesterday", undefined],
  ])("reads the time %j as Indian", (StatusDateTime, time) => {
    expect(draft(delhivery, push("UD", "In Transit", {}, { StatusDateTime })).occurredAt?.toISOString()).toBe(time);
  });
  it.each([
    {},
    { Shipment: null },
    { Shipment: {} },
    { Shipment: { Status: "Delivered", AWB: "1" } },
    { waybill: "1", status: "Delivered" },
  ])("takes %j for something other than a scan", (body) => expect(items(delhivery, body)).toEqual([{ ignored: "not_a_scan" }]));
  it("needs a status and a number", () => {
    expect(said(first(delhivery, push(null, null)))).toBe("! no_status");
    expect(said(first(delhivery, push("DL", "Delivered", { AWB: "" })))).toBe("! no_tracking_number");
  });
});

describe("ClickPost", () => {
  const scan: Body = {
    waybill: "12527345",
    cp_id: 4,
    clickpost_status_code: 8,
    clickpost_status_description: "Delivered",
    status: "Delivered",
    remark: "Delivered to consignee",
    timestamp: "2019-05-06T15:01:00Z",
    additional: { is_rvp: false, order_id: "ABC123", latest_status: { clickpost_status_code: 8, reference_number: "WERA-1" } },
  };
  const read = (changes: Body) => said(first(clickpost, { ...scan, ...changes }));
  const byMeaning: [string, number[]][] = [
    ["– pre_transit", [1, 2, 3, 25, 28]],
    ["sent", [4, 5, 6, 1004]],
    ["– attempt_failed", [7, 9]],
    ["delivered", [8, 30]],
    ["failed cancelled", [10]],
    ["– return_requested", [11]],
    [RETURNED, [12, 13, 14, 15, 21, 26, 27]],
    ["failed lost", [16]],
    ["failed damaged", [17]],
    ["– held_up", [18, 19, 20]],
    ["– no_news", [23]],
    ["– return_leg", [31, 32, 101]],
    ["– unknown_word", [0, 22, 24, 29, 99, 1005]],
  ];
  const rows = byMeaning.flatMap(([meaning, codes]) => codes.map((code) => [code, meaning] as const));
  it.each(rows)("code %i: %s", (code, meaning) => {
    expect(read({ clickpost_status_code: code, clickpost_status_description: "Delivered" })).toBe(meaning);
    expect(read({ clickpost_status_code: String(code), status: "Delivered" })).toBe(meaning);
  });
  it("goes by the scan's own code: the latest status comes with a scan of its own", () => {
    const additional = { latest_status: { clickpost_status_code: 14 } };
    expect(read({ additional })).toBe("delivered");
    expect(read({ clickpost_status_code: 5, additional: { latest_status: { clickpost_status_code: 8 } } })).toBe("sent");
  });
  it.each([true, "true", 1])("a reverse pickup (is_rvp %j) reaches nobody", (is_rvp) => {
    for (const clickpost_status_code of [4, 8, 16, 4242])
      expect(read({ clickpost_status_code, additional: { is_rvp } })).toBe("– return_leg");
  });
  it.each([
    ["2019-05-06T15:01:00Z", "2019-05-06T09:31:00.000Z"],
    ["2019-05-06T15:01:00z", "2019-05-06T09:31:00.000Z"],
    ["2019-05-06 15:01:00", "2019-05-06T09:31:00.000Z"],
    ["2019-04-29 07:47:07.161221", "2019-04-29T02:17:07.161Z"],
    ["2016-10-27 22:15:13+00:00", "2016-10-27T22:15:13.000Z"],
    ["", undefined],
    [null, undefined],
  ])("reads the time %j as Indian, also with a Z", (timestamp, time) => {
    expect(draft(clickpost, { ...scan, timestamp }).occurredAt?.toISOString()).toBe(time);
  });
  it.each([[4], ["4"]])("tells the courier by its number (%j)", (cp_id) => {
    expect(draft(clickpost, { ...scan, cp_id }).references).toEqual([{ kind: "message", value: "4:12527345" }]);
  });
  it.each([-1, "-1", "", null, "four", {}])("makes no reference of a number without a courier (%j)", (cp_id) => {
    expect(draft(clickpost, { ...scan, cp_id }).references).toEqual([]);
  });
  it("ignores its test tool's parcel", () => {
    expect(read({ waybill: "XYZABC" })).toBe("– provider_test");
  });
  it.each([null, "none", 7, []])("lives without additional (%j)", (additional) => {
    expect(read({ additional })).toBe("delivered");
  });
  it("needs a code", () => {
    expect(read({ clickpost_status_code: null })).toBe("! no_status");
  });
});

describe("AfterShip", () => {
  const update = (msg: Body, more: Body = {}) => ({
    event: "tracking_update",
    event_id: "0d3f0c0e-5a7f-4a52-8c0e-9d1b7a4f3f10",
    ts: 1712914496,
    msg: { id: "1", tracking_number: "9400111202555842332669", slug: "usps", tag: "Delivered", ...msg },
    ...more,
  });
  const read = (msg: Body) => said(first(aftership, update(msg)));
  it.each([
    ["Pending", "– pre_transit"],
    ["InfoReceived", "– pre_transit"],
    ["InTransit", "sent"],
    ["OutForDelivery", "sent"],
    ["AvailableForPickup", "sent"],
    ["AttemptFail", "– attempt_failed"],
    ["Delivered", "delivered"],
    ["Expired", "– no_news"],
    ["delivered", "– unknown_word"],
    ["toString", "– unknown_word"],
  ])("tag %s: %s", (tag, meaning) => {
    expect(read({ tag })).toBe(meaning);
  });
  const exceptions: [number[], string][] = [
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 18, 19], "– held_up"],
    [[10, 11], RETURNED],
    [[12], "failed damaged"],
    [[13], "failed lost"],
    [[20], "failed cancelled"],
    [[21], "failed destroyed"],
    [[14, 15, 22, 99], "– unknown_word"],
  ];
  it.each(exceptions.flatMap(([numbers, meaning]) => numbers.map((number) => [String(number).padStart(3, "0"), meaning])))(
    "Exception_%s: %s",
    (number, meaning) => expect(read({ tag: "Exception", subtag: `Exception_${number}` })).toBe(meaning),
  );
  it("an exception without a subtag says nothing, and a subtag of another tag neither", () => {
    expect(read({ tag: "Exception" })).toBe("– held_up");
    expect(read({ tag: "Delivered", subtag: "Exception_011" })).toBe("delivered");
  });
  it.each(["InTransit", "OutForDelivery", "Delivered", "Exception", "AttemptFail"])(
    "a parcel that goes back is returned, also while its tag is %s",
    (tag) => {
      expect(read({ tag, return_to_sender: true })).toBe(RETURNED);
      expect(read({ tag, return_to_sender: false })).not.toBe(RETURNED);
    },
  );
  it.each(["edd_revise", "tracking_pending_time"])("%s is no news of the parcel", (event) => {
    expect(items(aftership, update({}, { event }))).toEqual([{ ignored: event }]);
  });
  it("the status is in the tag: an unknown event is not read at all", () => {
    expect(items(aftership, update({}, { event: "tracking_teleported" }))).toEqual([
      { ignored: "unknown_word", word: "tracking_teleported" },
    ]);
  });
  const at = (checkpoints: unknown, ts: unknown = 1712914496) =>
    draft(aftership, update({ checkpoints }, { ts })).occurredAt?.toISOString();
  it("takes a checkpoint's time where it names its zone, else the update's", () => {
    expect(at([{ tag: "Delivered", checkpoint_time: "2024-04-12T14:30:00" }])).toBe("2024-04-12T09:34:56.000Z");
    expect(at([{ tag: "Delivered", checkpoint_time: "2024-04-12T02:30:00-05:00" }])).toBe("2024-04-12T07:30:00.000Z");
    expect(at([{ tag: "InTransit", checkpoint_time: "2024-04-12T02:30:00-05:00" }])).toBe("2024-04-12T09:34:56.000Z");
    expect(
      at([
        { tag: "Delivered", checkpoint_time: "2024-04-12T02:30:00Z" },
        { tag: "Delivered", checkpoint_time: "2024-04-12T03:30:00Z" },
        null,
        "text",
      ]),
    ).toBe("2024-04-12T03:30:00.000Z");
    for (const odd of [null, {}, "text", 7]) expect(at(odd)).toBe("2024-04-12T09:34:56.000Z");
    expect(at([], null)).toBeUndefined();
  });
  it("passes custom_fields on as they came", () => {
    const fields = { homing_workspace_id: ACME, message_id: "msg_1" };
    expect(draft(aftership, update({ custom_fields: fields })).metadata).toEqual([{ where: "msg.custom_fields", fields }]);
    for (const odd of [null, [], "text"])
      expect(draft(aftership, update({ custom_fields: odd })).metadata).toEqual([{ where: "msg.custom_fields", fields: odd }]);
  });
  it("a message that is none fails alone", () => {
    for (const msg of [null, [], "text", {}, { tag: 7 }])
      expect(items(aftership, { event: "tracking_update", msg })).toEqual([{ failed: "unreadable_item" }]);
  });

  it("matches a signature made elsewhere: base64 over the raw bytes", () => {
    const verify = aftership.verify as Signing;
    const judge = (header: string, body = fixture("aftership-in-transit")) =>
      verify.verify(
        verify.key("test_aftership_webhook_secret"),
        { body: Buffer.from(body), headers: { "aftership-hmac-sha256": header }, url: "" },
        receivedAt.getTime(),
      );
    expect(judge("yL9s+7ywdRFj90OqTILJg1VhF1+3rXDCSbUTnAggnKY=")).toBe("ok");
    expect(judge("yL9s+7ywdRFj90OqTILJg1VhF1+3rXDCSbUTnAggnKY")).toBe("signature_mismatch");
    expect(judge("yL9s+7ywdRFj90OqTILJg1VhF1+3rXDCSbUTnAggnKY=", `${fixture("aftership-in-transit")} `)).toBe(
      "signature_mismatch",
    );
  });
  it.each(["as-signature-hmac-sha256", "am-webhook-signature"])("takes no signature of its other products (%s)", (name) => {
    const verify = aftership.verify as Signing;
    const body = Buffer.from(fixture("aftership-in-transit"));
    const signature = createHmac("sha256", "s").update(body).digest("base64");
    expect(verify.verify(verify.key("s"), { body, headers: { [name]: signature }, url: "" }, 0)).toBe("signature_missing");
  });
});

describe("EasyPost", () => {
  const event = (result: unknown, more: Body = {}) => ({
    ...{ id: "evt_1", object: "Event", description: "tracker.updated", mode: "production", status: "pending", user_id: "user_1" },
    result,
    ...more,
  });
  const tracker = (changes: Body = {}): Body => ({
    ...{ id: "trk_1", tracking_code: "EZ1", carrier: "FedEx", status: "delivered", updated_at: "2024-08-05T16:05:00Z" },
    ...changes,
  });
  const read = (changes: Body) => said(first(easypost, event(tracker(changes))));
  it.each([
    ["unknown", "– pre_transit"],
    ["pre_transit", "– pre_transit"],
    ["in_transit", "sent"],
    ["out_for_delivery", "sent"],
    ["available_for_pickup", "sent"],
    ["delivered", "delivered"],
    ["return_to_sender", RETURNED],
    ["cancelled", "failed cancelled"],
    ["failure", "failed failure"],
    ["error", "– no_news"],
    ["pending", "– unknown_word"],
    ["valueOf", "– unknown_word"],
  ])("status %s: %s", (status, meaning) => {
    expect(read({ status })).toBe(meaning);
    expect(said(first(easypost, event(tracker({ status }), { description: "tracker.created" })))).toBe(meaning);
  });
  it.each([
    ["failure", "return", RETURNED],
    ["failure", "lost", "failed lost"],
    ["failure", "damaged", "failed damaged"],
    ["failure", "refused", "failed failure"],
    ["delivered", "return", RETURNED],
    ["in_transit", "return", RETURNED],
    ["in_transit", "lost", "sent"],
    ["return_to_sender", "delivery_exception", RETURNED],
  ])("status %s with the detail %s: %s", (status, status_detail, meaning) => {
    expect(read({ status, status_detail })).toBe(meaning);
  });
  it("a return leg reaches nobody", () => {
    for (const status of ["in_transit", "delivered", "failure"]) expect(read({ status, is_return: true })).toBe("– return_leg");
  });
  it("reads the tracker's status, never the event's own", () => {
    expect(said(first(easypost, event(tracker({ status: "in_transit" }), { status: "delivered" })))).toBe("sent");
  });
  it.each([
    "batch.created",
    "refund.successful",
    "report.available",
    "scan_form.updated",
    "insurance.purchased",
    "payment.failed",
  ])("%s is about no parcel", (description) =>
    expect(items(easypost, event({ id: "x" }, { description }))).toEqual([{ ignored: "not_a_parcel" }]),
  );
  it("an event that nobody knows is counted", () => {
    expect(items(easypost, event(tracker(), { description: "tracker.deleted" }))).toEqual([
      { ignored: "unknown_word", word: "tracker.deleted" },
    ]);
  });
  it("marks what comes from its test mode", () => {
    expect(draft(easypost, event(tracker(), { mode: "test" })).test).toBe(true);
    expect(draft(easypost, event(tracker())).test).toBeUndefined();
  });
  const at = (tracking_details: unknown, changes: Body = {}) =>
    draft(easypost, event(tracker({ tracking_details, ...changes }))).occurredAt?.toISOString();
  it("happened at the last scan of the present status, else when the tracker changed", () => {
    expect(
      at([
        { status: "delivered", datetime: "2024-08-05T16:02:00.000Z" },
        { status: "delivered", datetime: "2024-08-05T15:02:00Z" },
        { status: "in_transit", datetime: "2024-08-05T17:00:00Z" },
        { status: "delivered", datetime: "2024-08-05T18:00:00" },
      ]),
    ).toBe("2024-08-05T16:02:00.000Z");
    for (const odd of [[], null, "text", [null, 7, { status: "delivered" }]]) expect(at(odd)).toBe("2024-08-05T16:05:00.000Z");
    expect(at([], { updated_at: null })).toBeUndefined();
  });
  it("is found by EasyPost's own ids first; our own account may be told and is never learned", () => {
    const { references } = draft(easypost, event(tracker({ shipment_id: "shp_1" })));
    expect(references).toEqual([
      { kind: "tracker", value: "trk_1" },
      { kind: "shipment", value: "shp_1" },
      { kind: "account", value: "user_1", own: true },
      { kind: "message", value: "fedex:EZ1" },
    ]);
  });

  describe("verification", () => {
    const verify = easypost.verify as Signing;
    const body = fixture("easypost-in-transit");
    const judge = (secret: string, header: string | undefined, bytes = body) =>
      verify.verify(
        verify.key(secret),
        { body: Buffer.from(bytes), headers: { ...(header !== undefined && { "x-hmac-signature": header }) }, url: "" },
        receivedAt.getTime(),
      );
    // Of the facts' sample, made elsewhere with the secret sécret.
    const hex = "fdd309d7ed2d9194b39fcefc2941f9e9ecf5de94d22e624d62f054be038df5fa";
    it("takes the secret apart (NFKD), however it is written", () => {
      expect(judge("s\u00e9cret", `hmac-sha256-hex=${hex}`)).toBe("ok");
      expect(judge("se\u0301cret", `hmac-sha256-hex=${hex}`)).toBe("ok");
      expect(judge("secret", `hmac-sha256-hex=${hex}`)).toBe("signature_mismatch");
      const composed = createHmac("sha256", "s\u00e9cret").update(body).digest("hex");
      expect(judge("s\u00e9cret", `hmac-sha256-hex=${composed}`)).toBe("signature_mismatch");
    });
    it("covers the raw bytes: a weight of 614.0 is not 614", () => {
      expect(body).toContain('"weight":614.0');
      expect(judge("s\u00e9cret", `hmac-sha256-hex=${hex}`, body.replace("614.0", "614"))).toBe("signature_mismatch");
    });
    it.each([hex, `sha256=${hex}`, `HMAC-SHA256-HEX=${hex}`, `hmac-sha256-hex=${hex.toUpperCase()}`, "hmac-sha256-hex="])(
      "refuses %s",
      (header) => expect(judge("s\u00e9cret", header)).toMatch(/^signature_(mismatch|missing)$/),
    );
    it("refuses a call without it", () => {
      expect(judge("s\u00e9cret", undefined)).toBe("signature_missing");
    });
  });
});

describe("generic", () => {
  const report = (changes: Body = {}): Body => ({
    ...{ version: 1, event_id: "evt-00000001", shipment_id: "AWB1", status: "delivered", carrier: "Blue Dart" },
    occurred_at: "2025-11-22T14:30:00+05:30",
    ...changes,
  });
  const read = (changes: Body) => said(first(generic, report(changes)));
  it.each([
    ["created", "– pre_transit"],
    ["pickup_scheduled", "– pre_transit"],
    ["picked_up", "sent"],
    ["in_transit", "sent"],
    ["out_for_delivery", "sent"],
    ["ready_for_collection", "sent"],
    ["attempt_failed", "– attempt_failed"],
    ["on_hold", "– held_up"],
    ["delayed", "– held_up"],
    ["delivered", "delivered"],
    ["partially_delivered", "delivered"],
    ["returning", RETURNED],
    ["returned", RETURNED],
    ["cancelled", "failed cancelled"],
    ["lost", "failed lost"],
    ["damaged", "failed damaged"],
    ["Delivered", "– unknown_word"],
    ["__proto__", "– unknown_word"],
  ])("%s: %s", (status, meaning) => {
    expect(read({ status })).toBe(meaning);
  });
  it("a return leg reaches nobody", () => {
    for (const status of ["picked_up", "delivered", "lost"]) expect(read({ status, direction: "return" })).toBe("– return_leg");
    for (const direction of ["forward", null, ""]) expect(read({ direction })).toBe("delivered");
  });
  it("takes one report or a list of them; a broken one fails alone", () => {
    const list = [
      report(),
      null,
      report({ shipment_id: null }),
      report({ version: 2 }),
      report({ shipment_id: "AWB2", status: "lost" }),
    ];
    expect(items(generic, list).map(said)).toEqual([
      "delivered",
      "! unreadable_item",
      "! unreadable_item",
      "! unreadable_item",
      "failed lost",
    ]);
    expect(items(generic, [])).toEqual([]);
  });
  it("a time without its zone is none", () => {
    const at = (occurred_at: unknown) => draft(generic, report({ occurred_at })).occurredAt?.toISOString();
    expect(at("2025-11-22T14:30:00+05:30")).toBe("2025-11-22T09:00:00.000Z");
    for (const odd of ["2025-11-22T14:30:00", "", null, undefined, 1763802000]) expect(at(odd)).toBeUndefined();
  });
  it("keeps the digits of a long number", () => {
    expect(draft(generic, JSON.stringify(report()).replace('"AWB1"', "94001112025558423326")).data.message_id).toBe(
      "94001112025558423326",
    );
  });
  it("passes metadata on as it came", () => {
    const metadata = { workspace_id: ACME, message_id: "msg_1", more: 7 };
    expect(draft(generic, report({ metadata })).metadata).toEqual([{ where: "metadata", fields: metadata }]);
  });
});

describe("one parcel, one event for each state", () => {
  const key = (name: string) => {
    const adapter = { shiprocket, delhivery, clickpost, aftership, easypost, generic }[name.split("-")[0] ?? ""];
    return draft(adapter as AnyProvider, fixture(name)).key;
  };
  it.each([
    ["shiprocket-in-transit", "shiprocket-in-transit-resent"],
    ["shiprocket-rto-initiated", "shiprocket-rto-in-transit"],
    ["shiprocket-rto-initiated", "shiprocket-rto-delivered"],
    ["delhivery-in-transit", "delhivery-dispatched-resent-state"],
    ["delhivery-return-in-transit", "delhivery-rto-closed"],
    ["clickpost-delivered", "clickpost-delivered-resent"],
    ["clickpost-rto-in-transit", "clickpost-rto-delivered"],
    ["clickpost-picked-up-time-without-zone", "clickpost-in-transit-overtaken"],
    ["aftership-delivered", "aftership-delivered-retried"],
    ["aftership-in-transit", "aftership-in-transit-old-id"],
    ["aftership-returning", "aftership-returned-to-sender"],
    ["aftership-returning", "aftership-delivered-back-to-sender"],
    ["easypost-delivered", "easypost-delivered-again"],
    ["easypost-failure-return", "easypost-return-to-sender"],
  ])("%s and %s have one key", (one, other) => {
    expect(key(one)).toBe(key(other));
  });
  it.each([
    ["shiprocket-delivered-numeric-awb", "shiprocket-another-courier"],
    ["shiprocket-in-transit", "shiprocket-delivered-numeric-awb"],
    ["delhivery-delivered-two-digit-fraction", "delhivery-rto-closed"],
    ["clickpost-delivered", "clickpost-rto-delivered"],
    ["clickpost-delivered", "clickpost-few-fields"],
    ["aftership-delivered", "aftership-delivered-back-to-sender"],
    ["easypost-delivered", "easypost-return-to-sender"],
  ])("%s and %s have two", (one, other) => {
    expect(key(one)).not.toBe(key(other));
  });
  it("resent in another batch, reports keep their keys", () => {
    const keysOf = (name: string) => items(generic, fixture(name)).flatMap((item) => ("key" in item ? [item.key] : []));
    const again = keysOf("generic-resent-in-another-batch");
    expect(again).toHaveLength(2);
    expect(keysOf("generic-batch")).toEqual(expect.arrayContaining(again));
  });
  it.each([
    ["Blue Dart", "blue-dart:AWB1"],
    ["  BLUE_DART ", "blue-dart:AWB1"],
    ["bluedart", "bluedart:AWB1"],
    ["DTDC: Ltd.", "dtdc-ltd:AWB1"],
    ["डाक", "डाक:AWB1"],
  ])("the carrier %j is part of the reference: %s", (carrier, value) => {
    const { references } = draft(generic, { version: 1, shipment_id: "AWB1", status: "delivered", carrier });
    expect(references).toEqual([{ kind: "message", value, learn: "90d" }]);
  });
  it.each([null, "", " ", "--"])("a number without a carrier (%j) is no reference, and a parcel of its own", (carrier) => {
    const { references, key } = draft(generic, { version: 1, shipment_id: "AWB1", status: "delivered", carrier });
    expect({ references, key }).toEqual({ references: [], key: ":AWB1 delivered" });
  });
  it("orders that a shop numbered are looked for, and place nothing", () => {
    for (const name of [
      "shiprocket-in-transit",
      "delhivery-in-transit",
      "clickpost-delivered",
      "aftership-delivered",
      "generic-delivered",
    ]) {
      const adapter = { shiprocket, delhivery, clickpost, aftership, generic }[name.split("-")[0] ?? ""] as AnyProvider;
      const { references, searchable, provider_data } = draft(adapter, fixture(name));
      expect(searchable).toContain(provider_data?.order_id);
      expect(references?.map(({ value }) => value)).not.toContain(provider_data?.order_id);
    }
  });
  it("only what echoes what we sent teaches", () => {
    for (const { name, adapter, body } of fixtures("shipping")) {
      const dialect = adapter.split("/")[1] ?? "";
      const provider = { shiprocket, delhivery, clickpost, aftership, easypost, generic }[dialect] as AnyProvider;
      const learned = items(provider, body.toString()).flatMap((item) =>
        "key" in item ? (item.references ?? []).filter(({ learn }) => learn) : [],
      );
      if (!["aftership", "generic"].includes(dialect)) expect([name, learned]).toEqual([name, []]);
    }
  });
});
