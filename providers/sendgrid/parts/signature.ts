import { ecdsa } from "#provider";

/** No tolerance: nothing says that a retry, up to days later, is signed anew. */
export const signature = ecdsa({
  header: "X-Twilio-Email-Event-Webhook-Signature",
  timestampHeader: "X-Twilio-Email-Event-Webhook-Timestamp",
});
