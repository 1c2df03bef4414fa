import { type Query, sqlState } from "../db/client.ts";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { newId } from "../ids.ts";
import type { Finding } from "./finding.ts";
import type { EventToBe } from "./preview.ts";

/** What a replay of one callback came to. */
export type Replayed = Pick<Finding, "changed" | "gone" | "unchanged" | "waiting" | "taught" | "failed"> & {
  callback_id: string;
  /** What the callback is now. */
  status: string;
  reason: string | null;
  /** Emitted; on a dry run without ids. */
  added: EventToBe[];
};

/** Who asked for a replay, and what of: one alone, or one of many. */
export type Order = {
  by: string;
  /** The replay of many that it is part of. */
  replay: string | null;
  /** Runs in the transaction that writes. */
  finish?: (query: Query, counts: Counted) => Promise<void>;
};
export type Counted = { added: number; changed: number; gone: number; unchanged: number; waiting: number; failed: number };

/** What the database does not take today either is no failure of ours to answer. */
export function inWords(error: unknown): never {
  if (/^(22|23(?!505)|54)/.test(sqlState(error) ?? ""))
    throw new GatewayError("not_replayable", {
      message: "It can be read, but what it says cannot be stored as events. It stays as it was.",
      cause: error,
    });
  throw error;
}

/** What the traces tell of replays. */
export async function noteReplays(
  gateway: Gateway,
  query: Query,
  { by, replay }: Order,
  noted: ({ id: string } & Pick<Counted, "added" | "changed" | "gone" | "unchanged">)[],
): Promise<void> {
  if (noted.length === 0) return;
  const rows = noted.map(({ id, ...counts }) => ({ callback_id: id, id: newId(gateway.databaseClock.now()), ...counts }));
  await query(
    `insert into replayed (callback_id, id, done_by, replay_id, added, changed, gone, unchanged)
     select callback_id, id, $2, $3::uuid, added, changed, gone, unchanged from json_to_recordset($1::text::json)
       as r(callback_id uuid, id uuid, added int, changed int, gone int, unchanged int)`,
    [JSON.stringify(rows), by, replay],
  );
}
