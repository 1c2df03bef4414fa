import { readGroups } from "../api/unmatched.ts";
import { listCallbacks } from "../db/callbacks.ts";
import type { Query } from "../db/client.ts";
import { showId } from "../ids.ts";
import type { Attention } from "./types.ts";

/** So many are counted, no more. */
const MOST_FAILED = 10_000;

/** Ours, but unreadable: until they are replayed. */
export async function failed(query: Query): Promise<Attention[]> {
  const newest = await listCallbacks<{ id: string; adapter: string; received_at: Date }>(
    query,
    { columns: "id, adapter, received_at", order: "desc", limit: MOST_FAILED },
    { status: "failed" },
  );
  return [...Map.groupBy(newest, (one) => one.adapter)].flatMap(([adapter, group]) => {
    const [last, first] = [group[0], group.at(-1)];
    if (!last || !first) return [];
    return {
      ...{ kind: "failed" as const, adapter, since: first.received_at.toISOString(), count: group.length, cause: {} },
      link: { to: "callback", id: showId("callback", last.id) },
    };
  });
}

export async function unmatched(query: Query): Promise<Attention[]> {
  const [all] = await query<{ count: number; since: Date | null }>(
    "select count(*)::int as count, min(received_at) as since from waiting",
  );
  if (!all?.since) return [];
  // The same groups as the page that it leads to.
  const groups = await readGroups(query, { limit: 500 });
  const [largest] = groups.toSorted((x, y) => y.waiting - x.waiting);
  return [
    {
      ...{ kind: "unmatched", adapter: null, since: all.since.toISOString(), count: all.count },
      cause: {
        groups: groups.length,
        ...(largest && {
          largest: {
            adapter: largest.dialect ? `${largest.provider}/${largest.dialect}` : largest.provider,
            ...{ reason: largest.reason, count: largest.waiting, reference: largest.reference },
          },
        }),
      },
      link: { to: "unmatched" },
    },
  ];
}
