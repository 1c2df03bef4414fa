import type { Event } from "./build.ts";

/** How far a message has come; the highest seen counts, in any order of arrival (CONTRACT §5). */
const RANKS: Readonly<Record<string, number>> = {
  sent: 1,
  failed: 2,
  bounced: 2,
  delivered: 3,
  opened: 4,
  read: 4,
  clicked: 5,
  replied: 6,
};
const ENGAGED = 4;

/** What the lattice reads of a delivery event. */
export type Report = { status: string; occurredAt: string; machine: boolean; channel: string };
export type MessageState = { state: string; at: string } | null;

export function reportOf(event: Event): Report {
  const [channel = "", status = ""] = event.variant?.split(".") ?? [];
  return { channel, status, occurredAt: event.occurred_at, machine: event.data.machine === true };
}

/**
 * The present state of a message from all that was reported of it, in whatever order. A machine's open lifts nothing and is no engagement;
 * an e-mail that bounced after it was delivered is bounced, unless somebody engaged with it. Equal rank: the later one.
 */
export function stateOf(reports: Report[]): MessageState {
  const counted = reports.filter((report) => RANKS[report.status] && !(report.status === "opened" && report.machine));
  const engaged = counted.some((report) => rank(report) >= ENGAGED);
  const lastDelivery = latest(counted.filter((report) => report.status === "delivered"));
  const lateBounce = latest(counted.filter((report) => report.status === "bounced" && report.channel === "email"));
  if (!engaged && lateBounce && lastDelivery && lateBounce.occurredAt > lastDelivery.occurredAt) {
    return { state: "bounced", at: lateBounce.occurredAt };
  }
  const highest = Math.max(0, ...counted.map(rank));
  const top = latest(counted.filter((report) => rank(report) === highest));
  return top ? { state: top.status, at: top.occurredAt } : null;
}

/** Marks beside the state. */
export function marksOf(reports: Report[]): string[] {
  return ["complained", "unsubscribed"].filter((mark) => reports.some((report) => report.status === mark));
}

function rank(report: Report): number {
  return RANKS[report.status] ?? 0;
}

/** The last to happen; of several in the same millisecond the one whose name sorts last, so that the order of arrival does not matter. */
function latest(reports: Report[]): Report | undefined {
  return reports.reduce<Report | undefined>((last, report) => {
    if (!last) return report;
    return report.occurredAt + report.status > last.occurredAt + last.status ? report : last;
  }, undefined);
}
