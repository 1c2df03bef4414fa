import type { ErrorCode } from "../errors.ts";
import { type SignedRequest, sameText, type Verdict } from "../provider/signatures.ts";
import type { Credential, Credentials } from "./credentials.ts";
import type { CallbackPath } from "./path.ts";

export type RefusalCode = Extract<ErrorCode, "provider_not_configured" | `signature_${string}` | `token_${string}`>;

/** Whether a call is genuine: the credential that vouches for it, or why not. */
export type Verification =
  | { ok: true; credential: Pick<Credential, "owner" | "place" | "position" | "since">; vouchesForPath: boolean }
  | { ok: false; code: RefusalCode; tried: number };

/**
 * Proves a call genuine, from memory alone and in constant time per secret; a throw inside a verifier means no. The answer never depends
 * on whether the workspace exists.
 */
export function verify(path: CallbackPath, request: SignedRequest, credentials: Credentials, now: number): Verification {
  const { provider, name } = path.adapter;
  const token = checkToken(path, credentials, now);
  if (!provider.verify.signs) return verifyUnsigned(path, request, credentials, token);
  if (!credentials.isConfigured(name)) return { ok: false, code: "provider_not_configured", tried: 0 };
  const candidates = credentials.candidates(name, path.workspace);
  let code: Exclude<Verdict, "ok"> = request.headers[provider.verify.hides[0] ?? ""] ? "signature_mismatch" : "signature_missing";
  for (const credential of candidates) {
    const verdict = safely(() =>
      provider.verify.signs && credential.key ? provider.verify.verify(credential.key, request, now) : "signature_mismatch",
    );
    if (verdict === "ok") {
      // A wrong token is refused always; a missing one only proves nothing.
      if (token === "wrong") return { ok: false, code: "token_mismatch", tried: candidates.length };
      const { owner, place, position, since } = credential;
      const vouchesForPath = token === "right" || owner === path.workspace || provider.signsUrl === true;
      return { ok: true, credential: { owner, place, position, since }, vouchesForPath };
    }
    // Of several secrets, the one that the signature fits tells what is wrong with its time.
    if (verdict !== "signature_mismatch") code = verdict;
  }
  return { ok: false, code, tried: candidates.length };
}

function verifyUnsigned(
  path: CallbackPath,
  request: SignedRequest,
  credentials: Credentials,
  token: "right" | "wrong" | "none",
): Verification {
  const { verify } = path.adapter.provider;
  if (token === "wrong") return { ok: false, code: "token_mismatch", tried: 1 };
  if (token === "right") {
    return { ok: true, credential: { owner: "platform", place: "path", position: 0, since: null }, vouchesForPath: true };
  }
  const given = verify.signs ? undefined : (request.headers[verify.tokenHeader] ?? request.headers["x-callback-token"]);
  if (!given) return { ok: false, code: "token_missing", tried: 0 };
  const candidates = credentials.candidates(path.adapter.name, path.workspace);
  for (const { owner, place, position, since, text } of candidates) {
    if (sameText(text, given))
      return { ok: true, credential: { owner, place, position, since }, vouchesForPath: owner === path.workspace };
  }
  return { ok: false, code: "token_mismatch", tried: candidates.length };
}

function checkToken(path: CallbackPath, credentials: Credentials, now: number): "right" | "wrong" | "none" {
  const { token, workspace } = path;
  if (token === null || workspace === null) return "none";
  return credentials.pathTokens(path.adapter.name, workspace, now).some((accepted) => sameText(accepted, token))
    ? "right"
    : "wrong";
}

function safely(check: () => Verdict): Verdict {
  try {
    return check();
  } catch {
    return "signature_mismatch";
  }
}
