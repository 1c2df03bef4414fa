import type { JsonObject, Metadata, Reference } from "#provider";
import type { Data } from "./payload.ts";

/** Which subscription it is about: each type of callback, and each version, has it elsewhere. */
export function subscriptionOf(data: Data): { subscription_id: string | null; cf_subscription_id: string | null } {
  const places = [data, data.subscription_details, data.subscription_status_webhook?.subscription_details];
  const first = (name: "subscription_id" | "cf_subscription_id") => places.map((place) => place?.[name]).find(Boolean) ?? null;
  return { subscription_id: first("subscription_id"), cf_subscription_id: first("cf_subscription_id") };
}

const refundOf = (data: Data) => data.refund ?? data.auto_refund ?? data;
const orderOf = (data: Data) => data.order?.order_id ?? refundOf(data).order_id;

/** Everything that we attached, wherever the versions put it. Only who has the account's key can write it. */
export function metadataOf(data: Data): Metadata[] {
  const reminder = data.subscription_status_webhook?.subscription_details;
  const entries: Metadata[] = [
    { where: "data.order.order_tags", fields: data.order?.order_tags },
    // A subscription has many payments: a message id in its tags is not this one's.
    {
      where: "data.subscription_details.subscription_tags",
      fields: data.subscription_details?.subscription_tags,
      names: false,
    },
    {
      where: "data.subscription_status_webhook.subscription_details.subscription_tags",
      fields: reminder?.subscription_tags,
      names: false,
    },
    { where: "data.link_notes", fields: data.link_notes },
  ];
  return entries.filter(({ fields }) => fields != null);
}

/** A merchant's own id, unless it looks like Cashfree's: those are digits, and stand under the same kind. */
const chosen = (id: string | null) => (id && !/^\d+$/.test(id) ? id : null);

/**
 * Ids of Cashfree's making are unique. Ids of the merchant's making are unique in its account only, which no callback names: they are
 * told, not learned. Except an order's: a refund may name nothing else that was seen before (README: one account).
 */
export function referencesOf(data: Data): Reference[] {
  const { subscription_id, cf_subscription_id } = subscriptionOf(data);
  const refund = refundOf(data);
  const tags = data.order?.order_tags as JsonObject | null | undefined;
  const ofLink = tags?.cf_link_id; // what Cashfree itself tags the order of a payment link with
  const named: [kind: string, value: string | null | undefined, learn?: "forever" | "180d"][] = [
    ["refund", refund.cf_refund_id, "180d"],
    ["payment", data.payment?.cf_payment_id ?? refund.cf_payment_id, "180d"],
    ["order", orderOf(data), "180d"],
    ["link", data.cf_link_id ?? (typeof ofLink === "string" || typeof ofLink === "number" ? String(ofLink) : null), "forever"],
    ["link", chosen(data.link_id)],
    ["subscription", cf_subscription_id, "forever"],
    ["subscription", chosen(subscription_id)],
  ];
  return named.flatMap(([kind, value, learn]) => (value ? { kind, value, ...(learn && { learn }) } : []));
}

/** What support may know of it. */
function searchable(data: Data): string[] {
  const refund = refundOf(data);
  const payment = data.payment ?? data;
  const { subscription_id, cf_subscription_id } = subscriptionOf(data);
  const terms = [
    ...[orderOf(data), data.cf_order_id, data.link_id, subscription_id, cf_subscription_id],
    ...[payment.payment_id, payment.bank_reference, refund.refund_id, refund.refund_arn],
    ...[data.customer_details?.customer_email, data.customer_details?.customer_phone],
  ];
  return [...new Set(terms.filter((term) => term != null))];
}

/** A link's own URL is the only place where a callback tells test from live. */
const isTest = (data: Data): boolean => /^https:\/\/payments-test\.cashfree\.com\//.test(data.link_url ?? "");

/** What every draft says. */
export const placed = (said: { at: Date | null; data: Data }) => ({
  occurredAt: said.at,
  metadata: metadataOf(said.data),
  references: referencesOf(said.data),
  searchable: searchable(said.data),
  ...(isTest(said.data) && { test: true }),
});
