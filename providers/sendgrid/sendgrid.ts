import { z } from "zod";
import {
  type DeliveryDraft,
  defineProvider,
  eachItem,
  failed,
  ignored,
  type Outcome,
  optionalText,
  type Status,
  unixTime,
  unknownWord,
} from "#provider";
import { ownId } from "./parts/ids.ts";
import { signature } from "./parts/signature.ts";

/** Its event words, lower-case (its docs also print "Processed"). */
const statuses = new Map<string, Status>([
  ["processed", "sent"], // accepted by SendGrid, not yet by the receiving server
  ["delivered", "delivered"],
  ["dropped", "failed"], // never tried; "Bounced Address" tells of an older bounce, so it is no bounce
  ["bounce", "bounced"], // also what its console calls "blocked": there is no such event word
  ["open", "opened"],
  ["click", "clicked"],
  ["spamreport", "complained"],
  ["spam report", "complained"], // so in the docs' list of words; their samples have no blank
  ["unsubscribe", "unsubscribed"],
  ["group_unsubscribe", "unsubscribed"],
]);

/** Words that change nothing that we tell: it tries a deferred mail again itself; an account's change is about no message. */
const quiet = new Set(["deferred", "group_resubscribe", "account_status_change"]);

/** How the reason of a drop begins, lower-case, and our code for it. */
const dropCodes = [
  ["bounced address", "suppressed_bounce"],
  ["unsubscribed address", "suppressed_unsubscribe"],
  ["spam reporting address", "suppressed_spam"],
  ["spam content", "spam_content"],
  ["invalid smtpapi header", "invalid_header"],
  ["invalid", "invalid_address"], // "Invalid" in real posts, "Invalid Address" in the docs
  ["recipient list over package quota", "quota"],
] as const;

/** How the classes begin that are soft. "Invalid Address" is hard; "Unclassified" says nothing, so the SMTP status decides. */
const softClasses = ["technical", "content", "reputation", "frequency", "mailbox unavailable"];

/** `<message id>.<the machine that took it>.<n>`. The ids of old hold dots themselves. */
const MACHINE_SUFFIX = /\.(?:st)?(?:filter|recvd)/;
/** Some drops name the machine only. */
const BARE_MACHINE = /^(?:st)?(?:filter|filterdrecv|recvd)[\d-]/;
/** The canned message of "Test Your Integration" (and of the docs' samples). */
const TEST_MESSAGE = "14c5d75ce93.dfd.64b469";

/** The custom_args that are ours, by name. They stand among its own keys, at the top of each item. */
const arg = z.unknown().optional();
const args = { homing_workspace_id: arg, workspace_id: arg, campaign_id: arg, contact_id: arg, message_id: arg };
const ours = Object.keys(args) as (keyof typeof args)[];
const nested = z.object(args).nullish().catch(null);

/** Only `event` is in every event: even its docs' tables and samples disagree about the rest. */
const event = z.object({
  ...args,
  custom_args: nested,
  unique_args: nested,
  event: optionalText(),
  email: optionalText(),
  timestamp: z.union([z.number(), z.string()]).nullish().catch(null),
  sg_message_id: optionalText(),
  "smtp-id": optionalText(),
  type: optionalText(),
  status: optionalText(),
  reason: optionalText(),
  response: optionalText(),
  bounce_classification: optionalText(),
  asm_group_id: optionalText(),
  url: optionalText(),
  sg_machine_open: z.unknown().optional(),
});
type Event = z.infer<typeof event>;

/** The id that its send call answered (`X-Message-Id`), where the event tells it. */
function messageId(item: Event): string | null {
  const whole = item.sg_message_id?.trim() ?? "";
  const [prefix] = whole.split(MACHINE_SUFFIX.test(whole) ? MACHINE_SUFFIX : ".", 1);
  if (prefix && !BARE_MACHINE.test(prefix)) return prefix;
  return ownId(item["smtp-id"]);
}

/** Flattened into the item; nested only in others' samples, so read only where the item itself has none. */
function echoed(item: Event): unknown {
  const places = [item, item.custom_args, item.unique_args].map((place) =>
    ours.map((key) => [key, place?.[key]] as const).filter(([, value]) => value != null),
  );
  return Object.fromEntries(places.find((found) => found.length > 0) ?? []);
}

/** `type` outranks the rest: real blocks carry a status 5.2.2, and the docs' one the class "Invalid Address". */
function bounceType({ type, bounce_classification, status }: Event): "hard" | "soft" {
  if (type === "bounce" || type === "blocked") return type === "bounce" ? "hard" : "soft";
  const classification = bounce_classification?.toLowerCase() ?? "";
  if (classification.startsWith("invalid")) return "hard";
  return status?.startsWith("5") && !softClasses.some((soft) => classification.startsWith(soft)) ? "hard" : "soft";
}

/** What a status adds to the data; `apart` tells two events apart that happened to one message in the same second. */
function details(status: Status, item: Event): { data?: Omit<DeliveryDraft["data"], "message_id">; apart?: (string | null)[] } {
  const reason = item.reason?.trim().toLowerCase() ?? "";
  const code = dropCodes.find(([start]) => reason.startsWith(start))?.[1] ?? "dropped";
  const machine = item.sg_machine_open === true;
  if (status === "bounced") return { data: { bounce_type: bounceType(item), bounce_reason: item.reason ?? item.response } };
  if (status === "failed") return { data: { error_code: code, error_reason: item.reason } };
  if (status === "opened") return { data: { machine }, apart: [machine ? "machine" : "human"] };
  if (status === "clicked") return { data: { link_url: item.url }, apart: [item.url] };
  return status === "unsubscribed" ? { apart: [item.asm_group_id] } : {};
}

function read(item: Event): Outcome {
  const word = item.event?.trim().toLowerCase();
  if (!word) return failed("no_event_word");
  const id = messageId(item);
  const smtpId = item["smtp-id"]?.trim() || null;
  if (id === TEST_MESSAGE || smtpId?.startsWith(`<${TEST_MESSAGE}@`)) return ignored("provider_test");
  if (quiet.has(word)) return ignored(word);
  const status = statuses.get(word);
  if (!status) return unknownWord(word);

  const occurredAt = unixTime(item.timestamp);
  const time = occurredAt?.getTime() ?? item.timestamp;
  const { data, apart = [] } = details(status, item);
  const { type, bounce_classification, response, asm_group_id } = item;
  const told = Object.entries({ type, bounce_classification, response, asm_group_id }).filter(([, value]) => value !== null);
  return {
    // Not sg_event_id: it changes on resends (sendgrid-nodejs#1435).
    key: JSON.stringify([id ?? smtpId, item.email, word, time, ...apart]),
    occurredAt,
    metadata: [{ where: "custom_args", fields: echoed(item) }],
    references: id ? [{ kind: "message", value: id, learn: "30d" }] : [],
    channel: "email",
    status,
    // A late ("asynchronous") bounce names no message: its stand-in is the same on every resend, and is no reference.
    data: { message_id: id ?? smtpId ?? `unknown:${word}:${time ?? "no-time"}`, ...data },
    provider_data: { status: word, code: item.status, recipient: item.email, ...Object.fromEntries(told) },
  };
}

export default defineProvider({
  title: "Twilio SendGrid (Event Webhook)",
  docs: "https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event",
  retries: "It calls again at growing intervals until it gets a 2xx, for up to 24 hours after each event.",
  kinds: ["message"],
  verify: signature,
  payload: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown()).transform((single) => [single])]),
  events: (items) => eachItem(items, event, read),
});
