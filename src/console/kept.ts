import type { Gateway } from "../gateway.ts";

const KEEP_MS = 3000;

type Kept<Value> = {
  /** What is there, or is being read at this moment. */
  (gateway: Gateway): Promise<Value>;
  /** After a change by a person: the next page shows what it made. */
  forget(gateway: Gateway): void;
};

/**
 * Reads something of a gateway once for all who ask while it is being read, however long that takes, and for a few seconds after, however many
 * pages are opened. What failed is not kept.
 */
export function kept<Value>(read: (gateway: Gateway) => Promise<Value>): Kept<Value> {
  const known = new WeakMap<Gateway, { value: Promise<Value>; until: number }>();
  const ask = (gateway: Gateway): Promise<Value> => {
    const one = known.get(gateway);
    if (one && performance.now() < one.until) return one.value;
    const fresh = { value: read(gateway), until: Number.POSITIVE_INFINITY };
    known.set(gateway, fresh);
    fresh.value.then(
      () => (fresh.until = performance.now() + KEEP_MS),
      () => (fresh.until = 0),
    );
    return fresh.value;
  };
  return Object.assign(ask, { forget: (gateway: Gateway) => void known.delete(gateway) });
}
