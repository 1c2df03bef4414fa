import type { Event } from "../../events/build.ts";
import { homing } from "../command.ts";
import { readEndpoints } from "../endpoints.ts";
import { happened } from "../names.ts";
import { at, tell, words } from "../sentence.ts";
import { workspaceNames } from "../story.ts";
import { clock } from "../zone.ts";
import type { Tale, Teller } from "./teller.ts";
import { webhookLines } from "./webhooks.ts";

/** An event that no callback told: the platform's own. */
export async function taleOfEvent(teller: Teller, uuid: string): Promise<Tale | null> {
  const { gateway } = teller;
  const { query } = gateway.database;
  const [row] = await query<{ body: string }>("select body from events where id = $1", [uuid]);
  if (!row) return null;
  const event = JSON.parse(row.body) as Event;
  const name = (await workspaceNames(query, [event.workspace_id])).get(event.workspace_id) ?? event.workspace_id;
  const endpoints = (await readEndpoints(gateway, [uuid])).get(uuid) ?? [];
  const headline = teller.text(tell`${happened(event)} at ${at(event.occurred_at)}, for ${words(name)}`);
  return {
    ...{
      kind: "event",
      id: event.id,
      shape: "accepted",
      word: "Accepted",
      headline,
      explanation: "The platform told it itself; it was emitted once.",
    },
    say: null,
    steps: [
      {
        name: "Event",
        at: clock(event.received_at, teller.zone, teller.now),
        lines: [event.variant ?? event.type ?? event.name],
      },
      { name: "Webhooks", at: null, lines: webhookLines(teller, endpoints, event.type, name) },
    ],
    offers:
      typeof event.data.message_id === "string"
        ? [{ label: "See the whole message", text: homing("trace", event.data.message_id) }]
        : [],
  };
}
