import type { readMessages } from "../api/messages.ts";
import type { Event } from "../events/build.ts";
import { maskPerson, maskText, messageWord } from "./names.ts";
import type { Heard, Repeats } from "./repeats.ts";
import { atMinute, counted, many, type Sentence, strong, tell, words } from "./sentence.ts";
import type { Shape } from "./states.ts";
import { day, lasting, minute, type Zone, zoneLabel } from "./zone.ts";

export type Message = Awaited<ReturnType<typeof readMessages>>[number];

const WORDS: Readonly<Record<string, string>> = {
  ...{ sent: "sent", delivered: "delivered", opened: "opened", read: "read", clicked: "clicked", replied: "answered" },
  ...{ failed: "not sent", bounced: "bounced", complained: "reported as spam", unsubscribed: "unsubscribed" },
};

export const statusWord = (status: string) => capital(WORDS[status] ?? status);
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
export const statusOf = (event: Event) => event.variant?.split(".")[1] ?? "";

const DONE = new Set(["delivered", "opened", "read", "clicked", "replied"]);

export function shapeOf(state: string | null): Shape {
  if (state && DONE.has(state)) return "accepted";
  return state === "failed" || state === "bounced" ? "failed" : "waiting";
}

/** When each status happened first, as far as it counts: a machine's opening is none. */
function firstOf(message: Message, status: string): string | null {
  return (
    message.events.find((event) => statusOf(event) === status && !(status === "opened" && event.data.machine === true))
      ?.occurred_at ?? null
  );
}

/** Was it delivered? Yes, not yet or no, in the first word (CONSOLE §2). */
export function answer(message: Message): Sentence {
  const { state } = message;
  if (state && DONE.has(state)) {
    const delivered = firstOf(message, "delivered");
    const after = (["opened", "read", "clicked", "replied"] as const).flatMap((status) => {
      const when = firstOf(message, status);
      return when ? [tell`${WORDS[status] ?? status} at ${atMinute(when)}`] : [];
    });
    const told = [...(delivered ? [tell`it was delivered at ${atMinute(delivered)}`] : []), ...after];
    if (told.length === 0) return tell`Yes, it was delivered`;
    // That somebody opened it says that it arrived.
    const begin = delivered ? tell`Yes, ` : tell`Yes: it was `;
    return [
      ...begin,
      ...told.flatMap((one, index) => (index === 0 ? one : index === told.length - 1 ? [" and ", ...one] : [", ", ...one])),
    ];
  }
  if (state === "bounced") return tell`No, it bounced at ${atMinute(message.state_at ?? "")}`;
  if (state === "failed") return tell`No, it failed at ${atMinute(message.state_at ?? "")}`;
  return state === "sent"
    ? tell`Not yet: sent at ${atMinute(message.state_at ?? "")}, and nothing since`
    : tell`Not yet: nobody has told us of it being sent`;
}

const ARRIVED: Readonly<Record<string, string>> = {
  email: "“Delivered” means that the mailbox provider took it; whether it lies in the inbox or in spam, no provider tells.",
  sms: "“Delivered” means that the carrier reports it on the phone.",
};

/** What it is about, and what the answer means. */
export function about(message: Message, workspace: string): Sentence {
  const what = messageWord(message.channel);
  const campaign = message.campaign_id ? tell` of campaign ${strong([words(maskText(message.campaign_id))])}` : [];
  const to = message.recipient ? tell` to ${strong([words(maskPerson(message.recipient))])}` : [];
  const sent = firstOf(message, "sent");
  const delivered = firstOf(message, "delivered");
  const took =
    sent && delivered && delivered >= sent
      ? tell` It took ${lasting(Date.parse(delivered) - Date.parse(sent))} from sending to delivery.`
      : [];
  const reason = whyNot(message);
  const means =
    message.state && DONE.has(message.state) && ARRIVED[message.channel ?? ""] ? ` ${ARRIVED[message.channel ?? ""]}` : "";
  const marks =
    message.marks.length > 0
      ? tell` The recipient ${message.marks.map((mark) => (mark === "complained" ? "reported it as spam" : "unsubscribed")).join(" and ")}.`
      : [];
  return tell`${what}${campaign}${to}, for ${words(workspace)}.${reason}${took}${marks}${means}`;
}

