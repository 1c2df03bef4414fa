import { z } from "zod";
import { channels, statuses } from "../provider/draft.ts";

const text = z.string().min(1);
const maybe = z.string().nullable();
const time = z.iso.datetime({ precision: 3 });
const message = { message_id: text, campaign_id: maybe, contact_id: maybe, channel: z.enum(channels) };
const maybeNumber = z.union([z.number(), z.string()]).nullable();

/**
 * Every type that is told to the outside and the exact `data` of it (CONTRACT §5). The classifier, the checks of `POST /v1/events` and
 * the conformance suite all read this table.
 */
export const catalogue = {
  "delivery.sent": z.strictObject(message),
  "delivery.delivered": z.strictObject({ ...message, delivered_at: time }),
  "delivery.failed": z.strictObject({ ...message, error_code: maybe, error_reason: maybe }),
  "delivery.bounced": z.strictObject({
    ...message,
    channel: z.literal("email"),
    bounce_type: z.enum(["hard", "soft"]),
    bounce_reason: maybe,
  }),
  "delivery.opened": z.strictObject({ ...message, opened_at: time, machine: z.boolean() }),
  "delivery.clicked": z.strictObject({ ...message, link_url: maybe, clicked_at: time }),
  "delivery.replied": z.strictObject({ ...message, reply_text: maybe }),
  "delivery.read": z.strictObject({ ...message, read_at: time }),
  "contact.created": z.strictObject({
    contact_id: text,
    email: maybe,
    phone: maybe,
    source: z.enum(["sdk", "api", "import", "webhook"]),
  }),
  "contact.updated": z.strictObject({
    contact_id: text,
    changes: z.record(z.string(), z.strictObject({ old: z.unknown(), new: z.unknown() })),
  }),
  "contact.deleted": z.strictObject({ contact_id: text, deletion_reason: maybe }),
  "contact.merged": z.strictObject({ surviving_id: text, merged_id: text, merge_source: maybe }),
  "segment.entered": z.strictObject({ contact_id: text, segment_id: text, segment_name: maybe }),
  "segment.exited": z.strictObject({ contact_id: text, segment_id: text, segment_name: maybe }),
  "campaign.started": z.strictObject({
    campaign_id: text,
    campaign_name: maybe,
    segment_id: maybe,
    channel: z.enum(channels).nullable(),
  }),
  "campaign.completed": z.strictObject({
    campaign_id: text,
    total_sent: z.number().int().nullable(),
    total_delivered: z.number().int().nullable(),
    total_bounced: z.number().int().nullable(),
  }),
  "campaign.paused": z.strictObject({ campaign_id: text, paused_by: maybe }),
  "billing.credit_low": z.strictObject({ current_balance: maybeNumber, threshold: maybeNumber, workspace_id: text }),
  "billing.plan_changed": z.strictObject({
    old_plan: maybe,
    new_plan: maybe,
    effective_at: z.iso.datetime({ offset: true }).nullable(),
  }),
} as const;

export type CatalogueType = keyof typeof catalogue;
export const catalogueTypes = Object.keys(catalogue) as CatalogueType[];

/** What `POST /v1/events` takes: first-party families, and the sending of a message. */
export function isFirstParty(type: string): type is CatalogueType {
  return type === "delivery.sent" || (Object.hasOwn(catalogue, type) && !type.startsWith("delivery."));
}

/** The name of every delivery event on the bus. */
export const DELIVERY_NAME = "channel_delivery_status";

/** Statuses that stay on the bus: they have no outbound type. */
export const BUS_ONLY: ReadonlySet<string> = new Set(["complained", "unsubscribed"]);

/** The outbound type of a delivery status; null for the two that stay on the bus. */
export function deliveryType(status: string): CatalogueType | null {
  return BUS_ONLY.has(status) ? null : (`delivery.${status}` as CatalogueType);
}

/** An event as it is told (CONTRACT §5). */
export const eventSchema = z
  .strictObject({
    id: z.string().regex(/^evt_[0-9a-f]{32}$/),
    name: text,
    variant: maybe,
    type: z.enum(catalogueTypes as [CatalogueType, ...CatalogueType[]]).nullable(),
    classification: z.literal("PASSIVE"),
    workspace_id: text,
    workspace_source: z.enum(["credential", "path", "metadata", "lookup", "assigned", "api"]),
    provider: maybe,
    dialect: maybe,
    occurred_at: time,
    received_at: time,
    callback_id: z
      .string()
      .regex(/^cb_[0-9a-f]{32}$/)
      .nullable(),
    data: z.record(z.string(), z.unknown()),
    provider_data: z.record(z.string(), z.unknown()),
  })
  .superRefine((event, context) => {
    const shape = event.type ? catalogue[event.type] : z.strictObject(message);
    for (const issue of shape.safeParse(event.data).error?.issues ?? []) {
      context.addIssue({ code: "custom", message: issue.message, path: ["data", ...issue.path] });
    }
    const [channel = "", status = ""] = event.variant?.split(".") ?? [];
    const delivery = (channels as readonly string[]).includes(channel) && (statuses as readonly string[]).includes(status);
    if ((event.name === DELIVERY_NAME) !== delivery)
      context.addIssue({ code: "custom", message: "variant does not fit the name", path: ["variant"] });
    if (event.name !== DELIVERY_NAME && event.name !== event.type)
      context.addIssue({ code: "custom", message: "name does not fit the type", path: ["name"] });
  });
