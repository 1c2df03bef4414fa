import { readGroups } from "../../api/unmatched.ts";
import { readWorkspaces } from "../../api/workspaces.ts";
import { GatewayError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import { assign, previewAssign } from "../../healing/assign.ts";
import { dismiss } from "../../healing/dismiss.ts";
import type { Selection } from "../../healing/selection.ts";
import { readId, showId } from "../../ids.ts";
import { workspaceId } from "../../inbound/resolve.ts";
import { happened, kindWord, maskPerson, maskText, providerName } from "../../trace/names.ts";
import { counted, many } from "../../trace/sentence.ts";
import { readStory, type Story, workspaceNames } from "../../trace/story.ts";
import { verdictOf } from "../../trace/verdict.ts";
import { minute } from "../../trace/zone.ts";
import { recount, upTo } from "../counts.ts";
import { type Clock, code, foreign, type Html, html, nothing, raw, sentence, time } from "../html.ts";
import { copy } from "../parts/beside.ts";
import { choose } from "../parts/filters.ts";
import { brought } from "../parts/home.ts";
import { crumbs, page } from "../parts/layout.ts";
import { shape } from "../parts/status.ts";
import { pages, type Visit, view } from "../visit.ts";

const MOST_GROUPS = 100;
const MOST_NAMES = 200;
/** From so many on the workspace's name is typed. */
const TYPE_FROM = 1000;

type Group = Awaited<ReturnType<typeof readGroups>>[number];
/** What is looked at: a group, or one waiting event of a callback. */
type Chosen = { adapter: string; reference: string | null; callback: string | null; item: number | null };

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
    const { query } = gateway.database;
    const reason = c.req.query("reason") || undefined;
    const provider = c.req.query("provider") || undefined;
    const newest = await readGroups(query, { reason, provider, limit: MOST_GROUPS });
    const groups = c.req.query("order") === "new" ? newest : newest.toSorted((a, b) => b.waiting - a.waiting);
    const chosen = chosenOf(c);
    const total = groups.reduce((sum, group) => sum + group.waiting, 0);
    const filtered = reason !== undefined || provider !== undefined;
    const since = await oldestCallback(gateway);
    const head =
      total === 0 && !filtered
        ? html`<h1>Nothing waits</h1><p class="sub">Every callback${since ? html` since ${time(since, minute(since, seen.zone, seen.now))}` : nothing} found its workspace.</p>`
        : html`<h1>${many(total, "event waits", "events wait")} for a workspace</h1><p class="sub">${groups.length === 1 ? "All share one reference." : `They share ${groups.length === MOST_GROUPS ? "more than " : ""}${many(groups.length, "reference")}.`} Say once whose a reference is, and all its events go out, oldest first. Nothing here is lost.</p>`;
    const providers = Object.fromEntries(
      [...gateway.registry.keys()].map((name) => [name, providerName(gateway.registry, name)]),
    );
    const list = groups.map((group) => groupLine(group, gateway, seen, chosen));
    const body = html`${head}
<form class="filters" action="/console/unmatched">${choose("provider", "Provider", "All providers", providers, provider)}${choose("reason", "Reason", "All reasons", REASONS, reason)}${choose("order", "Order", "Most events first", { new: "Newest first" }, c.req.query("order"))}<button>Show</button></form>
<div class="pair"><div>${groups.length > 0 ? html`<ul class="box" data-list>${list}</ul>` : filtered ? html`<div class="box"><p class="empty">Nothing waits that fits this.</p></div>` : nothing}${await brought(gateway, seen)}</div>
<div>${chosen ? await chosenPart(c, chosen, groups) : groups.length > 0 ? html`<p class="sub">Choose one to see what its callbacks tell.</p>` : nothing}</div></div>`;
    return page(c, { title: "Unmatched", section: "unmatched", body });
  })
  .post("/assign", async (c) => {
    const { gateway } = c.var;
    const given = await c.req.parseBody();
    const field = (name: string) => (typeof given[name] === "string" ? given[name] : "");
    const chosen = chosenFrom(field);
    if (!chosen) throw new GatewayError("invalid", { message: "It is not said what is to be assigned." });
    const workspace = await requireWorkspace(gateway, field("workspace"));
    const oldestOnly = field("do") === "oldest";
    const preview = field(oldestOnly ? "preview_oldest" : "preview");
    if (!preview) throw new GatewayError("invalid", { message: "Look at the preview first." });
    const typed = field("typed").trim();
    const name = (await workspaceNames(gateway.database.query, [workspace])).get(workspace) ?? workspace;
    if (!oldestOnly && Number.parseInt(preview, 10) >= TYPE_FROM && typed !== name)
      throw new GatewayError("invalid", { message: `For so many, type the workspace’s name as it is written: ${name}.` });
    const done = await assign(gateway, c.var.principal, {
      ...selectionOf(chosen),
      workspace_id: workspace,
      preview,
      ...options(chosen, oldestOnly),
    });
    recount(gateway);
    const ids = [...new Set(done.events.flatMap((event) => event.callback_id ?? []))].slice(0, 20);
    const body = html`${crumbs(html`<a href="/console/unmatched">Unmatched</a>`, html`Done`)}
<h1>${done.remaining > 0 && !oldestOnly ? html`${many(done.emitted, "event")} emitted so far; ${upTo(done.remaining)} still wait` : html`${many(done.emitted, "event")} emitted for ${foreign(name)}`}</h1>
<p class="why">${done.already_emitted > 0 ? `${counted(done.already_emitted)} had been emitted before. ` : ""}${done.left > 0 ? `${counted(done.left)} were left: something else speaks for another workspace. ` : ""}${done.bindings_made > 0 ? "Later callbacks with this reference go there by themselves. " : "No binding was made. "}What is sent stays sent; removing the binding stops new events only.</p>
<div class="offers">${oldestOnly ? html`<a class="button main" href="${linkTo(chosen)}&amp;workspace=${encodeURIComponent(workspace)}">Then the rest…</a>` : nothing}<a class="button" href="/console/unmatched">What else waits</a></div>
${ids.length > 0 ? html`<h2 class="mid">What went out</h2><ul class="dots">${ids.map((id) => html`<li><a href="/console/callbacks/${id}">${code(id)}</a></li>`)}</ul>` : nothing}`;
    return page(c, { title: "Assigned", section: "unmatched", body });
  })
  .post("/dismiss", async (c) => {
    const { gateway } = c.var;
    const given = await c.req.parseBody();
    const chosen = chosenFrom((name) => (typeof given[name] === "string" ? given[name] : ""));
    if (!chosen) throw new GatewayError("invalid", { message: "It is not said what is to be put aside." });
    const done = await dismiss(gateway, c.var.principal, selectionOf(chosen));
    recount(gateway);
    const body = html`${crumbs(html`<a href="/console/unmatched">Unmatched</a>`, html`Done`)}<h1>${many(done.dismissed, "event was", "events were")} put aside</h1><p class="why">They are kept, out of the queue; nobody is told of them.</p><div class="offers"><a class="button" href="/console/unmatched">What else waits</a></div>`;
    return page(c, { title: "Put aside", section: "unmatched", body });
  });

