import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isoTime, unixTime, zonedTime } from "../../src/provider/time.ts";

/** Every moment that a provider may honestly tell. */
const moment = fc.date({
  min: new Date("2000-01-01T00:00:00.000Z"),
  max: new Date("2199-12-31T23:59:59.999Z"),
  noInvalidDate: true,
});
const anything = fc.oneof(fc.anything(), fc.string({ unit: "binary" }), fc.double(), fc.bigInt());
const soundOrNull = (time: Date | null) => time === null || !Number.isNaN(time.getTime());

describe("unix time", () => {
  it.each<[unknown, string]>([
    [1740300700, "2025-02-23T08:51:40.000Z"],
    ["1740300700", "2025-02-23T08:51:40.000Z"],
    ["01740300700", "2025-02-23T08:51:40.000Z"],
    [1740300700.25, "2025-02-23T08:51:40.250Z"],
    [1740300700123, "2025-02-23T08:51:40.123Z"],
    ["1740300700123", "2025-02-23T08:51:40.123Z"],
    [946684800, "2000-01-01T00:00:00.000Z"],
    [7258118399, "2199-12-31T23:59:59.000Z"],
  ])("reads %j", (value, time) => {
    expect(unixTime(value)?.toISOString()).toBe(time);
  });

  it.each([
    ...[0, -1, 1, 946684799, 7258118400, 99_999_999_999, 100_000_000_000, 1740300700000000, 1e300],
    ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ...[
      "",
      " ",
      "now",
      "-1740300700",
      "1740300700.5",
      " 1740300700",
      "1.7403007e9",
      "0x67badeea",
      "1740300700000000",
      "9".repeat(20),
    ],
    ...[null, undefined, true, [], [1740300700], {}, new Date(1740300700000), 1740300700n],
  ])("does not guess at %s", (value) => {
    expect(unixTime(value)).toBeNull();
  });

  it("reads seconds and milliseconds alike, as number and as digits", () => {
    fc.assert(
      fc.property(moment, (time) => {
        const ms = time.getTime();
        const seconds = Math.floor(ms / 1000);
        for (const value of [ms, String(ms)]) expect(unixTime(value)?.getTime()).toBe(ms);
        for (const value of [seconds, String(seconds)]) expect(unixTime(value)?.getTime()).toBe(seconds * 1000);
      }),
      { seed: 1 },
    );
  });

  it("never throws and never makes a time that is none", () => {
    fc.assert(
      fc.property(anything, (value) => soundOrNull(unixTime(value))),
      { seed: 2 },
    );
  });
});

