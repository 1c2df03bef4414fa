import { z } from "zod";
import { defineProvider, eachItem, id, isoTime, optionalText, standardWebhooks } from "#provider";
import {
  attemptFailed,
  delivered,
  heldUp,
  type Meaning,
  notArriving,
  parcelOutcome,
  partlyDelivered,
  preTransit,
  returned,
  returnLeg,
  sent,
} from "./parts/parcel.ts";

const statuses = new Map<string, Meaning>([
  ["created", preTransit],
  ["pickup_scheduled", preTransit],
  ["picked_up", sent],
  ["in_transit", sent],
  ["out_for_delivery", sent],
  ["ready_for_collection", sent],
  ["attempt_failed", attemptFailed],
  ["on_hold", heldUp],
  ["delayed", heldUp],
  ["delivered", delivered],
  ["partially_delivered", partlyDelivered],
  ["returning", returned],
  ["returned", returned],
  ["cancelled", notArriving("cancelled")],
  ["lost", notArriving("lost")],
  ["damaged", notArriving("damaged")],
]);

const field = optionalText();
const report = z.object({
  version: z.literal(1),
  shipment_id: id(),
  status: z.string(),
  occurred_at: z.unknown().optional(),
  ...{ event_id: field, carrier: field, order_id: field, direction: field, reason: field, raw_status: field },
  ...{ location: field, return_shipment_id: field, metadata: z.unknown().optional() },
});

export default defineProvider({
  title: "Shipping, generic",
  docs: "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
  retries: "As its sender does it; the specification recommends about ten tries in three days.",
  kinds: ["message"],
  verify: standardWebhooks({ prefix: "webhook" }),
  // One report, or a list of them.
  payload: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown()).transform((single) => [single])]),
  events: (reports) =>
    eachItem(reports, report, (parcel) => {
      const { status, event_id, order_id, raw_status, location, return_shipment_id } = parcel;
      return parcelOutcome(parcel.direction === "return" ? returnLeg : statuses.get(status), {
        ...{ awb: parcel.shipment_id, carrier: parcel.carrier, word: status, reason: parcel.reason },
        at: isoTime(parcel.occurred_at), // a time without its zone is none
        metadata: [{ where: "metadata", fields: parcel.metadata }],
        searchable: [order_id, return_shipment_id],
        details: { code: raw_status, event_id, order_id, location, return_shipment_id },
      });
    }),
});
