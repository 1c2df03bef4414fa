import { readAudit } from "../../api/audit.ts";
import { readEndpoints } from "../../api/endpoints.ts";
import { readWorkspaces } from "../../api/workspaces.ts";
import { GatewayError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import { ORG, workspaceId } from "../../inbound/resolve.ts";
import { endpointFares, endpointName } from "../../trace/fares.ts";
import { providerName } from "../../trace/names.ts";
import { counted, many } from "../../trace/sentence.ts";
import { ago, minute } from "../../trace/zone.ts";
import { type Clock, code, foreign, type Html, html, nothing, time } from "../html.ts";
import { acts } from "../parts/acts.ts";
import { crumbs, page } from "../parts/layout.ts";
import { badge, status } from "../parts/status.ts";
import { pages, type Visit, view } from "../visit.ts";

const PAGE = 50;

/** Workspaces, and whose secrets there are: their age, last use and count, never a value. */
export const workspaces = pages()
  .get("/", async (c) => {
    const { query } = c.var.gateway.database;
    const seen = view(c);
    const after = workspaceId(c.req.query("after")) ?? undefined;
    const { data, next } = await readWorkspaces(query, { limit: PAGE, after });
    const lines = data.map(
      (one) =>
        html`<tr><th scope="row"><a class="go" href="/console/workspaces/${one.id}">${foreign(one.name)}</a></th><td data-label="Id">${code(one.id)}</td><td data-label="State">${one.state === "open" ? status("accepted", "Open") : status("not_sent", "Closed")}</td><td data-label="Registered" class="num nowrap">${one.created_at ? time(one.created_at, minute(one.created_at, seen.zone, seen.now)) : ""}</td></tr>`,
    );
    const body = html`<h1>Workspaces</h1><p class="sub">Whom callbacks may belong to, besides the platform itself.</p><div class="box mid">${lines.length === 0 ? html`<p class="empty">${after ? "There are no more." : "None is registered so far. An operator registers one through the API."}</p>` : html`<table class="stack" data-list><thead><tr><th scope="col">Name</th><th scope="col">Id</th><th scope="col">State</th><th scope="col" class="num">Registered</th></tr></thead><tbody>${lines}</tbody></table>`}</div>${next ? html`<p class="more"><a href="/console/workspaces?after=${next}">More</a></p>` : nothing}
<h2 class="mid">The platform’s secrets</h2>${await secretsOf(c, null, seen)}`;
    return page(c, { title: "Workspaces", section: "workspaces", body });
  })
  .get("/:id", async (c) => {
    const { query } = c.var.gateway.database;
    const seen = view(c);
    const id = workspaceId(c.req.param("id"));
    const [row] = id
      ? await query<{ name: string; closed_at: Date | null; created_at: Date }>(
          "select name, closed_at, created_at from workspaces where id = $1",
          [id],
        )
      : [];
    if (!id || (!row && id !== ORG)) throw new GatewayError("not_found");
    const name = row?.name ?? "The platform itself";
    const [endpoints, audit] = await Promise.all([
      readEndpoints(query, { workspace: id, limit: PAGE }),
      readAudit(query, { object: id, limit: 20 }),
    ]);
    const body = html`${crumbs(html`<a href="/console/workspaces">Workspaces</a>`, code(id))}
<div class="two"><div>${row?.closed_at ? badge("not_sent", "Closed") : badge("accepted", "Open")}<h1>${foreign(name)}</h1><p class="why">${row ? html`Registered ${time(row.created_at.toISOString(), minute(row.created_at.toISOString(), seen.zone, seen.now))}.${row.closed_at ? html` Closed ${time(row.closed_at.toISOString(), minute(row.closed_at.toISOString(), seen.zone, seen.now))}: its events wait.` : nothing}` : "A workspace like any other, always registered."}</p>
<div class="offers"><a class="button" href="/console/callbacks?workspace_id=${id}">Its callbacks</a><a class="button" href="/console/bindings?workspace_id=${id}">Its bindings</a></div>
<h2 class="mid">${endpoints.length > PAGE ? `More than ${PAGE} endpoints` : many(endpoints.length, "endpoint")}</h2><ul class="dots">${endpoints.slice(0, PAGE).map((one) => html`<li><a href="/console/endpoints/${one.id}">${foreign(endpointName(one))}</a>: ${endpointFares(one).word.toLowerCase()}</li>`)}</ul>
<h2 class="mid">Its own secrets</h2>${await secretsOf(c, id, seen)}</div><div class="beside">${acts(audit.data, null, seen)}</div></div>`;
    return page(c, { title: name, section: "workspaces", body });
  });

/** Secrets as their count, age and last use. Only operators may know even that. */
async function secretsOf(c: Visit, workspace: string | null, seen: Clock): Promise<Html> {
  const { gateway, principal } = c.var;
  if (principal.role !== "operator") return html`<p class="sub">Operators see how many there are and how old.</p>`;
  const rows = await gateway.database.query<{ adapter: string; count: number; newest: Date; oldest: Date }>(
    "select adapter, count(*)::int as count, max(created_at) as newest, min(created_at) as oldest from secrets where workspace_id is not distinct from $1 group by 1 order by 1",
    [workspace],
  );
  const used = await lastUse(gateway);
  const stored = rows.map((row) => ({
    adapter: row.adapter,
    count: row.count,
    age: `newest ${ago(row.newest.getTime(), seen.now)}, oldest ${ago(row.oldest.getTime(), seen.now)}`,
  }));
  const environment =
    workspace === null
      ? [...gateway.config.secrets].map(([adapter, list]) => ({ adapter, count: list.length, age: "in the settings" }))
      : [];
  const all = [...environment, ...stored];
  if (all.length === 0) return html`<p class="sub">None is stored.</p>`;
  return html`<div class="box"><table class="stack"><thead><tr><th scope="col">Provider</th><th scope="col" class="num">Secrets</th><th scope="col">Age</th><th scope="col">Last good callback of this provider</th></tr></thead><tbody>${all.map(
    ({ adapter, count, age }) => {
      const at = used.get(adapter)?.toISOString();
      return html`<tr><th scope="row">${providerName(gateway.registry, adapter)}</th><td data-label="Secrets" class="num">${counted(count)}</td><td data-label="Age">${age}</td><td data-label="Last callback">${at ? time(at, minute(at, seen.zone, seen.now)) : "none in a week"}</td></tr>`;
    },
  )}</tbody></table></div>`;
}

/** When a callback of each adapter was last taken: what its secrets were good for. */
async function lastUse({ database }: Gateway): Promise<Map<string, Date>> {
  const rows = await database.query<{ adapter: string; at: Date }>(
    `select adapter, max(minute) as at from minutes where minute > now() - interval '7 days' and outcome = any('{accepted,unmatched,duplicate,ignored,failed}') group by 1`,
  );
  return new Map(rows.map((row) => [row.adapter, row.at]));
}
