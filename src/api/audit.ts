import { z } from "zod";
import type { Query } from "../db/client.ts";
import { firstIdOf, showId } from "../ids.ts";
import { listQuery, sinceField } from "./fields.ts";
import { api, page, readCursor, readQuery, showTime } from "./http.ts";

type Row = {
  id: string;
  at: Date;
  token: string;
  action: string;
  object: string;
  before: string | null;
  after: string | null;
};

const show = (row: Row) => ({
  id: showId("audit", row.id),
  at: showTime(row.at),
  token: row.token,
  action: row.action,
  object: row.object,
  before: row.before && JSON.parse(row.before),
  after: row.after && JSON.parse(row.after),
});

export const auditQuery = listQuery.extend({
  object: z.string().optional(),
  token: z.string().optional(),
  since: sinceField.optional(),
});

/** Every change by a person or a token: who, when, before, after. Newest first. */
export async function readAudit(query: Query, { object, token, since, after, limit }: z.infer<typeof auditQuery>) {
  const rows = await query<Row>(
    `select id, created_at as at, token, action, object, before, after from audit
     where ($1::text is null or object = $1) and ($2::text is null or token = $2) and ($3::uuid is null or id >= $3) and ($4::uuid is null or id < $4)
     order by id desc limit $5`,
    [
      ...[object ?? null, token ?? null, since === undefined ? null : firstIdOf(since)],
      ...[readCursor("audit", after), limit + 1],
    ],
  );
  return page(rows, limit, show, (row) => showId("audit", row.id));
}

export const audit = api().get("/", async (c) => c.json(await readAudit(c.var.gateway.database.query, readQuery(c, auditQuery))));
