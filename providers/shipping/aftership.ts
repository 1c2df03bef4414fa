import { z } from "zod";
import { defineProvider, eachItem, hmac, ignored, isoTime, optionalText, unixTime, unknownWord } from "#provider";
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
  sent,
} from "./parts/parcel.ts";

/** By `msg.tag`: the event's name is the same for all. */
const tags = new Map<string, Meaning>([
  ["Pending", preTransit],
  ["InfoReceived", preTransit],
  ["InTransit", sent],
  ["OutForDelivery", sent],
  ["AvailableForPickup", sent],
  ["AttemptFail", attemptFailed],
  ["Delivered", delivered],
  ["Expired", noNews], // for 30 days
]);

/** Of the tag `Exception`, by `msg.subtag`. */
const exceptions = new Map<string, Meaning>([
  ["Exception_001", heldUp],
  ["Exception_002", heldUp], // customer moved
  ["Exception_003", heldUp], // refused: what becomes of it is told apart
  ["Exception_004", heldUp], // customs
  ["Exception_005", heldUp],
  ["Exception_006", heldUp], // payment due
  ["Exception_007", heldUp], // incorrect address
  ["Exception_008", heldUp], // not collected
  ["Exception_009", heldUp], // rejected by the carrier
  ["Exception_010", returned], // on its way back
  ["Exception_011", returned],
  ["Exception_012", notArriving("damaged")],
  ["Exception_013", notArriving("lost")],
  ["Exception_016", heldUp],
  ["Exception_017", heldUp], // weather
  ["Exception_018", heldUp], // documents
  ["Exception_019", heldUp], // late flight
  ["Exception_020", notArriving("cancelled")],
  ["Exception_021", notArriving("destroyed")], // disposed of
]);

const field = optionalText();
const tracking = z.object({
  ...{ tracking_number: field, slug: field, tag: z.string(), subtag: field, subtag_message: field },
  ...{ order_id: field, order_number: field, return_to_sender: z.unknown().optional(), custom_fields: z.unknown().optional() },
  checkpoints: z.array(z.object({ tag: field, checkpoint_time: field }).catch({ tag: null, checkpoint_time: null })).catch([]),
});

function meaningOf({ tag, subtag, return_to_sender }: z.infer<typeof tracking>): Meaning | undefined {
  // True from the first checkpoint that says so; a delivery after it is one to the sender.
  if (isTrue(return_to_sender)) return returned;
  return tag === "Exception" ? exceptions.get(subtag ?? "Exception_001") : tags.get(tag);
}

export default defineProvider({
  title: "AfterShip Tracking",
  docs: "https://www.aftership.com/docs/tracking/webhook/webhook-signature",
  retries:
    "It calls up to 14 times until it gets a 2xx, after 30 seconds, one minute, two minutes and so on, for about 68 hours.",
  kinds: ["message"],
  verify: hmac({ header: "aftership-hmac-sha256", algorithm: "sha256", encoding: "base64" }),
  payload: z.object({ event: z.string(), ts: z.unknown().optional(), msg: z.unknown().optional() }),
  events({ event, ts, msg }) {
    if (event === "edd_revise" || event === "tracking_pending_time") return [ignored(event)];
    if (event !== "tracking_update") return [unknownWord(event)];
    return eachItem([msg], tracking, (parcel) => {
      const { tag, subtag, custom_fields } = parcel;
      const scan = parcel.checkpoints.findLast((checkpoint) => checkpoint.tag === tag);
      return parcelOutcome(meaningOf(parcel), {
        ...{ awb: parcel.tracking_number, carrier: parcel.slug },
        word: tag === "Exception" ? (subtag ?? tag) : tag,
        // Most checkpoints do not name their zone.
        at: isoTime(scan?.checkpoint_time) ?? unixTime(ts),
        reason: parcel.subtag_message,
        metadata: [{ where: "msg.custom_fields", fields: custom_fields }],
        searchable: [parcel.order_id, parcel.order_number],
        details: { code: subtag, order_id: parcel.order_id ?? parcel.order_number },
      });
    });
  },
});
