import type { JsonObject, Outcome, Reference } from "#provider";
import { present, reference } from "./reading.ts";

/** What Square's envelope tells. `subject`: the id of what it is about. */
export type Call = {
  type: string;
  event: string;
  merchant: string | null;
  at: Date | null;
  subject: string | null;
  /** Its sandbox. */
  test: boolean;
};

/** Reads the envelope's `data.object`. */
export type Rule = (object: Record<string, unknown>, call: Call) => Outcome[];

/** What all drafts say. */
export function drafted(call: Call, key: string, at: Date | null, references: Reference[], words: JsonObject = {}) {
  return {
    key,
    occurredAt: at ?? call.at,
    references: [...references, ...reference("merchant", call.merchant)],
    provider_data: present({ ...words, event: call.type, merchant_id: call.merchant }),
    ...(call.test && { test: true }),
  };
}
