import { describe, expect, it } from "vitest";
import { DELAYS_MS, MOST_ATTEMPTS, next, type Outcome, retryAfter } from "../../src/outbound/schedule.ts";

const NOW = Date.parse("2026-11-22T10:00:00Z");
const answered = (status: number, retryAfterMs: number | null = null): Outcome => ({
  ...{ ok: status >= 200 && status < 300, status, retryAfterMs },
});
const unreached: Outcome = { ok: false, status: null, retryAfterMs: null };
const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000];

describe("after a failed attempt", () => {
  const times = [
    { attempt: 1, after: 30 * SECOND, at: "10:00:30" },
    { attempt: 2, after: 2 * MINUTE, at: "10:02:30" },
    { attempt: 3, after: 10 * MINUTE, at: "10:12:30" },
    { attempt: 4, after: HOUR, at: "11:12:30" },
    { attempt: 5, after: 6 * HOUR, at: "17:12:30" },
    { attempt: 6, after: 24 * HOUR, at: "17:12:30" },
  ];

  it.each(times)("number $attempt, the next one comes $after ms later", ({ attempt, after }) => {
    for (const outcome of [unreached, answered(500), answered(302), answered(404)]) {
      expect(next(outcome, attempt - 1, false, 0)).toEqual({ state: "retrying", delayMs: after, counts: true });
      expect(next(outcome, attempt - 1, false, 1)).toEqual({ state: "retrying", delayMs: Math.round(after * 1.1), counts: true });
    }
  });

  it("the seventh was the last, 31 hours after the first", () => {
    expect(MOST_ATTEMPTS).toBe(7);
    expect(next(answered(500), 6, false, 0.5)).toEqual({ state: "dead" });
    let clock = NOW;
    const shown = times.map(({ attempt }) => {
      const follows = next(unreached, attempt - 1, false, 0);
      clock += follows.state === "retrying" ? follows.delayMs : Number.NaN;
      return new Date(clock).toISOString().slice(11, 19);
    });
    expect(shown).toEqual(times.map(({ at }) => at));
    expect(DELAYS_MS.reduce((sum, delay) => sum + delay, 0)).toBe(31 * HOUR + 12.5 * MINUTE);
  });

  it("the seventh may be the one that is accepted", () => {
    expect(next(answered(204), 6, false, 0)).toEqual({ state: "succeeded" });
  });
});

describe("what the receiver asks for", () => {
  it.each([429, 503])("is honoured with %i, and the attempt counts", (status) => {
    expect(next(answered(status, 120 * SECOND), 0, false, 0)).toEqual({ state: "retrying", delayMs: 120 * SECOND, counts: true });
    expect(next(answered(status, 5 * SECOND), 4, false, 0)).toEqual({ state: "retrying", delayMs: 5 * SECOND, counts: true });
    expect(next(answered(status, 0), 0, false, 0)).toEqual({ state: "retrying", delayMs: SECOND, counts: true });
    expect(next(answered(status, 120 * SECOND), 6, false, 0)).toEqual({ state: "dead" });
  });

  it("is honoured up to 24 hours", () => {
    expect(next(answered(429, 90 * HOUR), 0, false, 0)).toEqual({ state: "retrying", delayMs: 24 * HOUR, counts: true });
  });

  it("is not looked at with another status", () => {
    expect(next(answered(500, 120 * SECOND), 0, false, 0)).toMatchObject({ delayMs: 30 * SECOND });
  });

  it.each([
    ["120", 120 * SECOND],
    [" 7 ", 7 * SECOND],
    ["Sun, 22 Nov 2026 10:00:30 GMT", 30 * SECOND],
    ["Sun, 22 Nov 2026 09:00:00 GMT", 0],
    ["-5", null],
    ["1e3", null],
    ["soon", null],
    ["", null],
    [undefined, null],
    ["99999999999999", null],
  ])("reads Retry-After %j as %j ms", (header, ms) => {
    expect(retryAfter(header, NOW)).toBe(ms);
  });
});

describe("410", () => {
  it("switches the endpoint off", () => {
    for (const attempts of [0, 6]) expect(next(answered(410), attempts, false, 0)).toEqual({ state: "held", disables: true });
  });
});

describe("the one try a minute of an endpoint that does not answer", () => {
  it("uses no attempt", () => {
    for (const attempts of [0, 3, 6])
      expect(next(unreached, attempts, true, 0)).toEqual({ state: "retrying", delayMs: MINUTE, counts: false });
    expect(next(answered(200), 6, true, 0)).toEqual({ state: "succeeded" });
  });
});
