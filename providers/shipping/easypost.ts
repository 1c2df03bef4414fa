import { z } from "zod";
import { defineProvider, eachItem, hmac, ignored, isoTime, optionalText, type Reference, unknownWord } from "#provider";
import {
  delivered,
  isTrue,
  type Meaning,
  noNews,
  notArriving,
  parcelOutcome,
  preTransit,
  returned,
  returnLeg,
  sent,
} from "./parts/parcel.ts";

/** By `result.status`. The event's own `status` is that of the webhook. */
const statuses = new Map<string, Meaning>([
  ["unknown", preTransit],
  ["pre_transit", preTransit],
  ["in_transit", sent],
  ["out_for_delivery", sent],
  ["available_for_pickup", sent],
  ["delivered", delivered],
  ["return_to_sender", returned],
  ["cancelled", notArriving("cancelled")],
  ["failure", notArriving("failure")],
  ["error", noNews], // of the tracking, not of the parcel
]);

/** Events about anything but a parcel. */
const otherFamilies = /^(batch|insurance|payment|refund|report|scan_form)\./;

const field = optionalText();
const tracker = z.object({
  ...{ id: field, tracking_code: field, carrier: field, status: z.string(), status_detail: field, shipment_id: field },
  ...{ updated_at: field, is_return: z.unknown().optional() },
  tracking_details: z
    .array(z.object({ status: field, datetime: field, message: field }).catch({ status: null, datetime: null, message: null }))
    .catch([]),
});
type Tracker = z.infer<typeof tracker>;

function meaningOf({ status, status_detail: detail, is_return }: Tracker): Meaning | undefined {
  if (isTrue(is_return)) return returnLeg;
  // A failure of this kind is a parcel on its way back, and a delivery of this kind is one to its sender.
  if (detail === "return") return returned;
  if (status === "failure" && (detail === "lost" || detail === "damaged")) return notArriving(detail);
  return statuses.get(status);
}

/** The scan that brought it to its present status: the last of them. */
function lastScan({ status, tracking_details }: Tracker) {
  const scans = tracking_details.map((scan) => ({ ...scan, at: isoTime(scan.datetime) }));
  const timed = scans.filter((scan) => scan.status === status && scan.at !== null);
  return timed.sort((a, b) => Number(a.at) - Number(b.at)).at(-1);
}

const signature = hmac({ header: "x-hmac-signature", algorithm: "sha256", encoding: "hex" });
const PREFIX = "hmac-sha256-hex=";

export default defineProvider({
  title: "EasyPost",
  docs: "https://docs.easypost.com/guides/webhooks-guide",
  retries: "It calls again at growing intervals for about a day, and disables a webhook that keeps failing.",
  kinds: ["message", "tracker", "shipment", "account"],
  verify: {
    ...signature,
    scheme: `${signature.scheme}, after ${PREFIX}`,
    // So do its client libraries: an é in the secret is an e and an accent.
    key: (secret) => signature.key(secret.normalize("NFKD")),
    verify(key, request, now) {
      const given = request.headers["x-hmac-signature"];
      if (!given) return "signature_missing";
      if (!given.startsWith(PREFIX)) return "signature_mismatch";
      const headers = { ...request.headers, "x-hmac-signature": given.slice(PREFIX.length) };
      return signature.verify(key, { ...request, headers }, now);
    },
  },
  payload: z.object({ description: z.string(), mode: field, user_id: field, result: z.unknown().optional() }),
  events({ description, mode, user_id, result }) {
    if (otherFamilies.test(description)) return [ignored("not_a_parcel")];
    if (description !== "tracker.created" && description !== "tracker.updated") return [unknownWord(description)];
    return eachItem([result], tracker, (parcel) => {
      const scan = lastScan(parcel);
      // Carriers use a number again some day: EasyPost's own ids do not recur. Nothing here echoes what we sent.
      const references: Reference[] = [
        { kind: "tracker", value: parcel.id ?? "" },
        { kind: "shipment", value: parcel.shipment_id ?? "" },
        { kind: "account", value: user_id ?? "", own: true },
      ];
      return parcelOutcome(meaningOf(parcel), {
        ...{ awb: parcel.tracking_code, carrier: parcel.carrier, word: parcel.status },
        at: scan?.at ?? isoTime(parcel.updated_at),
        reason: scan?.message ?? parcel.status_detail,
        references: references.filter(({ value }) => value !== ""),
        details: { code: parcel.status_detail, tracker_id: parcel.id },
        test: mode === "test",
      });
    });
  },
});
