import { type BindingRow, bindingQuery, findBindings, removeBinding } from "../../api/bindings.ts";
import { GatewayError } from "../../errors.ts";
import { showId } from "../../ids.ts";
import { storable } from "../../inbound/translate.ts";
import { kindWord, maskText, providerName } from "../../trace/names.ts";
import { workspaceNames } from "../../trace/story.ts";
import { minute } from "../../trace/zone.ts";
import { code, foreign, html, nothing, time } from "../html.ts";
import { chooseProvider } from "../parts/adapters.ts";
import { choose } from "../parts/filters.ts";
import { crumbs, page } from "../parts/layout.ts";
import { pages, type Visit, view } from "../visit.ts";

const PAGE = 50;
const ORIGINS = { told: "Told", learned: "Learned", ambiguous: "More than one" };

/** Whose what is: who said so and when, or learned from which callback. */
export const bindings = pages()
  .get("/", async (c) => {
    const { gateway } = c.var;
    const seen = view(c);
    const asked = askedFor(c);
    const rows = await findBindings(gateway, asked);
    const shown = rows.slice(0, PAGE);
    const names = await workspaceNames(
      gateway.database.query,
      shown.flatMap((row) => [row.workspace_id, row.other_workspace_id ?? row.workspace_id]),
    );
    const tellers = await whoTold(c, shown);
    const next = new URLSearchParams(new URL(c.req.url).search);
    next.set("after", showId("binding", shown.at(-1)?.id ?? "00000000-0000-0000-0000-000000000000"));
    const lines = shown
      .filter((row) => row.kind !== "recipient")
      .map((row) => {
        const created = row.created_at.toISOString();
        const name = (id: string) => foreign(names.get(id) ?? id);
        const may = c.var.principal.role === "operator" || row.told_by === "support";
        return html`<tr><td data-label="Reference">${providerName(gateway.registry, row.adapter)} ${kindWord(row.kind)} ${code(maskText(row.value))}</td><td data-label="Workspace">${name(row.workspace_id)}${row.other_workspace_id ? html` and ${name(row.other_workspace_id)}: it decides nothing` : nothing}</td><td data-label="Who said so">${row.origin === "told" ? html`${foreign(tellers.get(row.id) ?? (row.told_by === "support" ? "Support" : "An operator"))} said so` : row.callback_id ? html`Learned from <a class="go" href="/console/callbacks/${showId("callback", row.callback_id)}">a callback</a>` : "Learned"}</td><td data-label="Since" class="num nowrap">${time(created, minute(created, seen.zone, seen.now))}</td><td>${may ? html`<a href="/console/bindings/${showId("binding", row.id)}/remove">Remove…</a>` : nothing}</td></tr>`;
      });
    const body = html`<h1>Bindings</h1><p class="sub">Which reference is whose: said by somebody, or learned from a callback that proved it.</p>
<form class="filters" action="/console/bindings">${chooseProvider(gateway.registry, asked.provider)}${choose("origin", "Origin", "Told and learned", ORIGINS, asked.origin)}<label class="unseen" for="value">The id</label><input id="value" name="value" value="${asked.value ?? ""}" placeholder="The id, exactly" maxlength="300"><button>Show</button></form>
<div class="box">${lines.length === 0 ? html`<p class="empty">${emptyBecause(asked)}</p>` : html`<table class="stack" data-list><thead><tr><th scope="col">Reference</th><th scope="col">Workspace</th><th scope="col">Who said so</th><th scope="col" class="num">Since</th><th scope="col"><span class="unseen">Do</span></th></tr></thead><tbody>${lines}</tbody></table>`}</div>${rows.length > PAGE ? html`<p class="more"><a href="/console/bindings?${next.toString()}">Older ones</a></p>` : nothing}`;
    return page(c, { title: "Bindings", section: "bindings", body });
  })
  .get("/:id/remove", (c) => {
    const id = c.req.param("id");
    const body = html`${crumbs(html`<a href="/console/bindings">Bindings</a>`, code(id))}<h1>Remove this binding?</h1><p class="why">New callbacks with this reference wait again. What was sent stays sent. What the binding contradicted may come home by it.</p><form method="post" action="/console/bindings/${id}/remove" class="offers"><button class="main">Remove the binding</button><a class="button" href="/console/bindings">Leave it</a></form>`;
    return page(c, { title: "Remove a binding", section: "bindings", body });
  })
  .post("/:id/remove", async (c) => {
    await removeBinding(c, c.req.param("id"));
    return c.redirect("/console/bindings", 303);
  });

function emptyBecause({ after, provider, origin, value, kind, workspace_id }: ReturnType<typeof askedFor>): string {
  if (after) return "There are no older ones.";
  if (provider ?? origin ?? value ?? kind ?? workspace_id) return "None fits this.";
  return "Nothing is bound so far. It is learned from callbacks that name their workspace, or said by somebody under Unmatched.";
}

function askedFor(c: Visit) {
  const given = Object.entries(c.req.query()).filter(([name, value]) => value !== "" && name !== "limit");
  const parsed = bindingQuery.safeParse(storable(Object.fromEntries(given)));
  if (!parsed.success)
    throw new GatewayError("invalid", {
      fields: Object.fromEntries(
        parsed.error.issues.map((issue) => [issue.path.join("."), `${issue.path.join(".")}: ${issue.message}`]),
      ),
    });
  return { ...parsed.data, limit: PAGE };
}

/** Who told these bindings, as the audit has it. */
async function whoTold(c: Visit, rows: BindingRow[]): Promise<Map<string, string>> {
  const told = new Map(rows.filter((row) => row.origin === "told").map((row) => [showId("binding", row.id), row.id]));
  if (told.size === 0) return new Map();
  const found = await c.var.gateway.database.query<{ object: string; token: string }>(
    "select distinct on (object) object, token from audit where object = any(array(select json_array_elements_text($1::text::json))) and action in ('binding.added', 'binding.replaced') order by object, id desc",
    [JSON.stringify([...told.keys()])],
  );
  return new Map(found.map((row) => [told.get(row.object) ?? "", row.token === "API_TOKEN" ? "Operator" : row.token]));
}
