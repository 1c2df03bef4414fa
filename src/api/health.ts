import { attention } from "../attention/attention.ts";
import type { BusStatus } from "../bus/relay.ts";
import { heldBack } from "../events/log.ts";
import { api } from "./http.ts";

/** A writing transaction that is open for longer holds the log back noticeably. */
const HELD_BACK_WARNING_SECONDS = 30;
/** The bus catches up by itself; this far behind somebody should look. */
const BEHIND_WARNING_SECONDS = 30;

/** Without token: whether the process lives, and whether it can do its work. */
export const health = api()
  .get("/healthz", (c) => c.json({ status: "ok" }))
  .get("/readyz", async (c) => {
    const { database, queue, relay } = c.var.gateway;
    const kind = database.kind === "embedded" ? "embedded" : "postgresql";
    try {
      const held = await heldBack(database.query);
      // Without the bus callbacks are received all the same, so that it is a warning and no reason to be sent elsewhere.
      const bus = relay?.status() ?? null;
      const warnings = busWarnings(bus);
      if (held.seconds > HELD_BACK_WARNING_SECONDS)
        warnings.push(`an open writing transaction (pid ${held.pid}) has held the log back for ${Math.round(held.seconds)} s`);
      return c.json({ status: "ready", database: kind, queued: queue.size, log_held_back_seconds: held.seconds, bus, warnings });
    } catch (error) {
      c.var.gateway.log.warn({ err: error }, "the database does not answer");
      return c.json({ status: "not ready", database: kind, queued: queue.size, warnings: ["the database does not answer"] }, 503);
    }
  });

function busWarnings(bus: BusStatus | null): string[] {
  if (bus?.state === "reconnecting") return ["the bus is not reached: events wait in the log, nothing is lost"];
  const behind = Math.round(bus?.behind_seconds ?? 0);
  return behind > BEHIND_WARNING_SECONDS ? [`the bus is ${behind} s behind the log`] : [];
}

export const metrics = api().get("/", async (c) => {
  const { metrics, queue, database } = c.var.gateway;
  metrics.queued.set(queue.size);
  const [row] = await database.query<{ waiting: string }>("select count(*)::text as waiting from waiting");
  metrics.waiting.set(Number(row?.waiting));
  metrics.logHeldBack.set((await heldBack(database.query)).seconds);
  const owed = await database.query<{ state: string; count: number }>(
    `select 'pending' as state, count(*)::int as count from dispatches where state in ('pending', 'retrying') and attempts = 0
     union all select 'retrying', count(*)::int from dispatches where state in ('pending', 'retrying') and attempts > 0
     union all select 'held', count(*)::int from dispatches where state = 'held'
     union all select 'dead', count(*)::int from dispatches where state = 'dead'`,
  );
  for (const { state, count } of owed) metrics.dispatches.set({ state }, count);
  metrics.attention.reset();
  for (const { kind, adapter, count } of await attention(database.query))
    metrics.attention.inc({ kind, adapter: adapter ?? "" }, Math.max(1, count));
  return c.text(await metrics.registry.metrics(), 200, { "content-type": metrics.registry.contentType });
});
