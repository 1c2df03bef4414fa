import type { Attention } from "../attention/types.ts";
import type { Registry } from "../registry.ts";
import { kindWord, maskText, providerName } from "./names.ts";
import { atMinute, counted, id, many, type Sentence, tell, words } from "./sentence.ts";
import type { Shape } from "./states.ts";

export type AttentionWords = { shape: Shape; headline: Sentence; cause: Sentence; count: string; action: string };

/** One thing that needs attention, in words: what, its likely cause, how many, and what the one link says. */
export function attentionWords(item: Attention, registry: Registry, names: ReadonlyMap<string, string>): AttentionWords {
  const { cause, count } = item;
  const provider = providerName(registry, item.adapter);
  const since = atMinute(item.since);
  const lastGood = cause.last_good_at ? tell` Last good one ${atMinute(cause.last_good_at)}.` : tell` None was good so far.`;
  switch (item.kind) {
    case "all_refused":
      return {
        shape: "refused",
        headline: tell`Every ${provider} callback is refused since ${since}`,
        cause: tell`${refusedBecause(cause.code ?? "", provider)}${lastGood}${lastQuestion(cause.code ?? "", provider)}`,
        count: `${counted(count)} refused`,
        action: "See one",
      };
    case "endpoint_failing": {
      const whose = names.get(cause.workspace_id ?? "") ?? "";
      const next = cause.next_at ? tell`; the next try is at ${atMinute(cause.next_at)}` : [];
      const waits = count > 0 ? tell` Its webhooks wait${next}.` : [];
      return {
        shape: "retrying",
        headline: tell`${words(whose)}’${whose.endsWith("s") ? "" : "s"} endpoint “${words(cause.endpoint ?? "")}” does not answer`,
        cause: tell`It ${cause.status ? `answers ${cause.status}` : "gives no answer"} since ${since}.${waits} ${cause.given_up ? `${counted(cause.given_up)} given up.` : "None has been given up."}`,
        count: count > 0 ? `${counted(count)} wait` : `${counted(cause.given_up ?? 0)} given up`,
        action: "See endpoint",
      };
    }
    case "failed":
      return {
        shape: "failed",
        headline: tell`${many(count, "callback")} of ${provider} could not be read`,
        cause: tell`${count === 1 ? "It is" : "They are"} genuine and kept; replay ${count === 1 ? "it" : "them"} after the mend.`,
        count: `${counted(count)} failed`,
        action: "See one",
      };
    case "unmatched": {
      const { largest } = cause;
      const [kind = "", value = ""] = splitReference(largest?.reference ?? null);
      const of =
        largest && kind
          ? tell`, ${counted(largest.count)} of them of one ${providerName(registry, largest.adapter)} ${kindWord(kind)}`
          : [];
      const why =
        kind && kind !== "workspace"
          ? tell`Nobody has said whose ${kindWord(kind)} ${id(maskText(value))} is. Nothing is lost${largest && largest.count > 1 ? `; one answer brings all ${counted(largest.count)} home` : ""}.`
          : tell`Nothing is lost: they wait until somebody says whose they are.`;
      return {
        shape: "unmatched",
        headline: tell`${many(count, "event waits", "events wait")} for a workspace${of}`,
        cause: why,
        count: many(cause.groups ?? 1, "group"),
        action: "Assign",
      };
    }
    case "quiet":
      return {
        shape: "quiet",
        headline: tell`${provider} has gone quiet`,
        cause: tell`No callback since ${since}${cause.refused ? `, but ${many(cause.refused, "refused one")}` : ""}.${cause.usual ? ` At this hour ${perMinute(cause.usual)} are usual.` : ""}`,
        count: "none",
        action: "See last one",
      };
    case "new_word":
      return {
        shape: "new",
        headline: tell`${provider} says something new: “${words(cause.word ?? "")}”`,
        cause: tell`${many(count, "callback uses", "callbacks use")} a word that no rule here knows. ${count === 1 ? "It is" : "They are"} kept and ignored; replay ${count === 1 ? "it" : "them"} once the rule exists.`,
        count: `${counted(count)} ignored`,
        action: "See one",
      };
    case "field_missing":
      return {
        shape: "new",
        headline: tell`${provider} no longer sends “${words(cause.field ?? "")}”`,
        cause: tell`${cause.share === undefined ? "Many" : `${Math.floor(cause.share * 100)} %`} of ${words(cause.variant ?? "its events")} come without it; nearly all carried it before.`,
        count: `${counted(count)} without`,
        action: "See them",
      };
    case "refused_rising":
    case "failed_rising":
    case "unmatched_rising": {
      const what = { refused_rising: "refused", failed_rising: "unreadable", unmatched_rising: "unmatched" }[item.kind];
      const shape = { refused_rising: "refused", failed_rising: "failed", unmatched_rising: "unmatched" }[item.kind] as Shape;
      return {
        shape,
        headline: tell`More of ${provider} is ${what} than usual`,
        cause: tell`${share(cause.share)} since ${since}; usual are ${share(cause.usual)}.`,
        count: `${counted(count)} ${what}`,
        action: "See them",
      };
    }
    case "log_held_back":
      return {
        shape: "held",
        headline: tell`The log is held back since ${since}`,
        cause: tell`An open writing transaction in the database keeps its readers from going on. Nothing is lost; tell an operator.`,
        count: "",
        action: "Callbacks",
      };
  }
}

function refusedBecause(code: string, provider: string): string {
  if (code === "provider_not_configured") return `We hold no secret for ${provider}.`;
  if (code === "signature_mismatch") return "They are signed, but with no secret that we hold.";
  if (code === "token_mismatch") return "They come with a token that is not ours.";
  if (code.endsWith("_missing")) return "They come without proof.";
  if (code === "signature_expired" || code === "signature_early")
    return "Their signatures are of another time: old copies or a wrong clock.";
  return "Their address, method, size or encoding is wrong.";
}

const lastQuestion = (code: string, provider: string) =>
  code === "signature_mismatch"
    ? ` Was the secret changed at ${provider}?`
    : code === "token_mismatch"
      ? " Was the URL or the token changed?"
      : "";
const perMinute = (usual: number) =>
  usual >= 1 ? `${Math.round(usual)} a minute` : `${Math.max(1, Math.round(usual * 60))} an hour`;
const share = (of: number | undefined) => `${Math.floor((of ?? 0) * 1000) / 10} %`;

function splitReference(reference: string | null): string[] {
  const colon = reference?.indexOf(":") ?? -1;
  return reference && colon > 0 ? [reference.slice(0, colon), reference.slice(colon + 1)] : [];
}
