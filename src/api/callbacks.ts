import { z } from "zod";
import { listCallbacks } from "../db/callbacks.ts";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { firstIdOf, readId, showId } from "../ids.ts";
import { ownLine, ownStatuses, ownTrace } from "../trace/own.ts";
import { readTrace } from "../trace/trace.ts";
import { limitField, sinceField, workspaceField } from "./fields.ts";
import { api, own, page, readCursor, readQuery, scope, showTime } from "./http.ts";

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
  dismissed: number;
};

export function showCallback(row: CallbackRow) {
  const [provider = null, dialect = null] = row.adapter?.split("/") ?? [];
  const { events, taught, unmatched, duplicates, ignored, failed, dismissed } = row;
  return {
    id: showId("callback", row.id),
    provider,
    dialect,
    received_at: showTime(row.received_at),
    status: row.status,
    reason: row.reason,
    size: row.size,
    ...{ events, taught, unmatched, duplicates, ignored, failed, dismissed },
  };
}

export const query = z.object({
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

const columns =
  "id, adapter, received_at, status, reason, size, events, taught, unmatched, duplicates, ignored, failed, dismissed";

export type Asked = z.infer<typeof query>;

/** What came, newest first; and the whole story of one. A workspace sees its own items alone. */
export const callbacks = api()
  .get("/", async (c) => {
    const asked = readQuery(c, query);
    const mine = scope(c);
    if (mine !== null) {
      own(c, asked.workspace_id ?? mine);
      return c.json(await listOwn(c.var.gateway, asked, mine));
    }
    const rows = asked.status === "rejected" ? await findRejected(c.var.gateway, asked) : await find(c.var.gateway, asked);
    return c.json(page(rows, asked.limit, showCallback, (row) => showId("callback", row.id)));
  })
  .get("/:id", async (c) => {
    const id = readId("callback", c.req.param("id"));
    const trace = id && (await readTrace(c.var.gateway, id));
    const mine = scope(c);
    const shown = trace && mine !== null ? ownTrace(trace, mine) : trace;
    if (!shown) throw new GatewayError("not_found");
    return c.json(shown);
  });

function bounds(asked: Asked): { below: string | null; from: string | null } {
  return { below: readCursor("callback", asked.after), from: asked.since === undefined ? null : firstIdOf(asked.since) };
}

/** Refused requests of the sample, newest first. */
export async function findRejected(gateway: Gateway, asked: Asked): Promise<CallbackRow[]> {
  const { below, from } = bounds(asked);
  return gateway.database.query<CallbackRow>(
    `select id, adapter, received_at, 'rejected' as status, code as reason, size, 0 as events, 0 as taught, 0 as unmatched, 0 as duplicates,
       0 as ignored, 0 as failed, 0 as dismissed from rejections where ($1::uuid is null or id < $1) and ($2::uuid is null or id >= $2)
       and ($3::text is null or adapter = $3 or split_part(adapter, '/', 1) = $3) order by id desc limit $4`,
    [below, from, asked.provider ?? null, asked.limit + 1],
  );
}

/** What callbacks are looked for by: keyed hashes that they carry, and the one that an id leads to. */
export async function soughtBy(
  gateway: Gateway,
  asked: Pick<Asked, "q" | "workspace_id" | "reference">,
): Promise<{ id: string | null; terms: string[] }> {
  const id = asked.q ? await callbackOf(gateway, asked.q.trim()) : null;
  const terms = [
    asked.workspace_id && gateway.keys.term(`workspace:${asked.workspace_id}`),
    asked.reference && gateway.keys.term(asked.reference),
    asked.q && !id && gateway.keys.term(asked.q),
  ].filter((term) => typeof term === "string");
  return { id, terms };
}

/** What came, newest first; one row more than asked for tells that there is more. */
export async function find(gateway: Gateway, asked: Asked): Promise<CallbackRow[]> {
  const { id, terms } = await soughtBy(gateway, asked);
  return listCallbacks<CallbackRow>(
    gateway.database.query,
    { columns, order: "desc", limit: asked.limit + 1 },
    { ...bounds(asked), provider: asked.provider, status: asked.status, id, terms },
  );
}

/** Callbacks looked through for one page of a workspace's list. */
const MOST_LOOKED_THROUGH = 500;

/**
 * A workspace's callbacks. What a filter says is asked of its own items, so that a filter tells nothing of its neighbours in a batch; nor
 * does `next`, which is not null only where one more of its own was found.
 */
async function listOwn(gateway: Gateway, { status, ...asked }: Asked, workspace: string) {
  if (status && !ownStatuses.some((one) => one === status)) return { data: [], next: null };
  const data: ReturnType<typeof ownLine>[] = [];
  let after = asked.after;
  for (let looked = 0; looked < MOST_LOOKED_THROUGH; ) {
    const rows = await find(gateway, { ...asked, after, workspace_id: workspace });
    for await (const { row, trace } of tracesOf(gateway, rows.slice(0, asked.limit))) {
      looked += 1;
      after = showId("callback", row.id);
      const mine = trace && ownTrace(trace, workspace);
      if (!trace || !mine || (status && mine.status !== status)) continue;
      const isWhole = mine.items.length === trace.items.length;
      if (isWhole || (!asked.q && !asked.reference) || (await isFoundIn(gateway, mine, asked))) data.push(ownLine(mine));
      if (data.length > asked.limit)
        return page(
          data,
          asked.limit,
          (line) => line,
          (line) => line.id,
        );
    }
    if (rows.length <= asked.limit) return { data, next: null };
  }
  return { data, next: after ?? null };
}

/** So many are read at once, with their bodies. */
const TOGETHER = 8;

async function* tracesOf(gateway: Gateway, rows: CallbackRow[]) {
  for (let at = 0; at < rows.length; at += TOGETHER)
    yield* await Promise.all(
      rows.slice(at, at + TOGETHER).map(async (row) => ({ row, trace: await readTrace(gateway, row.id) })),
    );
}

/** Whether a search that found the whole callback finds one of these items. */
async function isFoundIn(
  gateway: Gateway,
  { id, items }: NonNullable<ReturnType<typeof ownTrace>>,
  { q, reference }: Pick<Asked, "q" | "reference">,
): Promise<boolean> {
  const ids = items.flatMap((item) => (item.event_id ? [readId("event", item.event_id)] : []));
  const events = await gateway.database.query<{ body: string }>(
    "select body from events where id = any(array(select json_array_elements_text($1::text::json)::uuid))",
    [JSON.stringify(ids)],
  );
  const said = new Set<string>([id, ...items.flatMap((item) => item.event_id ?? [])]);
  for (const { body } of events) {
    JSON.parse(body, (_key, value) => {
      if (typeof value === "string") said.add(value);
      return value;
    });
  }
  const looked = items.flatMap((item) => item.ways.flatMap((way) => way.looked_at));
  for (const { where, value } of looked) if (value) said.add(value).add(`${where}:${value}`);
  const terms = new Set([...said].map((value) => gateway.keys.term(value)));
  return (!q || terms.has(gateway.keys.term(q))) && (!reference || terms.has(gateway.keys.term(reference)));
}

/** The callback that an id leads to: its own, or its event's. */
async function callbackOf(gateway: Gateway, shown: string): Promise<string | null> {
  const event = readId("event", shown);
  if (!event) return readId("callback", shown);
  const [row] = await gateway.database.query<{ callback_id: string | null }>("select callback_id from events where id = $1", [
    event,
  ]);
  return row?.callback_id ?? null;
}
