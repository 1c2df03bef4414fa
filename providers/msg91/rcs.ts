import { defineProvider, tokenOnly } from "#provider";
import { chatItem, readChat } from "./parts/chat.ts";
import { reports } from "./parts/fields.ts";
import { eachReport, RETRIES, type Rules } from "./parts/report.ts";

/** Its page tells no words: these are WhatsApp's, which it shares templates, keys and events with. */
const rules: Rules = new Map([
  ["submitted", { status: "sent" }],
  ["sent", { status: "sent" }],
  ["delivered", { status: "delivered" }],
  ["read", { status: "read" }],
  ["failed", { status: "failed" }],
  ["undelivered", { status: "failed", code: "undelivered" }],
  ["rejected", { status: "failed", code: "rejected" }],
]);

export default defineProvider({
  title: "MSG91 RCS",
  docs: "https://msg91.com/help/webhook-new/how-to-receive-rcs-delivery-reports-via-webhook-new",
  retries: RETRIES,
  kinds: ["message", "request", "account"],
  verify: tokenOnly(),
  hidden: ["content", "variables"], // what a template was filled with: a one-time code may be among it
  payload: reports,
  events: (items) => eachReport(items, chatItem, readChat("rcs", rules)),
});
