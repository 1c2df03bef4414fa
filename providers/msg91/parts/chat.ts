import { z } from "zod";
import { type DeliveryDraft, failed, ignored, type Outcome, type Reference } from "#provider";
import { anything, echo, field, isObject, metadataOf, phone, present, timeIn, unfold } from "./fields.ts";
import { delivery, messageReferences, ownAccount, type Rules, withoutNulls } from "./report.ts";

/** What WhatsApp and RCS tell, under the names of both generations of its templates. */
export const chatItem = z.object({
  ...echo,
  ...{ uuid: field, requestId: field, customerNumber: field, mobile: field, integratedNumber: field },
  ...{ eventName: field, status: field, statusCode: field, reason: field, failureReason: field, desc: field },
  ...{ statusUpdatedAt: field, ts: field, requestedAt: field, companyId: field, templateName: field, replyMsgId: field },
  ...{ direction: anything, webhookType: field },
  ...{ text: anything, button: anything, interactive: anything, messages: anything, content: anything },
  ...{ caption: anything, reaction: anything, url: field, clickedUrl: field },
});
type Item = z.infer<typeof chatItem>;

/** Here alone `0` says something. Seen in what integrators got, in no documentation. */
const directions = new Map([
  ...["0", "inbound", "incoming"].map((word) => [word, "in"] as const),
  ...["1", "outbound", "outgoing"].map((word) => [word, "out"] as const),
]);
const directionOf = (value: unknown) =>
  typeof value === "string" || typeof value === "number" ? directions.get(String(value).trim().toLowerCase()) : undefined;

/** Where WhatsApp puts what a person said, in the order in which it is asked. */
const spoken = [
  ...["text", "body", "title", "button_reply", "list_reply", "nfm_reply", "button", "interactive"],
  ...["image", "video", "document", "caption", "reaction", "emoji"],
];

/** What a person said, from a text, an object, a list, or JSON in a text. A person's `0` is a `0`. */
function said(value: unknown, depth = 0): string | null {
  const inner = unfold(value);
  if (typeof inner === "string") return /^\s*(?:\{\{.*\}\})?\s*$/s.test(inner) ? null : inner.trim();
  if (depth > 4) return null;
  if (Array.isArray(inner)) return said(inner[0], depth + 1);
  if (!isObject(inner)) return null;
  for (const name of spoken) {
    const found = Object.hasOwn(inner, name) ? said(inner[name], depth + 1) : null;
    if (found !== null) return found;
  }
  return null;
}

/** The message as WhatsApp itself tells it. */
function originalOf({ messages }: Item): Record<string, unknown> | null {
  const list = unfold(messages);
  const first = Array.isArray(list) ? list[0] : list;
  return isObject(first) ? first : null;
}

function isReply(item: Item, original: object | null): boolean {
  // Of webhookType only words count: its numbers mean something else.
  const told = directionOf(item.direction) ?? (/\d/.test(item.webhookType ?? "") ? undefined : directionOf(item.webhookType));
  // Where a template tells neither: WhatsApp's own message comes with what a person sent, never with a report.
  return told ? told === "in" : original !== null || (item.replyMsgId !== null && !item.eventName && !item.status);
}

/** No metadata is read here: a stranger wrote it, and a template may not escape what it fills in. */
function reply(
  channel: DeliveryDraft["channel"],
  item: Item,
  original: Record<string, unknown> | null,
  tellable: Reference[],
): Outcome {
  const person = phone(item.customerNumber ?? item.mobile ?? present(original?.from));
  const number = phone(item.integratedNumber);
  // Sent from the business's own WhatsApp app, it comes as if somebody had written to us.
  if (number && [person, phone(present(original?.from))].includes(number)) return ignored("own_message");
  const own = present(original?.id) ?? item.uuid;
  const context = isObject(original?.context) ? original.context : {};
  const answered = item.replyMsgId ?? present(context.id);
  const messageId = answered ?? own ?? item.requestId;
  if (!messageId) return failed("no_message_id");
  const at = timeIn(item.ts, present(original?.timestamp), item.requestedAt);
  const places = [item.text, item.button, item.interactive, original, item.content, item.caption, item.reaction];
  const text = places.map((place) => said(place)).find((found) => found !== null) ?? null;
  return {
    // Request and report of one message come as two calls, and a retry may bring another uuid.
    key: JSON.stringify([channel, own ?? messageId, person, "replied", ...(own ? [] : [at?.getTime() ?? null, text])]),
    occurredAt: at,
    references: [...messageReferences({ uuid: answered, requestId: item.requestId, recipient: person }), ...tellable],
    channel,
    status: "replied",
    data: { message_id: messageId, reply_text: text },
    provider_data: {
      status: item.eventName ?? item.status ?? "inbound",
      recipient: person,
      ...withoutNulls({ reply_id: own, number }),
    },
    searchable: [own],
  };
}

/** Reads a report of a message of ours, or what a person wrote. */
export function readChat(channel: DeliveryDraft["channel"], rules: Rules): (item: Item) => Outcome {
  return (item) => {
    const original = originalOf(item);
    const number = phone(item.integratedNumber);
    const tellable = [...(number ? [{ kind: "number", value: number }] : []), ...ownAccount(item.companyId)];
    if (isReply(item, original)) return reply(channel, item, original, tellable);
    return delivery(rules, {
      channel,
      words: [item.eventName, item.status],
      uuid: item.uuid,
      requestId: item.requestId,
      crqid: item.CRQID ?? item.crqid,
      recipient: phone(item.customerNumber ?? item.mobile),
      at: timeIn(item.statusUpdatedAt, item.ts),
      requestedAt: timeIn(item.requestedAt),
      reason: item.reason ?? item.failureReason ?? item.desc,
      link: item.clickedUrl ?? item.url,
      metadata: metadataOf(item),
      tellable,
      more: { code: item.statusCode, number, template: item.templateName },
    });
  };
}
