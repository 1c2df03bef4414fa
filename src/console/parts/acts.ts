import type { readAudit } from "../../api/audit.ts";
import { at, tell, words } from "../../trace/sentence.ts";
import { type Clock, type Html, html, nothing, sentence } from "../html.ts";

type Act = Awaited<ReturnType<typeof readAudit>>["data"][number];

const DONE: Readonly<Record<string, string>> = {
  "callback.body_read": "read the body",
  "item.assigned": "assigned it",
  "item.dismissed": "put it aside",
  "callback.replayed": "replayed it",
  "binding.added": "bound it",
  "binding.replaced": "bound it anew",
  "binding.removed": "removed the binding",
  "dispatch.retried": "tried it again",
  "endpoint.created": "made it",
  "endpoint.changed": "changed it",
  "endpoint.deleted": "deleted it",
  "endpoint.tested": "tested it",
  "endpoint.secret_rotated": "made a new secret for it",
  "endpoint.dead_retried": "tried again what was given up",
};

const CAUSES: Readonly<Record<string, string>> = {
  binding: "its reference was bound",
  workspace: "its workspace was registered or opened",
  resend: "it was sent again, and told more",
  assigned: "a person assigned it",
  dismissed: "a person put it aside",
};

/** What a person did, as one says it. */
export function doing(action: string): string {
  return DONE[action] ?? action.replaceAll(/[._]/g, " ");
}

/** Who did what here, newest first. */
export function acts(list: readonly Act[], healed: { cause: string; at: string } | null, view: Clock): Html {
  const rows = list.map(
    (act) => html`<li>${sentence(tell`${at(act.at ?? "")} ${words(nameOf(act.token))} ${doing(act.action)}`, view)}</li>`,
  );
  const home = healed
    ? html`<li>${sentence(tell`${at(healed.at)} it came home: ${CAUSES[healed.cause] ?? healed.cause}`, view)}</li>`
    : nothing;
  return html`<section><h2>Who did what</h2>${rows.length === 0 && !healed ? html`<p>Nobody has acted on this.</p>` : html`<ul class="dots">${rows}${home}</ul>`}</section>`;
}

export const nameOf = (token: string) => (token === "API_TOKEN" ? "Operator" : token);
