import { z } from "zod";
import { workspaceId } from "../inbound/resolve.ts";

/** A workspace id: a UUID (kept in lower case) or `__org__`. */
export const workspaceField = z.string().transform((value, context) => {
  const id = workspaceId(value);
  if (!id) context.addIssue({ code: "custom", message: "must be a UUID or __org__" });
  return id ?? z.NEVER;
});

export const limitField = z.coerce.number().int().min(1).max(500).default(100);

/** What every list takes. `after`: the `next` of the page before. */
export const listQuery = z.object({ after: z.string().optional(), limit: limitField });

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const YEAR_10000 = Date.UTC(10_000, 0);

/** A time, or how long ago: `15m`, `24h`, `7d`. Milliseconds. */
export const sinceField = z.string().transform((value, context) => {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(value) ?? [];
  const at = count && unit ? Date.now() - Number(count) * UNITS[unit as keyof typeof UNITS] : Date.parse(value);
  if (!(at < YEAR_10000)) context.addIssue({ code: "custom", message: "must be a time, or how long ago: 15m, 24h, 7d" });
  return at;
});

export const text = (longest: number) => z.string().trim().min(1).max(longest);
