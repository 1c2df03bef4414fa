import type { Gateway } from "../../../gateway.ts";
import { kindWord, providerName } from "../../../trace/names.ts";
import type { Offer, State } from "../../../trace/states.ts";
import type { Story } from "../../../trace/story.ts";
import { type Clock, code, type Html, html, nothing } from "../../html.ts";
import { copy } from "../../parts/beside.ts";
import { crumbs } from "../../parts/layout.ts";

/** Where this page stands: in its group, or among its provider's. */
export function where({ trace, waits, adapter }: Story, gateway: Gateway, { shape }: State): Html {
  const provider = providerName(gateway.registry, adapter);
  const steps =
    shape === "unmatched" && waits
      ? [
          html`<a href="/console/unmatched">Unmatched</a>`,
          html`<a href="${groupLink(adapter ?? "", waits)}">${provider} ${kindWord(waits.kind)} ${code(waits.value)}</a>`,
        ]
      : [
          html`<a href="/console/callbacks">Callbacks</a>`,
          html`<a href="/console/callbacks?provider=${encodeURIComponent(adapter ?? "")}">${provider}</a>`,
        ];
  return crumbs(...steps, code(trace.id));
}

/** The group of what waits for this. */
export function groupLink(adapter: string, { kind, value }: { kind: string; value: string }): string {
  return `/console/unmatched?${new URLSearchParams({ adapter, reference: `${kind}:${value}` })}`;
}

/** What can be done about it, as a link or a text to copy. */
export function offerOf(offer: Offer, story: Story, seen: Clock, first: boolean, index: number): Html {
  if (offer.to === "copy") return copy(offer.label, offer.text, seen, `copy-${index}`);
  const link = linkOf(offer.to, story);
  return link ? html`<a class="button ${first ? "main" : ""}" href="${link}">${offer.label}</a>` : nothing;
}

function linkOf(to: Exclude<Offer["to"], "copy">, { trace, item, waits, first, lastGood, event, adapter }: Story): string | null {
  switch (to) {
    case "message": {
      const id = event?.data.message_id;
      return typeof id === "string" ? `/console/messages/${encodeURIComponent(id)}` : null;
    }
    case "binding":
      return trace.learned[0] ? `/console/bindings?${new URLSearchParams({ value: trace.learned[0].value })}` : null;
    case "assign_all":
      return waits && adapter ? groupLink(adapter, waits) : null;
    case "assign_one":
      return item ? `/console/unmatched?${new URLSearchParams({ callback: trace.id, item: String(item.index) })}` : null;
    case "first":
      return first ? `/console/callbacks/${first.id}` : null;
    case "last_good":
      return lastGood ? `/console/callbacks/${lastGood.id}` : null;
    // Buttons beside do it.
    case "replay":
    case "endpoint":
      return null;
  }
}
