import { isDeepStrictEqual } from "node:util";
import { buildEvent, type Event } from "../events/build.ts";
import { readId } from "../ids.ts";
import { type Found, resolveBy, type Work } from "../inbound/decide.ts";
import type { Draft } from "../provider/draft.ts";

/** The event that an item would be today, in the place of the one that it is. Where nothing says whose it is, it is whose it was. */
export function eventToday(work: Work, before: Event, found: Found): Event {
  const told = resolveBy(found, work.evidence);
  const workspace = told.workspace ?? before.workspace_id;
  const { context } = told.workspace ? told : resolveBy(found, work.evidence, { workspace, overrides: true });
  return {
    ...buildEvent(work.outcome as Draft, {
      ...{ eventId: readId("event", before.id) as string, callbackId: null, workspace, context },
      source: told.source ?? before.workspace_source,
      ...{ provider: work.providerName, dialect: work.dialect },
      // One that a resend brought home has the resend's time.
      receivedAt: Date.parse(before.received_at),
    }),
    callback_id: before.callback_id,
  };
}

/** Whether two events tell the same. What last-known state gave them depends on when they came, and is left out. */
export function tellTheSame(before: Event, after: Event, draft: Draft): boolean {
  const stated = "state" in draft && draft.state !== undefined;
  const telling = ({ name, variant, type, workspace_id, occurred_at, data, provider_data }: Event) => {
    const { changes, old_plan, new_plan, ...rest } = data;
    return { name, variant, type, workspace_id, occurred_at, data: stated ? rest : data, provider_data };
  };
  return isDeepStrictEqual(plain(telling(before)), plain(telling(after)));
}

/** As it is kept: without what JSON leaves out. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
