import { defineProvider, failed, ignored, type Outcome, type Status, standardWebhooks, unixTime, unknownWord } from "#provider";
import { contactCreated, contactDeleted, contactUpdated } from "./parts/contacts.ts";
import { type Call, drafted, metadataOf, type Named, ofPayer, type Rule, rule, teaches } from "./parts/drafting.ts";
import { hidden, samples, uninteresting } from "./parts/event-types.ts";
import * as read from "./parts/payload.ts";

/** Of a payment attempt, and which of its times tells when. */
const payments = new Map<string, { status: Status; time: "created_at" | "paid_at" | "failed_at" }>([
  ["pending", { status: "sent", time: "created_at" }],
  ["paid", { status: "delivered", time: "paid_at" }],
  ["failed", { status: "failed", time: "failed_at" }],
]);

/** Of an e-mail or text message that Clerk sends itself: what becomes of it is never told. */
const messages = new Map<string, Status>([["queued", "sent"]]);

/** An e-mail or text message was made. What Clerk does not send itself, it asks us to send: then the real sender tells. */
function messageMade(channel: "email" | "sms", made: read.Message, call: Call): Outcome {
  if (made.delivered_by_clerk !== true) return ignored("not_delivered_by_clerk");
  if (made.suppression_reason) return { ...ignored("suppressed"), word: made.suppression_reason.slice(0, 100) };
  const status = messages.get(made.status ?? "queued");
  if (!status) return unknownWord(made.status ?? "");
  const recipient = channel === "email" ? made.to_email_address : made.to_phone_number;
  return {
    ...drafted(call, [made.created_at_ms, made.created_at], [["user", made.user_id, "forever"]]),
    metadata: metadataOf("data.data.user", made.data?.user),
    channel,
    status,
    data: { message_id: made.id, contact_id: made.user_id },
    // Subject and text hold the one-time code.
    provider_data: { status: made.status, event: call.type, template: made.slug, recipient },
  };
}

/** The same charge may also come from Stripe: both tell it under the gateway's id, where Clerk knows that. */
const paymentTried = rule(read.paymentAttempt, (attempt, call) => {
  const { id, payment_id, gateway_external_id: gateway, payer, failed_reason: reason, totals } = attempt;
  const meaning = payments.get(attempt.status);
  if (!meaning) return unknownWord(attempt.status);
  const { status, time } = meaning;
  const code = reason?.decline_code ?? reason?.code ?? null;
  const named: Named[] = [["payment", gateway, "180d"], ["payment_attempt", id, "180d"], ...ofPayer(payer)];
  return {
    ...drafted(call, [attempt[time]], named, [payment_id, payer?.email]),
    channel: "payment",
    status,
    data: {
      message_id: gateway ?? id,
      contact_id: payer?.user_id ?? null,
      ...(status === "failed" && { error_code: code ?? "payment_failed", error_reason: null }),
    },
    provider_data: {
      ...{ status: attempt.status, event: call.type, code, payment_attempt: id, payment_id, charge_type: attempt.charge_type },
      amount: totals?.grand_total?.amount ?? null, // in the currency's smallest unit
      currency: totals?.grand_total?.currency ?? null,
      ...(status === "failed" && { attempt: null, next_attempt_at: null }), // Clerk tells neither
    },
  };
});

/** Which plan was before is never told. */
const planActive = rule(read.subscriptionItem, (item, call) => {
  const { payer, subscription_id: subscription, is_free_trial } = item;
  const plan = item.plan?.slug ?? item.plan_id;
  const payerId = payer?.organization_id ?? payer?.user_id ?? subscription;
  if (!plan || !payerId) return failed(plan ? "no_payer" : "no_plan");
  const named: Named[] = [["subscription", subscription, "forever"], ...ofPayer(payer)];
  const common = drafted(call, [item.updated_at], named, [item.id, payer?.email]);
  return {
    ...common,
    type: "billing.plan_changed",
    data: { effective_at: (unixTime(item.period_start) ?? common.occurredAt)?.toISOString() ?? null },
    state: { kind: "plan", id: payerId, fields: { plan } },
    provider_data: {
      ...{ status: item.status, event: call.type, subscription, plan_id: item.plan_id },
      is_free_trial: is_free_trial === true,
    },
  };
});

const organizationTold = rule(read.organization, (organization, call) =>
  teaches(call, metadataOf("data", organization), [["organization", organization.id, "forever"]]),
);
const memberTold = rule(read.membership, (membership, call) => {
  const { organization, public_user_data: member } = membership;
  const metadata = [...metadataOf("data.organization", organization), ...metadataOf("data", membership)];
  const learned: Named[] = [
    ["organization", organization?.id, "forever"],
    ["user", member?.user_id, "forever"],
  ];
  return teaches(call, metadata, learned);
});
/** The organization in which somebody was last active need not be of the workspace that the user's metadata names: not learned. */
const sessionTold = rule(read.session, ({ user, user_id, last_active_organization_id }, call) =>
  teaches(call, metadataOf("data.user", user), [
    ["organization", last_active_organization_id],
    ["user", user_id, "forever"],
  ]),
);

const rules = new Map<string, Rule>([
  ["user.created", contactCreated],
  ["user.updated", contactUpdated],
  ["user.deleted", contactDeleted],
  ["email.created", rule(read.message, (made, call) => messageMade("email", made, call))],
  ["sms.created", rule(read.message, (made, call) => messageMade("sms", made, call))],
  ["paymentAttempt.created", paymentTried],
  ["paymentAttempt.updated", paymentTried],
  ["subscriptionItem.active", planActive],
  ["organization.created", organizationTold],
  ["organization.updated", organizationTold],
  ["organizationMembership.created", memberTold],
  ["organizationMembership.updated", memberTold],
  ...["created", "ended", "pending", "removed", "revoked"].map((word): [string, Rule] => [`session.${word}`, sessionTold]),
  ...[...uninteresting].map(([type, reason]): [string, Rule] => [type, () => [ignored(reason)]]),
]);

export default defineProvider({
  title: "Clerk",
  docs: "https://clerk.com/docs/guides/development/webhooks/overview",
  retries: "It calls again up to 7 times within 28 hours; resends by hand carry the same id.",
  hidden,
  kinds: ["user", "organization", "payment", "payment_attempt", "subscription", "instance"],
  verify: standardWebhooks({ prefix: "svix" }),
  payload: read.envelope,
  events(from, { headers }) {
    const id = headers["svix-id"]; // signed
    if (!id) return [failed("no_message_id")];
    if (isSample(from)) return [ignored("sample_ids")];
    return rules.get(from.type)?.({ ...from, id }) ?? [unknownWord(from.type)];
  },
});

/** The dashboard's "Send Example". */
function isSample({ instance_id, data }: read.Envelope): boolean {
  const { id } = (typeof data === "object" && data !== null ? data : {}) as { id?: unknown };
  return [instance_id, id].some((one) => typeof one === "string" && samples.has(one));
}
