import { z } from "zod";
import type { Query } from "../db/client.ts";
import { showId } from "../ids.ts";
import { limitField } from "./fields.ts";
import { api, page, readCursor, readQuery, showTime } from "./http.ts";

type GroupRow = {
  adapter: string;
  reference: string | null;
  reason: string;
  waiting: number;
  oldest: Date;
  newest: Date;
  sample: string;
  came: number[] | null;
};
type ItemRow = {
  id: string;
  adapter: string;
  callback_id: string;
  item: number;
  reason: string;
  refs: string[];
  occurred_at: Date;
  received_at: Date;
};

/** `kind:value` of a reference's column text, or null for what is shown to nobody. */
function showReference(adapter: string, reference: string | null): string | null {
  if (reference === null) return null;
  return reference.startsWith(`${adapter} `) ? reference.slice(adapter.length + 1) : reference;
}

function split(adapter: string) {
  const [provider = "", dialect = null] = adapter.split("/");
  return { provider, dialect };
}

export const unmatchedQuery = z.object({
  group: z.enum(["reference"]).optional(),
  reason: z.string().optional(),
  provider: z.string().optional(),
  after: z.string().optional(),
  limit: limitField,
});

const condition = "($1::text is null or reason = $1) and ($2::text is null or adapter = $2 or split_part(adapter, '/', 1) = $2)";

/** What waits, by the reference that would bring most of it home; newest first. `came`: how many minutes ago, of each of the last hour. */
export async function readGroups(
  query: Query,
  { reason, provider, limit }: { reason?: string | undefined; provider?: string | undefined; limit: number },
) {
  const rows = await query<GroupRow>(
    `with w as materialized (select id, adapter, reason, refs, callback_id, occurred_at, floor(extract(epoch from now() - received_at) / 60)::int as ago from waiting where ${condition}),
     r as (
       select w.id, w.adapter, w.reason, u.ref, u.place from w, unnest(w.refs) with ordinality u(ref, place)
       where u.ref not like '% default:*' and u.ref not like '% recipient:%'
         and (w.reason not in ('unknown_workspace', 'workspace_closed') or u.ref like 'workspace:%')
     ),
     n as (select adapter, reason, ref, count(*) as heals from r group by 1, 2, 3),
     best as (select distinct on (r.id) r.id, r.ref from r join n using (adapter, reason, ref) order by r.id, n.heals desc, r.place)
     select w.adapter, best.ref as reference, w.reason, count(*)::int as waiting, min(w.occurred_at) as oldest, max(w.occurred_at) as newest,
       (array_agg(w.callback_id order by w.occurred_at desc))[1] as sample, array_agg(w.ago) filter (where w.ago < 60) as came
     from w left join best on best.id = w.id group by 1, 2, 3 order by newest desc, reference limit $3`,
    [reason ?? null, provider ?? null, limit],
  );
  return rows.map((row) => ({
    ...split(row.adapter),
    reference: showReference(row.adapter, row.reference),
    reason: row.reason,
    waiting: row.waiting,
    oldest: showTime(row.oldest),
    newest: showTime(row.newest),
    sample_callback_id: showId("callback", row.sample),
    came: row.came ?? [],
  }));
}

/** What has no workspace yet: by the reference that would bring most of it home, or item by item. */
export const unmatched = api().get("/", async (c) => {
  const { group, reason, provider, after, limit } = readQuery(c, unmatchedQuery);
  const { database } = c.var.gateway;
  if (group) {
    const groups = await readGroups(database.query, { reason, provider, limit });
    return c.json({ data: groups.map(({ came: _, ...shown }) => shown), next: null });
  }
  const rows = await database.query<ItemRow>(
    `select id, adapter, callback_id, item, reason, refs, occurred_at, received_at from waiting
     where ${condition} and ($3::uuid is null or id < $3) order by id desc limit $4`,
    [reason ?? null, provider ?? null, readCursor("waiting", after), limit + 1],
  );
  const show = (row: ItemRow) => ({
    callback_id: showId("callback", row.callback_id),
    index: row.item,
    ...split(row.adapter),
    reason: row.reason,
    references: row.refs.filter((ref) => !/ (default:\*$|recipient:)/.test(ref)).map((ref) => showReference(row.adapter, ref)),
    occurred_at: showTime(row.occurred_at),
    received_at: showTime(row.received_at),
  });
  return c.json(page(rows, limit, show, (row) => showId("waiting", row.id)));
});
