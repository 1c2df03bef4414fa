const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(2200, 0, 1);

function within(ms: number): Date | null {
  return ms >= EARLIEST && ms < LATEST ? new Date(ms) : null;
}

/** Unix seconds as a number or as digits; 12 digits and more are taken for milliseconds. `null` for anything else. */
export function unixTime(value: unknown): Date | null {
  const number = typeof value === "number" ? value : typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : NaN;
  return within(number >= 1e11 ? number : number * 1000);
}

/** Whether a text begins with a day that there is: `Date.parse` makes 2 March of 30 February. */
function isDay(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split("-").map(Number);
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
}

/** An ISO 8601 time that names its zone (`Z`, `+05:30`, `-0400`), in any precision. `null` without one, or for anything else. */
export function isoTime(value: unknown): Date | null {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d:?\d\d)$/i.test(value))
    return null;
  if (!isDay(value)) return null;
  return within(
    Date.parse(
      value
        .replace(" ", "T")
        .replace(/(\.\d{3})\d+/, "$1")
        .replace(/\s/, ""),
    ),
  );
}

/** A time without a zone, read in the provider's `zone` (`"+05:30"`); one that names its zone keeps it. */
export function zonedTime(value: unknown, zone: `${"+" | "-"}${number}:${number}`): Date | null {
  if (typeof value !== "string") return null;
  return isoTime(value) ?? isoTime(value.trim() + zone);
}
