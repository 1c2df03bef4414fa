import { auditQuery, readAudit } from "../../api/audit.ts";
import { GatewayError } from "../../errors.ts";
import { storable } from "../../inbound/translate.ts";
import { maskText } from "../../trace/names.ts";
import { clock, zoneLabel } from "../../trace/zone.ts";
import { code, foreign, type Html, html, nothing, time } from "../html.ts";
import { doing, nameOf } from "../parts/acts.ts";
import { page } from "../parts/layout.ts";
import { pages, view } from "../visit.ts";

const PAGE = 50;
const LONGEST = 600;

/** Every change by a person or a token, newest first. */
export const audit = pages().get("/", async (c) => {
  const seen = view(c);
  const given = Object.entries(c.req.query()).filter(([name, value]) => value !== "" && name !== "limit");
  const parsed = auditQuery.safeParse(storable(Object.fromEntries(given)));
  if (!parsed.success) throw new GatewayError("invalid");
  const { data, next } = await readAudit(c.var.gateway.database.query, { ...parsed.data, limit: PAGE });
  const older = new URLSearchParams(new URL(c.req.url).search);
  if (next) older.set("after", next);
  const lines = data.map(
    (one) =>
      html`<tr><td data-label="When" class="nowrap">${time(one.at ?? "", clock(one.at ?? "", seen.zone, seen.now))}</td><td data-label="Who">${foreign(nameOf(one.token))}</td><td data-label="What">${doing(one.action)}${changes(one.before, one.after)}</td><td data-label="On">${object(one.object)}</td></tr>`,
  );
  const body = html`<h1>Audit</h1><p class="sub">Every change by a person or a token, newest first. Secrets never stand here.</p>
<form class="filters" action="/console/audit"><label class="unseen" for="token">Who</label><input id="token" name="token" value="${parsed.data.token ?? ""}" placeholder="Who: the token’s name" maxlength="100"><label class="unseen" for="object">On what</label><input id="object" name="object" value="${parsed.data.object ?? ""}" placeholder="On what: an id" maxlength="300"><button>Show</button></form>
<div class="box">${lines.length === 0 ? html`<p class="empty">${given.length > 0 ? "Nobody has changed anything that fits this." : "Nobody has changed anything so far."}</p>` : html`<table class="stack" data-list><thead><tr><th scope="col">When, ${zoneLabel(seen.zone, seen.now)}</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">On</th></tr></thead><tbody>${lines}</tbody></table>`}</div>${next ? html`<p class="more"><a href="/console/audit?${older.toString()}">Older ones</a></p>` : nothing}`;
  return page(c, { title: "Audit", section: "audit", body });
});

/** What an id is of, and where it has a page. */
const KINDS: Readonly<Record<string, readonly [word: string, path?: string]>> = {
  cb: ["Callback", "callbacks"],
  ep: ["Endpoint", "endpoints"],
  bnd: ["Binding"],
  dsp: ["Webhook"],
  tok: ["Token"],
  rpl: ["Replay"],
};

function object(id: string): Html {
  const [word, path] = /^[0-9a-f-]{36}$|^__org__$/.test(id)
    ? ["Workspace", "workspaces"]
    : (KINDS[id.split("_", 1)[0] ?? ""] ?? []);
  if (!word) return code(maskText(id));
  return html`${word} ${path ? html`<a class="go" href="/console/${path}/${id}">${code(id)}</a>` : code(id)}`;
}

/** Before and after, folded: technical text comes last. */
function changes(before: unknown, after: unknown): Html {
  if (before === null && after === null) return nothing;
  const shown = (value: unknown) => {
    const text = maskText(JSON.stringify(value));
    return text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text;
  };
  return html`<details><summary>Before and after</summary>${before === null ? nothing : html`<p>Before: ${code(shown(before))}</p>`}${after === null ? nothing : html`<p>After: ${code(shown(after))}</p>`}</details>`;
}
