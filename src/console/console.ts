import type { MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { assets } from "./assets.ts";
import { headers, sameOrigin } from "./guard.ts";
import { audit } from "./pages/audit.ts";
import { bindings } from "./pages/bindings.ts";
import { broken } from "./pages/broken.ts";
import { callbacks } from "./pages/callbacks.ts";
import { dispatches, endpoints } from "./pages/endpoints.ts";
import { live } from "./pages/live.ts";
import { login, SESSION_COOKIE } from "./pages/login.ts";
import { messages } from "./pages/messages.ts";
import { overview } from "./pages/overview.ts";
import { replay } from "./pages/replay.ts";
import { search } from "./pages/search.ts";
import { trace } from "./pages/trace.ts";
import { unmatched } from "./pages/unmatched.ts";
import { workspaces } from "./pages/workspaces.ts";
import { zone } from "./pages/zone.ts";
import { sessionOf } from "./session.ts";
import { type ConsoleEnv, pages } from "./visit.ts";

/** The support console, below `/console`: pages made here, by a session of its own that opens nothing else. */
export function createConsole() {
  const site = pages();
  site.onError((error, c) => broken(error, c));
  site.use(headers);
  site.use(sameOrigin);
  site.route("/assets", assets);
  site.route("/", login);
  site.use(withSession);
  site.route("/", overview);
  site.route("/callbacks", callbacks);
  site.route("/callbacks", replay);
  site.route("/callbacks", trace);
  site.route("/live", live);
  site.route("/unmatched", unmatched);
  site.route("/messages", messages);
  site.route("/search", search);
  site.route("/endpoints", endpoints);
  site.route("/dispatches", dispatches);
  site.route("/bindings", bindings);
  site.route("/workspaces", workspaces);
  site.route("/audit", audit);
  site.route("/zone", zone);
  site.all("*", () => {
    throw new GatewayError("not_found");
  });
  return site;
}

/** Lets in who is logged in; others log in first, and come back to where they wanted to go. */
const withSession: MiddlewareHandler<ConsoleEnv> = async function withSession(c, next) {
  const id = getCookie(c, SESSION_COOKIE);
  const principal = id ? await sessionOf(c.var.gateway as Gateway, id) : null;
  if (!principal) {
    if (c.req.method !== "GET")
      throw new GatewayError("forbidden", { message: "Your session is over. Log in, and do it again." });
    if (c.req.path === "/console/live") return c.body(null, 401);
    const { pathname, search } = new URL(c.req.url);
    return c.redirect(`/console/login?next=${encodeURIComponent(pathname + search)}`, 303);
  }
  c.set("principal", principal);
  await next();
};
