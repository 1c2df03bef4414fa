import { z } from "zod";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { firstIdOf, readId, showId } from "../ids.ts";
import { readTrace } from "../trace/trace.ts";
import { limitField, sinceField, workspaceField } from "./fields.ts";
import { api, page, readQuery, showTime } from "./http.ts";

export type CallbackRow = {
  id: string;
  adapter: string | null;
  received_at: Date;
  status: string;
  reason: string | null;
  size: number;
  events: number;
  taught: number;
  unmatched: number;
  duplicates: number;
  ignored: number;
  failed: number;
};

export function showCallback(row: CallbackRow) {
  const [provider = null, dialect = null] = row.adapter?.split("/") ?? [];
  const { events, taught, unmatched, duplicates, ignored, failed } = row;
  return {
    id: showId("callback", row.id),
    provider,
    dialect,
    received_at: showTime(row.received_at),
    status: row.status,
    reason: row.reason,
    size: row.size,
    ...{ events, taught, unmatched, duplicates, ignored, failed },
  };
}

const query = z.object({
  status: z.enum(["accepted", "unmatched", "duplicate", "ignored", "failed", "dismissed", "rejected"]).optional(),
  provider: z.string().optional(),
  workspace_id: workspaceField.optional(),
  reference: z
    .string()
    .regex(/^[a-z][a-z0-9_]*:./, "must be kind:value")
    .optional(),
  since: sinceField.optional(),
  q: z.string().max(300).optional(),
  after: z.string().optional(),
  limit: limitField,
});

const columns = "id, adapter, received_at, status, reason, size, events, taught, unmatched, duplicates, ignored, failed";

/** What came, newest first; and the whole story of one. */
export const callbacks = api()
  .get("/", async (c) => {
    const { gateway } = c.var;
    const asked = readQuery(c, query);
    const before = asked.after ? readId("callback", asked.after) : null;
    if (asked.after && !before) throw new GatewayError("invalid", { fields: { after: "is not a cursor from here" } });
    const bounds = [before, asked.since === undefined ? null : firstIdOf(asked.since), asked.provider ?? null];
    const bounded = `($1::uuid is null or id < $1) and ($2::uuid is null or id >= $2)
      and ($3::text is null or adapter = $3 or split_part(adapter, '/', 1) = $3)`;
    if (asked.status === "rejected") {
      const rows = await gateway.database.query<CallbackRow>(
        `select id, adapter, received_at, 'rejected' as status, code as reason, size, 0 as events, 0 as taught, 0 as unmatched, 0 as duplicates,
           0 as ignored, 0 as failed from rejections where ${bounded} order by id desc limit $4`,
        [...bounds, asked.limit + 1],
      );
      return c.json(page(rows, asked.limit, showCallback, (row) => showId("callback", row.id)));
    }
    const id = asked.q ? await callbackOf(gateway, asked.q.trim()) : null;
    const terms = [
      asked.workspace_id && gateway.keys.term(`workspace:${asked.workspace_id}`),
      asked.reference && gateway.keys.term(asked.reference),
      asked.q && !id && gateway.keys.term(asked.q),
    ].filter((term) => typeof term === "string");
    // Partly indexed states are named, so that their index serves.
    const rare =
      asked.status && ["failed", "unmatched", "dismissed"].includes(asked.status)
        ? "and status in ('failed', 'unmatched', 'dismissed')"
        : "";
    const from = (
      table: string,
    ) => `(select ${columns} from ${table} where ${bounded} and ($4::text is null or status = $4) ${rare}
      and ($5::uuid is null or id = $5) ${terms.length > 0 ? "and terms @> $6::text::bigint[]" : ""} order by id desc limit $7)`;
    const rows = await gateway.database.query<CallbackRow>(
      `select * from (${from("callbacks")} union all ${from("kept_callbacks")}) found ${terms.length > 0 ? "" : "where $6::text is null"} order by id desc limit $7`,
      [...bounds, asked.status ?? null, id, terms.length > 0 ? `{${terms.join(",")}}` : null, asked.limit + 1],
    );
    return c.json(page(rows, asked.limit, showCallback, (row) => showId("callback", row.id)));
  })
  .get("/:id", async (c) => {
    const id = readId("callback", c.req.param("id"));
    const trace = id && (await readTrace(c.var.gateway, id));
    if (!trace) throw new GatewayError("not_found");
    return c.json(trace);
  });

/** The callback that an id leads to: its own, or its event's. */
async function callbackOf(gateway: Gateway, shown: string): Promise<string | null> {
  const event = readId("event", shown);
  if (!event) return readId("callback", shown);
  const [row] = await gateway.database.query<{ callback_id: string | null }>("select callback_id from events where id = $1", [
    event,
  ]);
  return row?.callback_id ?? null;
}
