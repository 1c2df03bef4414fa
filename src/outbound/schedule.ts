/** What became of one attempt, as far as the schedule cares. */
export type Outcome = { ok: boolean; status: number | null; retryAfterMs: number | null };

/** What follows an attempt. `counts`: it used up one of the seven. */
export type Next =
  | { state: "succeeded" }
  | { state: "retrying"; delayMs: number; counts: boolean }
  | { state: "dead" }
  /** 410: the endpoint wants no more; its dispatches are held. */
  | { state: "held"; disables: true };

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How long after each failed attempt the next one comes (CONTRACT §7), before 0–10 % of jitter. */
export const DELAYS_MS = [30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR];
export const MOST_ATTEMPTS = DELAYS_MS.length + 1;
const LONGEST_RETRY_AFTER_MS = 24 * HOUR;
const JITTER = 0.1;

/** Failures in a row after which an endpoint's circuit opens, and how often its oldest dispatch is then tried. */
export const CIRCUIT_FAILURES = 10;
export const PROBE_EVERY_MS = MINUTE;

/**
 * What follows an attempt. Pure.
 * @param attempts how many were counted before this one.
 * @param probe whether it was the one try a minute of an endpoint that does not answer: that uses no attempt.
 * @param random 0 to 1, for the jitter.
 */
export function next(outcome: Outcome, attempts: number, probe: boolean, random: number): Next {
  if (outcome.ok) return { state: "succeeded" };
  if (outcome.status === 410) return { state: "held", disables: true };
  const jittered = (ms: number) => Math.round(ms * (1 + JITTER * random));
  if (probe) return { state: "retrying", delayMs: jittered(PROBE_EVERY_MS), counts: false };
  const scheduled = DELAYS_MS[attempts];
  if (scheduled === undefined) return { state: "dead" };
  const asked = outcome.status === 429 || outcome.status === 503 ? outcome.retryAfterMs : null;
  return {
    state: "retrying",
    delayMs: jittered(asked === null ? scheduled : Math.min(Math.max(asked, SECOND), LONGEST_RETRY_AFTER_MS)),
    counts: true,
  };
}

/** `Retry-After` in milliseconds: seconds or a date (RFC 9110 §10.2.3); null for anything else. */
export function retryAfter(header: string | undefined, now: number): number | null {
  if (!header) return null;
  const value = header.trim();
  if (/^\d{1,9}$/.test(value)) return Number(value) * SECOND;
  const at = /[a-z]{3}/i.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
