import type { CallbackStatus } from "../inbound/record.ts";
import type { Way } from "../inbound/resolve.ts";
import { explainWay } from "./explain.ts";
import type { readTrace } from "./trace.ts";

type Trace = NonNullable<Awaited<ReturnType<typeof readTrace>>>;
type Item = Trace["items"][number];

/** What waits and what could not be read is nobody's yet; what is left is its workspace's. */
function isOwn(item: Item, workspace: string): boolean {
  return item.workspace_id === workspace && item.verdict !== "waiting" && item.verdict !== "failed";
}

/** Whether a way named another workspace: then the item came home in spite of that, and what was sent says so, too. */
function namesAnother(way: Way, workspace: string): boolean {
  const named = [way.answer, way.objection, ...(way.way === "path" ? way.looked_at.map((one) => one.value) : [])];
  return named.some((one) => one !== null && one !== workspace);
}

function ownWay(way: Way, workspace: string) {
  if (namesAnother(way, workspace)) way = { way: way.way, looked_at: [], answer: null, objection: null };
  const looked_at = way.looked_at.map(({ found, ...one }) => (found === workspace ? { ...one, found } : one));
  return { ...way, looked_at, explanation: explainWay({ ...way, looked_at }) };
}

/** What may become of the items that a workspace sees. */
export const ownStatuses = ["accepted", "duplicate", "ignored"] as const satisfies CallbackStatus[];

/**
 * A callback as one workspace may see it: its own items alone, and what was sent only where every item is its own and names no other
 * workspace; null where none is. Nothing of another workspace is left, not even how many items there were.
 */
export function ownTrace(trace: Trace, workspace: string) {
  const items = trace.items.filter((item) => isOwn(item, workspace));
  if (items.length === 0) return null;
  const named = items.some((item) => item.ways.some((way) => namesAnother(way, workspace)));
  const whole = items.length === trace.items.length && !named;
  const count = (...verdicts: string[]) => items.filter((item) => verdicts.includes(item.verdict)).length;
  const counts = {
    ...{ events: count("event"), taught: count("taught"), unmatched: 0, duplicates: count("duplicate") },
    ...{ ignored: count("ignored"), failed: 0, dismissed: 0 },
  };
  const status: (typeof ownStatuses)[number] =
    counts.events + counts.taught > 0 ? "accepted" : counts.duplicates > 0 ? "duplicate" : "ignored";
  const { id, provider, dialect, received_at, verification } = trace;
  // Named one by one: what a trace comes to hold later is not a workspace's before somebody has thought of it.
  return {
    ...{ id, provider, dialect, received_at, status, verification },
    reason: whole ? trace.reason : null,
    size: whole ? trace.size : null,
    ...counts,
    request: whole
      ? trace.request
      : { ...trace.request, path: null, ip: null, headers: {}, body: null, body_encoding: "not shown", hidden: [], removed: [] },
    items: items.map((item, position) => ({
      ...item,
      // Its place in the batch would tell how many others there are.
      index: whole ? item.index : position,
      // Who of the staff did it is no customer's affair.
      ...(item.healed && { healed: { cause: item.healed.cause, at: item.healed.at, by: null } }),
      ways: item.ways.map((way) => ownWay(way, workspace)),
    })),
    learned: trace.learned.filter((binding) => binding.workspace_id === workspace && !("other_workspace_id" in binding)),
    steps_ms: whole ? trace.steps_ms : {},
    first_status: whole ? trace.first_status : status,
    replays: [],
  };
}

/** The line of a list for `ownTrace`. */
export function ownLine({
  id,
  provider,
  dialect,
  received_at,
  status,
  reason,
  size,
  ...rest
}: NonNullable<ReturnType<typeof ownTrace>>) {
  const { events, taught, unmatched, duplicates, ignored, failed, dismissed } = rest;
  return {
    ...{ id, provider, dialect, received_at, status, reason, size },
    ...{ events, taught, unmatched, duplicates, ignored, failed, dismissed },
  };
}
