import { z } from "zod";
import { defineProvider, failed, ignored, optionalText, tokenOnly, zonedTime } from "#provider";
import {
  attemptFailed,
  delivered,
  heldUp,
  isTrue,
  type Meaning,
  noNews,
  notArriving,
  parcelOutcome,
  preTransit,
  returned,
  returnLeg,
  returnRequested,
  sent,
} from "./parts/parcel.ts";

/** By `clickpost_status_code`: ClickPost says itself that its descriptions are not to be relied on. */
const codes = new Map<string, Meaning>([
  ["1", preTransit], // order placed
  ["2", preTransit], // pickup pending
  ["3", preTransit], // pickup failed
  ["4", sent], // picked up
  ["5", sent], // in transit
  ["6", sent], // out for delivery
  ["7", attemptFailed], // not serviceable: ClickPost counts it among failed deliveries, and a return usually follows
  ["8", delivered],
  ["9", attemptFailed],
  ["10", notArriving("cancelled")],
  ["11", returnRequested], // may be declined
  ["12", returned], // marked as return
  ["13", returned], // out for delivery, to its origin
  ["14", returned], // delivered, to its origin
  ["15", returned], // not accepted at its origin
  ["16", notArriving("lost")],
  ["17", notArriving("damaged")],
  ["18", heldUp], // delayed or misrouted
  ["19", heldUp], // contact customer care
  ["20", heldUp],
  ["21", returned], // on its way back
  ["23", noNews], // expired
  ["25", preTransit], // out for pickup
  ["26", returned], // on its way back: contact customer care
  ["27", returned], // on its way back: delayed
  ["28", preTransit], // number registered
  ["30", delivered], // and what it replaces was picked up
  ["31", returnLeg], // what it replaces is on its way
  ["32", returnLeg], // what it replaces is back
  ["101", returnLeg], // a return was asked for; it has no number yet
  ["1004", sent], // at the last hub
]);

/** The number in the docs' samples, and so in its test tool. */
const TEST_NUMBER = "XYZABC";

const field = optionalText();
const additional = z
  .object({
    ...{ order_id: field, ndr_status_code: field, is_rvp: z.unknown().optional() },
    latest_status: z.object({ reference_number: field }).nullish().catch(null),
  })
  .nullish()
  .catch(null);

export default defineProvider({
  title: "ClickPost",
  docs: "https://docs.clickpost.ai/docs/tracking-a-shipment-using-webhook",
  retries: "It calls again until it gets a 200; how often is not documented.",
  kinds: ["message"],
  verify: tokenOnly({ header: "webhook_key" }),
  payload: z.object({
    ...{ waybill: field, cp_id: field, clickpost_status_code: field, clickpost_status_description: field },
    ...{ status: field, remark: field, timestamp: field, additional },
  }),
  events({ waybill, cp_id, clickpost_status_code: code, clickpost_status_description: description, ...scan }) {
    if (waybill === TEST_NUMBER) return [ignored("provider_test")];
    if (!code) return [failed("no_status")];
    const { order_id = null, latest_status, is_rvp } = scan.additional ?? {};
    const reference = latest_status?.reference_number ?? null;
    return [
      // The scan's own code, not `latest_status`: that comes with a scan of its own, and calls overtake each other.
      parcelOutcome(isTrue(is_rvp) ? returnLeg : codes.get(code), {
        awb: waybill,
        carrier: cp_id && /^\d+$/.test(cp_id) ? cp_id : null, // -1 is none
        word: description ?? code,
        // Indian time, say the docs; the `Z` that some samples end in means nothing.
        at: zonedTime(scan.timestamp?.replace(/z$/i, ""), "+05:30"),
        reason: scan.remark ?? scan.status,
        searchable: [order_id, reference],
        details: { code, order_id },
      }),
    ];
  },
});
