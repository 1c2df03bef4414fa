import type { Gateway } from "../gateway.ts";
import { counted } from "../trace/sentence.ts";
import { attention } from "./watch.ts";

/** More is "very many": nobody needs it exact, and counting all would cost. */
const COUNT_TO = 10_000;
const KEEP_MS = 3000;

export type Counts = { overview: string; unmatched: string; endpoints: string };
const kept = new WeakMap<Gateway, { at: number; counts: Promise<Counts> }>();

/** The menu's numbers, asked for once in a few seconds however many pages are opened. */
export function counts(gateway: Gateway): Promise<Counts> {
  const now = performance.now();
  const known = kept.get(gateway);
  if (known && now - known.at < KEEP_MS) return known.counts;
  const fresh = count(gateway);
  kept.set(gateway, { at: now, counts: fresh });
  fresh.catch(() => kept.delete(gateway));
  return fresh;
}

/** After a change by a person: the next page shows what it made. */
export function recount(gateway: Gateway): void {
  kept.delete(gateway);
}

async function count(gateway: Gateway): Promise<Counts> {
  const { query } = gateway.database;
  const [items, [row]] = await Promise.all([
    attention(gateway),
    query<{ waiting: number; failing: number }>(
      `select (select count(*)::int from (select 1 from waiting limit ${COUNT_TO + 1}) w) as waiting,
         (select count(*)::int from endpoints where deleted_at is null and (circuit_open_since is not null or state_reason = 'It answered 410 Gone')) as failing`,
    ),
  ]);
  return {
    overview: counted(items.length),
    unmatched: upTo(row?.waiting ?? 0),
    endpoints: counted(row?.failing ?? 0),
  };
}

export function upTo(count: number): string {
  return count > COUNT_TO ? `${counted(COUNT_TO)}+` : counted(count);
}