function chosenFrom(field: (name: string) => string): Chosen | null {
  const [adapter, reference, callback, item] = ["adapter", "reference", "callback", "item"].map(field);
  if (callback && /^\d{1,6}$/.test(item ?? "")) return { adapter: adapter ?? "", reference: null, callback, item: Number(item) };
  return adapter && reference?.includes(":") ? { adapter, reference, callback: null, item: null } : null;
}

const chosenOf = (c: Visit) => chosenFrom((name) => c.req.query(name) ?? "");

function linkTo({ adapter, reference, callback, item }: Chosen): string {
  const asked: Record<string, string> = reference ? { adapter, reference } : { callback: callback ?? "", item: String(item) };
  return `/console/unmatched?${new URLSearchParams(asked)}`;
}

function selectionOf({ adapter, reference, callback, item }: Chosen): Selection {
  if (!reference) return { items: [{ callback_id: callback ?? "", index: item ?? 0 }] };
  const [provider = "", dialect = null] = adapter.split("/");
  return { provider, dialect, reference };
}

/** Without a binding only the oldest one, to look at before the rest. */
const options = ({ reference }: Chosen, oldestOnly: boolean) =>
  reference === null ? {} : oldestOnly ? { bind: false, limit: 1 } : { bind: true };

const adapterOf = (group: Group) => (group.dialect ? `${group.provider}/${group.dialect}` : group.provider);

