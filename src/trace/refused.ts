import type { CallbackRow } from "../api/callbacks.ts";
import type { Gateway } from "../gateway.ts";
import { decrypt } from "../keys.ts";

/** Of the sample so many are looked through, newest first. */
const MOST_LOOKED_THROUGH = 5000;
const AT_ONCE = 500;
const SHORTEST = 4;

/**
 * Refused requests that say this. Nobody vouches for them, so that nothing of them is indexed: their bodies are read one by one, and the
 * word must stand there by itself.
 */
export async function findRefused(gateway: Gateway, q: string, limit: number): Promise<CallbackRow[]> {
  const wanted = q.replace(/^[a-z][a-z0-9_]*:(?=.)/, "").toLowerCase();
  if (wanted.length < SHORTEST) return [];
  const found: CallbackRow[] = [];
  let before: string | null = null;
  for (let looked = 0; looked < MOST_LOOKED_THROUGH && found.length < limit; looked += AT_ONCE) {
    const rows: (CallbackRow & { body: Uint8Array })[] = await gateway.database.query(
      `select id, adapter, received_at, 'rejected' as status, code as reason, size, 0 as events, 0 as taught, 0 as unmatched, 0 as duplicates,
         0 as ignored, 0 as failed, body from rejections
       where body is not null and code <> 'probe' and ($1::uuid is null or id < $1) order by id desc limit ${AT_ONCE}`,
      [before],
    );
    for (const { body, ...row } of rows) if (says(decrypt(gateway.keys.content, body).toString("utf8"), wanted)) found.push(row);
    if (rows.length < AT_ONCE) break;
    before = rows.at(-1)?.id ?? null;
  }
  return found.slice(0, limit);
}

const WITHIN_WORD = /[\p{L}\p{N}_-]/u;

/** Whether a text has the word, and not as a part of a longer one. */
function says(text: string, wanted: string): boolean {
  const folded = text.toLowerCase();
  for (let at = folded.indexOf(wanted); at >= 0; at = folded.indexOf(wanted, at + 1)) {
    const [before, after] = [folded[at - 1], folded[at + wanted.length]];
    if (!(before && WITHIN_WORD.test(before)) && !(after && WITHIN_WORD.test(after))) return true;
  }
  return false;
}
