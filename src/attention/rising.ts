import type { Query } from "../db/client.ts";
import { ADAPTERS, minutesOfEach, TAKEN } from "./adapters.ts";
import type { Attention } from "./types.ts";

const SUMS = `coalesce(sum(count) filter (where outcome like 'rejected:%'), 0) as refused, coalesce(sum(count) filter (where outcome = 'failed'), 0) as failed,
  coalesce(sum(count) filter (where outcome = 'unmatched'), 0) as unmatched`;
/** A rise is none of a handful. */
const FEWEST_RISING = 5;
const RISE = 3;
/** A share below this is usual anywhere. */
const LEAST_SHARE = 0.005;

/** Refused, failed or unmatched at three times their usual share. */
export async function rising(query: Query): Promise<Attention[]> {
  const rows = await query<
    Record<
      "refused" | "failed" | "unmatched" | "all_recent" | "refused_usual" | "failed_usual" | "unmatched_usual" | "all_usual",
      number
    > & { adapter: string; since: Date }
  >(
    `with recursive ${ADAPTERS},
     recent as materialized (
       select adapter, min(minute) as since, sum(count) as total, ${SUMS}
       from ${minutesOfEach(`minute > now() - interval '15 minutes' and (${TAKEN} or outcome like 'rejected:%')`)} group by 1
     ),
     usual as (
       select adapter, sum(count) as total, ${SUMS} from (
         select adapter, of.outcome, of.count from recent cross join lateral (
           select outcome, count from minutes m where m.adapter = recent.adapter and minute > now() - interval '7 days'
             and minute <= now() - interval '15 minutes' and (${TAKEN} or outcome like 'rejected:%') offset 0
         ) of where greatest(recent.refused, recent.failed, recent.unmatched) >= ${FEWEST_RISING}
       ) before group by 1
     )
     select n.adapter, n.since, n.refused::int as refused, n.failed::int as failed, n.unmatched::int as unmatched, n.total::int as all_recent,
       u.refused::int as refused_usual, u.failed::int as failed_usual, u.unmatched::int as unmatched_usual, u.total::int as all_usual
     from recent n join usual u using (adapter) where u.total >= 20`,
  );
  return rows.flatMap((row) =>
    (["refused", "failed", "unmatched"] as const).flatMap((what): Attention[] => {
      const share = row[what] / row.all_recent;
      const usual = row[`${what}_usual`] / row.all_usual;
      // Anything failed and anything unmatched stands on its own already.
      if (row[what] < FEWEST_RISING || (share === 1 && what !== "refused") || share < RISE * Math.max(usual, LEAST_SHARE))
        return [];
      return [
        {
          ...{
            kind: `${what}_rising`,
            adapter: row.adapter,
            since: row.since.toISOString(),
            count: row[what],
            cause: { share, usual },
          },
          link: { to: "callbacks", status: what === "refused" ? "rejected" : what, provider: row.adapter },
        },
      ];
    }),
  );
}
