import { z } from "zod";
import { optionalText } from "#provider";

/** Cashfree writes nothing as null, as "", as "null" and as "NA". */
const text = optionalText().transform((value) => (value && /^(null|na)$/i.test(value) ? null : value));
const amount = z
  .union([z.number(), z.string().min(1)])
  .nullish()
  .catch(null);
const unread = z.unknown().optional();
const part = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape).nullish().catch(null);

const paid = {
  ...{ cf_payment_id: text, payment_id: text, payment_status: text, payment_message: text, payment_group: text },
  ...{ payment_amount: amount, payment_currency: text, bank_reference: text, retry_attempts: text },
};
const refunded = {
  ...{ cf_refund_id: text, refund_id: text, cf_payment_id: text, payment_id: text, order_id: text },
  ...{ refund_status: text, refund_amount: amount, refund_currency: text },
  ...{ status_description: text, refund_arn: text },
};
const subscription = {
  ...{ cf_subscription_id: text, subscription_id: text, subscription_status: text },
  subscription_tags: unread,
};

/** What is read of `data`, whatever it is about. Each version has its share of these. */
export const data = z.object({
  // A payment of an order, a refund: in an object of its own. Of a subscription: flat.
  order: part({ order_id: text, order_tags: unread }),
  payment: part(paid),
  refund: part(refunded),
  auto_refund: part(refunded),
  ...paid,
  ...refunded,
  cf_order_id: text, // of a subscription's payment
  error_details: part({ error_code: text, error_reason: text, error_description: text }),
  failure_details: part({ failure_reason: text }), // since 2025-01-01
  failureDetails: part({ failureReason: text }), // 2023-08-01
  customer_details: part({ customer_email: text, customer_phone: text }),

  ...{ cf_link_id: text, link_id: text, link_status: text, link_url: text },
  ...{ link_amount_paid: amount, link_currency: text, link_notes: unread },

  ...{ cf_subscription_id: text, subscription_id: text },
  subscription_details: part(subscription),
  subscription_status_webhook: part({ subscription_details: part(subscription) }), // a card's expiry reminder
  plan_details: part({ plan_id: text }),
  payment_gateway_details: part({ gateway_plan_id: text }),
});
export type Data = z.infer<typeof data>;

/** One callback: its word, when it happened, and what it is about. */
export type Said = { type: string; at: Date | null; receivedAt: Date; data: Data };

export const envelope = z.object({ type: z.string().min(1), event_time: text, data: unread });
