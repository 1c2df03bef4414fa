import { z } from "zod";
import { defineProvider, ignored, tokenOnly } from "#provider";
import { echo, field, metadataOf, phone, reports, timeIn } from "./parts/fields.ts";
import { delivery, eachReport, RETRIES, type Rules } from "./parts/report.ts";

const rules: Rules = new Map([
  ["completed", { status: "delivered" }],
  ["delivered", { status: "delivered" }], // the example of its page, which the list beside it does not have
  ["answered", { status: "delivered" }], // in no list
  ["failed", { status: "failed" }],
  ["busy", { status: "failed", code: "busy" }],
  ["no answer", { status: "failed", code: "no_answer" }], // in no list
  ["queued", { quiet: "queued" }],
  ["ringing", { quiet: "ringing" }],
]);

const report = z.object({
  ...echo,
  ...{ uuid: field, requestedAt: field, status: field, duration: field, startTime: field, endTime: field },
  ...{ destination: field, callerId: field, failureReason: field, direction: field, type: field },
});

function read(item: z.infer<typeof report>) {
  // Somebody called us: no message of ours reached anybody.
  if ([item.direction, item.type].some((word) => /^in(bound|coming)$/i.test(word ?? ""))) return ignored("inbound_call");
  return delivery(rules, {
    channel: "voice",
    words: [item.status],
    uuid: item.uuid,
    crqid: item.CRQID ?? item.crqid,
    recipient: phone(item.destination),
    at: timeIn(item.endTime, item.startTime),
    requestedAt: timeIn(item.requestedAt),
    reason: item.failureReason,
    metadata: metadataOf(item),
    tellable: [],
    more: { duration: item.duration, sender: phone(item.callerId) },
  });
}

export default defineProvider({
  title: "MSG91 Voice",
  docs: "https://msg91.com/help/webhook-new/how-to-receive-voice-call-reports-via-webhook",
  retries: RETRIES,
  kinds: ["message"],
  verify: tokenOnly(),
  hidden: ["ivrInputs", "variables"], // keys that a person pressed may be a code
  payload: reports,
  events: (items) => eachReport(items, report, read),
});
