import * as source from "../attention/attention.ts";
import type { Attention } from "../attention/types.ts";
import type { Gateway } from "../gateway.ts";

const KEEP_MS = 3000;
const kept = new WeakMap<Gateway, { at: number; items: Promise<Attention[]> }>();

/** What needs attention, worst first; asked for once in a few seconds however many pages are opened. */
export function attention(gateway: Gateway): Promise<Attention[]> {
  const now = performance.now();
  const known = kept.get(gateway);
  if (known && now - known.at < KEEP_MS) return known.items;
  const items = source.attention(gateway.database.query);
  kept.set(gateway, { at: now, items });
  items.catch(() => kept.delete(gateway));
  return items;
}
