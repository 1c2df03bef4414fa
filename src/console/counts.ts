import type { Gateway } from "../gateway.ts";
import { showId } from "../ids.ts";
import { counted } from "../trace/sentence.ts";
import { kept } from "./kept.ts";
import { attention, providers, sums } from "./watch.ts";

/** More is "very many": nobody needs it exact, and counting all would cost. */
const COUNT_TO = 10_000;

export type Counts = { overview: string; unmatched: string; endpoints: string };

/** The menu's numbers. */
export const counts = kept(count);

/** After a change by a person: the next page shows what it made. */
export function recount(gateway: Gateway): void {
  for (const one of [counts, attention, providers, sums]) one.forget(gateway);
}

async function count(gateway: Gateway): Promise<Counts> {
  const [items, away, [row]] = await Promise.all([
    attention(gateway),
    awayEndpoints(gateway),
    gateway.database.query<{ waiting: number }>(
      `select count(*)::int as waiting from (select 1 from waiting limit ${COUNT_TO + 1}) w`,
    ),
  ]);
  return { overview: counted(items.length), unmatched: upTo(row?.waiting ?? 0), endpoints: counted(away.size) };
}

/** Endpoints that do not answer: those that fail for long, and those that we try once a minute only or that said that they are gone. */
export async function awayEndpoints(gateway: Gateway): Promise<Set<string>> {
  const [items, rows] = await Promise.all([
    attention(gateway),
    gateway.database.query<{ id: string }>(
      "select id from endpoints where deleted_at is null and (circuit_open_since is not null or state_reason = 'It answered 410 Gone')",
    ),
  ]);
  const failing = items.flatMap(({ link }) => (link.to === "endpoint" ? link.id : []));
  return new Set([...failing, ...rows.map((row) => showId("endpoint", row.id))]);
}

export function upTo(count: number): string {
  return count > COUNT_TO ? `${counted(COUNT_TO)}+` : counted(count);
}
