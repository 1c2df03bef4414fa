import type { Event } from "../../../src/events/build.ts";

/**
 * What is wrong with a stream beside the log that it was made from: "lost", "twice", "unknown" and "out of order", each with the event's id; nothing
 * where it holds each event exactly once, and of each workspace in the log's order.
 */
export function flaws(log: Pick<Event, "id" | "workspace_id">[], stream: { id: string }[]): string[] {
  const places = new Map(log.map((event, place) => [event.id, { place, workspace: event.workspace_id }]));
  const seen = new Set<string>();
  const lastOf = new Map<string, number>();
  const found: string[] = [];
  for (const { id } of stream) {
    const event = places.get(id);
    if (!event) found.push(`unknown ${id}`);
    else if (seen.has(id)) found.push(`twice ${id}`);
    else if (event.place < (lastOf.get(event.workspace) ?? -1)) found.push(`out of order ${id}`);
    if (event && !seen.has(id)) lastOf.set(event.workspace, event.place);
    seen.add(id);
  }
  for (const { id } of log) if (!seen.has(id)) found.push(`lost ${id}`);
  return found;
}
