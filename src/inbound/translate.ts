import { type AnyProvider, type CallbackRequest, decodeBody } from "../provider/define.ts";
import type { Outcome } from "../provider/draft.ts";

/** A callback's items, or why it could not be read at all. Plain JSON values but for `occurredAt`. */
export type Translation = { items: Outcome[]; failed?: "unreadable" | "adapter_error" };

/**
 * Bytes to outcomes. Never throws: a body that does not fit is `unreadable` (theirs), a throw inside an adapter is `adapter_error`
 * (ours); both are kept and can be replayed.
 */
export function translate(provider: AnyProvider, request: CallbackRequest): Translation {
  let payload: unknown;
  try {
    const parsed = provider.payload.safeParse(decodeBody(provider, request));
    if (!parsed.success) return { items: [], failed: "unreadable" };
    payload = parsed.data;
  } catch {
    return { items: [], failed: "unreadable" };
  }
  try {
    return { items: provider.events(payload, request).map((outcome) => storable(outcome)) };
  } catch {
    return { items: [], failed: "adapter_error" };
  }
}

/** Nothing that is read lies deeper; what does could overflow a stack, here or in the database's own JSON parser. */
const DEEPEST = 32;

/** PostgreSQL keeps neither U+0000 nor lone surrogates in text: they become U+FFFD here, as what is too deep becomes null. The body keeps all. */
export function storable<Value>(value: Value, depth = 0): Value {
  if (typeof value === "string") return clean(value) as Value;
  if (value === null || typeof value !== "object" || value instanceof Date) return value;
  if (depth >= DEEPEST) return null as Value;
  // Nearly everything is storable as it is: then nothing is copied.
  if (depth === 0 && isStorable(value, 0)) return value;
  if (Array.isArray(value)) return value.map((inner) => storable(inner, depth + 1)) as Value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [clean(key), storable(inner, depth + 1)])) as Value;
}

function isStorable(value: object, depth: number): boolean {
  if (depth >= DEEPEST) return false;
  for (const [key, inner] of Object.entries(value)) {
    if (clean(key) !== key) return false;
    if (typeof inner === "string" && clean(inner) !== inner) return false;
    if (typeof inner === "object" && inner !== null && !(inner instanceof Date) && !isStorable(inner, depth + 1)) return false;
  }
  return true;
}

function clean(value: string): string {
  const whole = value.isWellFormed() ? value : value.toWellFormed();
  return whole.includes("\0") ? whole.replaceAll("\0", "\ufffd") : whole;
}
