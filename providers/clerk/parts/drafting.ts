import type { z } from "zod";
import { eachItem, type Metadata, type Outcome, type Reference, unixTime } from "#provider";
import type { Envelope, Holder, Payer } from "./payload.ts";

/** An envelope with its message's id, the same in every resend. */
export type Call = Envelope & { id: string };
export type Rule = (call: Call) => Outcome[];
/** What may be a reference, if it is there. */
export type Named = [kind: string, value: string | null | undefined, learn?: "forever" | "180d"];

export function rule<Data>(schema: z.ZodType<Data>, read: (data: Data, call: Call) => Outcome): Rule {
  return (call) => eachItem([call.data], schema, (data) => read(data, call));
}

const hasKeys = (value: unknown) => typeof value === "object" && value !== null && Object.keys(value).length > 0;

/** What our backend wrote. It belongs to a user or an organization: a message id in it is not this message's. */
export function metadataOf(where: string, holder: Holder | null | undefined): Metadata[] {
  return (["public_metadata", "private_metadata"] as const)
    .map((name): Metadata => ({ where: `${where}.${name}`, fields: holder?.[name], names: false }))
    .filter(({ fields }) => hasKeys(fields));
}

/** A blank would be everybody's id. */
const isId = (value: string | null | undefined): value is string => /[a-z0-9]/i.test(value ?? "");

/** The instance is our own account there: it may be told, and comes last. */
function referencesOf(call: Call, named: Named[]): Reference[] {
  const known = named.flatMap(([kind, value, learn]) => (isId(value) ? [{ kind, value, ...(learn && { learn }) }] : []));
  return isId(call.instance_id) ? [...known, { kind: "instance", value: call.instance_id, own: true }] : known;
}

/** Either of the two; the other one's id is an empty text. */
export const ofPayer = (payer: Payer): Named[] => [
  ["organization", payer?.organization_id, "forever"],
  ["user", payer?.user_id, "forever"],
];

/**
 * What every draft says.
 * @param times the most precise first; then the envelope's, which is in milliseconds, but in Clerk's examples in seconds.
 */
export function drafted(call: Call, times: unknown[], named: Named[], searchable: (string | null | undefined)[] = []) {
  return {
    key: call.id,
    occurredAt: [...times, call.timestamp].map(unixTime).find((time) => time !== null) ?? null,
    references: referencesOf(call, named),
    searchable: [call.id, ...searchable],
  };
}

export function teaches(call: Call, metadata: Metadata[], named: Named[]): Outcome {
  return { teaches: { metadata, references: referencesOf(call, named) } };
}
