import { listCallbacks } from "../db/callbacks.ts";
import type { Query } from "../db/client.ts";
import { firstIdOf } from "../ids.ts";
import { REPLAYABLE } from "./bring-in.ts";

/** What is in memory at once, whichever comes first; one callback always is. */
const SLICE = { callbacks: 50, bytes: 4 * 1024 * 1024 };
/** Longer than a slice takes: another process goes on with what a crashed one held. */
export const LEASE_SECONDS = 60;

/** A replay of many that a process works on, as it holds it. */
export type Running = {
  id: string;
  filter: string;
  terms: string[];
  callback_id: string | null;
  dry_run: boolean;
  started_by: string;
  before: string;
  position: string | null;
  lease: string;
};

/** What a slice is taken from: behind the last one, before the replay began, since when, of which provider. */
function bounds({ filter, position, before }: Running) {
  const { since, provider } = JSON.parse(filter) as { since?: string; provider?: string };
  return {
    ...{ above: position ?? firstIdOf(0), below: before },
    ...{ from: since ? firstIdOf(Date.parse(since)) : null, provider: provider ?? null },
  };
}

/** The next callbacks, so many that their bodies fit. */
export async function nextStored(query: Query, replay: Running): Promise<string[]> {
  const { status = null } = JSON.parse(replay.filter) as { status?: string };
  const rows = await listCallbacks<{ id: string; bytes: number }>(
    query,
    { columns: "id, octet_length(body) as bytes", order: "asc", limit: SLICE.callbacks },
    { ...bounds(replay), status, id: replay.callback_id, terms: replay.terms },
  );
  const ids: string[] = [];
  let room = SLICE.bytes;
  for (const row of rows) {
    room -= row.bytes;
    if (room < 0 && ids.length > 0) break;
    ids.push(row.id);
  }
  return ids;
}

/** The next refused ones that another secret may vouch for. */
export async function nextRejected(query: Query, replay: Running): Promise<string[]> {
  const { above, below, from, provider } = bounds(replay);
  const rows = await query<{ id: string }>(
    `select id from rejections where id > $1::uuid and id < $2::uuid and ($3::uuid is null or id >= $3::uuid)
       and ($4::text is null or adapter = $4 or split_part(adapter, '/', 1) = $4)
       and code ~ $5 and body is not null order by id limit ${SLICE.callbacks}`,
    [above, below, from, provider, REPLAYABLE.source],
  );
  return rows.map((row) => row.id);
}
