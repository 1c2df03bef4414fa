import { z } from "zod";
import { defineProvider, failed, ignored, optionalText, tokenOnly, zonedTime } from "#provider";
import {
  attemptFailed,
  delivered,
  folded,
  type Meaning,
  notArriving,
  parcelOutcome,
  preTransit,
  returned,
  returnLeg,
  sent,
} from "./parts/parcel.ts";

/** By `StatusType Status`: neither alone says it. `DL` closes deliveries, returns and reverse pickups alike. */
const pairs = new Map<string, Meaning>([
  ["UD MANIFESTED", preTransit],
  ["UD NOT PICKED", preTransit],
  ["UD IN TRANSIT", sent],
  ["UD DISPATCHED", sent], // out for delivery
  ["UD PENDING", ignored("pending")], // at the last hub; again after each failed attempt, then with an NSL code `EOD-…`
  ["UD CANCELLED", notArriving("cancelled")],
  ["UD CANCELED", notArriving("cancelled")],
  ["DL DELIVERED", delivered],
  ["RT IN TRANSIT", returned],
  ["RT PENDING", returned],
  ["RT DISPATCHED", returned],
  ["DL RTO", returned], // back at its origin
  ["DL DTO", returnLeg],
  ["DL COLLECTED", returnLeg],
]);

/** Types that decide alone: reverse pickups, and what is lost. */
const types = new Map<string, Meaning>([
  ["PP", returnLeg],
  ["PU", returnLeg],
  ["CN", returnLeg],
  ["LT", notArriving("lost")],
]);

const field = optionalText();
const scan = z.object({
  Shipment: z.object({
    Status: z.object({ Status: field, StatusType: field, StatusDateTime: field, Instructions: field }),
    ...{ NSLCode: field, ReferenceNo: field, AWB: field },
  }),
});

export default defineProvider({
  title: "Delhivery",
  docs: "https://delhivery-express-api-doc.readme.io/reference/tracking-via-push-api-webhook-1",
  retries: "It calls again once, at once; a scan that fails twice is never sent again. It wants its answer within 500 ms.",
  kinds: ["message"],
  verify: tokenOnly({ header: "x-webhook-token" }),
  payload: z.record(z.string(), z.unknown()),
  events(body) {
    const parsed = scan.safeParse(body);
    // Proofs of delivery, images, and payloads that were agreed upon with others.
    if (!parsed.success) return [ignored("not_a_scan")];
    const { Status: status, NSLCode, ReferenceNo, AWB } = parsed.data.Shipment;
    const type = folded(status.StatusType);
    const nsl = folded(NSLCode);
    const pair = `${type} ${folded(status.Status)}`.trim();
    if (!pair) return [failed("no_status")];
    const meaning = types.get(type) ?? pairs.get(pair);
    // NSL codes of returns begin so: a delivery to the customer has none of them.
    if (meaning === delivered && /^R[TD]-/.test(nsl)) return [failed("status_mismatch")];
    return [
      parcelOutcome(pair === "UD PENDING" && nsl.startsWith("EOD-") ? attemptFailed : meaning, {
        ...{ awb: AWB, carrier: "delhivery" },
        word: [status.StatusType, status.Status].filter(Boolean).join(" "),
        at: zonedTime(status.StatusDateTime, "+05:30"),
        reason: status.Instructions,
        searchable: [ReferenceNo],
        details: { code: NSLCode, order_id: ReferenceNo },
      }),
    ];
  },
});
