import { catalogueTypes } from "../../events/catalogue.ts";
import { askingFilter } from "../../outbound/fan-out.ts";
import { type Endpoint, endpointFares } from "../fares.ts";
import { workspaceNames } from "../story.ts";
import { clock } from "../zone.ts";
import type { Tale, Teller } from "./teller.ts";

/** How an endpoint fares: health, what waits, what was given up, its last failures. */
export async function taleOfEndpoint(teller: Teller, endpoint: Endpoint): Promise<Tale> {
  const { gateway, text, zone, now } = teller;
  const state = endpointFares(endpoint);
  const { health } = endpoint;
  const name = (await workspaceNames(gateway.database.query, [endpoint.workspace_id])).get(endpoint.workspace_id);
  const deaf = catalogueTypes.filter((type) => askingFilter(endpoint.events, type) === null);
  const failures = health.last_failures.map(
    (one) =>
      `${clock(one.at, zone, now)} ${one.status === null ? (one.error ?? "no answer") : `answered ${one.status}`} (${one.dispatch_id})`,
  );
  return {
    ...{ kind: "endpoint", id: endpoint.id, shape: state.shape, word: state.word },
    ...{ headline: text(state.headline), explanation: text(state.explanation), say: null },
    steps: [
      { name: "Whose", at: null, lines: [name ?? endpoint.workspace_id] },
      { name: "Address", at: null, lines: [endpoint.url] },
      { name: "Asks for", at: null, lines: [endpoint.events.join(", ")] },
      { name: "Is not told", at: null, lines: [deaf.length === 0 ? "Nothing: it asks for all." : deaf.join(", ")] },
      { name: "Waiting", at: null, lines: [String(health.waiting)] },
      { name: "Given up", at: null, lines: [String(health.dead)] },
      { name: "Last failures", at: null, lines: failures.length > 0 ? failures : ["None."] },
    ],
    offers: [
      ...(health.dead > 0
        ? [
            { label: "What was given up", text: `homing endpoints dead ${endpoint.id}` },
            { label: "Try it all again", text: `homing endpoints retry ${endpoint.id}` },
          ]
        : []),
      ...(endpoint.state === "disabled" ? [{ label: "Switch it on", text: `homing endpoints enable ${endpoint.id}` }] : []),
      { label: "Send it a test", text: `homing endpoints test ${endpoint.id}` },
    ],
  };
}
