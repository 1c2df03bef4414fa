import { z } from "zod";
import {
  type DeliveryDraft,
  defineProvider,
  failed,
  hmac,
  ignored,
  type Json,
  type JsonObject,
  type Metadata,
  type Outcome,
  optionalText,
  type Reference,
  type Status,
  unixTime,
  unknownWord,
} from "#provider";

/** `of`: the entity whose id is the message's (the first that there is). `code`: where the words themselves are the reason. */
type Rule = { status: Status; of: [string, ...string[]]; code?: string; words: string[] };

/** The word decides, never an entity's own `status`: documented samples contradict themselves there. */
const rules: Rule[] = [
  // Of a payment, all words of a row are one event: the same money moved.
  { status: "sent", of: ["payment"], words: ["payment.authorized", "payment.pending", "invoice.partially_paid"] },
  { status: "delivered", of: ["payment"], words: ["payment.captured", "order.paid", "invoice.paid", "subscription.charged"] },
  { status: "delivered", of: ["payment"], words: ["qr_code.credited", "virtual_account.credited"] },
  { status: "failed", of: ["payment"], words: ["payment.failed"] }, // one try: by UPI the same payment may yet be captured
  { status: "failed", of: ["payment", "subscription"], code: "subscription_pending", words: ["subscription.pending"] },
  { status: "failed", of: ["payment", "subscription"], code: "subscription_halted", words: ["subscription.halted"] },
  { status: "failed", of: ["invoice"], code: "expired", words: ["invoice.expired"] },
  { status: "sent", of: ["payment_link"], words: ["payment_link.partially_paid"] },
  { status: "delivered", of: ["payment_link"], words: ["payment_link.paid"] },
  { status: "failed", of: ["payment_link"], code: "expired", words: ["payment_link.expired"] },
  { status: "failed", of: ["payment_link"], code: "cancelled", words: ["payment_link.cancelled"] },
  { status: "sent", of: ["refund"], words: ["refund.created"] },
  { status: "delivered", of: ["refund"], words: ["refund.processed"] },
  { status: "failed", of: ["refund"], words: ["refund.failed"] },
  { status: "sent", of: ["payout"], words: ["payout.pending", "payout.queued", "payout.initiated"] },
  { status: "delivered", of: ["payout"], words: ["payout.processed"] },
  { status: "failed", of: ["payout"], words: ["payout.rejected", "payout.failed", "payout.reversed"] },
];

/** They move no money, but tell the subscription's plan, as its other words do. */
const lifecycle = /^subscription\.(authenticated|activated|completed|updated|paused|resumed|cancelled)$/;

/** Known, and nothing reached or missed a person. */
const quiet: [RegExp, reason: string][] = [
  [/^payment\.dispute\./, "dispute"],
  [/^(account|banking_accounts|fund_account|payout_link|product|settlement|token|transaction|transfer)\./, "not_a_delivery"],
  [/^(order\.notification|payment\.downtime|payout\.downtime)\./, "not_a_delivery"],
  [/^(payout\.updated|refund\.speed_changed|(qr_code|virtual_account)\.(created|closed))$/, "not_a_delivery"],
];

/** Entities whose ids tell whose it is, most specific first. */
const referenced = [
  { name: "payment", kind: "payment", learn: "180d" }, // a refund may come months later, without notes
  { name: "refund", kind: "refund", learn: "180d" },
  { name: "payout", kind: "payout", learn: "180d" },
  { name: "payment_link", kind: "link", learn: "forever" },
  { name: "order", kind: "order", learn: "forever" },
  { name: "invoice", kind: "invoice", learn: "forever" },
  { name: "subscription", kind: "subscription", learn: "forever" },
  { name: "qr_code", kind: "qr_code", learn: "forever" },
  { name: "virtual_account", kind: "virtual_account", learn: "forever" },
  { name: "customer", kind: "customer", learn: "forever" },
] as const;

/** One message id in their notes cannot be that of each of their payments. */
const ofManyPayments = new Set(["subscription", "qr_code", "virtual_account"]);