describe("ISO time", () => {
  it.each(["2026-02-30T10:00:00Z", "2026-04-31T10:00:00+05:30", "2025-02-29 10:00:00Z", "2026-00-10T10:00:00Z"])(
    "there is no day %s",
    (value) => {
      expect(isoTime(value)).toBeNull();
      expect(zonedTime(value.slice(0, 19), "+05:30")).toBeNull();
    },
  );

  it.each([
    ["2026-07-10T16:15:48Z", "2026-07-10T16:15:48.000Z"],
    ["2026-07-10t16:15:48z", "2026-07-10T16:15:48.000Z"],
    ["2026-07-10T16:15Z", "2026-07-10T16:15:00.000Z"],
    ["2026-07-10T16:15:48.1Z", "2026-07-10T16:15:48.100Z"],
    ["2026-07-10T16:15:48.000000Z", "2026-07-10T16:15:48.000Z"],
    ["2026-07-10T16:15:48.123999999+05:30", "2026-07-10T10:45:48.123Z"],
    ["2026-07-10T16:15:48-0400", "2026-07-10T20:15:48.000Z"],
    ["2026-07-10 16:15:48 +0530", "2026-07-10T10:45:48.000Z"],
    ["2026-07-10 16:15:48+00:00", "2026-07-10T16:15:48.000Z"],
    ["2026-01-01T02:00:00+05:30", "2025-12-31T20:30:00.000Z"],
    ["2024-02-29T10:00:00Z", "2024-02-29T10:00:00.000Z"],
    ["2000-01-01T00:00:00Z", "2000-01-01T00:00:00.000Z"],
    ["2199-12-31T23:59:59.999Z", "2199-12-31T23:59:59.999Z"],
  ])("reads %s", (value, time) => {
    expect(isoTime(value)?.toISOString()).toBe(time);
  });

  it.each([
    ...["2026-07-10T16:15:48", "2026-07-10 16:15:48", "2026-07-10", "2026-07-10Z"], // no zone, no time
    ...["2026-13-01T10:00:00Z", "2026-00-10T10:00:00Z", "2026-02-32T10:00:00Z", "2026-07-10T25:00:00Z", "2026-07-10T16:60:00Z"],
    ...["2026-07-10T16:15:48+99:99", "2026-07-10T16:15:48+5:30", "2026-07-10T16:15:48 IST", "2026-07-10T16:15:48.Z"],
    ...["1999-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "+002026-07-10T16:15:48Z"],
    ...["", "now", "10/07/2026 16:15", "Fri, 10 Jul 2026 16:15:48 GMT", " 2026-07-10T16:15:48Z", "1740300700"],
    ...[null, undefined, 1740300700, true, {}, ["2026-07-10T16:15:48Z"]],
  ])("does not guess at %j", (value) => {
    expect(isoTime(value)).toBeNull();
  });

  it("reads every moment, in any zone", () => {
    fc.assert(
      fc.property(moment, fc.integer({ min: -14 * 60, max: 14 * 60 }), fc.boolean(), (time, minutes, colon) => {
        const local = new Date(time.getTime() + minutes * 60_000);
        fc.pre(local.getUTCFullYear() <= 9999);
        const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((part) =>
          String(part).padStart(2, "0"),
        );
        const zone = `${minutes < 0 ? "-" : "+"}${hours}${colon ? ":" : ""}${rest}`;
        expect(isoTime(local.toISOString().replace("Z", zone))?.getTime()).toBe(time.getTime());
      }),
      { seed: 3 },
    );
  });

  it("never throws and never makes a time that is none", () => {
    const nearly = fc.tuple(moment, fc.nat(30), fc.string({ unit: "binary", maxLength: 3 })).map(([time, at, text]) => {
      const iso = time.toISOString();
      return iso.slice(0, at) + text + iso.slice(at + 1);
    });
    fc.assert(
      fc.property(fc.oneof(anything, nearly), (value) => soundOrNull(isoTime(value)) && soundOrNull(zonedTime(value, "+05:30"))),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe("time without a zone", () => {
  it.each([
    ["2026-07-10 16:15:48", "2026-07-10T10:45:48.000Z"],
    ["2026-07-10T16:15:48", "2026-07-10T10:45:48.000Z"],
    [" 2026-07-10 16:15:48\n", "2026-07-10T10:45:48.000Z"],
    ["2026-01-01 02:00:00.5", "2025-12-31T20:30:00.500Z"],
    ["2026-07-10 16:15", "2026-07-10T10:45:00.000Z"],
  ])("reads %j as its provider's", (value, time) => {
    expect(zonedTime(value, "+05:30")?.toISOString()).toBe(time);
  });

  it.each([
    ["2026-07-10T16:15:48Z", "2026-07-10T16:15:48.000Z"],
    ["2026-07-10T16:15:48-04:00", "2026-07-10T20:15:48.000Z"],
  ])("leaves its own zone to %s", (value, time) => {
    expect(zonedTime(value, "+05:30")?.toISOString()).toBe(time);
  });

  it.each(["", "2026-07-10", "16:15:48", "10-07-2026 16:15:48", "soon", null, undefined, 1740300700, {}])(
    "does not guess at %j",
    (value) => {
      expect(zonedTime(value, "+05:30")).toBeNull();
    },
  );
});
