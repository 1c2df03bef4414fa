import type { readGroups } from "../../api/unmatched.ts";
import type { Gateway } from "../../gateway.ts";
import { kindWord, maskText } from "../../trace/names.ts";
import { counted } from "../../trace/sentence.ts";
import { minute } from "../../trace/zone.ts";
import { type Clock, code, type Html, html, nothing, raw, time } from "../html.ts";
import { adapterName } from "./adapters.ts";
import { spark } from "./charts.ts";
import { type Chosen, linkTo, split } from "./chosen.ts";

export type Group = Awaited<ReturnType<typeof readGroups>>[number];

export const adapterOf = ({ provider, dialect }: Group) => (dialect ? `${provider}/${dialect}` : provider);

/** A group of what waits: how many, what they share, why they wait, when they came. */
export function groupLine(group: Group, { registry }: Gateway, seen: Clock, chosen: Chosen | null): Html {
  const adapter = adapterOf(group);
  const [kind, value] = split(group.reference);
  const isChosen = chosen?.adapter === adapter && chosen.reference === group.reference;
  const link = group.reference
    ? linkTo({ adapter, reference: group.reference, callback: null, item: null })
    : `/console/callbacks/${group.sample_callback_id}`;
  const name = adapterName(registry, adapter);
  const title =
    kind === "workspace"
      ? html`${name}, of workspace ${code(value)}`
      : kind
        ? html`${name} ${kindWord(kind)} ${code(maskText(value))}`
        : html`${name}, without any reference`;
  return html`<li><a class="group go" href="${link}" ${isChosen ? raw('aria-current="true"') : ""}><span class="size"><b>${counted(group.waiting)}</b> ${group.waiting === 1 ? "event" : "events"}</span><span><b>${title}</b><small>${whyOf(group.reason, kind)}</small></span><span class="since">${arrivals(group)}${sinceOf(group, seen)}</span></a></li>`;
}

/** When the waiting ones of the last hour came, minute by minute. */
function arrivals({ came, waiting }: Group): Html {
  const minutes = Array.from({ length: 60 }, () => 0);
  for (const ago of came) minutes[59 - Math.max(0, ago)] = (minutes[59 - Math.max(0, ago)] ?? 0) + 1;
  const part =
    came.length === waiting
      ? waiting === 1
        ? "it came"
        : `all ${counted(waiting)} came`
      : `${came.length === 0 ? "none" : counted(came.length)} of ${counted(waiting)} came`;
  return spark(minutes, [], `${capital(part)} in the last hour`, 84, 16);
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function sinceOf({ oldest, waiting, came }: Group, seen: Clock): Html {
  if (!oldest) return nothing;
  const lately = came.length > 0 && came.length < waiting ? html`<br>${counted(came.length)} in the last hour` : nothing;
  return html`${waiting === 1 ? "at" : "since"} ${time(oldest, minute(oldest, seen.zone, seen.now))}${lately}`;
}

function whyOf(reason: string, kind: string): string {
  switch (reason) {
    case "unknown_workspace":
      return "It names a workspace that is not registered here.";
    case "workspace_closed":
      return "Its workspace is closed here.";
    case "workspace_conflict":
      return "Two answers that differ. We never choose: each is looked at by itself.";
    case "reference_ambiguous":
      return `This ${kindWord(kind)} belongs to more than one workspace.`;
    default:
      return kind ? `Nobody has said whose ${kindWord(kind)} this is.` : "It carries nothing that could tell whose it is.";
  }
}
