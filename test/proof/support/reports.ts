import type { Event } from "../../../src/events/build.ts";
import { ACME } from "../../support/fixtures.ts";

/** What the example provider reports of a message. */
export type Report = {
  id: string;
  message_id: string;
  status: "accepted" | "delivered" | "opened" | "hard_bounce";
  at: string;
  to: string;
  meta?: Record<string, string>;
};

const FIRST = Date.parse("2026-11-22T10:00:00Z");

/** @param number makes its time; `meta` is what says whose it is. */
export function report(message: string, status: Report["status"], number: number, meta: "echoed" | "none"): Report {
  return {
    id: `${message}/${status}`,
    message_id: message,
    status,
    at: new Date(FIRST + number).toISOString(),
    to: `${message}@example.com`,
    ...(meta === "echoed" && { meta: { homing_workspace_id: ACME, campaign_id: "spring", contact_id: `contact-${message}` } }),
  };
}

export function bodyOf(reports: Report[]): string {
  return JSON.stringify({ reports });
}

/** By which a report is found again in the log: its natural key, put together from what the event shows. */
export function keyOf(event: Event): string {
  return `${event.provider_data.message_id}/${event.provider_data.status}`;
}

/** Keys that the log has more than once. */
export function repeated(events: Event[]): string[] {
  const seen = new Set<string>();
  return events.map(keyOf).filter((key) => seen.size === seen.add(key).size);
}
