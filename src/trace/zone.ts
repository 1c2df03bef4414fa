/** A time zone in which people are told times. It is always named. */
export type Zone = { name: string; parts: Intl.DateTimeFormat; labels: Intl.DateTimeFormat[] };

const zones = new Map<string, Zone>();
/** Short names of zones are spoken where they are used: "IST" is one in India's English alone. */
const ENGLISH = ["en-US", "en-GB", "en-IN", "en-AU"];

/** The zone of that name; null where there is none. */
export function zoneOf(name: string): Zone | null {
  const known = zones.get(name);
  if (known) return known;
  try {
    const parts = new Intl.DateTimeFormat("en-GB", {
      ...{ timeZone: name, hourCycle: "h23", weekday: "long", year: "numeric", month: "long", day: "numeric" },
      ...{ hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 },
    });
    const labels = ENGLISH.map((locale) => new Intl.DateTimeFormat(locale, { timeZone: name, timeZoneName: "short" }));
    const zone = { name, parts, labels };
    zones.set(name, zone);
    return zone;
  } catch {
    return null;
  }
}

export const UTC = zoneOf("UTC") as Zone;

/** `IST`, `CEST`, or `GMT+7` where no English has a word for it. */
export function zoneLabel(zone: Zone, moment: number | string): string {
  const date = new Date(moment);
  const names = zone.labels.map((format) => format.formatToParts(date).find((part) => part.type === "timeZoneName")?.value ?? "");
  return names.find((name) => !/^(GMT|UTC)[+-]/.test(name)) ?? names[0] ?? zone.name;
}

type Read = { [part in "weekday" | "year" | "month" | "day" | "hour" | "minute" | "second" | "fractionalSecond"]: string };

function read(moment: number | string, zone: Zone): Read {
  return Object.fromEntries(zone.parts.formatToParts(new Date(moment)).map((part) => [part.type, part.value])) as Read;
}

/** `22 Nov 2026 ` before a time of another day; nothing before one of today. */
function dayBefore(moment: number | string, zone: Zone, now: number): string {
  const [one, today] = [read(moment, zone), read(now, zone)];
  if (one.year !== today.year) return `${one.day} ${one.month.slice(0, 3)} ${one.year}, `;
  return one.day === today.day && one.month === today.month ? "" : `${one.day} ${one.month.slice(0, 3)}, `;
}

/** `15:42:07`; of another day `21 Nov, 15:42:07`. */
export function clock(moment: number | string, zone: Zone, now: number): string {
  const { hour, minute: minutes, second } = read(moment, zone);
  return `${dayBefore(moment, zone, now)}${hour}:${minutes}:${second}`;
}

/** `15:42`; of another day `21 Nov, 15:42`. */
export function minute(moment: number | string, zone: Zone, now: number): string {
  const { hour, minute: minutes } = read(moment, zone);
  return `${dayBefore(moment, zone, now)}${hour}:${minutes}`;
}

/** `22 November`, as one says it to a customer. */
export function day(moment: number | string, zone: Zone): string {
  const { day: number, month } = read(moment, zone);
  return `${number} ${month}`;
}

/** `22 Nov 2026 15:42:07.412`. */
export function exact(moment: number | string, zone: Zone): string {
  const { year, month, day: number, hour, minute: minutes, second, fractionalSecond } = read(moment, zone);
  return `${number} ${month.slice(0, 3)} ${year} ${hour}:${minutes}:${second}.${fractionalSecond}`;
}

/** `15:42:07.412`. */
export function exactClock(moment: number | string, zone: Zone): string {
  const { hour, minute: minutes, second, fractionalSecond } = read(moment, zone);
  return `${hour}:${minutes}:${second}.${fractionalSecond}`;
}

/** `Sunday 22 November 2026, 15:58`. */
export function wholeDay(moment: number | string, zone: Zone): string {
  const { weekday, day: number, month, year, hour, minute: minutes } = read(moment, zone);
  return `${weekday} ${number} ${month} ${year}, ${hour}:${minutes}`;
}

const STEPS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
] as const;

/** How long, in its two largest units: `2 h 53 min`, `29 s`. */
export function lasting(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const first = STEPS.findIndex(([, size]) => ms >= size);
  const [unit, size] = STEPS[first] as (typeof STEPS)[number];
  const next = STEPS[first + 1];
  const rest = next ? Math.floor((ms % size) / next[1]) : 0;
  return `${Math.floor(ms / size)} ${unit}${next && rest > 0 ? ` ${rest} ${next[0]}` : ""}`;
}

/** How long ago: `now`, `8 s ago`, `46 min ago`. */
export function ago(moment: number | string, now: number): string {
  const ms = now - new Date(moment).getTime();
  const size = STEPS.find(([, one]) => ms >= one);
  return size ? `${Math.floor(ms / size[1])} ${size[0]} ago` : "now";
}
