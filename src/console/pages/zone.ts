import { setCookie } from "hono/cookie";
import { zoneLabel, zoneOf } from "../../trace/zone.ts";
import { html } from "../html.ts";
import { page } from "../parts/layout.ts";
import { ownPath, pages, view, ZONE_COOKIE } from "../visit.ts";

const YEAR_SECONDS = 365 * 86_400;

/** In which time zone times are told. */
export const zone = pages()
  .get("/", (c) => {
    const { zone: chosen, now } = view(c);
    const names = [...new Set(["UTC", c.var.gateway.config.CONSOLE_TIME_ZONE, ...Intl.supportedValuesOf("timeZone")])];
    const body = html`<h1>Time zone</h1>
<p class="why">Times are told in ${chosen.name} (${zoneLabel(chosen, now)}). UTC stands under Facts always.</p>
<form method="post" action="/console/zone" class="row">
<input type="hidden" name="next" value="${ownPath(c.req.query("next"))}">
<label class="unseen" for="zone">Time zone</label>
<select id="zone" name="zone">${names.map((name) => (name === chosen.name ? html`<option selected>${name}</option>` : html`<option>${name}</option>`))}</select>
<button class="main">Use it</button>
</form>`;
    return page(c, { title: "Time zone", section: "none", body });
  })
  .post("/", async (c) => {
    const given = await c.req.parseBody();
    const found = typeof given.zone === "string" ? zoneOf(given.zone) : null;
    if (found) {
      const secure = c.req.header("origin")?.startsWith("https:") ?? false;
      setCookie(c, ZONE_COOKIE, found.name, {
        httpOnly: true,
        sameSite: "Strict",
        path: "/console",
        maxAge: YEAR_SECONDS,
        secure,
      });
    }
    return c.redirect(ownPath(typeof given.next === "string" ? given.next : undefined), 303);
  });
