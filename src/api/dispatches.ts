import { z } from "zod";
import { GatewayError } from "../errors.ts";
import { readId, showId } from "../ids.ts";
import { listQuery } from "./fields.ts";
import { api, type Call, note, own, page, readQuery, scope, showTime } from "./http.ts";

const states = ["pending", "retrying", "held", "succeeded", "dead", "cancelled"] as const;

export const dispatchQuery = listQuery.extend({ state: z.enum(states).optional() });

type Row = {
  id: string;
  endpoint_id: string;
  event_id: string;
  workspace_id: string;
  type: string;
  state: string;
  attempts: number;
  next_at: Date | null;
  last_status: number | null;
  last_error: string | null;
  created_at: Date;
};
const columns = "id, endpoint_id, event_id, workspace_id, type, state, attempts, next_at, last_status, last_error, created_at";

function show(row: Row) {
  return {
    id: showId("dispatch", row.id),
    endpoint_id: showId("endpoint", row.endpoint_id),
    event_id: showId("event", row.event_id),
    type: row.type,
    state: row.state,
    attempts: row.attempts,
    next_at: showTime(row.next_at),
    last_status: row.last_status,
    last_error: row.last_error,
    created_at: showTime(row.created_at),
  };
}

/** A place in the list by itself: the dispatch that it names may be gone when it is asked for. */
const showCursor = (row: Row) => `${showId("dispatch", row.id)}.${row.created_at.getTime()}`;

function readCursor(after: string | undefined): { at: Date; id: string } | null {
  if (!after) return null;
  const [, shown = "", ms] = /^(dsp_\w+)\.(\d{1,14})$/.exec(after) ?? [];
  const id = readId("dispatch", shown);
  if (!id) throw new GatewayError("invalid", { fields: { after: "is not a cursor from here" } });
  return { at: new Date(Number(ms)), id };
}

/** What is owed to an endpoint, newest first. */
export const endpointDispatches = api().get("/:id/dispatches", async (c) => {
  const { database } = c.var.gateway;
  const endpoint = readId("endpoint", c.req.param("id"));
  const [found] = endpoint
    ? await database.query<{ workspace_id: string }>("select workspace_id from endpoints where id = $1", [endpoint])
    : [];
  if (!found) throw new GatewayError("not_found");
  own(c, found.workspace_id);
  const { state, after, limit } = readQuery(c, dispatchQuery);
  const cursor = readCursor(after);
  const rows = await database.query<Row>(
    `select ${columns} from dispatches where endpoint_id = $1 and ($2::text is null or state = $2)
       ${state === "held" || state === "dead" ? "and state in ('held', 'dead')" : ""}
       and ($3::timestamptz is null or (created_at, id) < ($3, $4::uuid)) order by created_at desc, id desc limit $5`,
    [endpoint, state ?? null, cursor?.at ?? null, cursor?.id ?? null, limit + 1],
  );
  return c.json(page(rows, limit, show, showCursor));
});

/** The dispatch that the path names, where the caller may see it. */
async function dispatchOf(c: Call): Promise<Row | null> {
  const id = readId("dispatch", c.req.param("id") ?? "");
  const [row] = id
    ? await c.var.gateway.database.query<Row>(
        `select ${columns} from dispatches where id = $1 and ($2::text is null or workspace_id = $2)`,
        [id, scope(c)],
      )
    : [];
  return row ?? null;
}

/** Tries the dispatch that the path names again, now. @throws GatewayError `not_found`, or `conflict` where it cannot be. */
export async function retryDispatch(c: Call): Promise<Row> {
  const row = await dispatchOf(c);
  if (!row) throw new GatewayError("not_found");
  const [after] = await c.var.gateway.database.query<Row>(
    `update dispatches d set state = 'retrying', next_at = now(), settled_at = null,
       attempts = case when d.state = 'dead' then 0 else attempts end,
       give_up_at = case when d.state = 'dead' then now() + interval '7 days' else give_up_at end
     from endpoints p where p.id = d.endpoint_id and d.id = $1 and d.state in ('dead', 'retrying', 'pending') and (d.lease is null or d.next_at <= now())
       and p.deleted_at is null and p.state = 'active' and p.circuit_open_since is null
     returning ${columns
       .split(", ")
       .map((column) => `d.${column}`)
       .join(", ")}`,
    [row.id],
  );
  if (!after)
    throw new GatewayError("conflict", {
      message: "It is being tried at this moment, is settled, or its endpoint takes no webhooks now (see its state and circuit).",
    });
  await note(c, [{ action: "dispatch.retried", object: showId("dispatch", row.id), before: { state: row.state } }]);
  c.var.gateway.sender.wake();
  return after;
}

/** One event owed to one endpoint: look at it with its calls, try it again, put it away. */
export const dispatches = api()
  .get("/:id", async (c) => {
    const row = await dispatchOf(c);
    if (!row) throw new GatewayError("not_found");
    const calls = await c.var.gateway.database.query<{
      at: Date;
      status: number | null;
      ms: number | null;
      error: string | null;
      response: string | null;
    }>("select at, status, ms, error, response from attempts where dispatch_id = $1 order by id", [row.id]);
    return c.json({ ...show(row), calls: calls.map((call) => ({ ...call, at: showTime(call.at) })) });
  })
  .post("/:id/retry", async (c) => c.json(show(await retryDispatch(c)), 201))
  .delete("/:id", async (c) => {
    const row = await dispatchOf(c);
    if (row) {
      const [gone] = await c.var.gateway.database.query<Row>(
        `delete from dispatches where id = $1 and state in ('dead', 'cancelled', 'succeeded') returning ${columns}`,
        [row.id],
      );
      if (!gone)
        throw new GatewayError("conflict", { message: "It is still owed to its endpoint: delete the endpoint or wait." });
      await note(c, [{ action: "dispatch.removed", object: showId("dispatch", row.id), before: show(row) }]);
    }
    return c.body(null, 204);
  });
