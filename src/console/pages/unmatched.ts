import { readGroups } from "../../api/unmatched.ts";
import { GatewayError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import { assign } from "../../healing/assign.ts";
import { dismiss } from "../../healing/dismiss.ts";
import { counted, many } from "../../trace/sentence.ts";
import { minute } from "../../trace/zone.ts";
import { recount, upTo } from "../counts.ts";
import { type Clock, code, foreign, type Html, html, nothing, time } from "../html.ts";
import { chooseProvider } from "../parts/adapters.ts";
import { chosenFrom, linkTo, options, requireWorkspace, selectionOf } from "../parts/chosen.ts";
import { choose } from "../parts/filters.ts";
import { groupLine } from "../parts/groups.ts";
import { brought } from "../parts/home.ts";
import { crumbs, page } from "../parts/layout.ts";
import { TYPE_FROM } from "../parts/preview.ts";
import { soon } from "../parts/soon.ts";
import { chosenPart } from "../parts/waiting.ts";
import { pages, type Visit, view } from "../visit.ts";

/** Groups that are counted; of more it says so. */
const MOST_GROUPS = 500;
/** Groups that a page shows. */
const SHOWN = 50;

const REASONS: Readonly<Record<string, string>> = {
  no_reference_bound: "Nobody has said whose this is",
  reference_ambiguous: "More than one workspace",
  workspace_conflict: "Two answers that differ",
  unknown_workspace: "Workspace not registered",
  workspace_closed: "Workspace closed",
};

/** What waits for a workspace, by what would bring it home; and bringing it home, after a look at what that does. */
export const unmatched = pages()
  .get("/", async (c) => {
    const { gateway } = c.var;
    const seen = view(c);
    const { reason, provider, order } = askedFor(c);
    const newest = await readGroups(gateway.database.query, { reason, provider, limit: MOST_GROUPS });
    const groups = order === "new" ? newest : newest.toSorted((a, b) => b.waiting - a.waiting);
    const chosen = chosenFrom((name) => c.req.query(name) ?? "");
    const filtered = reason !== undefined || provider !== undefined;
    const lines = groups.slice(0, SHOWN).map((group) => groupLine(group, gateway, seen, chosen));
    const list =
      lines.length > 0
        ? html`<ul class="box" data-list>${lines}</ul>${groups.length > SHOWN ? html`<p class="more">These are the first ${SHOWN} of ${groups.length === MOST_GROUPS ? "more than " : ""}${counted(groups.length)}: choose a provider or a reason to see others.</p>` : nothing}`
        : filtered
          ? html`<div class="box"><p class="empty">Nothing waits that fits this.</p></div>`
          : nothing;
    const invite = lines.length > 0 ? html`<p class="sub">Choose one to see what its callbacks tell.</p>` : nothing;
    const body = html`${groups.length === 0 && !filtered ? await nothingWaits(gateway, seen) : howMany(groups)}
<form class="filters" action="/console/unmatched">${chooseProvider(gateway.registry, provider)}${choose("reason", "Reason", "All reasons", REASONS, reason)}${choose("order", "Order", "Most events first", { new: "Newest first" }, order)}<button>Show</button></form>
<div class="pair"><div>${list}${(await soon(gateway, brought(gateway, seen))) ?? nothing}</div>
<div>${chosen ? await chosenPart(c, chosen, groups) : invite}</div></div>`;
    return page(c, { title: "Unmatched", section: "unmatched", body });
  })
  .post("/assign", async (c) => {
    const { gateway } = c.var;
    const field = fieldsOf(await c.req.parseBody());
    const chosen = chosenFrom(field);
    if (!chosen) throw new GatewayError("invalid", { message: "It is not said what is to be assigned." });
    const { id: workspace, name } = await requireWorkspace(gateway, field("workspace"));
    const oldestOnly = field("do") === "oldest";
    const preview = field(oldestOnly ? "preview_oldest" : "preview");
    if (!preview) throw new GatewayError("invalid", { message: "Look at the preview first." });
    if (!oldestOnly && Number.parseInt(preview, 10) >= TYPE_FROM && field("typed").trim() !== name)
      throw new GatewayError("invalid", { message: `For so many, type the workspace’s name as it is written: ${name}.` });
    const done = await assign(gateway, c.var.principal, {
      ...selectionOf(chosen),
      ...{ workspace_id: workspace, preview },
      ...options(chosen, oldestOnly),
    });
    recount(gateway);
    const ids = [...new Set(done.events.flatMap((event) => event.callback_id ?? []))].slice(0, 20);
    const rest = oldestOnly ? html`<a class="button main" href="${linkTo(chosen, { workspace })}">Then the rest…</a>` : nothing;
    const body = html`${crumbs(html`<a href="/console/unmatched">Unmatched</a>`, html`Done`)}
<h1>${done.remaining > 0 && !oldestOnly ? html`${many(done.emitted, "event")} emitted so far; ${upTo(done.remaining)} still wait` : html`${many(done.emitted, "event")} emitted for ${foreign(name)}`}</h1>
<p class="why">${done.already_emitted > 0 ? `${counted(done.already_emitted)} had been emitted before. ` : ""}${done.left > 0 ? `${counted(done.left)} were left: something else speaks for another workspace. ` : ""}${done.bindings_made > 0 ? "Later callbacks with this reference go there by themselves. " : "No binding was made. "}What is sent stays sent; removing the binding stops new events only.</p>
<div class="offers">${rest}<a class="button" href="/console/unmatched">What else waits</a></div>
${ids.length > 0 ? html`<h2 class="mid">What went out</h2><ul class="dots">${ids.map((id) => html`<li><a href="/console/callbacks/${id}">${code(id)}</a></li>`)}</ul>` : nothing}`;
    return page(c, { title: "Assigned", section: "unmatched", body });
  })
  .post("/dismiss", async (c) => {
    const { gateway } = c.var;
    const chosen = chosenFrom(fieldsOf(await c.req.parseBody()));
    if (!chosen) throw new GatewayError("invalid", { message: "It is not said what is to be put aside." });
    const done = await dismiss(gateway, c.var.principal, selectionOf(chosen));
    recount(gateway);
    const body = html`${crumbs(html`<a href="/console/unmatched">Unmatched</a>`, html`Done`)}<h1>${many(done.dismissed, "event was", "events were")} put aside</h1><p class="why">They are kept, out of the queue; nobody is told of them.</p><div class="offers"><a class="button" href="/console/unmatched">What else waits</a></div>`;
    return page(c, { title: "Put aside", section: "unmatched", body });
  });

const fieldsOf = (given: Record<string, unknown>) => (name: string) => {
  const value = given[name];
  return typeof value === "string" ? value : "";
};

function askedFor(c: Visit) {
  const asked = (name: string) => c.req.query(name) || undefined;
  return { reason: asked("reason"), provider: asked("provider"), order: asked("order") };
}

function howMany(groups: readonly { waiting: number }[]): Html {
  const total = groups.reduce((sum, group) => sum + group.waiting, 0);
  const share =
    groups.length === 1
      ? "All share one reference."
      : `They share ${groups.length === MOST_GROUPS ? "more than " : ""}${many(groups.length, "reference")}.`;
  const said =
    total === 0 ? "" : `${share} Say once whose a reference is, and all its events go out, oldest first. Nothing here is lost.`;
  return html`<h1>${many(total, "event waits", "events wait")} for a workspace</h1><p class="sub">${said}</p>`;
}

/** "Nothing waits. Every callback since {date} found its workspace." */
async function nothingWaits({ database }: Gateway, { zone, now }: Clock): Promise<Html> {
  const [row] = await database.query<{ received_at: Date }>("select received_at from callbacks order by id limit 1");
  const since = row?.received_at.toISOString();
  return html`<h1>Nothing waits</h1><p class="sub">${since ? html`Every callback since ${time(since, minute(since, zone, now))} found its workspace.` : "No callback has come so far."}</p>`;
}
