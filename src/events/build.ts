import { showId } from "../ids.ts";
import type { Context } from "../inbound/resolve.ts";
import type { Draft, Json, JsonObject } from "../provider/draft.ts";
import { type CatalogueType, DELIVERY_NAME, deliveryType } from "./catalogue.ts";

/** How far ahead of its receipt a provider's time may lie. */
const AHEAD_MS = 5 * 60_000;

export type Event = {
  id: string;
  name: string;
  variant: string | null;
  type: CatalogueType | null;
  classification: "PASSIVE";
  workspace_id: string;
  workspace_source: "credential" | "path" | "metadata" | "lookup" | "assigned" | "api";
  provider: string | null;
  dialect: string | null;
  occurred_at: string;
  received_at: string;
  callback_id: string | null;
  data: JsonObject;
  provider_data: JsonObject;
};

/** When it happened: the provider's time, unless it tells none or one in the future. */
export function occurredAt(draft: Draft, receivedAt: number): { at: number; clock: "provider" | "received" } {
  const told = draft.occurredAt?.getTime();
  return told !== undefined && told <= receivedAt + AHEAD_MS
    ? { at: told, clock: "provider" }
    : { at: receivedAt, clock: "received" };
}

/** The event that a placed draft becomes. Every key field is there, `null` where unknown. */
export function buildEvent(
  draft: Draft,
  placed: {
    eventId: string;
    callbackId: string | null;
    workspace: string;
    source: Event["workspace_source"];
    context: Context;
    provider: string | null;
    dialect: string | null;
    receivedAt: number;
  },
): Event {
  const { at, clock } = occurredAt(draft, placed.receivedAt);
  const occurred = new Date(at).toISOString();
  const delivery = "status" in draft;
  return {
    id: showId("event", placed.eventId),
    name: delivery ? DELIVERY_NAME : draft.type,
    variant: delivery ? `${draft.channel}.${draft.status}` : null,
    type: delivery ? deliveryType(draft.status) : draft.type,
    classification: "PASSIVE",
    workspace_id: placed.workspace,
    workspace_source: placed.source,
    provider: placed.provider,
    dialect: placed.dialect,
    occurred_at: occurred,
    received_at: new Date(placed.receivedAt).toISOString(),
    callback_id: placed.callbackId && showId("callback", placed.callbackId),
    data: delivery ? deliveryData(draft, placed.context, occurred) : factData(draft, placed.workspace),
    provider_data: {
      ...(delivery && { message_id: draft.data.message_id }),
      ...draft.provider_data,
      ...(clock === "received" && { clock }),
      ...(draft.test && { test: true }),
    },
  };
}

function deliveryData(draft: Extract<Draft, { status: string }>, context: Context, occurred: string): JsonObject {
  const { data } = draft;
  const common = {
    message_id: context.message_id ?? data.message_id,
    campaign_id: context.campaign_id ?? data.campaign_id ?? null,
    contact_id: context.contact_id ?? data.contact_id ?? null,
    channel: draft.channel,
  };
  switch (draft.status) {
    case "delivered":
      return { ...common, delivered_at: occurred };
    case "failed":
      return { ...common, error_code: data.error_code ?? null, error_reason: data.error_reason ?? null };
    case "bounced":
      return { ...common, bounce_type: data.bounce_type ?? "soft", bounce_reason: data.bounce_reason ?? null };
    case "opened":
      return { ...common, opened_at: occurred, machine: data.machine ?? false };
    case "clicked":
      return { ...common, link_url: data.link_url ?? null, clicked_at: occurred };
    case "replied":
      return { ...common, reply_text: data.reply_text ?? null };
    case "read":
      return { ...common, read_at: occurred };
    case "sent":
    case "complained":
    case "unsubscribed":
      return common;
  }
}

/** The keys of each type, so that none is missing where a provider does not tell it. */
const factKeys: Record<Extract<Draft, { type: string }>["type"], string[]> = {
  "contact.created": ["contact_id", "email", "phone", "source"],
  "contact.updated": ["contact_id", "changes"],
  "contact.deleted": ["contact_id", "deletion_reason"],
  "contact.merged": ["surviving_id", "merged_id", "merge_source"],
  "billing.plan_changed": ["old_plan", "new_plan", "effective_at"],
  "billing.credit_low": ["current_balance", "threshold", "workspace_id"],
};

function factData(draft: Extract<Draft, { type: string }>, workspace: string): JsonObject {
  const told: JsonObject = draft.type === "billing.credit_low" ? { ...draft.data, workspace_id: workspace } : draft.data;
  return Object.fromEntries(factKeys[draft.type].map((key): [string, Json] => [key, told[key] ?? null]));
}
