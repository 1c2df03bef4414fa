import type { Query } from "../db/client.ts";
import { referenceKey } from "../inbound/resolve.ts";
import { at, many, type Sentence, tell } from "./sentence.ts";
import type { Story } from "./story.ts";

/** When what waits for the same came: so many steps up to now, each a bar. */
export type Spread = { counts: number[]; stepMs: number; step: string; first: string; last: string; total: number };

export const BARS = 36;
const BUCKET_SECONDS = 300;
/** Small steps first; the first ones that reach back to the oldest are taken. */
const STEPS: [name: string, seconds: number][] = [
  ["5 minutes", BUCKET_SECONDS],
  ["an hour", 3600],
  ["a day", 86_400],
  ["30 days", 30 * 86_400],
];

/** Null where it waits alone. */
export async function readSpread(query: Query, { item, waits, adapter }: Story, now: number): Promise<Spread | null> {
  if (item?.verdict !== "waiting" || !waits || waits.count < 2 || !adapter) return null;
  const { kind, value } = waits;
  const reference = kind === "workspace" ? `workspace:${value}` : referenceKey(adapter, kind, value);
  const rows = await query<{ bucket: number; count: number; first: Date; last: Date }>(
    `select floor(extract(epoch from received_at) / ${BUCKET_SECONDS})::int as bucket, count(*)::int as count,
       min(received_at) as first, max(received_at) as last
     from waiting where refs @> array[$1::text] group by 1 order by 1`,
    [reference],
  );
  const [first, last] = [rows[0], rows.at(-1)];
  if (!first || !last) return null;
  const age = (bucket: number) => Math.max(0, now / 1000 - (bucket + 0.5) * BUCKET_SECONDS);
  const fitting = STEPS.find(([, seconds]) => age(first.bucket) < BARS * seconds) ?? (STEPS.at(-1) as (typeof STEPS)[number]);
  const [step, seconds] = fitting;
  const counts = Array.from({ length: BARS }, () => 0);
  for (const { bucket, count } of rows) {
    const bar = Math.max(0, BARS - 1 - Math.floor(age(bucket) / seconds));
    counts[bar] = (counts[bar] ?? 0) + count;
  }
  return {
    ...{ counts, step, stepMs: seconds * 1000, first: first.first.toISOString(), last: last.last.toISOString() },
    total: rows.reduce((sum, row) => sum + row.count, 0),
  };
}

/** What the bars show, for those who do not see them. */
export function spreadStory({ total, first, last }: Spread, what: string): Sentence {
  return tell`${what}: ${many(total, "event waits", "events wait")}, the first since ${at(first)}, the last since ${at(last)}`;
}
