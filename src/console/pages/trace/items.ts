import { many } from "../../../trace/sentence.ts";
import type { Shape } from "../../../trace/states.ts";
import type { Story } from "../../../trace/story.ts";
import { foreign, type Html, html, nothing } from "../../html.ts";
import { status } from "../../parts/status.ts";

const MOST_ITEMS = 100;

/** Every event of a batch. */
export function allItems({ trace, item }: Story): Html {
  const shown = trace.items.slice(0, MOST_ITEMS);
  const shapes: Readonly<Record<string, [Shape, string]>> = {
    event: ["accepted", "Accepted"],
    taught: ["accepted", "Accepted"],
    waiting: ["unmatched", "Unmatched"],
    duplicate: ["repeat", "Repeat"],
    failed: ["failed", "Failed"],
    dismissed: ["ignored", "Put aside"],
  };
  return html`<h2 id="all">All ${many(trace.items.length, "event")} of this callback</h2><div class="box"><table><thead><tr><th scope="col" class="num">No.</th><th scope="col">Status</th><th scope="col">What became of it</th></tr></thead><tbody>${shown.map(
    (one) => {
      const [shape, word] =
        shapes[one.verdict] ?? (one.word === undefined ? (["ignored", "Ignored"] as const) : (["new", "New"] as const));
      return html`<tr><td class="num">${one.index + 1}</td><td>${status(shape, word)}</td><td>${one.index === item?.index ? html`<strong>this one</strong>` : html`<a class="go" href="/console/callbacks/${trace.id}?item=${one.index}">Open</a>`} ${foreign(one.word === undefined ? "" : `“${one.word}”`)}</td></tr>`;
    },
  )}</tbody></table></div>${trace.items.length > MOST_ITEMS ? html`<p class="more">The first ${MOST_ITEMS} of ${trace.items.length}. Search for an id to open at its event.</p>` : nothing}`;
}