const text = optionalText();
const person = z.object({ email: text, contact: text }).nullish().catch(null);
/** One schema for all entities: each has its share of these. */
const entity = z.object({
  ...{ id: text, payment_id: text, order_id: text, invoice_id: text, subscription_id: text, customer_id: text, plan_id: text },
  ...{ amount: z.union([z.string(), z.number()]).nullish().catch(null), currency: text },
  ...{ error_code: text, error_reason: text, error_description: text },
  status_details: z.object({ reason: text, description: text }).nullish().catch(null), // why a payout failed
  ...{ receipt: text, invoice_number: text, reference_id: text, email: text, contact: text },
  ...{ customer: person, customer_details: person }, // of a link, of an invoice
  ...{ created_at: text, updated_at: text, current_end: text, charge_at: text, auth_attempts: text },
});
type Entity = z.infer<typeof entity>;
type Entities = Map<string, Entity>;
type Placed = Pick<DeliveryDraft, "occurredAt" | "metadata" | "references">;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The entities by name, and all notes. `contains` does not list them reliably, so the payload itself is gone through. */
function read(payload: Record<string, unknown>): { entities: Entities; metadata: Metadata[] } {
  const entities: Entities = new Map();
  const metadata: Metadata[] = [];
  for (const [name, wrapper] of Object.entries(payload)) {
    if (!isObject(wrapper)) continue;
    const inner = isObject(wrapper.entity) ? wrapper.entity : {};
    // In one documented payout most fields stand beside `entity`, not in it.
    entities.set(name, entity.parse({ ...wrapper, ...inner }));
    // A payment's notes may come from the buyer's page; all others come from calls with the account's key.
    const source = {
      ...(name === "payment" && { teaches: false as const }),
      ...((ofManyPayments.has(name) || (name === "payment" && "refund" in payload)) && { names: false as const }),
    };
    if (inner.notes !== undefined) metadata.push({ where: `payload.${name}.entity.notes`, fields: inner.notes, ...source });
    if (wrapper.notes !== undefined) metadata.push({ where: `payload.${name}.notes`, fields: wrapper.notes, ...source });
  }
  return { entities, metadata };
}

/** An entity's own id, or what another entity of the payload calls it. */
function idOf(entities: Entities, name: string): string | null {
  const column = `${name}_id` as "order_id"; // undefined where the schema has no such column
  const id = entities.get(name)?.id ?? [...entities.values()].map((other) => other[column]).find(Boolean) ?? null;
  // A payment link's order comes without the prefix that it has everywhere else.
  return id && name === "order" && !id.startsWith("order_") ? `order_${id}` : id;
}

function referencesOf(entities: Entities, account: string | null): Reference[] {
  const found = referenced.flatMap(({ name, kind, learn }): Reference[] => {
    const value = idOf(entities, name);
    return value ? [{ kind, value, learn }] : [];
  });
  // Our own account: someone may tell whose it is, a callback never does.
  return account ? [...found, { kind: "account", value: account, own: true }] : found;
}

const present = (fields: { [field: string]: Json | undefined }): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter((field): field is [string, Json] => field[1] != null));
const keyOf = (...parts: (string | null | undefined)[]): string =>
  parts
    .map((part) => part ?? "")
    .join(" ")
    .trimEnd();

/** While a charge is pending, `charge_at` is its next try, unless it already is the next cycle's. */
function nextAttempt({ charge_at, current_end }: Entity, after: Date | null): string | null {
  const next = charge_at === current_end ? null : unixTime(charge_at);
  return next && after && next > after ? next.toISOString() : null;
}

