import { z } from "zod";
import { defineProvider, failed, ignored, type Outcome, optionalText } from "#provider";
import { filesOf, readForm } from "./parts/form.ts";
import { htmlText } from "./parts/html.ts";
import { ownId } from "./parts/ids.ts";
import { mailDate } from "./parts/mail.ts";
import { signature } from "./parts/signature.ts";

/** Header lines by which a mail says that a machine wrote it (RFC 3834, and the habits before it). */
const automatic = [
  ["auto-submitted", /^(?!no\b)./i],
  ["x-autoreply", /^(?!no\b)./i],
  ["x-autorespond", /^(?!no\b)./i],
  ["precedence", /^auto_reply$/i],
] as const;

/** A longer text is cut: events are no store of mails. */
const LONGEST_TEXT = 65_536;
const LONGEST_ID = 1000;
/** A mail to more addresses of ours than these is no answer. */
const MOST_RECIPIENTS = 20;
const ADDRESSES = /[^\s<>,;:"()[\]]+@[^\s<>,;:"()[\]]+/g;
const MESSAGE_IDS = /<[^<>\s]{1,300}>/g;
/** `<workspace>.<message>[.<campaign>[.<contact>]]`, as we wrote it into the address. */
const ECHO = /^(?:[0-9a-f-]{32,36}|__org__)\.([\w-]{1,200})(?:\.[\w-]{1,200}){0,2}$/i;

const payload = z.object({
  headers: z.map(z.string(), z.string()),
  ...{ text: optionalText(), html: optionalText(), from: optionalText(), to: optionalText(), subject: optionalText() },
  ...{ SPF: optionalText(), dkim: optionalText(), spam_score: optionalText() },
  envelope: z
    .object({ to: z.union([z.string(), z.array(z.string())]), from: z.string().nullish().catch(null) })
    .nullish()
    .catch(null),
  files: z.number(),
});
type Mail = z.infer<typeof payload>;

function addressesIn(text: string | null | undefined): string[] {
  return text?.slice(0, 2000).match(ADDRESSES) ?? [];
}

/** `reply+tag@domain`; without a plus, all before the @ may be the tag. */
function apart(address: string) {
  const at = address.lastIndexOf("@");
  const plus = address.lastIndexOf("+", at);
  const mailbox = plus < 0 ? address : address.slice(0, plus) + address.slice(at);
  return { tag: address.slice(plus + 1, at), mailbox: mailbox.toLowerCase(), domain: address.slice(at + 1).toLowerCase() };
}

/** The nearest message of the thread that SendGrid sent for us; else the one that is answered, whoever sent it. */
function answered(headers: Mail["headers"]): { id: string | null; own: string | null } {
  const ids = (name: string): string[] => headers.get(name)?.match(MESSAGE_IDS) ?? [];
  const thread = [...ids("in-reply-to"), ...ids("references").reverse()];
  const own = thread.map(ownId).find((id) => id !== null) ?? null;
  return { id: own ?? thread[0] ?? null, own };
}

function read(mail: Mail): Outcome[] {
  const { headers, envelope } = mail;
  // A mail that cannot be answered is a bounce.
  const unanswerable = /^<?>?$/.test(envelope?.from?.trim() ?? "unknown");
  if (unanswerable || automatic.some(([name, word]) => word.test(headers.get(name) ?? ""))) return [ignored("auto_reply")];
  const recipients = new Map(
    [envelope?.to ?? []]
      .flat()
      .flatMap(addressesIn)
      .map((one) => [one.toLowerCase(), one]),
  );
  if (recipients.size > MOST_RECIPIENTS) return [failed("too_many_recipients")];
  // To each workspace its own, whether SendGrid posts once or for each address.
  if (recipients.size > 0) return [...recipients.values()].map((address) => reply(mail, address));
  const named = addressesIn(mail.to ?? headers.get("to"));
  return [reply(mail, named.find((address) => ECHO.test(apart(address).tag)) ?? named[0] ?? null)];
}

function reply(mail: Mail, address: string | null): Outcome {
  const { headers } = mail;
  const { tag = "", mailbox = "", domain = "" } = address ? apart(address) : {};
  const { id, own } = answered(headers);
  const messageId = id ?? ECHO.exec(tag)?.[1];
  if (!messageId) return ignored("not_a_reply");
  const text = (mail.text?.trim() || htmlText(mail.html ?? "")).replaceAll("\r\n", "\n");
  const from = addressesIn(mail.from ?? headers.get("from")).at(-1) ?? addressesIn(mail.envelope?.from)[0] ?? null;
  const replyId = headers.get("message-id")?.slice(0, LONGEST_ID) || null;
  // Every mail server adds a Message-ID. Without one, what the mail says of itself.
  const identity = replyId ?? [from, headers.get("date"), mail.subject, text.slice(0, 200)];
  return {
    key: JSON.stringify([identity, address?.toLowerCase() ?? null]),
    // Its writer's clock: nobody else tells the time.
    occurredAt: mailDate(headers.get("date")),
    // Who writes to an address names its owner, and nothing that other mails could be placed by.
    metadata: [{ where: mail.envelope ? "envelope.to" : "to", fields: tag, teaches: false }],
    // All three chosen by a stranger, so never learned: told bindings alone can place by them.
    references: [
      ...(own ? [{ kind: "message", value: own }] : []),
      ...(address ? [{ kind: "address", value: mailbox }] : []),
      ...(address ? [{ kind: "domain", value: domain }] : []),
    ],
    channel: "email",
    status: "replied",
    data: { message_id: messageId, reply_text: text.slice(0, LONGEST_TEXT) || null },
    provider_data: {
      ...{ recipient: from, reply_message_id: replyId, to: address, subject: mail.subject },
      ...{ spf: mail.SPF, dkim: mail.dkim, spam_score: mail.spam_score, attachments: mail.files },
      ...(text.length > LONGEST_TEXT && { reply_text_cut: true }),
    },
    searchable: [replyId],
  };
}

export default defineProvider({
  title: "Twilio SendGrid (Inbound Parse)",
  docs: "https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook",
  retries: "It calls again after a 5xx, at first every few minutes, for up to 72 hours. A mail that gets a 4xx is lost.",
  kinds: ["message", "address", "domain"],
  verify: signature,
  maxBody: 32 * 1024 * 1024,
  decode: readForm,
  attachments: filesOf,
  payload,
  events: read,
});
