import { readWorkspaces } from "../../api/workspaces.ts";
import { GatewayError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import { previewAssign } from "../../healing/assign.ts";
import type { Preview } from "../../healing/preview.ts";
import { happened, kindWord } from "../../trace/names.ts";
import { counted, many } from "../../trace/sentence.ts";
import { foreign, type Html, html, nothing } from "../html.ts";
import type { Visit } from "../visit.ts";
import { type Chosen, findWorkspace, hiddenFields, type Named, options, selectionOf, split } from "./chosen.ts";
import { shape } from "./status.ts";

/** From so many on the workspace's name is typed. */
export const TYPE_FROM = 1000;
const MOST_NAMES = 200;
/** Endpoints that a line names; of more it tells how many. */
const MOST_ENDPOINTS = 3;

/** Says whose it is, looks at what that would do, does it; or puts it aside. */
export async function assignPart(c: Visit, chosen: Chosen, waiting: number): Promise<Html> {
  const { gateway } = c.var;
  const { data } = await readWorkspaces(gateway.database.query, { limit: MOST_NAMES, after: undefined });
  const open = data.filter((one) => one.state === "open");
  const given = c.req.query("workspace") ?? "";
  const workspace = given ? await findWorkspace(gateway, given) : null;
  const hidden = hiddenFields(chosen);
  const ask = html`<form class="part-of" action="/console/unmatched"><label for="workspace"><b>It belongs to</b></label>${hidden}<div class="row"><input id="workspace" name="workspace" list="workspaces" value="${given}" required maxlength="200" placeholder="Name or id of the workspace" autocomplete="off"><datalist id="workspaces">${open.map((one) => html`<option value="${one.name}">${one.id}</option>`)}</datalist><button>Preview</button></div>${workspace && workspace.id !== given ? html`<p class="sub">${foreign(workspace.id)}</p>` : nothing}</form>`;
  const aside = html`<form method="post" action="/console/unmatched/dismiss" class="part-of">${hidden}<p class="sub">Is it nobody’s? Put aside, it is kept and told to nobody. <button class="plain">Put ${chosen.reference ? `the ${many(waiting, "event")}` : "this one"} aside</button></p></form>`;
  if (given && !workspace)
    return html`${ask}<p class="notice bad" role="alert">No open workspace is called ${foreign(given)}.</p>${aside}`;
  return html`${ask}${workspace ? await previewPart(gateway, chosen, workspace) : nothing}${aside}`;
}

/** What an assignment would do, and the buttons that do it. */
async function previewPart(gateway: Gateway, chosen: Chosen, workspace: Named): Promise<Html> {
  const look = (oldestOnly: boolean) =>
    previewAssign(gateway, { ...selectionOf(chosen), workspace_id: workspace.id, ...options(chosen, oldestOnly) });
  let preview: Preview;
  try {
    preview = await look(false);
  } catch (error) {
    if (error instanceof GatewayError && error.status < 500)
      return html`<p class="notice bad" role="alert">${Object.values(error.fields ?? {}).join("; ") || error.message}</p>`;
    throw error;
  }
  const oldest = chosen.reference && preview.emitted > 1 ? await look(true) : null;
  const name = foreign(workspace.name);
  const about = preview.exact ? "" : "about ";
  const type =
    preview.emitted >= TYPE_FROM
      ? html`<label for="typed">So many: type the workspace’s name, ${name}</label><input id="typed" name="typed" autocomplete="off" required>`
      : nothing;
  const [kind] = split(chosen.reference);
  const later =
    preview.bindings_made > 0
      ? html`Later callbacks of this ${kindWord(kind)} go to ${name} by themselves.`
      : "No binding is made: later ones wait again.";
  return html`<section class="part-of"><h2>If you assign it to ${name}</h2>
${previewTable(preview)}
<ul class="dots mid"><li>${counted(preview.already_emitted)} of them were emitted before. Their own times are kept.</li>${preview.left > 0 ? html`<li>${counted(preview.left)} are left: something else speaks for another workspace.</li>` : nothing}<li>${later}</li></ul></section>
<p class="notice wait">${shape("unmatched")}<span>What is sent stays sent. Removing the binding later stops new events only.${oldest ? html` In doubt, send the oldest one first and ask ${name}.` : nothing}</span></p>
<form method="post" action="/console/unmatched/assign" class="offers">${hiddenFields(chosen)}<input type="hidden" name="workspace" value="${workspace.id}"><input type="hidden" name="preview" value="${preview.preview}">${oldest ? html`<input type="hidden" name="preview_oldest" value="${oldest.preview}">` : nothing}${type}<button class="main" name="do" value="all">Assign and emit ${about}${many(preview.emitted, "event")}</button>${oldest ? html`<button name="do" value="oldest" formnovalidate>Emit only the oldest one</button>` : nothing}</form>`;
}

/** By kind: how many events, which endpoints would be told, how many webhooks that is. */
function previewTable({ by_kind, told_by_kind, exact, emitted, endpoints, webhooks }: Preview): Html {
  const about = exact ? "" : "about ";
  const rows = Object.entries(by_kind).map(([kind, count]) => {
    const told = told_by_kind[kind];
    return html`<tr><td>${kindOf(kind)}</td><td class="num">${about}${counted(count)}</td><td>${names(told?.endpoints ?? [])}</td><td class="num">${about}${counted(told?.webhooks ?? 0)}</td></tr>`;
  });
  return html`<table class="flush"><thead><tr><th scope="col">Will be emitted</th><th scope="col" class="num">Events</th><th scope="col">and sent to</th><th scope="col" class="num">Webhooks</th></tr></thead><tbody>${rows}<tr><th scope="row">Together</th><td class="num"><b>${about}${counted(emitted)}</b></td><td>${many(endpoints, "endpoint")} and the bus</td><td class="num"><b>${about}${counted(webhooks)}</b></td></tr></tbody></table>`;
}

function names(endpoints: readonly Named[]): Html {
  if (endpoints.length === 0) return html`the bus only`;
  const shown = endpoints.slice(0, MOST_ENDPOINTS).map(({ name }, index) => html`${index > 0 ? ", " : ""}${foreign(name)}`);
  const more = endpoints.length - MOST_ENDPOINTS;
  return html`${shown}${more > 0 ? ` and ${counted(more)} more` : ""}`;
}

const kindOf = (kind: string) =>
  /^(contact|segment|campaign|billing)\./.test(kind)
    ? happened({ variant: null, type: kind as never, name: kind })
    : happened({ variant: kind, type: null, name: kind });
