import { type ErrorCode, GatewayError } from "../errors.ts";
import type { Verdict } from "../inbound/decide.ts";
import type { Way } from "../inbound/resolve.ts";
import type { Removed } from "../provider/define.ts";
import { lasting } from "./zone.ts";

/** The sentences of the trace, for support staff: subject first, no codes. The console and `homing trace` say the same. */

const NAMES = { credential: "Secret", path: "URL", metadata: "Metadata", lookup: "Look-up" } as const;

/** What one way looked at and told. */
export function explainWay(way: Way): string {
  const name = NAMES[way.way];
  if (way.objection) return `${name} says ${way.objection}, which differs from the others.`;
  if (way.answer)
    return way.way === "path" ? `${name} names ${way.answer}, and something vouches for it.` : `${name} says ${way.answer}.`;
  if (way.way === "credential") return `${name}: it is the platform's, which serves many workspaces. Says nothing.`;
  if (way.looked_at.length === 0) return `${name}: there was nothing to look at. Says nothing.`;
  if (way.way === "path") return `${name} names ${way.looked_at[0]?.value}, but nothing vouches for it: a hint, no proof.`;
  if (way.way === "metadata") return `${name}: what stands there is no workspace's id (a UUID). Says nothing.`;
  const several = way.looked_at.find((one) => one.found?.includes(" and "));
  if (several) return `${name}: ${several.where} ${several.value} was seen with ${several.found}, so it decides nothing.`;
  const hint = way.looked_at.find((one) => one.found);
  if (hint)
    return `${name}: ${hint.where} ${hint.value} was seen with ${hint.found}, but nothing vouches for it: a hint, no proof.`;
  return `${name}: none of ${way.looked_at.map((one) => `${one.where} ${one.value}`).join(", ")} is bound.`;
}

const WAITING: Readonly<Record<string, string>> = {
  no_reference_bound: "We do not know whose this is yet. Nothing is lost: it waits until somebody says so.",
  reference_ambiguous: "What it names belongs to more than one workspace, and nothing else in the callback decides.",
  workspace_conflict: "Two answers that differ. We never choose: it waits for a person.",
  unknown_workspace: "It names a workspace that is not registered here. Once registered, it goes out.",
  workspace_closed: "Its workspace is closed here. Opened again, it goes out.",
};

const IGNORED: Readonly<Record<string, string>> = {
  nothing_changed: "It repeats what we knew already.",
  nothing_new: "It tells whose something is, and we knew that already.",
  teaches_nothing: "It could have told us whose something is, but names no workspace.",
  first_seen: "The first that we hear of this plan: noted, and from now on changes are told.",
  older_than_state: "It is older than what we know, or came after a deletion.",
  read_since: "It could not be read at first. A replay could: see the items behind it.",
  test_mode: "It comes from the provider's test mode, which is ignored here.",
};

const FAILED: Readonly<Record<string, string>> = {
  topic_mismatch: "Its heading and its content do not fit. Kept.",
  unreadable: "It is genuine, but we could not read it. Kept; it can be replayed after the mend.",
  adapter_error: "It is genuine, but reading it failed, which is our fault. Kept; it can be replayed after the mend.",
  not_storable: "It is genuine, but its content could not be stored as events. Kept byte for byte.",
};

/** What became of an item, in a sentence. */
export function explainVerdict({
  verdict,
  reason,
  word,
  workspace,
  cause,
}: Pick<Verdict, "reason" | "word" | "workspace"> & { verdict: string; cause?: string | undefined }): string {
  switch (verdict) {
    case "event":
      if (cause === "assigned") return `A person gave it to ${workspace ?? "its workspace"}, and it was emitted once.`;
      return `It belongs to ${workspace ?? "its workspace"} and was emitted once.`;
    case "waiting":
      return WAITING[reason ?? ""] ?? "It waits.";
    case "duplicate":
      return "It was sent before; nobody was told twice.";
    case "taught":
      return `No event, but it told us whose something is: ${workspace}'s.`;
    case "dismissed":
      return "It was put aside by a person.";
    case "failed":
      return FAILED[reason ?? ""] ?? `We could not read this item (${reason}). Kept.`;
    default:
      if (word) return `"${word}" is new to us: kept; no rule knows it.`;
      return IGNORED[reason ?? ""] ?? "Understood, and of no interest: it changes nothing that we tell.";
  }
}

const REFUSED: Readonly<Record<string, string>> = {
  provider_not_configured: "We hold no secret for this provider, so nothing that it sends can be trusted.",
  signature_missing: "It came without proof. This may be somebody else.",
  signature_mismatch: "Signed, but with no secret that we hold. Was the secret changed?",
  signature_expired: "Its signature is right, but too old: an old copy, or a wrong clock.",
  signature_early: "Its signature is dated in the future: a wrong clock.",
  token_missing: "It came without proof. This may be somebody else.",
  token_mismatch: "It came with a token that is not ours. Was the URL or the token changed?",
  not_found: "The address was wrong: no adapter of ours listens there.",
  method_not_allowed: "The method was wrong: callbacks are POSTed.",
  body_too_large: "It was larger than we accept.",
  body_encoded: "It was compressed, which we do not accept.",
  probe: "A check of the address while it was set up. It tells of nothing, and was answered as its sender wants it.",
};

/** Which credential verified it, or what was wrong. */
export function explainVerification(
  ok: boolean,
  code: string | null,
  credential?: { owner: string; place: string; position: number },
  signedTime?: SignedTime | null,
): string {
  if (!ok && signedTime) return explainTime(signedTime);
  if (!ok) return REFUSED[code ?? ""] ?? "It was refused.";
  if (!credential) return "Genuine.";
  if (credential.place === "path") return "Genuine: the token in its URL is ours.";
  const owner = credential.owner === "platform" ? "the platform's" : `workspace ${credential.owner}'s`;
  const age =
    credential.position === 0
      ? "newest"
      : `${credential.position === 1 ? "previous" : "older"} (number ${credential.position + 1})`;
  return `Genuine: it fits ${owner} ${age} secret.`;
}

/** What its caller heard: the HTTP status, and the code where it was refused. */
export function answerOf(refusal: string | null): string {
  return refusal === null || refusal === "probe" ? "200" : `${new GatewayError(refusal as ErrorCode).status} ${refusal}`;
}

/** How far off a signed time was, in seconds, and how far off it may be. */
export type SignedTime = { age_seconds: number; allowed_seconds: number };

function explainTime({ age_seconds, allowed_seconds }: SignedTime): string {
  const [age, allowed] = [lasting(Math.abs(age_seconds) * 1000), lasting(allowed_seconds * 1000)];
  return age_seconds < 0
    ? `Its signature is right, but dated ${age} ahead, and ${allowed} are allowed: a wrong clock.`
    : `Its signature is right, but ${age} old, and ${allowed} are allowed: an old copy, or a wrong clock.`;
}

/** What became of a file that was sent with it. */
export function explainRemoved({ size }: Removed): string {
  return `A file of ${size.toLocaleString("en")} bytes: verified with the rest, then cut out. It is not kept.`;
}
