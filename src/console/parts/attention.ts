import type { Attention } from "../../attention/types.ts";
import { attentionWords } from "../../trace/attention.ts";
import { counted } from "../../trace/sentence.ts";
import { workspaceNames } from "../../trace/story.ts";
import { lasting } from "../../trace/zone.ts";
import { type Html, html, nothing, sentence, time } from "../html.ts";
import { type Visit, view } from "../visit.ts";
import { shape } from "./status.ts";

const MOST_ITEMS = 12;

/** What needs attention, worst first: what, its likely cause, how many, since when, and one link. */
export async function attentionList(c: Visit, items: readonly Attention[]): Promise<Html> {
  if (items.length === 0) return nothing;
  const { gateway } = c.var;
  const seen = view(c);
  const shown = items.slice(0, MOST_ITEMS);
  const names = await workspaceNames(
    gateway.database.query,
    shown.flatMap((item) => item.cause.workspace_id ?? []),
  );
  const lines = shown.map((item) => {
    const words = attentionWords(item, gateway.registry, names);
    const lasts = lasting(Math.max(1000, seen.now - Date.parse(item.since)));
    return html`<li>${shape(words.shape)}<div class="what"><b>${sentence(words.headline, seen)}</b><small>${sentence(words.cause, seen)}</small></div><div class="size">${words.count}<br>${time(item.since, lasts)}</div><div class="act"><a class="button go" href="${linkOf(item.link)}">${words.action}</a></div></li>`;
  });
  const more = items.length - shown.length;
  return html`<ul class="box items mid" data-list>${lines}</ul>${more > 0 ? html`<p class="more">And ${counted(more)} more; the first ones are the worst.</p>` : nothing}`;
}

function linkOf(link: Attention["link"]): string {
  switch (link.to) {
    case "callback":
      return `/console/callbacks/${link.id}`;
    case "endpoint":
      return `/console/endpoints/${link.id}`;
    case "unmatched":
      return "/console/unmatched";
    case "callbacks": {
      const { to: _, ...asked } = link;
      return `/console/callbacks?${new URLSearchParams(asked)}`;
    }
  }
}