function whyNot({ events, state }: Message): Sentence {
  if (state !== "failed" && state !== "bounced") return [];
  const last = events.findLast((event) => statusOf(event) === state);
  const reason = last?.data.error_reason ?? last?.data.bounce_reason;
  return typeof reason === "string" && reason
    ? tell` The reason given: “${words(maskText(reason))}”.`
    : tell` No reason was given.`;
}

/** What may be said to the customer about it. */
export function sayMessage(message: Message, zone: Zone): Sentence {
  const what = messageWord(message.channel).replace(/^[A-Z](?=[a-z-])/, (letter) => letter.toLowerCase());
  const to = message.recipient ? tell` to ${words(maskPerson(message.recipient))}` : [];
  const when = (moment: string) =>
    `on ${day(moment, zone)} at ${minute(moment, zone, Date.parse(moment))} ${zoneLabel(zone, moment)}`;
  const { state } = message;
  if (state && DONE.has(state)) {
    const parts = (["delivered", "opened", "read", "clicked", "replied"] as const).flatMap((status) => {
      const moment = firstOf(message, status);
      return moment ? [`${WORDS[status]} ${when(moment)}`] : [];
    });
    const told = parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : (parts[0] ?? "delivered");
    return tell`The ${what}${to} was ${told}.`;
  }
  if (state === "bounced" || state === "failed")
    return tell`The ${what}${to} ${state === "bounced" ? "bounced" : "was not delivered: it failed"} ${when(message.state_at ?? "")}.${whyNot(message)}`;
  return state
    ? tell`The ${what}${to} was sent ${when(message.state_at ?? "")}. Nobody has reported its delivery to us so far.`
    : tell`Nobody has reported to us so far that the ${what}${to} was sent.`;
}

/** The rungs of the ladder that a message of that channel can climb. */
export function rungs(message: Message): { status: string; at: string | null; failed: boolean }[] {
  const isMessage = ["sms", "email", "whatsapp", "rcs", "voice", "push"].includes(message.channel ?? "");
  const opened = message.channel === "email" ? "opened" : "read";
  const ladder = isMessage
    ? message.channel === "sms" || message.channel === "voice"
      ? ["sent", "delivered"]
      : ["sent", "delivered", opened, "clicked", "replied"]
    : ["sent", "delivered"];
  const failed = message.state === "failed" || message.state === "bounced" ? message.state : null;
  const shown = failed ? ["sent", failed] : ladder;
  return shown.map((status) => ({ status, at: firstOf(message, status), failed: status === failed }));
}

/** What an event adds to its word. */
export function detail(event: Event, provider: string): Sentence {
  const { data } = event;
  const said = (value: unknown) => (typeof value === "string" && value ? words(maskText(value)) : null);
  switch (statusOf(event)) {
    case "sent":
      return event.provider ? tell`${provider} took it over.` : tell`We were told that it was sent.`;
    case "delivered":
      return tell`${provider} reports that it arrived.`;
    case "opened":
      return data.machine === true
        ? tell`By a machine: it lifts no state and is no engagement.`
        : tell`Its pictures were loaded. Some mail programs do so unasked.`;
    case "clicked":
      return said(data.link_url) ? tell`${said(data.link_url)}` : [];
    case "replied":
      return tell`The recipient answered.`;
    case "failed":
    case "bounced": {
      const reason = said(data.error_reason) ?? said(data.bounce_reason);
      return reason ? tell`“${reason}”` : tell`No reason was given.`;
    }
    default:
      return [];
  }
}

/** `Delivered, repeated`: what came again. */
export function repeatedWord(event: Event, { times }: Repeats): string {
  return `${statusWord(statusOf(event))}, repeated${times === 1 ? "" : ` ${counted(times)} times`}`;
}

/** What came of a repeat. */
export function repeatedSentence({ times }: Repeats, provider: string): Sentence {
  return tell`${provider} sent the same again${times === 1 ? "" : `, ${counted(times)} times`}. Nobody was told twice.`;
}

/** How many callbacks told of it, and whether one of them is open. */
export function heardSentence({ callbacks, open }: Heard): Sentence {
  return tell`${many(callbacks, "callback")} told this story; ${open === 0 ? "none failed or is unmatched" : many(open, "other failed or is unmatched", "others failed or are unmatched")}.`;
}
