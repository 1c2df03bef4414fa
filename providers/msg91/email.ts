import { z } from "zod";
import { defineProvider, tokenOnly } from "#provider";
import { echo, field, metadataOf, reports, timeIn } from "./parts/fields.ts";
import { delivery, eachReport, RETRIES, type Rules } from "./parts/report.ts";

/** Its page names the events; how `eventName` spells them, only "Queued" to "Failed" were seen by somebody. */
const rules: Rules = new Map([
  ["queued", { quiet: "queued" }],
  ["enqueued", { quiet: "queued" }],
  ["accepted", { status: "sent" }],
  ["sent", { status: "sent" }],
  ["delivered", { status: "delivered" }],
  ["failed", { status: "failed" }], // bounced, if the reason names an SMTP status
  ["rejected", { status: "failed", code: "rejected" }],
  ["bounced", { status: "bounced" }],
  ["bounce", { status: "bounced" }],
  ["opened", { status: "opened" }],
  ["clicked", { status: "clicked" }],
  ["url clicked", { status: "clicked" }],
  ["unsubscribed", { status: "unsubscribed" }],
  ["complaint", { status: "complained" }],
  ["complaints", { status: "complained" }], // the event type is called "Complaints Received"
  ["complained", { status: "complained" }],
]);

const report = z.object({
  ...echo,
  ...{ uuid: field, requestId: field, requestedAt: field, sender: field, recipient: field },
  ...{ eventName: field, status: field, statusUpdatedAt: field, ts: field },
  ...{ reason: field, failureReason: field, desc: field, description: field },
  ...{ url: field, clickedUrl: field, link: field, templateName: field },
});

/** `5.1.1` anywhere in the server's answer, but not in an address; else the three digits that it begins with. */
const smtpIn = (reason: string | null): string | null =>
  /(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?!\.?\d)/.exec(reason ?? "")?.[0] ?? /^[45]\d\d\b/.exec(reason ?? "")?.[0] ?? null;

function read(item: z.infer<typeof report>) {
  const reason = item.reason ?? item.failureReason ?? item.desc ?? item.description;
  const smtp = smtpIn(reason);
  return delivery(rules, {
    channel: "email",
    words: [item.eventName, item.status],
    uuid: item.uuid,
    requestId: item.requestId,
    crqid: item.CRQID ?? item.crqid,
    recipient: item.recipient,
    at: timeIn(item.statusUpdatedAt, item.ts),
    requestedAt: timeIn(item.requestedAt),
    reason,
    link: item.clickedUrl ?? item.url ?? item.link,
    smtp,
    metadata: metadataOf(item),
    tellable: [],
    more: { code: smtp, sender: item.sender, template: item.templateName },
  });
}

export default defineProvider({
  title: "MSG91 Email",
  docs: "https://msg91.com/help/webhook-new/how-to-receive-email-delivery-reports-via-webhook-new",
  retries: RETRIES,
  kinds: ["message", "request"],
  verify: tokenOnly(),
  hidden: ["variables"], // what a template was filled with: a one-time code may be among it
  payload: reports,
  events: (items) => eachReport(items, report, read),
});
