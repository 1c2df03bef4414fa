import { heldBack } from "../events/log.ts";
import { api } from "./http.ts";

/** A writing transaction that is open for longer holds the log back noticeably. */
const HELD_BACK_WARNING_SECONDS = 30;

/** Without token: whether the process lives, and whether it can do its work. */
export const health = api()
  .get("/healthz", (c) => c.json({ status: "ok" }))
  .get("/readyz", async (c) => {
    const { database, queue } = c.var.gateway;
    const kind = database.kind === "embedded" ? "embedded" : "postgresql";
    try {
      const held = await heldBack(database.query);
      const warnings =
        held.seconds > HELD_BACK_WARNING_SECONDS
          ? [`an open writing transaction (pid ${held.pid}) has held the log back for ${Math.round(held.seconds)} s`]
          : [];
      return c.json({ status: "ready", database: kind, queued: queue.size, log_held_back_seconds: held.seconds, warnings });
    } catch (error) {
      c.var.gateway.log.warn({ err: error }, "the database does not answer");
      return c.json({ status: "not ready", database: kind, queued: queue.size, warnings: ["the database does not answer"] }, 503);
    }
  });

export const metrics = api().get("/", async (c) => {
  const { metrics, queue, database } = c.var.gateway;
  metrics.queued.set(queue.size);
  const [row] = await database.query<{ waiting: string }>("select count(*)::text as waiting from waiting");
  metrics.waiting.set(Number(row?.waiting));
  metrics.logHeldBack.set((await heldBack(database.query)).seconds);
  return c.text(await metrics.registry.metrics(), 200, { "content-type": metrics.registry.contentType });
});
