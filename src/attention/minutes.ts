import { readGroups } from "../api/unmatched.ts";
import type { Query } from "../db/client.ts";
import { ADAPTERS, minutesOfEach } from "./adapters.ts";
import { type Count, TIMES_MS } from "./tally.ts";
import type { ProviderRow, Totals } from "./types.ts";

/** Adds counts to what is there, whichever process counted them. */
export async function writeCounts(query: Query, counts: Count[]): Promise<void> {
  if (counts.length === 0) return;
  await query(
    `insert into minutes as m (adapter, minute, outcome, count)
     select adapter, minute, outcome, sum(count)::int from json_to_recordset($1::text::json) as r(adapter text, minute timestamptz, outcome text, count int)
     group by 1, 2, 3 order by 1, 2, 3
     on conflict (adapter, minute, outcome) do update set count = m.count + excluded.count`,
    [JSON.stringify(counts)],
  );
}

/** Forgets what is older than five weeks: "usual" is what was at this weekday and hour of the last four. */
export async function sweepCounts(query: Query): Promise<void> {
  await query("delete from minutes where minute < now() - interval '36 days'");
}

const STATUSES = ["accepted", "unmatched", "duplicate", "ignored", "failed"] as const;

type MinuteRow = { adapter: string; ago: number; outcome: string; count: number };

/** The last hour of every adapter that anything came for, busiest first. */
export async function providerRows(query: Query): Promise<ProviderRow[]> {
  const [rows, last, waiting] = await Promise.all([
    query<MinuteRow>(
      `with recursive ${ADAPTERS}
       select adapter, (extract(epoch from date_trunc('minute', now()) - minute) / 60)::int as ago, outcome, count from ${minutesOfEach("minute > now() - interval '60 minutes'")} where (outcome = any('{accepted,unmatched,duplicate,ignored,failed}') or outcome like 'rejected:%' or outcome like 'ms:%')`,
    ),
    query<{ adapter: string; at: Date }>(
      `with recursive ${ADAPTERS}
       select adapter, last.minute as at from adapters cross join lateral (
         select minute from minutes m where m.adapter = adapters.adapter and minute > now() - interval '7 days'
           and outcome = any('{accepted,unmatched,duplicate,ignored,failed}') order by minute desc limit 1
       ) last`,
    ),
    query<{ adapter: string; count: number }>("select adapter, count(*)::int as count from waiting group by 1"),
  ]);
  const lastGood = new Map(last.map((row) => [row.adapter, row.at]));
  const waits = new Map(waiting.map((row) => [row.adapter, row.count]));
  const grouped = Map.groupBy(rows, (row) => row.adapter);
  const names = new Set([...grouped.keys(), ...lastGood.keys(), ...waits.keys()]);
  return [...names]
    .map((adapter) => rowOf(adapter, grouped.get(adapter) ?? [], waits.get(adapter) ?? 0, lastGood.get(adapter) ?? null))
    .sort((a, b) => b.lastHour - a.lastHour || (a.adapter < b.adapter ? -1 : 1));
}

function rowOf(adapter: string, rows: MinuteRow[], waiting: number, lastGoodAt: Date | null): ProviderRow {
  const minutes = Array.from({ length: 60 }, () => ({ taken: 0, refused: 0 }));
  const outcomes = { accepted: 0, unmatched: 0, duplicate: 0, ignored: 0, failed: 0, refused: 0 };
  const times = new Map<string, number>();
  for (const { ago, outcome, count } of rows) {
    if (outcome.startsWith("ms:")) {
      times.set(outcome.slice(3), (times.get(outcome.slice(3)) ?? 0) + count);
      continue;
    }
    const refused = outcome.startsWith("rejected:");
    const minute = minutes[59 - Math.min(59, Math.max(0, ago))];
    if (minute) minute[refused ? "refused" : "taken"] += count;
    outcomes[refused ? "refused" : (outcome as (typeof STATUSES)[number])] += count;
  }
  const taken = STATUSES.reduce((sum, status) => sum + outcomes[status], 0);
  const recent = minutes.slice(-6, -1).reduce((sum, minute) => sum + minute.taken, 0);
  return {
    ...{ adapter, minutes, outcomes, waiting, lastGoodAt },
    now: recent / 5,
    lastHour: taken + outcomes.refused,
    matched: taken > 0 ? (taken - outcomes.unmatched) / taken : null,
    p99: p99Of(times),
  };
}

/** The bound within which 99 of 100 were answered. */
function p99Of(times: Map<string, number>): number | null {
  const total = [...times.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let within = 0;
  for (const bound of TIMES_MS) {
    within += times.get(String(bound)) ?? 0;
    if (within >= total * 0.99) return bound;
  }
  return TIMES_MS.at(-1) ?? null;
}

/** The six totals, from the rows of the adapters. */
export async function totals(query: Query, rows: ProviderRow[]): Promise<Totals> {
  const [groups, [refusedElsewhere], [webhooks], times] = await Promise.all([
    readGroups(query, { limit: 500 }),
    query<{ count: number }>(
      "select coalesce(sum(count), 0)::int as count from minutes where minute > now() - interval '60 minutes' and adapter = ''",
    ),
    query<{ accepted: number; failed: number }>(
      `select coalesce(sum(accepted), 0)::int as accepted, coalesce(sum(failed), 0)::int as failed from endpoint_hours where hour > now() - interval '2 hours'`,
    ),
    query<{ outcome: string; count: number }>(
      `with recursive ${ADAPTERS}
       select outcome, sum(count)::int as count 
       from ${minutesOfEach("minute > now() - interval '60 minutes' and outcome like 'ms:%'")} group by 1`,
    ),
  ]);
  const sum = (of: (row: ProviderRow) => number) => rows.reduce((total, row) => total + of(row), 0);
  const refused = sum((row) => row.outcomes.refused) + (refusedElsewhere?.count ?? 0);
  const taken = sum((row) => row.lastHour - row.outcomes.refused);
  const [most] = rows.toSorted((a, b) => b.outcomes.refused - a.outcomes.refused);
  const attempts = (webhooks?.accepted ?? 0) + (webhooks?.failed ?? 0);
  return {
    callbacks: taken + refused,
    matched: taken > 0 ? (taken - sum((row) => row.outcomes.unmatched)) / taken : null,
    waiting: sum((row) => row.waiting),
    waitingGroups: groups.length,
    refused,
    refusedMost: most && most.outcomes.refused > 0 ? { adapter: most.adapter, count: most.outcomes.refused } : null,
    p99: p99Of(new Map(times.map((row) => [row.outcome.slice(3), row.count]))),
    webhooksAccepted: attempts > 0 ? (webhooks?.accepted ?? 0) / attempts : null,
    webhooks: attempts,
  };
}
