import { defineProvider, tokenOnly } from "#provider";
import { chatItem, readChat } from "./parts/chat.ts";
import { reports } from "./parts/fields.ts";
import { eachReport, RETRIES, type Rules } from "./parts/report.ts";

const rules: Rules = new Map([
  ["submitted", { status: "sent" }],
  ["sent", { status: "sent" }],
  ["delivered", { status: "delivered" }],
  ["read", { status: "read" }],
  ["failed", { status: "failed" }],
  // From here on told by integrators only.
  ["undelivered", { status: "failed", code: "undelivered" }],
  ["rejected", { status: "failed", code: "rejected" }],
  ["deny", { status: "failed", code: "denied" }],
  ["denied", { status: "failed", code: "denied" }],
  ["clicked", { status: "clicked" }],
  ["url click", { status: "clicked" }],
  ["url clicked", { status: "clicked" }],
]);

export default defineProvider({
  title: "MSG91 WhatsApp",
  docs: "https://msg91.com/help/webhook-new/how-to-receive-whatsapp-delivery-reports-via-webhook-new",
  retries: RETRIES,
  kinds: ["message", "request", "number", "account"],
  verify: tokenOnly(),
  hidden: ["content", "variables"], // what a template was filled with: a one-time code may be among it
  payload: reports,
  events: (items) => eachReport(items, chatItem, readChat("whatsapp", rules)),
});
