import type { DataKeys } from "../../src/keys.ts";
import { meaningChecks } from "./meaning.ts";
import { mutationChecks } from "./mutation.ts";
import { proofChecks } from "./proof.ts";
import type { Check, Subject } from "./subject.ts";
import { tokenChecks } from "./token.ts";

/** All that an adapter promises by being one (CONTRACT §3–§5). */
export function conformance(subject: Subject, keys: DataKeys): Check[] {
  return [...proofChecks(subject), ...tokenChecks(subject), ...meaningChecks(subject, keys), ...mutationChecks(subject, keys)];
}
