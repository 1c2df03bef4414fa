import {
  defineProvider,
  eachItem,
  failed,
  ignored,
  type Metadata,
  type Outcome,
  type Reference,
  timestampedHmac,
  unixTime,
  unknownWord,
} from "#provider";
import { deliveries, otherFamilies, type Rule, teaching, uninteresting } from "./parts/event-types.ts";
import { type Event, event, type Resource, resource } from "./parts/payload.ts";

const hasKeys = (value: unknown) => typeof value === "object" && value !== null && Object.keys(value).length > 0;

/** What Stripe echoed of ours. In a Connect event the connected account wrote it, so it is not read. */
function echoed(from: Event, object: Resource): Metadata[] {
  if (from.account) return [];
  const line = object.lines?.data.findIndex((one) => hasKeys(one.metadata)) ?? -1;
  const entries: Metadata[] = [
    { where: "data.object.metadata", fields: object.metadata },
    // A subscription has many invoices: a message id in its metadata is not this one's.
    {
      where: "data.object.parent.subscription_details.metadata",
      fields: object.parent?.subscription_details?.metadata,
      names: false,
    },
    { where: "data.object.subscription_details.metadata", fields: object.subscription_details?.metadata, names: false },
    { where: `data.object.lines.data[${line}].metadata`, fields: object.lines?.data[line]?.metadata },
  ];
  return entries.filter(({ fields }) => hasKeys(fields));
}

function referencesOf(from: Event, object: Resource): Reference[] {
  const own = (name: string) => (object.object === name ? object.id : null);
  // Customers that were copied to another account keep their id: it is unique inside of its account only.
  const customer = (id: string | null) => id && (from.account ? `${from.account}:${id}` : id);
  const subscription = object.parent?.subscription_details?.subscription ?? object.subscription;
  const named: [kind: string, value: string | null, learn?: "forever" | "180d"][] = [
    ["account", from.account], // of a Connect event: told, never learned, as one endpoint hears of all accounts
    ["refund", own("refund"), "180d"],
    ["charge", own("charge") ?? object.latest_charge ?? object.charge, "180d"],
    ["payment", own("payment_intent") ?? object.payment_intent, "180d"],
    ["invoice", own("invoice") ?? object.invoice, "180d"],
    ["session", own("checkout.session"), "180d"],
    ["subscription", own("subscription") ?? subscription, "forever"],
    ["customer", customer(own("customer") ?? object.customer), "forever"],
    // An account that pays is a customer: it may pay for two workspaces. Bound as `account` (Connect), it answers, too.
    ["customer", customer(object.customer_account), "forever"],
    ["account", from.account ? null : object.customer_account],
  ];
  return named.flatMap(([kind, value, learn]) => (value ? { kind, value, ...(learn && { learn }) } : []));
}

/** What every draft says. Stripe's event id is the same in every resend. */
const common = (from: Event, object: Resource) => ({
  key: from.id,
  occurredAt: unixTime(from.created),
  metadata: echoed(from, object),
  references: referencesOf(from, object),
  ...(from.livemode === false && { test: true }),
});

function delivery({ status, word, error }: Rule, from: Event, object: Resource): Outcome {
  // Since 2025-03-31.basil a payment no longer names its invoice: both are told then, each under its own id.
  if (object.object === "payment_intent" && object.invoice) return ignored("part_of_invoice");
  if (!object.id) return failed("no_id");
  const cause = error?.(object);
  const code = cause?.decline_code ?? cause?.code ?? cause?.type ?? null;
  const amount = status === "delivered" ? (object.amount_paid ?? object.amount_received) : object.amount_due;
  return {
    ...common(from, object),
    channel: "payment",
    status,
    data: { message_id: object.id, ...(word && { error_code: code ?? word, error_reason: cause?.message ?? null }) },
    provider_data: {
      status: from.type,
      code,
      object: object.object,
      amount: amount ?? object.amount_total ?? object.amount ?? null, // in the currency's smallest unit
      currency: object.currency,
      // Only invoices count their attempts and are tried again by Stripe.
      ...(from.type.endsWith("payment_failed") && {
        attempt: object.attempt_count ?? null,
        next_attempt_at: unixTime(object.next_payment_attempt)?.toISOString() ?? null,
      }),
    },
    searchable: [
      object.number,
      object.customer_email ?? object.customer_details?.email ?? object.receipt_email,
      object.object === "payment_intent" ? object.id : object.payment_intent,
    ],
  };
}

