import { busOnly, noEndpoint, type Shape, type State, small } from "../../../trace/states.ts";
import type { Item, Story } from "../../../trace/story.ts";
import { lasting } from "../../../trace/zone.ts";
import { type Clock, type Html, html, sentence } from "../../html.ts";
import { status } from "../../parts/status.ts";
import type { Step } from "../../parts/steps.ts";
import { toldTable } from "../../parts/told.ts";

/** Whom the event was sent to, and whom not. */
export function webhooks({ item, told, names, trace }: Story, seen: Clock): Step {
  const step = (shape: Shape, said: Html, when: string | null = null): Step => ({ name: "Webhooks", when, shape, told: said });
  const of = (state: State) =>
    step(state.shape, html`${status(state.shape, sentence(state.headline, seen))}<br>${sentence(state.explanation, seen)}`);
  if (item?.verdict === "waiting") return step("waiting", html`None yet: without a workspace there is nobody to tell.`);
  if (item?.verdict !== "event" || !told) return step("waiting", html`None.`);
  if (told.type === null) return of(busOnly);
  if (item.endpoints.length === 0) return of(noEndpoint(names.get(item.workspace_id ?? "") ?? "The workspace"));
  const reached = item.endpoints.filter((one) => one.state === "succeeded");
  const others = item.endpoints.length - reached.length;
  const last = reached
    .flatMap((one) => one.attempts.at(-1)?.at ?? [])
    .sort()
    .at(-1);
  const when = last && trace.received_at ? `+${lasting(Math.max(0, Date.parse(last) - Date.parse(trace.received_at)))}` : null;
  const not = others > 0 ? `, ${small(others)} ${others === 1 ? "was" : "were"} not` : "";
  return step(
    shapeOf(item.endpoints, others),
    html`<strong>${capital(small(reached.length))} ${reached.length === 1 ? "endpoint was" : "endpoints were"} told${not}.</strong> As their subscriptions stood then:${toldTable(item.endpoints, told.type, seen)}`,
    when,
  );
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** The worst that became of it. */
function shapeOf(endpoints: Item["endpoints"], others: number): Shape {
  if (others === 0) return "accepted";
  if (endpoints.some((one) => one.state === "dead")) return "given_up";
  return endpoints.some((one) => one.state === "held" || one.state === "retrying") ? "retrying" : "not_sent";
}
