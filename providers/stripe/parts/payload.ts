import { z } from "zod";
import { optionalText } from "#provider";

const unread = z.unknown().optional();
const number = z.number().nullish().catch(null);
const expandable = z.union([z.string(), z.object({ id: z.string() }).transform((expanded) => expanded.id)]);
/** An id that stands alone or as the expanded object (also `{id, deleted: true}`). `null` and `""` are no id. */
const link = expandable
  .nullish()
  .catch(null)
  .transform((value) => value || null);

const error = z
  .object({ decline_code: optionalText(), code: optionalText(), type: optionalText(), message: optionalText() })
  .nullish()
  .catch(null);
const subscriptionDetails = z.object({ subscription: link, metadata: unread }).nullish().catch(null);

const price = z.union([
  z
    .string()
    .min(1)
    .transform((id) => ({ id, lookup_key: null })),
  z.object({ id: z.string().min(1), lookup_key: optionalText() }),
]);
const item = z.union([
  z.object({ price }).transform((one) => one.price),
  z.object({ plan: price }).transform((one) => one.plan), // API versions that know no prices
]);
/** What is subscribed to, sorted: ids, and the names that people gave them. Nothing there: `undefined`; unreadable: `null`. */
const items = z
  .object({ data: z.array(item), has_more: unread })
  .transform(({ data, has_more }) => ({
    ids: data.map(({ id }) => id).sort(),
    names: data.map(({ id, lookup_key }) => lookup_key ?? id).sort(),
    cut: has_more === true,
  }))
  .nullish()
  .catch(null);
/** The only item's plan, as subscriptions had it before items (and still repeat it). */
const plan = z.preprocess((value) => (value ? { data: [{ plan: value }] } : value), items).optional();

const figure = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d{1,15}(\.\d{1,20})?$/)
    .transform(Number),
]);
/** A balance: a number, decimal text, or either inside of an amount. The last two are guesses (README). */
const balance = z
  .union([
    figure,
    z.object({ monetary: z.object({ value: figure }) }).transform((amount) => amount.monetary.value),
    z.object({ custom_pricing_unit: z.object({ value: figure }) }).transform((amount) => amount.custom_pricing_unit.value),
  ])
  .nullish()
  .catch(null);

/** What is read of `data.object`, whatever it is. "Before" and "since" are of API version 2025-03-31.basil: both arrive. */
export const resource = z.object({
  id: optionalText(), // an upcoming invoice and a triggered alert have none
  object: optionalText(),
  metadata: unread,
  customer: link,
  customer_account: link,
  payment_intent: link, // on invoices: before
  charge: link,
  latest_charge: link,
  invoice: link, // on payment intents and charges: before
  subscription: link, // on invoices: before
  subscription_details: subscriptionDetails, // before
  parent: z.object({ subscription_details: subscriptionDetails }).nullish().catch(null), // since
  lines: z
    .object({ data: z.array(z.object({ metadata: unread }).catch({})) })
    .nullish()
    .catch(null),
  number: optionalText(),
  customer_email: optionalText(),
  customer_details: z.object({ email: optionalText() }).nullish().catch(null),
  receipt_email: optionalText(),
  amount: number,
  amount_due: number,
  amount_paid: number,
  amount_received: number,
  amount_total: number,
  currency: optionalText(),
  attempt_count: number,
  next_payment_attempt: unread,
  last_payment_error: error,
  last_finalization_error: error,
  cancellation_reason: optionalText(),
  failure_reason: optionalText(),
  items,
  plan,
  ended_at: unread,
  canceled_at: unread,
  value: balance,
  alert: z
    .object({ credit_balance_threshold: z.object({ lte: balance }).nullish().catch(null) })
    .nullish()
    .catch(null),
});
export type Resource = z.infer<typeof resource>;

export const event = z.object({
  id: z.string().min(1),
  object: optionalText(),
  type: z.string().min(1),
  // Whether metadata is believed hangs on it, so one that cannot be read fails the callback.
  account: expandable.nullish().transform((value) => value || null),
  created: unread,
  livemode: unread,
  data: z
    .object({ object: unread, previous_attributes: z.object({ items, plan }).nullish().catch(null) })
    .nullish()
    .catch(null),
});
export type Event = z.infer<typeof event>;
