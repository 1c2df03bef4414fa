import type { Status } from "#provider";

/** `code`: where the word itself is the error code, unless Cashfree tells one. */
export type Rule = { status: Status; code?: string };

/** The type decides, not the `payment_status` beside it. */
export const payments = new Map<string, Rule>([
  ["PAYMENT_SUCCESS_WEBHOOK", { status: "delivered" }],
  ["PAYMENT_FAILED_WEBHOOK", { status: "failed" }], // one attempt: the order may yet be paid
  ["PAYMENT_USER_DROPPED_WEBHOOK", { status: "failed", code: "USER_DROPPED" }],
  ["SUBSCRIPTION_PAYMENT_NOTIFICATION_INITIATED", { status: "sent" }], // the customer was told of the charge to come
  ["SUBSCRIPTION_PAYMENT_SUCCESS", { status: "delivered" }],
  ["SUBSCRIPTION_PAYMENT_FAILED", { status: "failed", code: "PAYMENT_FAILED" }],
  ["SUBSCRIPTION_PAYMENT_DECLINED", { status: "failed", code: "PAYMENT_FAILED" }], // its name on an older page
  ["SUBSCRIPTION_PAYMENT_CANCELLED", { status: "failed", code: "CANCELLED" }],
]);

/** By `payment_status`, of SUBSCRIPTION_AUTH_STATUS. The same payment comes as SUBSCRIPTION_PAYMENT_…, too: both are one event. */
export const authorisations = new Map<string, Rule>([
  ["SUCCESS", { status: "delivered" }],
  ["FAILED", { status: "failed", code: "PAYMENT_FAILED" }],
]);

/** By `refund_status`. */
export const refunds = new Map<string, Rule>([
  ["SUCCESS", { status: "delivered" }],
  ["PENDING", { status: "sent" }],
  ["ONHOLD", { status: "sent" }],
  ["CANCELLED", { status: "failed", code: "CANCELLED" }], // by Cashfree, after several tries
  ["FAILED", { status: "failed", code: "FAILED" }],
]);

/** By `link_status`. */
export const links = new Map<string, Rule>([
  ["PARTIALLY_PAID", { status: "sent" }],
  ["PAID", { status: "delivered" }],
  ["EXPIRED", { status: "failed", code: "EXPIRED" }],
  ["CANCELLED", { status: "failed", code: "CANCELLED" }],
]);

/** Known, and nothing reached or missed a person. */
export const quiet: [RegExp, reason: string][] = [
  [/^WEBHOOK$/, "connection_test"],
  [/^DISPUTE_(CREATED|UPDATED|CLOSED)$/, "dispute"],
  [/^SETTLEMENT_(INITIATED|SUCCESS|FAILED|REVERSED|WEBHOOK)$/, "not_a_delivery"],
  [/^INSTRUMENT_(ACTIVE|FAILED)_WEBHOOK$/, "not_a_delivery"], // a saved card
  [/^PAYMENT_CHARGES_WEBHOOK$/, "not_a_delivery"], // what a payment cost; the payment itself has been told
  [/^SUBSCRIPTION_CONTROLLED_(NOTIFICATION|EXECUTION)_STATUS$/, "not_a_delivery"], // its SUBSCRIPTION_PAYMENT_… tells
];
