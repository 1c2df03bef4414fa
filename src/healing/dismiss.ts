import { type Change, noteBy, type Principal } from "../api/http.ts";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { showId } from "../ids.ts";
import { settle } from "../inbound/commit.ts";
import { type WaitingRow, waitingColumns } from "../inbound/heal.ts";
import { Plan, write } from "../inbound/write.ts";
import { breathe } from "./breathe.ts";
import { fingerprint, mustHold } from "./fingerprint.ts";
import { type Chosen, choose, countChosen, nameOf, pagesOf, type Selection } from "./selection.ts";

/** Nothing of this is emitted: `emitted` and `events` are there because an assignment answers them. */
export type Dismissed = { dismissed: number; remaining: number; emitted: 0; events: []; preview: string };

const SLICE = 200;

/** What `dismiss` would do. Reads only, and locks nothing. */
export async function previewDismiss(gateway: Gateway, selection: Selection): Promise<Dismissed> {
  const { count, preview } = await look(gateway, await choose(gateway, selection));
  return { dismissed: count, remaining: 0, emitted: 0, events: [], preview };
}

/**
 * Puts what waits aside: it leaves the queue and is emitted by nothing that becomes known later. The guard keeps its key, so that a resend is a
 * duplicate and does not wait anew; only one that says by then whose it is comes home, as any callback does.
 * @throws GatewayError `preview_changed` where the preview that came along no longer holds: then nothing happened.
 */
export async function dismiss(
  gateway: Gateway,
  by: Principal,
  selection: Selection & { preview?: string | undefined },
): Promise<Dismissed> {
  const chosen = await choose(gateway, selection);
  const { newest, preview } = await look(gateway, chosen);
  if (selection.preview !== undefined) mustHold(selection.preview, preview);
  if (newest === null)
    throw new GatewayError("conflict", {
      message:
        chosen.by === "reference" ? `Nothing waits with ${nameOf(chosen)} (any more).` : "None of these items waits (any more).",
    });
  let dismissed = 0;
  await gateway.healer.place(async (signal) => {
    for await (const ids of pagesOf(gateway, chosen, newest)) {
      for (let at = 0; at < ids.length && !signal.aborted; at += SLICE) {
        dismissed += await dismissSlice(gateway, by, ids.slice(at, at + SLICE));
        await breathe();
      }
    }
  });
  const { count: remaining } = await countChosen(gateway, chosen);
  return { dismissed, remaining, emitted: 0, events: [], preview };
}

async function look(gateway: Gateway, chosen: Chosen): Promise<{ count: number; newest: string | null; preview: string }> {
  const { count, newest, mark } = await countChosen(gateway, chosen);
  const meant = chosen.by === "reference" ? [chosen.adapter, chosen.column] : chosen.ids;
  return { count, newest, preview: fingerprint(count, ["dismiss", meant, mark]) };
}

async function dismissSlice(gateway: Gateway, by: Principal, ids: string[]): Promise<number> {
  return settle(() =>
    gateway.database.transaction(async (query) => {
      const rows = await query<WaitingRow>(
        `select ${waitingColumns} from waiting
         where id = any(array(select json_array_elements_text($1::text::json)::uuid)) order by id for update`,
        [JSON.stringify(ids)],
      );
      const plan = new Plan(gateway.epoch);
      plan.returned = rows.map((row) => ({
        ...{ waiting_id: row.id, verdict: "dismissed", reason: null, event_id: null, workspace_id: null, workspace_term: null },
        ...{ cause: "dismissed", done_by: by.name, ways: [] },
      }));
      await write(query, plan);
      await noteBy(gateway, by, rows.map(changeOf), query);
      return rows.length;
    }),
  );
}

/** Each under its callback, where its trace finds it. */
function changeOf({ callback_id, item, reason }: WaitingRow): Change {
  return {
    action: "item.dismissed",
    object: showId("callback", callback_id),
    before: { index: item, verdict: "waiting", reason },
    after: { index: item, verdict: "dismissed" },
  };
}
