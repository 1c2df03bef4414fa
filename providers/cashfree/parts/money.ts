import { type DeliveryDraft, failed, type Json, type JsonObject, type Outcome, unknownWord } from "#provider";
import type { Data, Said } from "./payload.ts";
import { placed, subscriptionOf } from "./placing.ts";
import { links, type Rule, refunds } from "./words.ts";

export const present = (fields: { [field: string]: Json | undefined }): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter((field): field is [string, Json] => field[1] != null));
export const keyOf = (...parts: (string | number | null | undefined)[]): string =>
  parts
    .map((part) => part ?? "")
    .join(" ")
    .trimEnd();

/** `whose` goes into the key: the order, or what stands for it, as a merchant chooses the ids of its refunds and links. */
type Money = { kind: "payment" | "refund" | "link"; id: string; whose: string | null; reason: string | null; attempt?: number };

function delivery({ status, code }: Rule, said: Said, money: Money, words: JsonObject): DeliveryDraft {
  const { kind, id, whose, reason, attempt } = money;
  const isFailure = status === "failed";
  const providerCode = said.data.error_details?.error_code ?? null;
  return {
    key: isFailure ? keyOf(kind, id, whose, status, code, attempt) : keyOf(kind, id, whose, status),
    ...placed(said),
    channel: "payment",
    status,
    data: {
      message_id: id,
      ...(isFailure && { error_code: providerCode ?? code ?? null, error_reason: reason ?? code ?? null }),
    },
    provider_data: present({ event: said.type, ...words, code: isFailure ? providerCode : null }),
  };
}

const failureOf = ({ failure_details, failureDetails }: Data): string | null =>
  failure_details?.failure_reason ?? failureDetails?.failureReason ?? null;

/** `retry_attempts`, as the number of the attempt: none yet is the first. */
function attemptOf(retries: string | null): number | null {
  return retries && /^\d{1,4}$/.test(retries) ? Number(retries) + 1 : null;
}

export function payment(rule: Rule, said: Said): Outcome {
  const { data } = said;
  const money = data.payment ?? data;
  const id = money.cf_payment_id ?? money.payment_id;
  if (!id) return failed("no_payment");
  const subscription = subscriptionOf(data);
  const order = data.order?.order_id ?? null;
  const attempt = attemptOf(money.retry_attempts);
  const error = data.error_details;
  const reason = error?.error_reason ?? error?.error_description ?? failureOf(data) ?? money.payment_message;
  const whose = order ?? subscription.cf_subscription_id;
  return delivery(
    rule,
    said,
    { kind: "payment", id, whose, reason, attempt: attempt ?? 1 },
    {
      status: money.payment_status,
      payment_id: money.payment_id,
      order_id: order ?? data.cf_order_id,
      ...subscription,
      amount: money.payment_amount ?? null,
      currency: money.payment_currency,
      method: money.payment_group,
      attempt: rule.status === "failed" ? attempt : null,
    },
  );
}

export function refund(said: Said): Outcome {
  const money = said.data.refund ?? said.data.auto_refund ?? said.data;
  const id = money.refund_id ?? money.cf_refund_id; // an automatic refund has only Cashfree's
  if (!id) return failed("no_refund");
  const rule = refunds.get(money.refund_status ?? "");
  if (!rule) return unknownWord(`${said.type} ${money.refund_status}`);
  const whose = money.order_id ?? money.cf_payment_id;
  return delivery(
    rule,
    said,
    { kind: "refund", id, whose, reason: failureOf(said.data) ?? money.status_description },
    {
      status: money.refund_status,
      cf_refund_id: money.cf_refund_id,
      cf_payment_id: money.cf_payment_id,
      payment_id: money.payment_id,
      order_id: money.order_id,
      amount: money.refund_amount ?? null,
      currency: money.refund_currency,
    },
  );
}

export function link(said: Said): Outcome {
  const { data } = said;
  const id = data.link_id ?? data.cf_link_id;
  if (!id) return failed("no_link");
  const rule = links.get(data.link_status ?? "");
  if (!rule) return unknownWord(`${said.type} ${data.link_status}`);
  const order = data.order?.order_id ?? null; // a new one for each part that is paid
  return delivery(
    rule,
    said,
    { kind: "link", id, whose: order, reason: null },
    {
      status: data.link_status,
      cf_link_id: data.cf_link_id,
      order_id: order,
      amount: data.link_amount_paid ?? null,
      currency: data.link_currency,
    },
  );
}
