import { showId } from "../ids.ts";
import type { JsonObject } from "../provider/draft.ts";
import type { Event } from "./build.ts";
import { type CatalogueType, catalogue, DELIVERY_NAME } from "./catalogue.ts";

/** The `data` of a type with every key that may be unknown filled in, or what is wrong with it by field. */
export function readData(
  type: CatalogueType,
  workspace: string,
  data: JsonObject,
): { data: JsonObject } | { fields: Record<string, string> } {
  const shape = catalogue[type];
  const nullable = Object.entries(shape.shape).filter(([, field]) => field.safeParse(null).success);
  const whole = {
    ...Object.fromEntries(nullable.map(([key]) => [key, null])),
    ...(type === "billing.credit_low" && { workspace_id: workspace }),
    ...data,
  };
  const parsed = shape.safeParse(whole);
  if (parsed.success) return { data: parsed.data as JsonObject };
  return {
    fields: Object.fromEntries(
      parsed.error.issues.map((issue) => [`data.${issue.path.join(".")}`.replace(/\.$/, ""), issue.message]),
    ),
  };
}

/** An event that the platform itself tells. */
export function buildFirstParty(told: {
  eventId: string;
  type: CatalogueType;
  workspace: string;
  data: JsonObject;
  occurredAt: number | null;
  receivedAt: number;
}): Event {
  const delivery = told.type === "delivery.sent";
  return {
    id: showId("event", told.eventId),
    name: delivery ? DELIVERY_NAME : told.type,
    variant: delivery ? `${told.data.channel}.sent` : null,
    type: told.type,
    classification: "PASSIVE",
    workspace_id: told.workspace,
    workspace_source: "api",
    provider: null,
    dialect: null,
    occurred_at: new Date(told.occurredAt ?? told.receivedAt).toISOString(),
    received_at: new Date(told.receivedAt).toISOString(),
    callback_id: null,
    data: told.data,
    provider_data: told.occurredAt === null ? { clock: "received" } : {},
  };
}
