import { readGroups } from "../api/unmatched.ts";
import { listCallbacks } from "../db/callbacks.ts";
import type { Query } from "../db/client.ts";
import { heldBack } from "../events/log.ts";
import { firstIdOf, showId } from "../ids.ts";
import { ADAPTERS, minutesOfEach } from "./adapters.ts";
import { type Attention, attentionKinds } from "./types.ts";

const TAKEN = "outcome = any('{accepted,unmatched,duplicate,ignored,failed}')";
const SUMS = `coalesce(sum(count) filter (where outcome like 'rejected:%'), 0) as refused, coalesce(sum(count) filter (where outcome = 'failed'), 0) as failed,
  coalesce(sum(count) filter (where outcome = 'unmatched'), 0) as unmatched`;
const MINUTE_MS = 60_000;
/** A rise is none of a handful. */
const FEWEST_RISING = 5;
const RISE = 3;
/** A share below this is usual anywhere. */
const LEAST_SHARE = 0.005;
const HELD_BACK_SECONDS = 30;
/** So many are counted, no more. */
const MOST_FAILED = 10_000;

/** What needs attention now, worst kind first, then what goes on longest (CONSOLE §2). Reads what the minutes tell, never the callbacks one by one. */
export async function attention(query: Query): Promise<Attention[]> {
  const found = await Promise.all([
    allRefused(query),
    endpointsFailing(query),
    failed(query),
    unmatched(query),
    quiet(query),
    newWords(query),
    fieldsMissing(query),
    rising(query),
    logHeldBack(query),
  ]);
  const order = (one: Attention) => attentionKinds.indexOf(one.kind);
  return found.flat().sort((a, b) => order(a) - order(b) || (a.since < b.since ? -1 : 1));
}

async function lastRejection(query: Query, adapter: string): Promise<Attention["link"]> {
  const [row] = await query<{ id: string }>(
    "select id from rejections where adapter = $1 and code <> 'probe' order by id desc limit 1",
    [adapter],
  );
  return row
    ? { to: "callback", id: showId("callback", row.id) }
    : { to: "callbacks", status: "rejected", provider: providerOf(adapter) };
}

const providerOf = (adapter: string) => adapter.split("/", 1)[0] as string;

/** Three or more refused in five minutes, and nothing else. */
async function allRefused(query: Query): Promise<Attention[]> {
  const rows = await query<{ adapter: string; code: string; last_good: Date | null; since: Date; count: number }>(
    `with recursive ${ADAPTERS},
     recent as (
       select adapter from ${minutesOfEach("minute > now() - interval '6 minutes'")} group by 1
       having coalesce(sum(count) filter (where outcome like 'rejected:%'), 0) >= 3 and coalesce(sum(count) filter (where ${TAKEN}), 0) = 0
     ),
     good as materialized (
       select r.adapter, (select minute from minutes m where m.adapter = r.adapter and m.${TAKEN} order by minute desc limit 1) as at from recent r
     )
     select g.adapter, g.at as last_good, min(m.minute) as since, sum(m.count)::int as count,
       (array_agg(substr(m.outcome, 10) order by m.count desc))[1] as code
     from good g cross join lateral (
       select minute, outcome, count from minutes
       where adapter = g.adapter and outcome like 'rejected:%' and minute > coalesce(g.at, now() - interval '7 days') offset 0
     ) m
     group by 1, 2`,
  );
  return Promise.all(
    rows.map(async ({ adapter, code, last_good, since, count }) => ({
      ...{ kind: "all_refused" as const, adapter, since: since.toISOString(), count },
      cause: { code, last_good_at: last_good?.toISOString() ?? null },
      link: await lastRejection(query, adapter),
    })),
  );
}

type EndpointRow = {
  id: string;
  name: string;
  workspace_id: string;
  probe_at: Date | null;
  next_at: Date | null;
  since: Date;
  status: number | null;
  waiting: number;
  dead: number;
};