function delivery({ status, of, code }: Rule, event: string, entities: Entities, placed: Placed): Outcome {
  const about = of.find((name) => idOf(entities, name)) ?? of[0];
  const messageId = idOf(entities, about);
  if (!messageId) return failed(`no_${about}`);
  const paymentId = idOf(entities, "payment");
  const orderId = idOf(entities, "order");
  const isLink = about === "payment_link";
  const money = (isLink && entities.get("payment")) || entities.get(about);
  const dunned = of.includes("subscription") ? entities.get("subscription") : undefined;
  const providerCode = money?.error_code ?? money?.status_details?.reason;
  const at = placed.occurredAt?.toISOString();

  let key = keyOf(messageId, status);
  if (event === "payment.failed") key = keyOf(messageId, status, at); // the same payment may fail again
  if (isLink) key = keyOf(messageId, event, paymentId); // it may be paid in parts
  if (dunned) key = keyOf(messageId, event, dunned.current_end, dunned.charge_at, dunned.auth_attempts, at); // each try

  return {
    key,
    ...placed,
    channel: "payment",
    status,
    data: {
      message_id: messageId,
      ...(status === "failed" && {
        error_code: code ?? providerCode ?? null,
        error_reason: money?.error_reason ?? money?.error_description ?? money?.status_details?.description ?? code ?? null,
      }),
    },
    provider_data: present({
      status: event,
      code: status === "failed" ? providerCode : null,
      payment_id: about === "payment" ? null : paymentId,
      order_id: orderId,
      subscription_id: idOf(entities, "subscription"),
      invoice_id: idOf(entities, "invoice"),
      amount: money?.amount,
      currency: money?.currency,
      attempt: Number(dunned?.auth_attempts) || null,
      next_attempt_at: dunned && event === "subscription.pending" ? nextAttempt(dunned, placed.occurredAt) : null,
    }),
    searchable: [...new Set([orderId, ...[...entities.values()].flatMap(searchTerms)])].filter(Boolean),
  };
}

function searchTerms({ receipt, invoice_number, reference_id, customer, customer_details, ...own }: Entity) {
  return [
    receipt,
    invoice_number,
    reference_id,
    ...[own, customer, customer_details].flatMap((who) => [who?.email, who?.contact]),
  ];
}

/** The old plan is never told, so every callback about a subscription tells its present one, and the core sees what changed. */
function plan(event: string, entities: Entities, placed: Placed, receivedAt: Date): Outcome[] {
  const { id, plan_id } = entities.get("subscription") ?? {};
  if (!id || !plan_id) return [];
  return [
    {
      type: "billing.plan_changed",
      key: keyOf("plan", id, plan_id, event, placed.occurredAt?.toISOString()),
      ...placed,
      data: { effective_at: (placed.occurredAt ?? receivedAt).toISOString() },
      state: { kind: "plan", id, fields: { plan: plan_id } },
      provider_data: { status: event, subscription_id: id },
    },
  ];
}

export default defineProvider({
  title: "Razorpay",
  docs: "https://razorpay.com/docs/webhooks/",
  retries: "It waits 5 seconds for a 2xx, calls again at growing intervals for 24 hours, then disables the webhook.",
  kinds: [
    "payment",
    "order",
    "invoice",
    "subscription",
    "link",
    "refund",
    "payout",
    "qr_code",
    "virtual_account",
    "customer",
    "account",
  ],
  verify: hmac({ header: "x-razorpay-signature", algorithm: "sha256", encoding: "hex" }),
  payload: z.object({
    // One documented sample (token.service_provider.failed) has the word inside an object.
    event: z.union([z.string().min(1), z.object({ name: z.string().min(1) }).transform(({ name }) => name)]),
    account_id: text,
    created_at: text,
    payload: z.unknown().optional(),
  }),
  events({ event, account_id, created_at, ...envelope }, { receivedAt }) {
    const rule = rules.find(({ words }) => words.includes(event));
    if (!rule && !lifecycle.test(event)) {
      const reason = quiet.find(([words]) => words.test(event))?.[1];
      return [reason ? ignored(reason) : unknownWord(event)];
    }
    const payload = isObject(envelope.payload) ? envelope.payload : {};
    const { entities, metadata } = read(payload);
    // A link's envelope tells when the link was made. Some other envelopes carry their time in the payload.
    const occurredAt = event.startsWith("payment_link.")
      ? (unixTime(entities.get("payment")?.created_at) ?? unixTime(entities.get("payment_link")?.updated_at))
      : (unixTime(created_at) ?? unixTime(payload.created_at));
    const placed = { occurredAt, metadata, references: referencesOf(entities, account_id) };
    const outcomes = rule ? [delivery(rule, event, entities, placed)] : [];
    if (event.startsWith("subscription.")) outcomes.push(...plan(event, entities, placed, receivedAt));
    return outcomes.length > 0 ? outcomes : [ignored("no_plan")];
  },
});
