import { type Act, actSentence, doing } from "../../trace/acts.ts";
import { personOf } from "../../trace/names.ts";
import { at, tell } from "../../trace/sentence.ts";
import { type Clock, type Html, html, nothing, sentence } from "../html.ts";

export { doing, personOf as nameOf };

const CAUSES: Readonly<Record<string, string>> = {
  binding: "its reference was bound",
  workspace: "its workspace was registered or opened",
  resend: "it was sent again, and told more",
};

/** Who did what here, newest first; and what brought it home, where no person did. */
export function acts(
  list: readonly (Pick<Act, "token" | "action"> & { at: string | null; on?: string | null })[],
  healed: { cause: string; at: string } | null,
  view: Clock,
): Html {
  const rows = list.map((act) => html`<li>${sentence(actSentence({ on: null, ...act, at: act.at ?? "" }), view)}</li>`);
  const cause = healed && CAUSES[healed.cause];
  const home = cause ? html`<li>${sentence(tell`${at(healed.at)} it came home: ${cause}`, view)}</li>` : nothing;
  return html`<section><h2>Who did what</h2>${rows.length === 0 && !cause ? html`<p>Nobody has acted on this.</p>` : html`<ul class="dots">${rows}${home}</ul>`}</section>`;
}
