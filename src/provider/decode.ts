import { z } from "zod";

const utf8 = new TextDecoder("utf-8");
const LONG_DIGITS = /\d{16}/;
const INTEGER = /^-?\d+$/;

/** The body as text: UTF-8, a BOM dropped, broken sequences replaced. For reading only; signatures cover the bytes. */
export function text(body: Uint8Array): string {
  return utf8.decode(body);
}

/**
 * Reads JSON without losing digits: an integer beyond 2^53 becomes its own text (`820982911946154508` → `"820982911946154508"`).
 * @throws SyntaxError where it is not JSON.
 */
export function losslessJson(source: string): unknown {
  // The reviver makes parsing several times slower, and only long numbers need it.
  if (!LONG_DIGITS.test(source)) return JSON.parse(source);
  return JSON.parse(source, function keepDigits(_key, value, context?: { source?: string }) {
    const digits = context?.source;
    return typeof value === "number" && digits && INTEGER.test(digits) && !Number.isSafeInteger(value) ? digits : value;
  });
}

/** A schema for an id that may come as text or as a number; it is always text inside. Blank text is no id. */
export function id() {
  return z.union([z.string().regex(/\S/), z.number().transform(String)]);
}

/** A schema for text that may be missing, null or blank: all read as `null`. Numbers become text. */
export function optionalText() {
  return z
    .union([z.string(), z.number().transform(String)])
    .nullish()
    .catch(null)
    .transform((value) => (value?.trim() ? value : null));
}
