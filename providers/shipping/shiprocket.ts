import { z } from "zod";
import { type CallbackRequest, defineProvider, failed, losslessJson, optionalText, text, tokenOnly, zonedTime } from "#provider";
import {
  attemptFailed,
  delivered,
  folded,
  heldUp,
  isTrue,
  type Meaning,
  notArriving,
  parcelOutcome,
  partlyDelivered,
  preTransit,
  returned,
  returnLeg,
  sent,
} from "./parts/parcel.ts";

/**
 * By `shipment_status_id`. Never by `current_status_id`, which counts in another table: there 20 is in transit, here a pickup that failed.
 * The labels serve where a callback has no id.
 */
const statuses: [Meaning, { [id: number]: string }][] = [
  [preTransit, { 0: "NEW", 1: "AWB ASSIGNED", 2: "LABEL GENERATED", 3: "PICKUP SCHEDULED", 4: "PICKUP QUEUED" }],
  [preTransit, { 5: "MANIFEST GENERATED", 11: "PENDING", 13: "PICKUP ERROR", 15: "PICKUP RESCHEDULED" }],
  [preTransit, { 16: "CANCELLATION REQUESTED", 19: "OUT FOR PICKUP", 20: "PICKUP EXCEPTION", 27: "PICKUP BOOKED" }],
  [preTransit, { 52: "SHIPMENT BOOKED", 59: "BOX PACKING", 60: "FC ALLOCATED", 61: "PICKLIST GENERATED", 62: "READY TO PACK" }],
  [preTransit, { 63: "PACKED", 67: "FC MANIFEST GENERATED", 68: "PROCESSED AT WAREHOUSE", 71: "HANDOVER EXCEPTION" }],
  [preTransit, { 72: "PACKED EXCEPTION" }],
  [sent, { 6: "SHIPPED", 42: "PICKED UP", 18: "IN TRANSIT", 38: "REACHED AT DESTINATION HUB", 17: "OUT FOR DELIVERY" }],
  [sent, { 48: "REACHED WAREHOUSE", 49: "CUSTOM CLEARED", 50: "IN FLIGHT", 51: "HANDOVER TO COURIER", 55: "CONNECTION ALIGNED" }],
  [sent, { 54: "IN TRANSIT OVERSEAS", 56: "REACHED OVERSEAS WAREHOUSE", 57: "CUSTOM CLEARED OVERSEAS" }],
  [attemptFailed, { 21: "UNDELIVERED", 77: "ISSUE RELATED TO THE RECIPIENT" }],
  [heldUp, { 22: "DELAYED", 39: "MISROUTED", 75: "RTO LOCK" }],
  [delivered, { 7: "DELIVERED", 26: "FULFILLED", 43: "SELF FULFILLED" }],
  [partlyDelivered, { 23: "PARTIAL DELIVERED" }],
  [returned, { 9: "RTO INITIATED", 46: "RTO IN TRANSIT", 41: "RTO OFD", 40: "RTO NDR", 10: "RTO DELIVERED" }],
  [returned, { 14: "RTO ACKNOWLEDGED", 78: "REACHED BACK AT SELLER CITY" }],
  [notArriving("cancelled"), { 8: "CANCELLED", 45: "CANCELLED BEFORE DISPATCHED" }],
  [notArriving("lost"), { 12: "LOST", 76: "UNTRACEABLE" }],
  [notArriving("damaged"), { 25: "DAMAGED" }],
  [notArriving("destroyed"), { 24: "DESTROYED", 44: "DISPOSED OFF" }],
  [returnLeg, { 47: "QC FAILED" }],
];
const rows = statuses.flatMap(([meaning, labels]) => Object.entries(labels).map(([id, label]) => ({ id, label, meaning })));
const byId = new Map(rows.map(({ id, meaning }) => [id, meaning]));
const byLabel = new Map([
  ...rows.map(({ label, meaning }): [string, Meaning] => [label, meaning]),
  ["CANCELED", notArriving("cancelled")], // so in the orders' labels
]);

/** What it does not know it leaves out, or calls "NA". */
const told = optionalText().transform((value) => (value?.trim() === "NA" ? null : value?.trim() || null));
const payload = z.object({
  ...{ awb: told, courier_name: told, current_timestamp: told, order_id: told, sr_order_id: told },
  ...{ shipment_status: told, shipment_status_id: told, current_status: told },
  is_return: z.unknown().optional(),
});

/** `23 05 2023 11:43:52` here, `2023-05-23 11:43:52` in its other fields; Indian time, without saying so. */
function timeOf(value: string | null): Date | null {
  const [, day, month, year, clock] = /^(\d\d) (\d\d) (\d{4}) (\d\d:\d\d:\d\d)$/.exec(value ?? "") ?? [];
  return zonedTime(day ? `${year}-${month}-${day} ${clock}` : value, "+05:30");
}

const numberless = z.object({ awb: z.literal(["", "NA", null]).optional() });
const CREDENTIALS = ["x-api-key", "x-callback-token", "authorization"];

/** Saving the webhook, and its Test button, call without the token; unless that is answered 200, nothing can be saved. */
function isProbe({ body, headers }: CallbackRequest): boolean {
  if (body.length > 4096 || CREDENTIALS.some((name) => headers[name])) return false;
  const said = text(body).trim();
  return said === "" || numberless.safeParse(losslessJson(said)).success;
}

export default defineProvider({
  title: "Shiprocket",
  docs: "https://apidocs.shiprocket.in",
  retries: "It does not say whether it calls again, and expects 200 for everything.",
  aliases: ["carrier-s"],
  forbiddenInUrl: ["shiprocket", "kartrocket", "sr", "kr"],
  kinds: ["message", "order"],
  verify: tokenOnly({ header: "x-api-key" }),
  probe: isProbe,
  payload,
  events({ awb, courier_name, current_timestamp, shipment_status_id: id, is_return, ...scan }) {
    const said = scan.shipment_status ?? scan.current_status;
    const label = folded(said);
    if (!id && !label) return [failed("no_status")];
    const meaning = isTrue(is_return) ? returnLeg : id ? byId.get(id) : byLabel.get(label);
    // "RTO DELIVERED" and "UNDELIVERED" are no deliveries, whatever id stands beside them.
    if (meaning && "status" in meaning && meaning.status === "delivered" && /\bRTO\b|RETURN|UNDELIVERED/.test(label))
      return [failed("status_mismatch")];
    return [
      parcelOutcome(meaning, {
        ...{ awb, carrier: courier_name, at: timeOf(current_timestamp) },
        word: said ?? `shipment_status_id ${id}`,
        reason: said,
        // Shiprocket's own number of the order; `order_id` is the shop's.
        references: scan.sr_order_id ? [{ kind: "order", value: scan.sr_order_id }] : [],
        searchable: [scan.order_id, scan.sr_order_id],
        details: { code: id, order_id: scan.order_id },
      }),
    ];
  },
});
