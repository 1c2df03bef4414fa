import { randomFillSync } from "node:crypto";

const pool = new Uint8Array(16_384);
let used = pool.length;

/** Cryptographically random bytes, drawn from a pool: a call for a few bytes costs as much as one for thousands. */
export function randomSlice(bytes: number): Uint8Array {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.slice(used - bytes, used);
}
