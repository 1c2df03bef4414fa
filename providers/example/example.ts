import { z } from "zod";
import { type DeliveryDraft, defineProvider, eachItem, hmac, isoTime, optionalText, type Status, unknownWord } from "#provider";

const statuses = new Map<string, Status>([
  ["accepted", "sent"],
  ["delivered", "delivered"],
  ["rejected", "failed"], // never left the provider
  ["hard_bounce", "bounced"],
  ["soft_bounce", "bounced"],
  ["opened", "opened"],
]);

const report = z.object({
  id: z.string().min(1),
  message_id: z.string().min(1),
  status: z.string(),
  at: z.unknown().optional(),
  to: optionalText(),
  reason: optionalText(),
  meta: z.unknown().optional(),
});

export default defineProvider({
  title: "Example Mail",
  docs: "https://example.com/docs/callbacks",
  retries: "It calls again for 24 hours until it gets a 2xx.",
  kinds: ["message"],
  verify: hmac({ header: "x-example-signature", algorithm: "sha256", encoding: "hex" }),
  payload: z.object({ reports: z.array(z.unknown()) }),
  events: ({ reports }) =>
    eachItem(reports, report, (item): DeliveryDraft | ReturnType<typeof unknownWord> => {
      const status = statuses.get(item.status);
      if (!status) return unknownWord(item.status);
      return {
        key: item.id,
        occurredAt: isoTime(item.at),
        metadata: [{ where: "meta", fields: item.meta }],
        references: [{ kind: "message", value: item.message_id, learn: "30d" }],
        channel: "email",
        status,
        data: {
          message_id: item.message_id,
          ...(status === "bounced" && {
            bounce_type: item.status === "hard_bounce" ? "hard" : "soft",
            bounce_reason: item.reason,
          }),
          ...(status === "failed" && { error_code: item.status, error_reason: item.reason }),
        },
        provider_data: { status: item.status, recipient: item.to },
      };
    }),
});