const same = (some: string[], others: string[]) => JSON.stringify(some) === JSON.stringify(others);

/** A renewal changes the items, too (their periods): only other prices are another plan. The end of a subscription is `null`. */
function planChange(from: Event, object: Resource): Outcome {
  const ended = from.type === "customer.subscription.deleted";
  const previous = from.data?.previous_attributes;
  const byItems = ended ? object.items : previous?.items !== undefined;
  const now = byItems ? object.items : object.plan;
  const was = ended ? now : byItems ? previous?.items : previous?.plan;
  if (was === undefined && !ended) return teaches(from, object);
  if (!was || !now) return failed("unreadable_items");
  if (!ended && (same(was.ids, now.ids) || same(was.names, now.names))) return ignored("no_plan_change");
  if (was.cut || now.cut) return failed("items_incomplete");
  const at = (ended && (unixTime(object.ended_at) ?? unixTime(object.canceled_at))) || unixTime(from.created);
  return {
    ...common(from, object),
    type: "billing.plan_changed",
    data: {
      old_plan: was.names.join("+") || null,
      new_plan: ended ? null : now.names.join("+") || null,
      effective_at: at?.toISOString() ?? null,
    },
    provider_data: { status: from.type, object: object.object, subscription: object.id },
  };
}

/** Only alerts on a credit balance say that credit is low; those on usage say that much was used. */
function alert(from: Event, object: Resource): Outcome {
  const threshold = object.alert?.credit_balance_threshold;
  if (!threshold) return ignored("usage_alert");
  if (typeof object.value !== "number" || typeof threshold.lte !== "number") return failed("unreadable_alert");
  return {
    ...common(from, object),
    type: "billing.credit_low",
    data: { current_balance: object.value, threshold: threshold.lte },
    provider_data: { status: from.type, object: object.object },
  };
}

const teaches = (from: Event, object: Resource): Outcome => ({
  teaches: { metadata: echoed(from, object), references: referencesOf(from, object) },
  ...(from.livemode === false && { test: true }),
});

function outcome(from: Event, object: Resource): Outcome {
  const rule = deliveries.get(from.type);
  if (rule) return delivery(rule, from, object);
  if (/^customer\.subscription\.(updated|deleted)$/.test(from.type)) return planChange(from, object);
  if (from.type === "billing.alert.triggered") return alert(from, object);
  if (teaching.has(from.type)) return teaches(from, object);
  if (from.type.startsWith("charge.dispute.")) return ignored("dispute");
  const reason = uninteresting.get(from.type) ?? (otherFamilies.test(from.type) ? "not_a_payment" : null);
  return reason ? ignored(reason) : unknownWord(from.type);
}

export default defineProvider({
  title: "Stripe",
  docs: "https://docs.stripe.com/webhooks",
  retries: "It calls again for up to 3 days (test mode: three times in a few hours), more and more rarely, until it gets a 2xx.",
  hidden: ["client_secret"], // of a payment intent: only its buyer may see it
  kinds: ["payment", "charge", "refund", "invoice", "session", "subscription", "customer", "account"],
  verify: timestampedHmac({ header: "stripe-signature", toleranceSeconds: 300 }),
  payload: event,
  events: (from) => {
    if (from.object === "v2.core.event") return [ignored("thin_event")]; // its snapshot twin carries the data
    if (/^evt_(test_)?0+$/.test(from.id)) return [ignored("sample_ids")]; // the dashboard's connection test
    return eachItem([from.data?.object], resource, (object) => outcome(from, object));
  },
});
