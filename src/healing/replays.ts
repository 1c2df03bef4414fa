import { soughtBy } from "../api/callbacks.ts";
import { noteBy } from "../api/http.ts";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { newId, readId, showId } from "../ids.ts";

/** Which callbacks: as GET /v1/callbacks finds them. `since` in milliseconds. */
export type Filter = {
  status?: string | undefined;
  provider?: string | undefined;
  workspace_id?: string | undefined;
  reference?: string | undefined;
  since?: number | undefined;
  q?: string | undefined;
};

type Row = {
  id: string;
  filter: string;
  dry_run: boolean;
  state: string;
  error: string | null;
  started_by: string;
  created_at: Date;
  ended_at: Date | null;
  looked_at: number;
  added: number;
  changed: number;
  gone: number;
  unchanged: number;
  waiting: number;
  failed: number;
  still_rejected: number;
};

const columns =
  "id, filter, dry_run, state, error, started_by, created_at, ended_at, looked_at, added, changed, gone, unchanged, waiting, failed, still_rejected";

/** A replay of many as it is told: what was asked for, and how far it has come. */
export type Replays = ReturnType<typeof show>;

function show({ id, filter, created_at, ended_at, ...row }: Row) {
  return {
    ...{ id: showId("replay", id), ...row, filter: JSON.parse(filter) as Record<string, string> },
    ...{ created_at: created_at.toISOString(), ended_at: ended_at?.toISOString() ?? null },
  };
}

/**
 * Begins to replay everything that came until now and fits, oldest first, in the background: in slices, and on where it stopped after a restart.
 * @throws GatewayError `invalid` where the filter would take everything, or cannot be asked of refused ones.
 */
export async function startReplays(
  gateway: Gateway,
  by: { name: string },
  filter: Filter,
  { dryRun }: { dryRun: boolean },
): Promise<Replays> {
  if (Object.values(filter).every((value) => value === undefined))
    throw new GatewayError("invalid", { fields: { filter: "would take everything: say since when, at least" } });
  if (filter.status === "rejected" && (filter.q ?? filter.reference ?? filter.workspace_id) !== undefined)
    throw new GatewayError("invalid", { fields: { filter: "refused ones are found by provider and since alone" } });
  const { id: callbackId, terms } = await soughtBy(gateway, filter);
  const id = newId(gateway.databaseClock.now());
  const row = await gateway.database.transaction(async (query) => {
    const [row] = await query<Row>(
      `insert into replays (id, filter, terms, callback_id, dry_run, started_by, before)
       values ($1, $2, $3::text::bigint[], $4, $5, $6, $1) returning ${columns}`,
      [id, JSON.stringify(shown(filter)), `{${terms.join(",")}}`, callbackId, dryRun, by.name],
    );
    const after = { filter: shown(filter), dry_run: dryRun };
    await noteBy(gateway, by, [{ action: "replay.started", object: showId("replay", id), after }], query);
    return row as Row;
  });
  gateway.replayer.wake();
  return show(row);
}

/** As it is kept. Whoever was looked for by an address or a number is looked for by its keyed hash, and does not stand here. */
function shown({ since, q, ...filter }: Filter): Record<string, string | undefined> {
  const isPerson = q !== undefined && /@|^\+?[\d\s().-]{7,20}$/.test(q.trim());
  return {
    ...filter,
    ...(since !== undefined && { since: new Date(since).toISOString() }),
    ...(q !== undefined && { q: isPerson ? "…" : q }),
  };
}

/** How far it has come. @throws GatewayError `not_found` */
export async function readReplays(gateway: Gateway, shownId: string): Promise<Replays> {
  const id = readId("replay", shownId);
  const [row] = id ? await gateway.database.query<Row>(`select ${columns} from replays where id = $1`, [id]) : [];
  if (!row) throw new GatewayError("not_found");
  return show(row);
}

/** Stops it; what it has emitted stays emitted. May be repeated. @throws GatewayError `not_found` */
export async function cancelReplays(gateway: Gateway, by: { name: string }, shownId: string): Promise<void> {
  const before = await readReplays(gateway, shownId);
  await gateway.database.transaction(async (query) => {
    const [row] = await query<Row>(
      `update replays set state = 'cancelled', ended_at = now(), lease = null, lease_until = null
       where id = $1 and state = 'running' returning ${columns}`,
      [readId("replay", shownId)],
    );
    if (row) await noteBy(gateway, by, [{ action: "replay.cancelled", object: before.id, before, after: show(row) }], query);
  });
}
