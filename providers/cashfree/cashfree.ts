import { defineProvider, eachItem, hmac, ignored, type Outcome, unknownWord, zonedTime } from "#provider";
import { link, payment, refund } from "./parts/money.ts";
import { data, envelope, type Said } from "./parts/payload.ts";
import { authorisation, statusChange, teaching } from "./parts/subscription.ts";
import { payments, quiet } from "./parts/words.ts";

/** What reads each type. The version in the header is not signed, and not needed: shapes are told apart by what they carry. */
const readers = new Map<string, (said: Said) => Outcome[] | Outcome>([
  ...[...payments].map(([type, rule]) => [type, (said: Said) => payment(rule, said)] as const),
  ["REFUND_STATUS_WEBHOOK", refund],
  ["AUTO_REFUND_STATUS_WEBHOOK", refund],
  ["PAYMENT_LINK_EVENT", link],
  ["SUBSCRIPTION_AUTH_STATUS", authorisation],
  ["SUBSCRIPTION_REFUND_STATUS", refund],
  ["SUBSCRIPTION_STATUS_CHANGED", statusChange],
  ["SUBSCRIPTION_STATUS_CHANGE", statusChange], // its older name
  ["SUBSCRIPTION_CARD_EXPIRY_REMINDER", teaching],
]);

export default defineProvider({
  title: "Cashfree",
  docs: "https://www.cashfree.com/docs/payments/online/webhooks/overview",
  retries: "Until it gets a 200 it calls again, by default after 2, 10 and 30 minutes; the dashboard may set up to 10 tries.",
  kinds: ["order", "payment", "refund", "link", "subscription"],
  verify: hmac({
    header: "x-webhook-signature",
    algorithm: "sha256",
    encoding: "base64",
    timestamp: { header: "x-webhook-timestamp" }, // no window: nobody says that a retry is signed anew
  }),
  payload: envelope,
  events({ type, event_time, data: about }, { receivedAt }) {
    const reader = readers.get(type);
    if (!reader) {
      const reason = quiet.find(([types]) => types.test(type))?.[1];
      return [reason ? ignored(reason) : unknownWord(type)];
    }
    const at = zonedTime(event_time, "+05:30");
    return eachItem([about], data, (data) => reader({ type, at, receivedAt, data }));
  },
});
