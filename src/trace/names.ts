import type { Event } from "../events/build.ts";
import type { Registry } from "../registry.ts";

/** What happened, as people call it: by channel, then by status (CONSOLE §3). */
const HAPPENED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  payment: { sent: "Payment under way", delivered: "Payment went through", failed: "Payment failed" },
  shipping: { sent: "Parcel on its way", delivered: "Parcel delivered", failed: "Parcel not delivered" },
  commerce: { sent: "Order placed", delivered: "Order fulfilled", failed: "Order cancelled" },
  pos: { sent: "Order taken", delivered: "Order completed", failed: "Order cancelled" },
  voice: { sent: "Call placed", delivered: "Call answered", failed: "Call not answered" },
};
/** How a channel's messages are called. */
const MESSAGES: Readonly<Record<string, string>> = {
  ...{ email: "E-mail", sms: "SMS", whatsapp: "WhatsApp message", rcs: "RCS message", voice: "Call", push: "Push message" },
  ...{ payment: "Payment", shipping: "Parcel", commerce: "Order", pos: "Order" },
};
const STATUSES: Readonly<Record<string, string>> = {
  ...{ sent: "sent", delivered: "delivered", failed: "not sent", bounced: "bounced", opened: "opened", clicked: "clicked" },
  ...{ replied: "answered", read: "read", complained: "reported as spam", unsubscribed: "unsubscribed" },
};
const FACTS: Readonly<Record<string, string>> = {
  "contact.created": "Contact created",
  "contact.updated": "Contact changed",
  "contact.deleted": "Contact deleted",
  "contact.merged": "Contacts merged",
  "segment.entered": "Segment entered",
  "segment.exited": "Segment left",
  "campaign.started": "Campaign started",
  "campaign.completed": "Campaign completed",
  "campaign.paused": "Campaign paused",
  "billing.credit_low": "Credit low",
  "billing.plan_changed": "Plan changed",
};

/** `Payment went through`, `E-mail opened`, `Plan changed`. */
export function happened(event: Pick<Event, "variant" | "type" | "name">): string {
  const [channel = "", status = ""] = event.variant?.split(".") ?? [];
  if (!channel) return FACTS[event.type ?? ""] ?? event.name;
  return HAPPENED[channel]?.[status] ?? `${MESSAGES[channel] ?? "Message"} ${STATUSES[status] ?? status}`;
}

/** `E-mail`, `Parcel`: what it is that was sent. */
export function messageWord(channel: string | null): string {
  return MESSAGES[channel ?? ""] ?? "Message";
}

/** A provider's name, without what stands behind it in brackets. */
export function providerName(registry: Registry, adapter: string | null): string {
  const title = adapter ? registry.get(adapter)?.provider.title : undefined;
  return title?.replace(/ \(.*\)$/, "") ?? adapter ?? "Somebody";
}

/** Who did something: a token goes by its name, the operator's own is called so. */
export function personOf(token: string): string {
  return token === "API_TOKEN" ? "Operator" : token;
}

/** `customer`, `payment link`: a reference's kind as a word. */
export function kindWord(kind: string): string {
  return kind.replaceAll("_", " ");
}

/** `a•••@example.com`: enough to recognise, too little to write to. */
function maskEmail(address: string): string {
  const at = address.lastIndexOf("@");
  return at > 0 ? `${[...address][0]}•••${address.slice(at)}` : address;
}

/** E-mail or phone, with all but its ends hidden. */
export function maskPerson(value: string): string {
  if (value.includes("@")) return maskEmail(value);
  const digits = value.replace(/\D/g, "");
  if (digits.length < 7) return value;
  return `${value.startsWith("+") ? "+" : ""}${digits.slice(0, 2)}•••${digits.slice(-2)}`;
}

const EMAIL = /[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu;
const PHONE = /\+\d[\d ()-]{7,18}\d/g;

/** Whatever looks like an e-mail or an international phone number in a text, masked. */
export function maskText(text: string): string {
  return text.replace(EMAIL, maskEmail).replace(PHONE, maskPerson);
}