/** Nothing accepted for five minutes, though it was tried. */
async function endpointsFailing(query: Query): Promise<Attention[]> {
  const rows = await query<EndpointRow>(
    `select p.id, coalesce(p.description, p.url) as name, p.workspace_id, p.probe_at, f.since, f.status,
       (select count(*)::int from (select 1 from dispatches d where d.endpoint_id = p.id and d.state in ('pending', 'retrying') limit 10000) w)
       + (select count(*)::int from (select 1 from dispatches d where d.endpoint_id = p.id and d.state = 'held' limit 10000) w) as waiting,
       (select count(*)::int from (select 1 from dispatches d where d.endpoint_id = p.id and d.state = 'dead' limit 10000) w) as dead,
       (select min(next_at) from dispatches d where d.endpoint_id = p.id and d.state in ('pending', 'retrying')) as next_at
     from endpoints p cross join lateral (
       select min(a.at) as since, (array_agg(a.status order by a.id desc))[1] as status from attempts a
       where a.endpoint_id = p.id and not a.ok
         and a.at > coalesce((select max(last_accepted_at) from endpoint_hours h where h.endpoint_id = p.id), now() - interval '7 days')
     ) f
     where p.state = 'active' and p.deleted_at is null and p.failures > 0 and f.since < now() - interval '5 minutes'`,
  );
  return rows.map((row) => ({
    ...{ kind: "endpoint_failing" as const, adapter: null, since: row.since.toISOString(), count: row.waiting },
    cause: {
      ...{ endpoint: row.name, workspace_id: row.workspace_id, status: row.status, given_up: row.dead },
      next_at: (row.probe_at ?? row.next_at)?.toISOString() ?? null,
    },
    link: { to: "endpoint", id: showId("endpoint", row.id) },
  }));
}

