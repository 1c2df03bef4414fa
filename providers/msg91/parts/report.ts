import type { z } from "zod";
import {
  type DeliveryDraft,
  eachItem,
  failed,
  ignored,
  type JsonObject,
  type Metadata,
  type Outcome,
  type Reference,
  type Status,
  unknownWord,
} from "#provider";
import { type Echo, isTestRun } from "./fields.ts";

export const RETRIES =
  "Not documented. Others saw it call again after errors, and pause a webhook that was answered with anything but a 2xx.";

/** What a word means. `code`: ours for why it failed. `quiet`: nothing that we tell, and why. */
export type Rule = { status: Status; code?: string } | { quiet: string };
/** By word: lower-case, one blank for each dash or underscore. */
export type Rules = ReadonlyMap<string, Rule>;

/** What a report says, in whichever template. Absent is `null`. */
export type Report = {
  channel: DeliveryDraft["channel"];
  /** Where it says what happened: the first that a rule knows counts. */
  words: (string | null)[];
  /** What it is shown as, where the word that counted is a mere number. */
  status?: string | null;
  /** MSG91's id of this one message. */
  uuid?: string | null;
  /** Its id of the send call, one for all recipients. */
  requestId?: string | null;
  /** What we sent along: the last resort where it tells no id of its own. */
  crqid: string | null;
  recipient: string | null;
  at: Date | null;
  /** When it was asked to send. Tells reports without a time apart; nothing happened then. */
  requestedAt?: Date | null;
  reason: string | null;
  link?: string | null;
  /** E-mail: the SMTP status in the reason. */
  smtp?: string | null;
  metadata: Metadata[];
  /** What somebody may tell beside the message: never learned. */
  tellable: Reference[];
  /** More for `provider_data`, where told. */
  more: { [field: string]: string | null };
};

/** Reads reports one by one; "Test Run" in the dashboard is none. */
export function eachReport<Item extends Echo>(
  items: unknown[],
  schema: z.ZodType<Item>,
  read: (item: Item) => Outcome,
): Outcome[] {
  return eachItem(items, schema, (item) => (isTestRun(item) ? ignored("provider_test") : read(item)));
}

export const ruleOf = (rules: Rules, word: string | null): Rule | undefined =>
  rules.get(word?.toLowerCase().replace(/[\s_-]+/g, " ") ?? "");

/** Which message it is. The id of a send call needs the recipient beside it; whose the call is, somebody may tell. */
export function messageReferences(
  message: { uuid: string | null; requestId: string | null; recipient: string | null },
  learn?: `${number}d`,
): Reference[] {
  const { uuid, requestId, recipient } = message;
  const values = [uuid, requestId && recipient && `${requestId}:${recipient.toLowerCase()}`].filter((value) => value !== null);
  return [
    ...values.map((value): Reference => ({ kind: "message", value, ...(learn && { learn }) })),
    ...(requestId ? [{ kind: "request", value: requestId }] : []),
  ];
}

/** The id of our own account there: one for all brands, so it may be told and is never learned. */
export const ownAccount = (value: string | null): Reference[] => (value ? [{ kind: "account", value, own: true }] : []);

export const withoutNulls = (fields: { [field: string]: string | null }): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

/** A full mailbox may have room again. */
const soft5 = new Set(["552", "5.2.2"]);

/** Without an SMTP status nothing says that it is for good. */
const bounceType = (smtp: string | null) => (smtp?.startsWith("5") && !soft5.has(smtp) ? "hard" : "soft");

/** What becomes of a report: a draft, or why there is none. */
export function delivery(rules: Rules, report: Report): Outcome {
  const { uuid = null, requestId = null, smtp = null, recipient, reason } = report;
  const word = report.words.find((told) => ruleOf(rules, told)) ?? report.words.find((told) => told !== null) ?? null;
  if (word === null) return ignored("no_status");
  const rule = ruleOf(rules, word);
  if (!rule) return unknownWord(word);
  if ("quiet" in rule) return ignored(rule.quiet);
  const messageId = uuid ?? requestId ?? report.crqid;
  if (!messageId) return failed("no_message_id");
  // An SMTP status is the receiving server's answer: the mail came back.
  const status = rule.status === "failed" && smtp ? "bounced" : rule.status;
  const time = (report.at ?? report.requestedAt)?.getTime() ?? null;
  const link = status === "clicked" ? (report.link ?? null) : null;
  return {
    key: JSON.stringify([report.channel, messageId, recipient, status, time, ...(link ? [link] : [])]),
    occurredAt: report.at,
    metadata: report.metadata,
    references: [...messageReferences({ uuid, requestId, recipient }, "30d"), ...report.tellable],
    channel: report.channel,
    status,
    data: {
      message_id: messageId,
      ...(status === "failed" && { error_code: rule.code ?? "failed", error_reason: reason }),
      ...(status === "bounced" && { bounce_type: bounceType(smtp), bounce_reason: reason }),
      ...(status === "clicked" && { link_url: link }),
    },
    provider_data: {
      status: report.status ?? word,
      recipient,
      ...withoutNulls({ ...report.more, request_id: uuid && requestId }),
    },
  };
}
