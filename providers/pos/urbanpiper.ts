import { z } from "zod";
import { defineProvider, failed, ignored, isoTime, tokenOnly, unixTime, unknownWord, zonedTime } from "#provider";
import { type Meaning, present, reference, texts } from "./parts/reading.ts";

/** Its states, lower-case, with `_` for blanks. */
const states = new Map<string, Meaning>([
  ["placed", ignored("not_accepted")],
  ["acknowledged", "sent"],
  ["food_ready", "sent"],
  ["dispatched", "sent"],
  ["completed", "delivered"],
  ["cancelled", "failed"],
  ["customer_cancelled", ignored("cancellation_requested")], // the restaurant may refuse it; if not, `Cancelled` follows
]);

/** Codes of `x-upr-event-type` (older: the names themselves) for what is told of no order's state. */
const notTold = new Map([
  ["18", "order_placed"],
  ["10005", "user_feedback"],
  ["60012", "rider_status_update"],
  ["60013", "inventory_update"],
  ["60014", "store_creation"],
  ["60015", "store_action"],
  ["60016", "catalogue_timing_grp"],
  ["60017", "order_feature_update"],
  ["60018", "order_items_oos_processed"],
  ["60019", "order_retry"],
  ["12002", "hub_menu_publish"],
  ["12004", "item_state_toggle"],
  ["12005", "option_state_toggle"],
]);
const names = new Set(notTold.values());
const statusUpdate = ["60008", "order_status_update"];

const part = <Keys extends z.ZodRawShape>(keys: Keys) => z.object(keys).nullish().catch(null);
const time = z.unknown().optional();

export default defineProvider({
  title: "UrbanPiper",
  docs: "https://help.urbanpiper.com/55452-faqs/order-status-change-webhook",
  retries:
    "It calls again at intervals that are set with the webhook; many failures within a minute pause all webhooks of a business.",
  kinds: ["order"],
  // Its customer chooses the headers that it sends.
  verify: tokenOnly(),
  payload: z.object({
    ...texts("order_id", "new_state", "prev_state", "store_id", "message"),
    ...{ timestamp: time, timestamp_unix: time },
    additional_info: part({ external_channel: part(texts("name", "order_id")) }),
    delivery_info: part(texts("current_state")),
    order: part({}),
  }),
  hidden: ["order_otp", "order_return_otp", "bag_return_otp", "contact_access_code"],
  events({ order_id, new_state, prev_state, store_id, message, additional_info, ...body }, { headers }) {
    // The header is not vouched for: what the body is decides, the header names only what is not told anyway.
    if (!new_state) {
      const { delivery_info: rider } = body;
      if (rider)
        return [{ ...ignored("rider_status_update"), ...(rider.current_state && { word: rider.current_state.slice(0, 100) }) }];
      if (body.order) return [ignored("order_placed")];
      const event = headers["x-upr-event-type"]?.trim() ?? "";
      if (!event || statusUpdate.includes(event)) return [failed("no_new_state")];
      return [notTold.has(event) || names.has(event) ? ignored("event_not_told") : unknownWord(event)];
    }
    const state = new_state
      .trim()
      .toLowerCase()
      .replace(/[\s-]+/g, "_");
    const meaning = states.get(state);
    if (!meaning) return [unknownWord(new_state)];
    if (typeof meaning === "object") return [meaning];
    if (!order_id) return [failed("no_order_id")];
    const { timestamp, timestamp_unix } = body;
    const channel = additional_info?.external_channel;
    return [
      {
        key: JSON.stringify([store_id, order_id, state]),
        occurredAt: isoTime(timestamp) ?? unixTime(timestamp) ?? unixTime(timestamp_unix) ?? zonedTime(timestamp, "+05:30"),
        // Orders are numbered by UrbanPiper; `store_id` is what the shop calls its store, so it is none.
        references: reference("order", order_id),
        channel: "pos",
        status: meaning,
        data: { message_id: order_id, ...(meaning === "failed" && { error_code: state, error_reason: message }) },
        provider_data: present({
          ...{ status: new_state, previous_status: prev_state, store_id },
          ...{ external_channel: channel?.name, external_order_id: channel?.order_id },
        }),
        searchable: [channel?.order_id],
      },
    ];
  },
});
