import { streamSSE } from "hono/streaming";
import { Bell, pause } from "../bus/bell.ts";
import { GatewayError } from "../errors.ts";
import { frontier, readEntries, readLog, readPlace, showPlace } from "../events/log.ts";
import type { Gateway } from "../gateway.ts";
import { principalOf } from "./auth.ts";
import { readFilter } from "./events.ts";
import { api } from "./http.ts";

const POLL_MS = 500;
const COMMENT_MS = 15_000;
/** A token that was revoked ends its streams within 10 s (CONTRACT §6). */
const RECHECK_MS = 5000;
const PAGE = 200;
const MOST_STREAMS = 500;

/**
 * The log as server-sent events: `id` is the cursor behind the event, so that `Last-Event-ID` (or `after`) goes on where it broke off, without a
 * gap. Without either it begins now.
 */
export const eventStream = api().get("/stream", async (c) => {
  const { gateway } = c.var;
  const { query } = gateway.database;
  const { after, limit: _, ...filter } = readFilter(c);
  const token = (c.req.header("authorization") ?? "").replace(/^Bearer\s+/i, "");
  const cursor = c.req.header("last-event-id") || after;
  // What is wrong with a cursor is told before anything is sent.
  if (cursor) await readLog(query, cursor, filter, 1);
  let place = cursor ? readPlace(cursor) : await frontier(query);
  // Nobody would read what follows.
  if (c.req.method === "HEAD") return c.body(null, 200, { "content-type": "text/event-stream" });
  if (gateway.followers.size >= MOST_STREAMS) throw new GatewayError("overloaded");
  c.header("x-accel-buffering", "no");
  return streamSSE(c, async (stream) => {
    const gone = new AbortController();
    const ended = AbortSignal.any([gone.signal, gateway.closing]);
    stream.onAbort(() => gone.abort());
    const bell = new Bell();
    gateway.followers.add(bell);
    let spokenAt = gateway.clock();
    // Beside what is sent: who reads slowly, or not at all, must not keep a stream open that was ended.
    const watched = watch(gateway, token, ended).then(() => stream.abort());
    try {
      // With an id of its own, so that who breaks off before the first event goes on from here, too.
      await stream.write(`: connected\n\nid: ${showPlace(place)}\n\n`);
      while (!ended.aborted) {
        const { entries, next } = await readEntries(query, place, filter, PAGE);
        for (const entry of entries) {
          if (ended.aborted) return;
          await stream.writeSSE({ id: showPlace(entry.place), event: "event", data: entry.body });
        }
        place = next;
        const now = gateway.clock();
        if (entries.length > 0) spokenAt = now;
        else if (now - spokenAt >= COMMENT_MS) {
          await stream.write(": still here\n\n");
          spokenAt = now;
        }
        if (entries.length < PAGE) await bell.wait(ended, POLL_MS);
      }
    } catch (error) {
      // It begins again behind its last event.
      if (!ended.aborted) gateway.log.warn({ err: error }, "a stream broke off");
    } finally {
      gateway.followers.delete(bell);
      gone.abort();
      await watched;
    }
  });
});

/** Resolves when the token is no longer one, or its stream has ended anyway. */
async function watch(gateway: Gateway, token: string, ended: AbortSignal): Promise<void> {
  let checkedAt = gateway.clock();
  while (!ended.aborted) {
    await pause(POLL_MS, ended);
    if (ended.aborted || gateway.clock() - checkedAt < RECHECK_MS) continue;
    checkedAt = gateway.clock();
    if (!(await principalOf(gateway, token).catch(() => null))) return;
  }
}
