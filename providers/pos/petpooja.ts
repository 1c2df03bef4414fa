import { z } from "zod";
import { defineProvider, failed, type Status, tokenOnly, unknownWord } from "#provider";
import { present, reference, texts } from "./parts/reading.ts";

const statuses = new Map<string, Status>([
  ["-1", "failed"], // cancelled
  ["1", "sent"], // accepted, like the next two
  ["2", "sent"],
  ["3", "sent"],
  ["5", "sent"], // food ready, which comes before 4
  ["4", "sent"], // dispatched
  ["10", "delivered"],
]);

export default defineProvider({
  title: "Petpooja",
  docs: "https://onlineorderingapisv210.docs.apiary.io/",
  retries: "Not documented; others who receive its calls took care never to answer anything but 200.",
  kinds: ["order", "store"],
  // It sends no header of ours: the URL of each order carries the token.
  verify: tokenOnly(),
  payload: z.object(texts("restID", "orderID", "status", "cancel_reason")),
  events({ restID, orderID, status: word, cancel_reason }) {
    if (!word) return [failed("no_status")];
    const status = statuses.get(word.trim());
    if (!status) return [unknownWord(word)];
    if (!orderID) return [failed("no_order_id")];
    return [
      {
        key: JSON.stringify([restID, orderID, word.trim()]),
        occurredAt: null, // it tells none
        // The order's id is of the ordering side's own choice; the restaurant's is Petpooja's, and makes it unique.
        references: [...reference("order", restID && `${restID}:${orderID}`), ...reference("store", restID)],
        channel: "pos",
        status,
        data: { message_id: orderID, ...(status === "failed" && { error_code: "cancelled", error_reason: cancel_reason }) },
        provider_data: present({ status: word.trim(), restaurant_id: restID }),
        searchable: [orderID],
      },
    ];
  },
});