/** Ours, but unreadable: until they are replayed. */
async function failed(query: Query): Promise<Attention[]> {
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

async function unmatched(query: Query): Promise<Attention[]> {
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

/**
 * Nothing for five times the usual gap, and ten minutes at least. Usual is what came at this weekday and hour in the last four weeks; before there
 * is a week to look back on, what came in the day before it fell silent.
 */
async function quiet(query: Query): Promise<Attention[]> {
  const rows = await query<{ adapter: string; last: Date; usual: number }>(
    `with recursive ${ADAPTERS},
     last as materialized (
       select adapter, (select minute from minutes m where m.adapter = a.adapter and m.${TAKEN} order by minute desc limit 1) as at,
         (select minute from minutes m where m.adapter = a.adapter and m.${TAKEN} order by minute limit 1) as began from adapters a
     ),
     pace as materialized (
       select l.adapter, l.at, case when l.began < now() - interval '7 days' then (
           select coalesce(sum(count), 0) / (60.0 * least(4, ceil(extract(epoch from now() - l.began) / 604800)))
           from generate_series(1, 4) week cross join lateral (
             select count from minutes m where m.adapter = l.adapter and m.${TAKEN}
               and m.minute >= date_trunc('hour', now()) - week * interval '7 days' and m.minute < date_trunc('hour', now()) - week * interval '7 days' + interval '1 hour' offset 0
           ) of
         ) else (
           select coalesce(sum(count), 0) / greatest(1, extract(epoch from l.at - greatest(l.began, l.at - interval '1 day')) / 60 + 1) from minutes m
           where m.adapter = l.adapter and m.${TAKEN} and m.minute > l.at - interval '1 day'
         ) end::float as per_minute
       from last l where l.at is not null
     )
     select adapter, at as last, per_minute as usual from pace
     where per_minute > 0 and now() - at > greatest(interval '10 minutes', make_interval(secs => 5 * 60 / per_minute))
       and not exists (select 1 from minutes r where r.adapter = pace.adapter and r.outcome like 'rejected:%' and r.minute > pace.at)`,
  );
  return Promise.all(
    rows.map(async ({ adapter, last, usual }) => {
      const [row] = await query<{ id: string }>(
        "select id from callbacks where adapter = $1 and id >= $2 and id < $3 order by id desc limit 1",
        [adapter, firstIdOf(last.getTime()), firstIdOf(last.getTime() + MINUTE_MS)],
      );
      return {
        ...{
          kind: "quiet" as const,
          adapter,
          since: last.toISOString(),
          count: 0,
          cause: { usual, last_good_at: last.toISOString() },
        },
        link: row
          ? { to: "callback" as const, id: showId("callback", row.id) }
          : { to: "callbacks" as const, provider: providerOf(adapter) },
      };
    }),
  );
}

/** Words that no rule knows and that nobody had seen a day ago. */
async function newWords(query: Query): Promise<Attention[]> {
  const rows = await query<{ adapter: string; word: string; since: Date; last: Date; count: number }>(
    `with recursive ${ADAPTERS},
     today as materialized (
       select adapter, outcome, min(minute) as since, max(minute) as last, sum(count)::int as count 
       from ${minutesOfEach("minute > now() - interval '1 day' and outcome like 'word:%'")} group by 1, 2
     )
     select adapter, substr(outcome, 6) as word, since, last, count from today t
     where not exists (select 1 from minutes m where m.adapter = t.adapter and m.outcome = t.outcome and m.minute <= now() - interval '1 day')
     order by since limit 50`,
  );
  return Promise.all(
    rows.map(async ({ adapter, word, since, last, count }) => {
      const [row] = await query<{ id: string }>(
        "select id from callbacks where adapter = $1 and id >= $2 and id < $3 and items like '%' || $4 || '%' order by id desc limit 1",
        [adapter, firstIdOf(last.getTime()), firstIdOf(last.getTime() + MINUTE_MS), escapeLike(JSON.stringify(word))],
      );
      return {
        ...{ kind: "new_word" as const, adapter, since: since.toISOString(), count, cause: { word } },
        link: row
          ? { to: "callback" as const, id: showId("callback", row.id) }
          : { to: "callbacks" as const, status: "ignored", provider: providerOf(adapter) },
      };
    }),
  );
}

const escapeLike = (text: string) => text.replace(/[\\%_]/g, "\\$&");

/** A field that nearly every callback of its kind carried in the last week, and that a fifth of this hour's do not. */
async function fieldsMissing(query: Query): Promise<Attention[]> {
  const rows = await query<{ adapter: string; variant: string; field: string; since: Date; items: number; carried: number }>(
    `with recursive ${ADAPTERS},
     counted as materialized (
       select adapter, of.* from generate_series(0, 167) ago cross join ${minutesOfEach("m.minute = date_trunc('hour', now(), 'UTC') - ago * interval '1 hour' and (outcome like 'item:%' or outcome like 'field:%')")}
     ),
     items as (
       select adapter, substr(outcome, 6) as variant, sum(count) filter (where minute >= now() - interval '2 hours') as recent,
         sum(count) filter (where minute < now() - interval '2 hours') as before, min(minute) filter (where minute >= now() - interval '2 hours') as since
       from counted where outcome like 'item:%' group by 1, 2
     ),
     fields as (
       select adapter, split_part(outcome, ':', 2) as variant, split_part(outcome, ':', 3) as field,
         coalesce(sum(count) filter (where minute >= now() - interval '2 hours'), 0) as recent, sum(count) filter (where minute < now() - interval '2 hours') as before
       from counted where outcome like 'field:%' group by 1, 2, 3
     )
     select i.adapter, i.variant, f.field, i.since, i.recent::int as items, f.recent::int as carried
     from items i join fields f using (adapter, variant)
     where i.recent >= 10 and i.before >= 50 and f.before >= i.before * 0.95 and f.recent <= i.recent * 0.8 limit 20`,
  );
  return rows.map(({ adapter, variant, field, since, items, carried }) => ({
    ...{ kind: "field_missing", adapter, since: since.toISOString(), count: items - carried },
    cause: { variant, field, share: (items - carried) / items },
    link: { to: "callbacks", provider: providerOf(adapter) },
  }));
}

/** Refused, failed or unmatched at three times their usual share. */
async function rising(query: Query): Promise<Attention[]> {
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
      // All refused, anything failed and anything unmatched stand on their own already.
      if (row[what] < FEWEST_RISING || share === 1 || share < RISE * Math.max(usual, LEAST_SHARE)) return [];
      return [
        {
          ...{
            kind: `${what}_rising`,
            adapter: row.adapter,
            since: row.since.toISOString(),
            count: row[what],
            cause: { share, usual },
          },
          link: { to: "callbacks", status: what === "refused" ? "rejected" : what, provider: providerOf(row.adapter) },
        },
      ];
    }),
  );
}

async function logHeldBack(query: Query): Promise<Attention[]> {
  const { seconds } = await heldBack(query);
  if (seconds < HELD_BACK_SECONDS) return [];
  const since = new Date(Date.now() - seconds * 1000).toISOString();
  return [{ kind: "log_held_back", adapter: null, since, count: Math.round(seconds), cause: {}, link: { to: "callbacks" } }];
}
