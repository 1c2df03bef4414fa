import type { Status } from "#provider";
import type { Resource } from "./payload.ts";

type Failure = { decline_code?: string | null; code: string | null; type?: string | null; message?: string | null };
/** `word` is our error code where Stripe tells none. */
export type Rule = { status: Status; word?: string; error?: (object: Resource) => Failure | null | undefined };

export const deliveries = new Map<string, Rule>([
  ["invoice.sent", { status: "sent" }],
  ["invoice.paid", { status: "delivered" }],
  ["invoice.payment_failed", { status: "failed", word: "invoice_payment_failed" }], // why: only the payment intent tells
  ["invoice.finalization_failed", { status: "failed", word: "finalization_failed", error: (o) => o.last_finalization_error }],
  ["invoice.marked_uncollectible", { status: "failed", word: "marked_uncollectible" }],
  ["payment_intent.processing", { status: "sent" }], // methods that take days
  ["payment_intent.succeeded", { status: "delivered" }],
  ["payment_intent.payment_failed", { status: "failed", word: "payment_failed", error: (o) => o.last_payment_error }],
  ["payment_intent.canceled", { status: "failed", word: "canceled", error: (o) => ({ code: o.cancellation_reason }) }],
  ["checkout.session.async_payment_failed", { status: "failed", word: "async_payment_failed" }], // success: its payment tells
  ["refund.failed", { status: "failed", word: "refund_failed", error: (o) => ({ code: o.failure_reason }) }],
]);

const words = (family: string, list: string) => list.split(" ").map((word) => `${family}.${word}`);

/** No state of a payment, but they tell whose customer, subscription, invoice or payment it is. */
export const teaching = new Set([
  ...words("billing.credit_grant", "created updated"),
  ...words("charge", "captured expired failed pending refund.updated refunded succeeded updated"),
  ...words("checkout.session", "async_payment_succeeded completed expired"),
  ...words("customer", "created updated"),
  ...words("customer.subscription", "created paused pending_update_applied pending_update_expired resumed trial_will_end"),
  ...words("invoice", "created finalized overdue overpaid payment_action_required payment_attempt_required"),
  ...words("invoice", "upcoming updated voided will_be_due"),
  ...words("payment_intent", "amount_capturable_updated created partially_funded requires_action"),
  ...words("refund", "created updated"),
  ...words("setup_intent", "canceled created requires_action setup_failed succeeded"),
  ...words("subscription_schedule", "aborted canceled completed created expiring released updated"),
]);

export const uninteresting = new Map([
  ["billing.credit_balance_transaction.created", "no_balance"], // what was used, not what is left
  ["customer.deleted", "customer_deleted"], // late events still name it: what is bound stays bound
  ["invoice.deleted", "draft_deleted"],
  ["invoice.payment_succeeded", "subset_of_invoice_paid"],
]);

/** Beginnings of all the rest. `payment_method` among them: a buyer's page may write its metadata. */
export const otherFamilies = new RegExp(
  "^(account|application_fee|apps|balance|balance_settings|billing\\.meter|billing_portal|capability|cash_balance|climate|coupon|" +
    "credit_note|customer\\.discount|customer\\.source|customer\\.tax_id|customer_cash_balance_transaction|entitlements|file|" +
    "financial_connections|identity|invoice_payment|invoiceitem|issuing_[a-z_]+|mandate|payment_link|payment_method|payout|person|" +
    "plan|price|product|promotion_code|quote|radar|reporting|reserve|review|sigma|source|tax|tax_rate|terminal|test_helpers|" +
    "three_d_secure|topup|transfer|treasury)\\.",
);
