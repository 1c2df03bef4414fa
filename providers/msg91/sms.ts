import { z } from "zod";
import { defineProvider, losslessJson, text, tokenOnly } from "#provider";
import { echo, field, isObject, metadataOf, phone, reports, timeIn, unfold } from "./parts/fields.ts";
import { delivery, eachReport, ownAccount, RETRIES, type Rules, ruleOf } from "./parts/report.ts";

/** Codes and words mean the same; Webhook (New) may send either. `0` is no code: it is what it writes for nothing. */
const rules: Rules = new Map([
  ["1", { status: "delivered" }],
  ["delivered", { status: "delivered" }],
  ["2", { status: "failed" }],
  ["failed", { status: "failed" }],
  ["9", { status: "failed", code: "dnd_blocked" }], // promotional route to a number of the do-not-disturb register
  ["ndnc", { status: "failed", code: "dnd_blocked" }],
  ["16", { status: "failed", code: "rejected" }],
  ["25", { status: "failed", code: "rejected" }],
  ["rejected", { status: "failed", code: "rejected" }],
  ["17", { status: "failed", code: "recipient_blocked" }],
  ["blocked number", { status: "failed", code: "recipient_blocked" }],
  ["20", { status: "failed", code: "country_blocked" }], // told by an integrator only
  ["auto failed", { status: "failed", code: "auto_failed" }], // not even tried: the number failed for too long
  ["submitted", { status: "sent" }],
  ["sent", { status: "sent" }],
  ["pending", { status: "sent" }], // the phone is off: for up to four hours
  ["sent/pending", { status: "sent" }], // so in the docs' list
  ["opt out", { quiet: "opt_out" }], // an opt-out text was sent, says the docs' list: no message of ours
]);

const report = z.object({
  ...echo,
  ...{ requestId: field, number: field, telNum: field, mobile: field },
  ...{ status: field, desc: field, event: field, description: field },
  ...{ failedReason: field, failureReason: field, reason: field },
  ...{ date: field, deliveryTime: field, ts: field, requestedAt: field },
  ...{ meta: field, userId: field, companyId: field, senderId: field, campaignName: field },
});
type Report = z.infer<typeof report>;

/** v2 nests reports in send calls, v4 in events: what stands outside goes for each. v3 and Webhook (New) are flat. */
function unpacked(outer: unknown, depth = 0): unknown[] {
  if (!isObject(outer) || depth > 2) return [outer];
  const { report: ofCall, data, ...around } = outer;
  const inner = unfold(ofCall ?? data);
  const list = Array.isArray(inner) ? inner : isObject(ofCall) ? [ofCall] : null;
  return list?.flatMap((one) => (isObject(one) ? unpacked({ ...around, ...one }, depth + 1) : [one])) ?? [outer];
}

function read(item: Report) {
  const code = /^\d+$/.test(item.status ?? "") ? item.status : null;
  const texts = [code ? null : item.status, item.desc, item.event, item.description].filter((said) => said !== null);
  const unruly = [item.desc, item.description].find((said) => said !== null && !ruleOf(rules, said));
  return delivery(rules, {
    channel: "sms",
    words: [code, ...texts],
    status: texts[0] ?? null,
    requestId: item.requestId,
    crqid: item.CRQID ?? item.crqid ?? item.meta,
    recipient: phone(item.number ?? item.telNum ?? item.mobile),
    at: timeIn(item.date, item.deliveryTime, item.ts),
    requestedAt: timeIn(item.requestedAt),
    reason: item.failedReason ?? item.failureReason ?? item.reason ?? unruly ?? null,
    metadata: metadataOf(item, item.meta),
    tellable: ownAccount(item.userId ?? item.companyId),
    more: { code, sender: item.senderId, campaign: item.campaignName },
  });
}

export default defineProvider({
  title: "MSG91 SMS",
  docs: "https://msg91.com/help/webhook-new/how-to-receive-sms-delivery-reports-via-webhook-new",
  retries: RETRIES,
  kinds: ["message", "request", "account"],
  verify: tokenOnly(),
  hidden: ["msgData", "variables"], // the text of the message, often with a one-time code
  /** v2 is a form whose one field is JSON; the body tells, not the unsigned header. */
  decode({ body }) {
    const source = text(body);
    return losslessJson(/^\s*[[{]/.test(source) ? source : (new URLSearchParams(source).get("data") ?? ""));
  },
  payload: reports,
  events: (items) =>
    eachReport(
      items.flatMap((item) => unpacked(item)),
      report,
      read,
    ),
});
