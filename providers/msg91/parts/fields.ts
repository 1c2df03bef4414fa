import { z } from "zod";
import { losslessJson, type Metadata, unixTime, zonedTime } from "#provider";

/** MSG91 is Indian and writes most times without a zone. */
const INDIA = "+05:30";
/** What stands where there is nothing: its defaults, and a placeholder of the template that it did not fill in. */
const NOTHING = /^(?:0|null|\{\{.*\}\})?$/s;

/** A field's text, or `null` for what says nothing. */
export function present(value: unknown): string | null {
  const text =
    typeof value === "number" && Number.isFinite(value) ? String(value) : typeof value === "string" ? value.trim() : "";
  return NOTHING.test(text) ? null : text;
}

/** Templates are the customer's: every field may be missing, or hold anything. */
export const field = z.unknown().optional().transform(present);
export const anything = z.unknown().optional();

/** One report, or a list of them. */
export const reports = z.union([z.array(anything), z.record(z.string(), anything).transform((single) => [single])]);

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** MSG91 sends lists and objects as JSON inside a text; some were seen as they are. */
export function unfold(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return losslessJson(value);
  } catch {
    return value;
  }
}

/** A phone number as MSG91 mostly writes it: digits alone. What is none (masked, say) stays as it is. */
export function phone(value: string | null): string | null {
  const digits = value?.replace(/\D/g, "") ?? "";
  return digits.length >= 7 && /^\+?[\d\s().-]+$/.test(value ?? "") ? digits : value;
}

/** The first of several that is a time: with its zone, without one, or in unix seconds. */
export const timeIn = (...values: (string | null)[]): Date | null =>
  values.map((value) => zonedTime(value, INDIA) ?? unixTime(value)).find((time) => time !== null) ?? null;

/** What we sent and it may echo: `CRQID` is the one field that all products echo, under two spellings. */
export const echo = {
  ...{ variables: anything, homing_workspace_id: anything, workspace_id: anything },
  ...{ message_id: anything, campaign_id: anything, contact_id: anything },
  ...{ CRQID: field, crqid: field },
  dryRun: anything,
};
const echoed = z.object(echo);
export type Echo = z.infer<typeof echoed>;
const ours = ["homing_workspace_id", "workspace_id", "message_id", "campaign_id", "contact_id"] as const;

function named(object: unknown): Record<string, string> {
  if (!isObject(object)) return {};
  return Object.fromEntries(
    ours.flatMap((name): [string, string][] => {
      const value = Object.hasOwn(object, name) ? present(object[name]) : null;
      return value ? [[name, value]] : [];
    }),
  );
}

/** @param meta where one layout carries the `CRQID`. */
export function metadataOf(item: Echo, meta: string | null = null): Metadata[] {
  return [
    { where: "variables", fields: named(unfold(item.variables)) },
    { where: "body", fields: named(item) },
    { where: "CRQID", fields: item.CRQID ?? {} },
    { where: "crqid", fields: item.crqid ?? {} },
    { where: "meta", fields: meta ?? {} },
  ].filter(({ fields }) => Object.keys(fields).length > 0);
}

/** "Test Run" in its dashboard: seen with this flag and this sample value, in no documentation. */
export const isTestRun = ({ dryRun, CRQID, crqid }: Echo): boolean =>
  dryRun === true || dryRun === "true" || (CRQID ?? crqid) === "testing_crqid";
