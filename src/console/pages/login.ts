import { getConnInfo } from "@hono/node-server/conninfo";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { callerOf } from "../address.ts";
import { html, nothing } from "../html.ts";
import { bare } from "../parts/layout.ts";
import { endSession, FailedLogins, openSession, SESSION_SECONDS } from "../session.ts";
import { ownPath, pages, type Visit } from "../visit.ts";

export const SESSION_COOKIE = "homing_session";

const REFUSED = {
  unknown: "This token is not known here, or no longer.",
  workspace: "This token belongs to a workspace. The console is for operators and support; ask an operator for a support token.",
  "too many": "Ten logins from your address failed within a minute. Wait a minute, then try again.",
} as const;

function form(c: Visit, next: string, refused: keyof typeof REFUSED | null, status: 200 | 403 | 429 = 200) {
  const body = html`<h1>Log in</h1>
<p class="why">With an operator’s or a support token.</p>
${refused ? html`<p class="notice bad" role="alert">${REFUSED[refused]}</p>` : nothing}
<form method="post" action="/console/login" class="stack">
<input type="hidden" name="next" value="${next}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required maxlength="500" autofocus>
<button class="main">Log in</button>
</form>`;
  return bare(c, "Log in", body, status);
}

/** Log in by a token, and out. */
export const login = pages();
const failed = new WeakMap<object, FailedLogins>();

login
  .get("/login", (c) => form(c, ownPath(c.req.query("next")), null))
  .post("/login", async (c) => {
    const { gateway } = c.var;
    const given = await c.req.parseBody();
    const next = ownPath(typeof given.next === "string" ? given.next : undefined);
    const failures = failed.get(gateway) ?? new FailedLogins();
    failed.set(gateway, failures);
    const address = callerOf(remoteOf(c), c.req.header("x-forwarded-for"), gateway.config.TRUSTED_PROXIES);
    if (failures.isTooMany(address, gateway.clock())) {
      c.header("retry-after", "60");
      return form(c, next, "too many", 429);
    }
    const session = await openSession(gateway, typeof given.token === "string" ? given.token.trim() : "");
    if (session === null) failures.add(address, gateway.clock());
    if (session === null || session === "workspace") return form(c, next, session ?? "unknown", 403);
    setCookie(c, SESSION_COOKIE, session.id, {
      ...{ httpOnly: true, sameSite: "Strict", path: "/console", maxAge: SESSION_SECONDS },
      // The page's own word for how it was reached; behind a proxy we are called by http all the same.
      secure: c.req.header("origin")?.startsWith("https:") ?? false,
    });
    return c.redirect(next, 303);
  })
  .post("/logout", async (c) => {
    const id = getCookie(c, SESSION_COOKIE);
    if (id) await endSession(c.var.gateway, id);
    deleteCookie(c, SESSION_COOKIE, { path: "/console" });
    return c.redirect("/console/login", 303);
  });

function remoteOf(c: Visit): string | undefined {
  return getConnInfo(c).remote.address;
}
