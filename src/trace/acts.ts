import type { Query } from "../db/client.ts";
import { firstIdOf, showId, timeOf } from "../ids.ts";
import { personOf } from "./names.ts";
import { at, type Sentence, tell, words } from "./sentence.ts";

/** What a person did; `on` names what it was done to, where that is not the page's own thing. */
export type Act = { at: string; token: string; action: string; on: string | null; before: unknown };

const DONE: Readonly<Record<string, string>> = {
  "callback.body_read": "read the body",
  "item.assigned": "assigned it",
  "item.dismissed": "put it aside",
  "callback.replayed": "replayed it",
  "callback.brought_in": "replayed it: it had been refused, and was taken",
  "binding.added": "bound it",
  "binding.replaced": "bound it anew",
  "binding.removed": "removed the binding",
  "dispatch.retried": "tried it again",
  "endpoint.created": "made it",
  "endpoint.changed": "changed it",
  "endpoint.deleted": "deleted it",
  "endpoint.tested": "tested it",
  "endpoint.secret_rotated": "made a new secret for it",
  "endpoint.dead_retried": "tried again what was given up",
  "dispatch.removed": "removed it",
  "callback_url.rotated": "made a new URL for it",
  "workspace.registered": "registered it",
  "workspace.renamed": "renamed it",
  "workspace.closed": "closed it",
  "workspace.opened": "opened it again",
  "secrets.set": "set its secrets",
  "secrets.rewrapped": "encrypted them anew",
  "token.created": "made it",
  "token.revoked": "revoked it",
  "replay.started": "started it",
  "replay.cancelled": "stopped it",
};

/** What a person did, as one says it. */
export function doing(action: string): string {
  return DONE[action] ?? action.replaceAll(/[._]/g, " ");
}

/** `15:42:07 Meera tried ERP again`. */
export function actSentence({ at: moment, token, action, on }: Omit<Act, "before">): Sentence {
  const done = on === null ? tell`${doing(action)}` : doneTo(action, on);
  return tell`${at(moment)} ${words(personOf(token))} ${done}`;
}

const doneTo = (action: string, on: string) =>
  action === "dispatch.retried" ? tell`tried ${words(on)} again` : tell`${doing(action)} (${words(on)})`;

const MOST_ACTS = 50;
/** Clocks of several processes are not quite the same. */
const CLOCKS_MS = 60_000;

/**
 * What people did to a callback and to the webhooks that it led to, newest first. Nobody can have acted before it came.
 * @param dispatches each by its shown id, with its endpoint's name.
 */
export async function readActs(query: Query, callback: string, dispatches: ReadonlyMap<string, string>): Promise<Act[]> {
  const objects = [showId("callback", callback), ...dispatches.keys()];
  const rows = await query<{ at: Date; token: string; action: string; object: string; before: string | null }>(
    `select created_at as at, token, action, object, before from audit
     where object = any(array(select json_array_elements_text($1::text::json))) and id >= $2 order by id desc limit ${MOST_ACTS}`,
    [JSON.stringify(objects), firstIdOf(timeOf(callback) - CLOCKS_MS)],
  );
  return rows.map(({ at, object, before, ...row }) => ({
    ...{ ...row, at: at.toISOString(), on: dispatches.get(object) ?? null },
    before: before && JSON.parse(before),
  }));
}

/** With which code a callback had been refused that is taken since. */
export function refusalOf(acts: readonly Act[]): string | null {
  const act = acts.find((one) => one.action === "callback.brought_in");
  return act ? ((act.before as { reason?: string } | null)?.reason ?? null) : null;
}
