import { getCookie } from "hono/cookie";
import { api, type Call, type Env } from "../api/http.ts";
import { UTC, zoneOf } from "../trace/zone.ts";
import type { Clock } from "./html.ts";

/** A request to the console carries what one to the API carries: the gateway, who asks, and the request's id. */
export type ConsoleEnv = Env;
export type Visit = Call;

export const pages = api;

export const ZONE_COOKIE = "homing_zone";

/** How times are told on this page: in which zone, and what "today" is. */
export function view(c: Visit): Clock {
  const { config, databaseClock } = c.var.gateway;
  return { zone: zoneOf(getCookie(c, ZONE_COOKIE) ?? config.CONSOLE_TIME_ZONE) ?? UTC, now: databaseClock.now() };
}

/** What may be asked to come back to: a page of ours, nothing else. */
export function ownPath(given: string | undefined): string {
  return given && /^\/console(?:[/?][\x21-\x7e]*)?$/.test(given) && !given.includes("//") ? given : "/console";
}
