import { getCookie } from "hono/cookie";
import { streamSSE } from "hono/streaming";
import { pause } from "../../bus/bell.ts";
import { GatewayError } from "../../errors.ts";
import { showId } from "../../ids.ts";
import { counted } from "../../trace/sentence.ts";
import { counts } from "../counts.ts";
import { rowNumbers, totalNumbers } from "../parts/numbers.ts";
import { sessionOf } from "../session.ts";
import { pages, type Visit, view } from "../visit.ts";
import { providers, sums } from "../watch.ts";
import { askedFor, findAsked } from "./callbacks.ts";
import { SESSION_COOKIE } from "./login.ts";

const EVERY_MS = 3000;
const MOST_STREAMS = 200;
let streams = 0;

/** What Live tells a page: texts by the names that its places have, and how many rows came that it does not show. */
type News = { texts: Record<string, string>; fresh?: string };

/** The numbers of a page, as they are now; again whenever they changed. It ends with its session. */
export const live = pages().get("/", (c) => {
  const { gateway } = c.var;
  if (streams >= MOST_STREAMS) throw new GatewayError("overloaded");
  c.header("x-accel-buffering", "no");
  return streamSSE(c, async (stream) => {
    const gone = new AbortController();
    const ended = AbortSignal.any([gone.signal, gateway.closing]);
    stream.onAbort(() => gone.abort());
    streams += 1;
    try {
      let told = "";
      while (!ended.aborted) {
        if (!(await sessionOf(gateway, getCookie(c, SESSION_COOKIE) ?? ""))) {
          await stream.writeSSE({ event: "over", data: "" });
          return;
        }
        const news = JSON.stringify(await newsOf(c));
        if (news === told) await stream.write(": still here\n\n");
        else await stream.writeSSE({ event: "news", data: news });
        told = news;
        await pause(EVERY_MS, ended);
      }
    } finally {
      streams -= 1;
    }
  });
});

async function newsOf(c: Visit): Promise<News> {
  const { gateway } = c.var;
  const known = await counts(gateway);
  const menu = Object.fromEntries(Object.entries(known).map(([name, count]) => [`menu.${name}`, count === "0" ? "" : count]));
  const shown = c.req.query("page");
  if (shown === "overview") {
    const [numbers, rows] = await Promise.all([sums(gateway), providers(gateway)]);
    const { now } = view(c);
    return { texts: Object.assign(menu, totalNumbers(numbers), ...rows.map((row) => rowNumbers(row, now))) };
  }
  if (shown === "callbacks") {
    const rows = await findAsked(c, { ...askedFor(c), after: undefined });
    const newest = c.req.query("newest") ?? "";
    const seen = rows.findIndex((row) => showId("callback", row.id) <= newest);
    const fresh = seen < 0 ? rows.length : seen;
    return { texts: menu, fresh: fresh === 0 ? "" : `${fresh > 50 ? "More than 50" : counted(fresh)} new, show` };
  }
  return { texts: menu };
}
