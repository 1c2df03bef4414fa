import { readId } from "../../ids.ts";
import { readEndpoints } from "../endpoints.ts";
import {
  about,
  answer,
  detail,
  heardSentence,
  type Message,
  repeatedSentence,
  sayMessage,
  shapeOf,
  statusOf,
  statusWord,
} from "../message.ts";
import { providerName } from "../names.ts";
import { readHeard } from "../repeats.ts";
import { workspaceNames } from "../story.ts";
import { clock, lasting } from "../zone.ts";
import type { Tale, Teller } from "./teller.ts";
import { webhookLines } from "./webhooks.ts";

/** Was it delivered? */
export async function taleOfMessage(teller: Teller, message: Message): Promise<Tale> {
  const { gateway, text, zone, now } = teller;
  const { query } = gateway.database;
  const adapter = [message.provider, message.dialect].filter(Boolean).join("/") || null;
  const provider = providerName(gateway.registry, adapter);
  const workspace = message.workspace_id ?? "";
  const name = (await workspaceNames(query, [workspace])).get(workspace) ?? workspace;
  const endpoints = await readEndpoints(
    gateway,
    message.events.flatMap((event) => readId("event", event.id) ?? []),
  );
  const heard = await readHeard(gateway, message);
  const steps = message.events.map((event): Tale["steps"][number] => {
    const late = Date.parse(event.received_at) - Date.parse(event.occurred_at);
    const reached = `It reached us ${late < 1000 ? "at once" : `${lasting(late)} later`}${event.callback_id ? `, in ${event.callback_id}` : ""}.`;
    const told = webhookLines(teller, endpoints.get(readId("event", event.id) ?? "") ?? [], event.type, name);
    const again = heard.repeats.get(event.id);
    const repeated = again ? `${text(repeatedSentence(again, provider))} Last at ${clock(again.lastAt, zone, now)}.` : "";
    return {
      name: statusWord(statusOf(event)),
      at: clock(event.occurred_at, zone, now),
      lines: [text(detail(event, provider)), reached, repeated, ...told].filter(Boolean),
    };
  });
  const ids = [
    ["Our id", message.message_id],
    [`${provider}’s id`, message.provider_message_id],
    ["Contact", message.contact_id],
  ] as const;
  return {
    ...{ kind: "message", id: message.message_id ?? message.provider_message_id ?? "", shape: shapeOf(message.state) },
    ...{
      word: message.state ? statusWord(message.state) : "Nothing yet",
      headline: text(answer(message)),
      explanation: text(about(message, name)),
    },
    say: text(sayMessage(message, zone)),
    steps: [
      ...steps,
      { name: "Callbacks", at: null, lines: [text(heardSentence(heard))] },
      { name: "Ids", at: null, lines: ids.flatMap(([label, value]) => (value ? [`${label}: ${value}`] : [])) },
    ],
    offers: [],
  };
}
