import { z } from "zod";
import {
  defineProvider,
  failed,
  id,
  isoTime,
  type Outcome,
  type State,
  type Status,
  standardWebhooks,
  unknownWord,
} from "#provider";
import { given, present, text, texts } from "./parts/reading.ts";

const orderStatuses = new Map<string, Status>([
  ["accepted", "sent"],
  ["preparing", "sent"],
  ["ready", "sent"],
  ["dispatched", "sent"],
  ["sent", "sent"],
  ["delivered", "delivered"],
  ["completed", "delivered"],
  ["failed", "failed"],
  ["cancelled", "failed"],
]);

/** A receipt goes to a person, so there is more to tell of it. */
const receiptStatuses = new Map<string, Status>([
  ...orderStatuses,
  ["bounced", "failed"], // bounces are of e-mail alone
  ["opened", "opened"],
  ["clicked", "clicked"],
  ["replied", "replied"],
  ["read", "read"],
]);

const MOST_MERGED = 100;
const ident = id().pipe(z.string().max(128));

/** What the README promises to read. What is required there is required here; of the rest, a misfit is as good as missing. */
const payload = z.object({
  ...{ version: z.literal(1), event: z.string().min(1), event_id: ident, occurred_at: z.string() },
  ...texts("store_id", "receipt_id", "order_id", "status", "reason"),
  customer: z.object({ id: text, email: given, phone: given, name: given }).nullish().catch(null),
  merged_customer_ids: z.array(ident).min(1).max(MOST_MERGED).nullish(),
  metadata: z.unknown().optional(),
});
type Payload = z.infer<typeof payload>;

/** What all of them say. No references: every id is of the shop's own choice, and two shops may choose the same. */
function drafted({ event, event_id, store_id, customer, metadata }: Payload, at: Date, ...apart: string[]) {
  return {
    // The store, because the ids of two may meet under one secret.
    key: JSON.stringify([store_id, event_id, ...apart]),
    occurredAt: at,
    ...(metadata != null && { metadata: [{ where: "metadata", fields: metadata }] }),
    provider_data: present({ event, store_id }),
    searchable: [customer?.email, customer?.phone],
  };
}

function delivery(body: Payload, at: Date, messageId: string | null, known: Map<string, Status>): Outcome {
  const { status: word, reason, receipt_id, order_id, customer } = body;
  if (!messageId || !word) return failed(messageId ? "no_status" : "no_message_id");
  const status = known.get(word);
  if (!status) return unknownWord(word);
  const told = drafted(body, at);
  return {
    ...told,
    channel: "pos",
    status,
    data: {
      message_id: messageId,
      contact_id: customer?.id ?? null,
      ...(status === "failed" && { error_code: word, error_reason: reason }),
    },
    provider_data: present({ status: word, ...told.provider_data, receipt_id, order_id }),
    searchable: [...told.searchable, receipt_id, order_id],
  };
}

/** Only what is carried: what is left out did not become empty. */
function stateOf(contactId: string, { email, phone, name }: NonNullable<Payload["customer"]>): State {
  const fields = Object.entries({ email, phone, name });
  const carried = fields.filter((field): field is [string, string | null] => field[1] !== undefined);
  return { kind: "contact", id: contactId, fields: Object.fromEntries(carried) };
}

function contact(body: Payload, at: Date): Outcome[] {
  const { event, customer, reason, merged_customer_ids: merged } = body;
  if (!customer?.id) return [failed("no_customer_id")];
  const contactId = customer.id;
  const { email = null, phone = null } = customer;
  const left = (id: string): State => ({ kind: "contact", id, fields: null });
  switch (event) {
    case "customer.created": {
      const data = { contact_id: contactId, email, phone, source: "webhook" };
      return [{ ...drafted(body, at), type: "contact.created", data, state: stateOf(contactId, customer) }];
    }
    case "customer.updated":
      return [
        { ...drafted(body, at), type: "contact.updated", data: { contact_id: contactId }, state: stateOf(contactId, customer) },
      ];
    case "customer.deleted": {
      const data = { contact_id: contactId, deletion_reason: reason ?? "deleted" };
      return [{ ...drafted(body, at), type: "contact.deleted", data, state: left(contactId) }];
    }
    case "customer.merged": {
      const lost = [...new Set(merged)].filter((id) => id !== contactId);
      if (lost.length === 0) return [failed("no_merged_customer")];
      return lost.map((id) => ({
        ...drafted(body, at, id),
        type: "contact.merged",
        data: { surviving_id: contactId, merged_id: id, merge_source: "pos" },
        state: left(id),
      }));
    }
    default:
      return [unknownWord(event)];
  }
}

export default defineProvider({
  title: "Generic POS",
  docs: "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
  retries: "As its sender does; Standard Webhooks asks for several tries over some days.",
  kinds: [],
  verify: standardWebhooks({ prefix: "webhook" }),
  payload,
  events(body, { headers }) {
    const { event, event_id, occurred_at, receipt_id, order_id } = body;
    // Both are signed, and both say which event it is: a sender that means two things by them will lose some.
    if (headers["webhook-id"] !== event_id) return [failed("event_id_mismatch")];
    const at = isoTime(occurred_at);
    if (!at) return [failed("occurred_at_unreadable")];
    if (event === "receipt.status") return [delivery(body, at, receipt_id, receiptStatuses)];
    if (event === "order.status") return [delivery(body, at, order_id, orderStatuses)];
    return event.startsWith("customer.") ? contact(body, at) : [unknownWord(event)];
  },
});