function groupLine(group: Group, gateway: Gateway, seen: Clock, chosen: Chosen | null): Html {
  const adapter = adapterOf(group);
  const [kind, value] = split(group.reference);
  const isChosen = chosen?.adapter === adapter && chosen.reference === group.reference;
  const link = group.reference
    ? linkTo({ adapter, reference: group.reference, callback: null, item: null })
    : `/console/callbacks/${group.sample_callback_id}`;
  const title =
    kind === "workspace"
      ? html`${providerName(gateway.registry, adapter)}, of workspace ${code(value)}`
      : kind
        ? html`${providerName(gateway.registry, adapter)} ${kindWord(kind)} ${code(maskText(value))}`
        : html`${providerName(gateway.registry, adapter)}, without any reference`;
  return html`<li><a class="group go" href="${link}" ${isChosen ? raw('aria-current="true"') : ""}><span class="size"><b>${counted(group.waiting)}</b> ${group.waiting === 1 ? "event" : "events"}</span><span><b>${title}</b><small>${whyOf(group.reason, kind)}</small></span><span class="since">${group.oldest ? html`${group.waiting === 1 ? "at" : "since"} ${time(group.oldest, minute(group.oldest, seen.zone, seen.now))}` : nothing}</span></a></li>`;
}

function split(reference: string | null): [kind: string, value: string] {
  const colon = reference?.indexOf(":") ?? -1;
  return reference && colon > 0 ? [reference.slice(0, colon), reference.slice(colon + 1)] : ["", ""];
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

async function chosenPart(c: Visit, chosen: Chosen, groups: Group[]): Promise<Html> {
  const { gateway } = c.var;
  const seen = view(c);
  const group = groups.find((one) => adapterOf(one) === chosen.adapter && one.reference === chosen.reference);
  const sampleId = readId("callback", chosen.callback ?? group?.sample_callback_id ?? "") ?? (await sampleOf(gateway, chosen));
  const story = sampleId ? await readStory(gateway, sampleId, chosen.item) : null;
  if (story?.item?.verdict !== "waiting")
    return html`<div class="box pad"><h2>Nothing waits with this any more</h2><p class="sub">It came home, or was put aside.</p></div>`;
  const provider = providerName(gateway.registry, story.adapter);
  const [kind, value] = split(chosen.reference);
  const state = verdictOf(story, gateway.registry);
  const { reason } = story.item;
  const mayBulk = chosen.reference !== null && kind !== "workspace" && reason !== "workspace_conflict";
  const title =
    chosen.reference && kind !== "workspace"
      ? html`Whose is ${provider} ${kindWord(kind)} ${code(maskText(value))}?`
      : kind === "workspace"
        ? html`Workspace ${code(value)}`
        : html`Whose is this event of ${provider}?`;
  const clueList = clues(story);
  const head = html`<h2>${title}</h2><p class="sub">${group?.oldest && group.newest ? html`${many(group.waiting, "event")}, ${time(group.oldest, minute(group.oldest, seen.zone, seen.now))} to ${time(group.newest, minute(group.newest, seen.zone, seen.now))}. ` : nothing}${clueList.length > 0 ? "What the callbacks themselves tell:" : nothing}</p>${clueList.length > 0 ? html`<ul class="dots">${clueList.map((clue) => html`<li>${clue}</li>`)}</ul>` : nothing}<p class="more"><a href="/console/callbacks/${story.trace.id}?item=${story.item.index}">See ${chosen.reference ? "one of them" : "its trace"}</a></p>`;
  if (chosen.reference && !mayBulk) {
    const items = reason === "workspace_conflict" ? await conflicts(gateway, chosen) : nothing;
    return html`<div class="box pad">${head}<div class="part-of"><p class="why">${sentence(state.explanation, seen)}</p>${state.offers.map((offer, index) => (offer.to === "copy" ? copy(offer.label, offer.text, seen, `offer-${index}`) : nothing))}${items}</div></div>`;
  }
  return html`<div class="box pad">${head}${await assignPart(c, chosen, story)}</div>`;
}

/** Facts from the callbacks, to recognise somebody by; never a choice. */
function clues({ told, item }: Story): Html[] {
  const text = (found: unknown) => (typeof found === "string" && found ? found : null);
  const list: Html[] = [];
  const recipient = text(told?.provider_data.recipient) ?? text(told?.data.email) ?? text(told?.data.phone);
  if (told)
    list.push(
      html`“${happened(told)}”${text(told.provider_data.status) ? html`, in its words ${code(text(told.provider_data.status) ?? "")}` : nothing}`,
    );
  if (recipient) list.push(html`recipient ${html`<strong>${foreign(maskPerson(recipient))}</strong>`}`);
  for (const name of ["campaign_id", "contact_id", "new_plan"] as const) {
    const value = text(told?.data[name]);
    if (value) list.push(html`${name.replace("_id", "").replace("new_", "")} ${code(maskText(value))}`);
  }
  for (const way of item?.ways ?? [])
    if (way.way === "lookup")
      for (const one of way.looked_at.filter((place) => place.where !== "recipient").slice(0, 6))
        list.push(
          html`${kindWord(one.where)} ${code(maskText(one.value ?? ""))}, ${one.found ? "bound, but it does not decide" : "not bound"}`,
        );
  return list;
}

async function assignPart(c: Visit, chosen: Chosen, story: Story): Promise<Html> {
  const { gateway } = c.var;
  const { data } = await readWorkspaces(gateway.database.query, { limit: MOST_NAMES, after: undefined });
  const open = data.filter((one) => one.state === "open");
  const given = c.req.query("workspace") ?? "";
  const workspace = given ? await findWorkspace(gateway, given) : null;
  const hidden = chosen.reference
    ? html`<input type="hidden" name="adapter" value="${chosen.adapter}"><input type="hidden" name="reference" value="${chosen.reference}">`
    : html`<input type="hidden" name="callback" value="${chosen.callback}"><input type="hidden" name="item" value="${chosen.item}">`;
  const ask = html`<form class="part-of" action="/console/unmatched"><label for="workspace"><b>It belongs to</b></label>${hidden}<div class="row"><input id="workspace" name="workspace" list="workspaces" value="${given}" required maxlength="200" placeholder="Name or id of the workspace" autocomplete="off"><datalist id="workspaces">${open.map((one) => html`<option value="${one.name}">${one.id}</option>`)}</datalist><button>Preview</button></div></form>`;
  const aside = html`<form method="post" action="/console/unmatched/dismiss" class="part-of">${hidden}<p class="sub">Is it nobody’s? Put aside, it is kept and told to nobody. <button class="plain">Put ${chosen.reference ? `the ${many(story.waits?.count ?? 1, "event")}` : "this one"} aside</button></p></form>`;
  if (given && !workspace)
    return html`${ask}<p class="notice bad" role="alert">No open workspace is called ${foreign(given)}.</p>${aside}`;
  return html`${ask}${workspace ? await previewPart(gateway, chosen, workspace, hidden) : nothing}${aside}`;
}

async function previewPart(
  gateway: Gateway,
  chosen: Chosen,
  workspace: { id: string; name: string },
  hidden: Html,
): Promise<Html> {
  const selection = { ...selectionOf(chosen), workspace_id: workspace.id };
  let preview: Awaited<ReturnType<typeof previewAssign>>;
  try {
    preview = await previewAssign(gateway, { ...selection, ...options(chosen, false) });
  } catch (error) {
    if (error instanceof GatewayError && error.status < 500)
      return html`<p class="notice bad" role="alert">${Object.values(error.fields ?? {}).join("; ") || error.message}</p>`;
    throw error;
  }
  const oldest =
    chosen.reference && preview.emitted > 1 ? await previewAssign(gateway, { ...selection, ...options(chosen, true) }) : null;
  const about = preview.exact ? "" : "about ";
  const rows = Object.entries(preview.by_kind).map(
    ([kind, count]) => html`<tr><td>${kindOf(kind)}</td><td class="num">${about}${counted(count)}</td></tr>`,
  );
  const type =
    preview.emitted >= TYPE_FROM
      ? html`<label for="typed">So many: type the workspace’s name, ${foreign(workspace.name)}</label><input id="typed" name="typed" autocomplete="off" required>`
      : nothing;
  return html`<section class="part-of"><h2>If you assign it to ${foreign(workspace.name)}</h2>
<table><thead><tr><th scope="col">Will be emitted</th><th scope="col" class="num">Events</th></tr></thead><tbody>${rows}<tr><th scope="row">Together</th><td class="num"><b>${about}${counted(preview.emitted)}</b></td></tr></tbody></table>
<ul class="dots mid"><li>${about}${many(preview.webhooks, "webhook")} to ${many(preview.endpoints, "endpoint")}, and the bus. Their own times are kept.</li><li>${counted(preview.already_emitted)} of them were emitted before.</li>${preview.left > 0 ? html`<li>${counted(preview.left)} are left: something else speaks for another workspace.</li>` : nothing}<li>${preview.bindings_made > 0 ? html`Later callbacks with this reference go to ${foreign(workspace.name)} by themselves.` : "No binding is made: later ones wait again."}</li></ul></section>
<p class="notice wait">${shape("unmatched")}<span>What is sent stays sent. Removing the binding later stops new events only.${oldest ? html` In doubt, send the oldest one first and ask ${foreign(workspace.name)}.` : nothing}</span></p>
<form method="post" action="/console/unmatched/assign" class="offers">${hidden}<input type="hidden" name="workspace" value="${workspace.id}"><input type="hidden" name="preview" value="${preview.preview}">${oldest ? html`<input type="hidden" name="preview_oldest" value="${oldest.preview}">` : nothing}${type}<button class="main" name="do" value="all">Assign and emit ${about}${many(preview.emitted, "event")}</button>${oldest ? html`<button name="do" value="oldest" formnovalidate>Emit only the oldest one</button>` : nothing}</form>`;
}

const kindOf = (kind: string) =>
  /^(contact|segment|campaign|billing)\./.test(kind)
    ? happened({ variant: null, type: kind as never, name: kind })
    : happened({ variant: kind, type: null, name: kind });

async function findWorkspace(gateway: Gateway, given: string): Promise<{ id: string; name: string } | null> {
  const id = workspaceId(given);
  if (id === "__org__") return { id, name: "the platform itself" };
  const rows = await gateway.database.query<{ id: string; name: string }>(
    "select id, name from workspaces where closed_at is null and (id = $1 or lower(name) = lower($2)) limit 2",
    [id, given.trim()],
  );
  return rows.length === 1 ? (rows[0] ?? null) : null;
}

async function requireWorkspace(gateway: Gateway, given: string): Promise<string> {
  const found = await findWorkspace(gateway, given);
  if (!found) throw new GatewayError("invalid", { message: "No open workspace is called so." });
  return found.id;
}

/** A callback that waits with this reference. */
async function sampleOf({ database }: Gateway, { adapter, reference }: Chosen): Promise<string | null> {
  if (!reference) return null;
  const column = reference.startsWith("workspace:") ? reference : `${adapter} ${reference}`;
  const [row] = await database.query<{ callback_id: string }>(
    "select callback_id from waiting where refs @> array[$1::text] and adapter = $2 order by occurred_at desc limit 1",
    [column, adapter],
  );
  return row?.callback_id ?? null;
}

/** A conflict is never healed in bulk: each by itself. */
async function conflicts({ database }: Gateway, { adapter, reference }: Chosen): Promise<Html> {
  const rows = await database.query<{ callback_id: string; item: number }>(
    "select callback_id, item from waiting where refs @> array[$1::text] and adapter = $2 and reason = 'workspace_conflict' order by occurred_at limit 20",
    [`${adapter} ${reference}`, adapter],
  );
  return html`<ul class="dots">${rows.map((row) => {
    const id = showId("callback", row.callback_id);
    return html`<li><a href="${linkTo({ adapter, reference: null, callback: id, item: row.item })}">Assign this one…</a> <a href="/console/callbacks/${id}?item=${row.item}">trace</a></li>`;
  })}</ul>`;
}

async function oldestCallback({ database }: Gateway): Promise<string | null> {
  const [row] = await database.query<{ received_at: Date }>("select received_at from callbacks order by id limit 1");
  return row?.received_at.toISOString() ?? null;
}
