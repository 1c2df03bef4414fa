import type { Attention } from "../attention/types.ts";
import type { Registry } from "../registry.ts";
import { attentionWords } from "./attention.ts";
import { id, type Sentence, tell } from "./sentence.ts";

/** What `homing doctor` found: what it is, and what to do about it. */
export type Finding = { wrong: boolean; what: Sentence; todo: Sentence | null };

/** What needs attention, in the console's words, with the command that goes on from there. */
export function findingOf(item: Attention, registry: Registry, names: ReadonlyMap<string, string>): Finding {
  const { headline, cause } = attentionWords(item, registry, names);
  const command = commandFor(item);
  return { wrong: true, what: tell`${headline}. ${cause}`, todo: command === null ? null : tell`${id(command)}` };
}

function commandFor({ kind, adapter, cause, link }: Attention): string | null {
  if (kind === "all_refused" && cause.code === "provider_not_configured") return `homing secrets ${adapter} --set`;
  if (kind === "failed") return `homing replay --filter status=failed,provider=${adapter}`;
  if (kind === "unmatched") return "homing unmatched";
  if ("id" in link) return `homing trace ${link.id}`;
  return adapter === null ? null : `homing trace ${adapter}`;
}
