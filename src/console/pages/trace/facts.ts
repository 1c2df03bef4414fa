import type { Gateway } from "../../../gateway.ts";
import { refusalOf } from "../../../trace/acts.ts";
import { answerOf } from "../../../trace/explain.ts";
import { maskPerson, maskText, providerName } from "../../../trace/names.ts";
import type { Story } from "../../../trace/story.ts";
import { clock, lasting, zoneLabel } from "../../../trace/zone.ts";
import { type Clock, code, foreign, type Html, html, time } from "../../html.ts";
import { facts, moment } from "../../parts/beside.ts";

/** What is known of it, technical words among it. */
export function factsOf({ trace, told, event, item, names, adapter, acts }: Story, gateway: Gateway, seen: Clock): Html {
  const provider = providerName(gateway.registry, adapter);
  const text = (value: unknown) => (typeof value === "string" && value ? value : null);
  const message = text(told?.data.message_id);
  const theirs = text(told?.provider_data.message_id);
  const recipient = text(told?.provider_data.recipient);
  const [campaign, contact] = [text(told?.data.campaign_id), text(told?.data.contact_id)];
  const given = text(told?.data.error_reason) ?? text(told?.data.bounce_reason);
  const reason = item?.reason ?? trace.reason;
  const reported = told?.provider_data.clock !== "received";
  return facts([
    ["Received", trace.received_at ? moment(trace.received_at, seen) : null],
    [
      "Happened",
      told
        ? html`${time(told.occurred_at, `${clock(told.occurred_at, seen.zone, seen.now)} ${zoneLabel(seen.zone, told.occurred_at)}`)}, by ${reported ? `${provider}’s` : "our"} clock`
        : null,
    ],
    [
      "Workspace",
      item?.workspace_id
        ? html`<a href="/console/workspaces/${item.workspace_id}">${foreign(names.get(item.workspace_id) ?? item.workspace_id)}</a>`
        : null,
    ],
    [
      "Message",
      message && event?.variant
        ? html`<a href="/console/messages/${encodeURIComponent(message)}">${code(maskText(message))}</a>`
        : message
          ? code(maskText(message))
          : null,
    ],
    ["Campaign", campaign && code(maskText(campaign))],
    ["Contact", contact && code(maskText(contact))],
    ["Recipient", recipient ? foreign(maskPerson(recipient)) : null],
    ["Reason given", given && foreign(maskText(given))],
    [`${provider}’s id`, theirs && theirs !== message ? code(maskText(theirs)) : null],
    ["Event", item?.event_id ? code(item.event_id) : null],
    ["Callback", code(trace.id)],
    ["We answered", answered(trace, acts)],
    ["First", atFirst(trace, acts)],
    ["From", trace.request.ip ? code(trace.request.ip) : null],
    [
      trace.verification.ok ? "Proved by" : "To be proved by",
      trace.verification.scheme ? foreign(trace.verification.scheme) : null,
    ],
    ["Reason", reason && code(reason)],
  ]);
}

/** What its caller heard when it came, whatever became of it since. */
function answered(trace: Story["trace"], acts: Story["acts"]): string {
  const refusal = trace.status === "rejected" ? trace.reason : refusalOf(acts);
  const placed = (trace.steps_ms as Record<string, number>).placed;
  return answerOf(refusal) + (refusal === null && placed !== undefined ? ` in ${lasting(placed)}` : "");
}

function atFirst(trace: Story["trace"], acts: Story["acts"]): string | null {
  if (refusalOf(acts) !== null) return "It was refused at first";
  return trace.first_status === trace.status ? null : `It was ${trace.first_status} at first`;
}
