import { z } from "zod";
import { type DeliveryDraft, eachItem, id, ignored, isoTime, type JsonObject, type Outcome, unknownWord } from "#provider";
import { type Meaning, reference, text, texts } from "./reading.ts";
import { type Call, drafted, type Rule } from "./square-call.ts";

const payments = new Map<string, Meaning>([
  ["PENDING", ignored("not_final")],
  ["APPROVED", ignored("not_final")], // authorised: nothing is paid yet
  ["COMPLETED", "delivered"], // paid, and its receipt made out
  ["CANCELED", "failed"],
  ["FAILED", "failed"],
]);

const orders = new Map<string, Meaning>([
  ["DRAFT", ignored("not_final")],
  ["OPEN", ignored("not_final")],
  ["COMPLETED", "delivered"],
  ["CANCELED", "failed"],
]);

const fulfillments = new Map<string, Meaning>([
  ["PROPOSED", ignored("not_accepted")],
  ["RESERVED", "sent"],
  ["PREPARED", "sent"],
  ["COMPLETED", "delivered"], // of what is shipped: it has left; nothing later is told
  ["CANCELED", "failed"],
  ["FAILED", "failed"],
]);

const errors = z.array(z.object(texts("code", "detail")));
const payment = z.object({
  ...{ id: id(), status: z.string(), card_details: z.object({ errors: errors.nullish() }).nullish().catch(null) },
  ...texts("order_id", "customer_id", "location_id", "receipt_number", "reference_id", "buyer_email_address", "updated_at"),
});
const order = z.object({ order_id: id(), state: z.string(), ...texts("location_id", "created_at", "updated_at") });
const fulfilled = z.object({ order_id: id(), fulfillment_update: z.array(z.unknown()), ...texts("location_id", "updated_at") });
const fulfillment = z.object({ fulfillment_uid: id(), old_state: text, new_state: z.string() });

/** What has come to a state: a payment, an order, or one of its fulfilments. */
type Sale = {
  data: DeliveryDraft["data"];
  at: string | null;
  index?: number;
  payment?: string;
  order: string | null;
  location: string | null;
  words?: JsonObject;
  searchable?: (string | null)[];
};

function sold(call: Call, states: Map<string, Meaning>, state: string, sale: Sale): Outcome {
  const meaning = states.get(state);
  if (!meaning) return unknownWord(state);
  if (typeof meaning === "object") return meaning;
  const { data, at, index = 0, payment = null, order: order_id, location: location_id, words, searchable = [] } = sale;
  const { error_code, error_reason, ...common } = data;
  const references = [
    ...reference("payment", payment),
    ...reference("order", order_id),
    ...reference("location", location_id), // one of the merchant's shops
  ];
  return {
    ...drafted(call, `${call.event}:${index}`, isoTime(at), references, { status: state, order_id, location_id, ...words }),
    channel: "pos",
    status: meaning,
    data: { ...common, ...(meaning === "failed" && { error_code: error_code ?? state, error_reason: error_reason ?? null }) },
    searchable: [order_id, ...searchable],
  };
}

export const paid: Rule = (object, call) =>
  eachItem([object.payment], payment, (one) => {
    const { id, customer_id, receipt_number } = one;
    const [error] = one.card_details?.errors ?? [];
    return sold(call, payments, one.status, {
      data: { message_id: id, contact_id: customer_id, error_code: error?.code ?? null, error_reason: error?.detail ?? null },
      ...{ at: one.updated_at, payment: id, order: one.order_id, location: one.location_id },
      words: { receipt_number },
      searchable: [receipt_number, one.reference_id, one.buyer_email_address],
    });
  });

/** @param member what of `data.object` tells of the order. */
export const ordered =
  (member: string): Rule =>
  (object, call) =>
    eachItem([object[member]], order, ({ order_id, state, location_id, updated_at, created_at }) =>
      sold(call, orders, state, {
        data: { message_id: order_id },
        ...{ at: updated_at ?? created_at, order: order_id, location: location_id },
      }),
    );

export const fulfilling: Rule = (object, call) =>
  eachItem([object.order_fulfillment_updated], fulfilled, ({ order_id, location_id, updated_at, fulfillment_update }) =>
    fulfillment_update.flatMap((update, index) =>
      eachItem([update], fulfillment, ({ fulfillment_uid, old_state, new_state }) => {
        // Something else of it has changed, its tracking number for one.
        if (old_state === new_state) return ignored("state_unchanged");
        return sold(call, fulfillments, new_state, {
          data: { message_id: `${order_id}:${fulfillment_uid}` },
          ...{ at: updated_at, index, order: order_id, location: location_id },
        });
      }),
    ),
  );
