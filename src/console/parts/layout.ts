import { raw } from "hono/html";
import { wholeDay, zoneLabel } from "../../trace/zone.ts";
import { script, icon as siteIcon, style } from "../assets.ts";
import { type Counts, counts } from "../counts.ts";
import { foreign, type Html, html, nothing, time } from "../html.ts";
import { type Visit, view } from "../visit.ts";
import { soon } from "./soon.ts";

export type Section =
  | "overview"
  | "unmatched"
  | "callbacks"
  | "messages"
  | "endpoints"
  | "bindings"
  | "workspaces"
  | "audit"
  | "search"
  | "none";

const MENU: ({ section: Section; name: string; path: string } | null)[] = [
  { section: "overview", name: "Overview", path: "/console" },
  { section: "unmatched", name: "Unmatched", path: "/console/unmatched" },
  { section: "callbacks", name: "Callbacks", path: "/console/callbacks" },
  { section: "messages", name: "Messages", path: "/console/messages" },
  null,
  { section: "endpoints", name: "Endpoints", path: "/console/endpoints" },
  { section: "bindings", name: "Bindings", path: "/console/bindings" },
  { section: "workspaces", name: "Workspaces", path: "/console/workspaces" },
  { section: "audit", name: "Audit", path: "/console/audit" },
];

const MAY = { operator: "may do everything", support: "may assign and replay", workspace: "" } as const;

const LOGO = raw(
  '<svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true" class="logo"><path d="M2 12l8-8 8 8M10 17v-7M7 13l3-3 3 3"/></svg>',
);
const SEARCH = raw(
  '<svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" class="line"><circle cx="7" cy="7" r="4.5"/><path d="M10.5 10.5L14 14"/></svg>',
);

export type Page = {
  title: string;
  section: Section;
  body: Html;
  /** What the search box holds. */
  asked?: string;
  /** What Live listens to beside the menu's counts: the path's query of `/console/live`. */
  live?: string;
  status?: 200 | 400 | 403 | 404 | 409 | 422 | 429 | 500 | 503;
};

/** A whole page: menu, search, Live, time zone, who you are, and what it is about. */
export async function page(c: Visit, { title, section, body, asked = "", live = "", status = 200 }: Page): Promise<Response> {
  const known = await soon(c.var.gateway, counts(c.var.gateway));
  const { zone, now } = view(c);
  const { name, role } = c.var.principal;
  const links = MENU.map((entry) =>
    entry === null
      ? html`<li class="gap" aria-hidden="true"></li>`
      : html`<li><a href="${entry.path}" ${entry.section === section ? raw('aria-current="page"') : ""}><span>${entry.name}</span>${menuCount(entry.section, known)}</a></li>`,
  );
  const who = html`<div class="who"><p>${foreign(name === "API_TOKEN" ? "Operator" : name)}<br>${MAY[role]}</p><p><a href="/console/zone">Times in ${zoneLabel(zone, now)}</a></p><form method="post" action="/console/logout"><button class="plain">Log out</button></form></div>`;
  const here = c.req.path + (c.req.url.includes("?") ? `?${c.req.url.split("?", 2)[1]}` : "");
  const document = html`<!doctype html>
<html lang="en">
<head>
${head(title)}
<script src="${script.url}" defer></script>
</head>
<body data-live="/console/live${live && `?${live}`}">
<a class="skip" href="#main">Skip to the content</a>
<nav class="menu" aria-label="Menu">
<a class="brand" href="/console">${LOGO}<span>Homing</span></a>
<ul>${links}</ul>
${who}
</nav>
<div class="page">
<header>
<div class="narrow">
<a class="brand" href="/console">${LOGO}<span>Homing</span></a>
<a class="touch" href="/console/search" aria-label="Search">${SEARCH}</a>
<details><summary class="touch" aria-label="Menu">${raw('<svg width="18" height="18" viewBox="0 0 16 16" aria-hidden="true" class="line"><path d="M2 4h12M2 8h12M2 12h12"/></svg>')}</summary><nav aria-label="Menu, narrow"><ul>${links}</ul>${who}</nav></details>
</div>
<form class="search" role="search" action="/console/search">${SEARCH}<input id="q" type="search" name="q" value="${asked}" maxlength="300" aria-label="Search: order, payment, e-mail, phone, message or any id" placeholder="Order, payment, e-mail, phone, message or any id" autocomplete="off"><kbd aria-hidden="true">/</kbd></form>
<p class="state"><span id="live" class="live" hidden>Live</span><a href="/console/zone?next=${encodeURIComponent(here)}">Times in ${zoneLabel(zone, now)}</a></p>
</header>
<main id="main" tabindex="-1">
${body}
</main>
<div id="news" class="unseen" aria-live="polite"></div>
<footer>${KEYS}</footer>
</div>
</body>
</html>`;
  return c.html(document, status);
}

const KEYS = html`<details id="keys"><summary>Keys</summary><dl><dt><kbd>/</kbd></dt><dd>search</dd><dt><kbd>j</kbd> <kbd>k</kbd> <kbd>Enter</kbd></dt><dd>down, up and open in a list</dd><dt><kbd>c</kbd></dt><dd>copy what to say to the customer</dd><dt><kbd>?</kbd></dt><dd>this list</dd></dl></details>`;

const COUNTED = { overview: "need attention", unmatched: "wait", endpoints: "do not answer" } as const;

/** Where there are some, how many; nothing where that takes long to count. */
function menuCount(section: Section, known: Counts | null): Html {
  if (section !== "overview" && section !== "unmatched" && section !== "endpoints") return nothing;
  const count = known?.[section] ?? "0";
  return html`<span class="count ${section === "unmatched" && count !== "0" ? "some" : ""}"><span data-live="menu.${section}">${count === "0" ? "" : count}</span><span class="unseen"> ${COUNTED[section]}</span></span>`;
}

/** Where this page stands, and how one gets back. */
export function crumbs(...steps: Html[]): Html {
  return html`<nav class="crumbs" aria-label="Where this is"><ol>${steps.map((step) => html`<li>${step}</li>`)}</ol></nav>`;
}

/** The present moment, in the zone and in UTC. */
export function nowLine(c: Visit): Html {
  const { zone, now } = view(c);
  const iso = new Date(now).toISOString();
  return html`${time(iso, `${wholeDay(now, zone)} ${zoneLabel(zone, now)}`)}${zone.name === "UTC" ? "" : html` <span class="faint">(${iso.slice(11, 16)} UTC)</span>`}`;
}

/** A page outside of a session: nothing but what it says. */
export function bare(
  c: Visit,
  title: string,
  body: Html,
  status: 200 | 403 | 404 | 429 | 500 | 503 = 200,
): Response | Promise<Response> {
  return c.html(
    html`<!doctype html>
<html lang="en">
<head>
${head(title)}
</head>
<body class="bare">
<main id="main">
<p class="brand">${LOGO}<span>Homing</span></p>
${body}
</main>
</body>
</html>`,
    status,
  );
}

/** What every page's head begins with. */
function head(title: string): Html {
  return html`<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Homing</title>
<link rel="icon" href="${siteIcon.url}">
<link rel="stylesheet" href="${style.url}">`;
}
