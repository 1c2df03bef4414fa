import { z } from "zod";
import { id, optionalText } from "#provider";

const text = optionalText();
const unread = z.unknown().optional();
/** `undefined` where the body says nothing of it, `null` where it is empty. */
const given = unread.transform((value) => (value === undefined ? undefined : text.parse(value)));
/** Absent, `null` and unreadable read as `null`. */
const part = <Keys extends z.ZodRawShape>(keys: Keys) => z.object(keys).nullish().catch(null);

/** What our backend wrote. `unsafe_metadata` is not read: users write that themselves. */
const metadata = { public_metadata: unread, private_metadata: unread };
const holder = z.object(metadata);
export type Holder = z.infer<typeof holder>;

const addresses = z
  .array(
    z.object({ id: text, email_address: text, phone_number: text }).catch({ id: null, email_address: null, phone_number: null }),
  )
  .nullish()
  .catch(null);
export const user = z.object({
  id: id(),
  ...metadata,
  primary_email_address_id: given,
  primary_phone_number_id: given,
  email_addresses: addresses,
  phone_numbers: addresses,
  first_name: given,
  last_name: given,
  username: given,
  external_id: given,
  updated_at: unread,
});
export type User = z.infer<typeof user>;
export const deletedUser = z.object({ id: id(), external_id: text });

export const organization = z.object({ id: id(), ...metadata });
export const membership = z.object({
  ...metadata,
  organization: part({ id: text, ...metadata }),
  public_user_data: part({ user_id: text }),
});
export const session = z.object({ user_id: text, last_active_organization_id: text, user: part(metadata) });

/** An e-mail or a text message; of its own `data`, which holds the one-time code, only the user. */
export const message = z.object({
  id: id(),
  slug: text,
  status: text,
  user_id: text,
  to_email_address: text,
  to_phone_number: text,
  delivered_by_clerk: unread,
  suppression_reason: text,
  created_at: unread, // of text messages, in Clerk's example
  created_at_ms: unread, // and in its schema
  data: part({ user: part(metadata) }),
});
export type Message = z.infer<typeof message>;

const payer = part({ user_id: text, organization_id: text, email: text });
export type Payer = z.infer<typeof payer>;
export const subscriptionItem = z.object({
  id: id(),
  status: text,
  subscription_id: text,
  plan_id: text,
  plan: part({ slug: text }),
  is_free_trial: unread,
  payer,
  period_start: unread,
  updated_at: unread,
});
const amount = z.number().nullish().catch(null);
export const paymentAttempt = z.object({
  id: id(),
  status: z.string().min(1),
  gateway_external_id: text,
  payment_id: text,
  charge_type: text,
  failed_reason: part({ code: text, decline_code: text }),
  payer,
  totals: part({ grand_total: part({ amount, currency: text }) }),
  created_at: unread,
  paid_at: unread,
  failed_at: unread,
});

/** Around every event. It has no id: that stands in the signed header `svix-id`. */
export const envelope = z.object({ type: z.string().min(1), timestamp: unread, instance_id: text, data: unread });
export type Envelope = z.infer<typeof envelope>;
