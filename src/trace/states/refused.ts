import { homing } from "../command.ts";
import type { SignedTime } from "../explain.ts";
import { at, counted, id, many, type Sentence, tell } from "../sentence.ts";
import { lasting } from "../zone.ts";
import { developer, type Known, type Offer, operator, type State, state } from "./state.ts";

export type RefusalFacts = Known & {
  adapter: string | null;
  code: string;
  tried: number;
  lastGoodAt: string | null;
  method: string;
  path: string;
  size: number;
  /** How old its signature is, in seconds (below 0: it is of the future), and how far off it may be; null where that was not kept. */
  signedTime: SignedTime | null;
};

/** Turned away before anybody asked for its proof. */
const UNASKED: Readonly<Record<string, string>> = {
  not_found: "The address was wrong",
  method_not_allowed: "The method was wrong",
  body_too_large: "The size was wrong",
  body_encoded: "The encoding was wrong",
};

/** Whether its proof was looked at: of what came to no address of ours, nobody knows in whose name it came. */
export const wasAskedForProof = (code: string) => !Object.hasOwn(UNASKED, code);

/** A request that was refused: who sent it is not proved, so that it is never said to be the provider's. */
export function refused(known: RefusalFacts): State {
  const { provider, lastGoodAt } = known;
  const good = lastGoodAt ? tell`Last good one ${at(lastGoodAt)}.` : tell`None has been good so far.`;
  const lastGood: Offer[] = lastGoodAt ? [{ to: "last_good", label: "Last good one" }] : [];
  const tried = tell`${known.tried === 1 ? "One was" : `${known.tried === 0 ? "None was" : `${counted(known.tried)} were`}`} tried.`;
  const setSecrets = id(homing("secrets", known.adapter ?? "", "--set"));
  switch (known.code) {
    case "provider_not_configured":
      return no(tell`We hold no secret for ${provider}`, tell`Nothing it sends can be trusted.`, [
        operator(
          tell`We hold no secret for ${provider}, so that all that comes in its name is refused, such as ${id(known.callbackId)}. To store one: ${setSecrets}`,
        ),
      ]);
    case "signature_missing":
    case "token_missing":
      return no(tell`It came without proof`, tell`This may be somebody else.`);
    case "token_mismatch":
      return no(tell`It came with a token that is not ours`, tell`${tried} ${good} Was the URL or the token changed?`, lastGood);
    case "signature_mismatch":
      return no(tell`Signed, but with no secret that we hold`, tell`${tried} ${good} Was the secret changed at ${provider}?`, [
        ...lastGood,
        operator(
          tell`Callbacks in ${provider}’s name, such as ${id(known.callbackId)}, are signed with no secret that we hold (${known.tried === 1 ? "one was" : `${counted(known.tried)} were`} tried). ${good} If ${provider}’s secret was changed, store the new one, and the old one after it: ${setSecrets}`,
        ),
      ]);
    case "signature_expired":
    case "signature_early":
      return untimely(known.code === "signature_early", known.signedTime);
    case "probe":
      return state(
        "ignored",
        "Check",
        tell`A check of the address, while it was set up`,
        tell`It tells of nothing, and was answered as its sender wants it.`,
      );
    default: {
      const came: Sentence =
        known.code === "method_not_allowed"
          ? tell`${id(known.method)} came`
          : known.code === "body_too_large"
            ? tell`${many(known.size, "byte")} came`
            : known.code === "body_encoded"
              ? tell`A compressed body came`
              : tell`A callback came`;
      const told = tell`${came} to ${id(known.path)}.`;
      return no(tell`${UNASKED[known.code] ?? "It was refused"}`, told, [
        developer(tell`${told} It was refused at ${at(known.receivedAt)}.`),
      ]);
    }
  }
}

const no = (headline: Sentence, explanation: Sentence, offers: Offer[] = []) =>
  state("refused", "Refused", headline, explanation, offers);

/** The signature is right, its time is not. */
function untimely(isEarly: boolean, off: SignedTime | null): State {
  const age = off && lasting(Math.abs(off.age_seconds) * 1000);
  const allowed = off ? `Allowed: ${Math.floor(off.allowed_seconds / 60)} min. ` : "";
  if (isEarly)
    return no(tell`Its signature is from the future`, tell`${age ? `Dated ${age} ahead. ` : ""}${allowed}A wrong clock.`);
  return no(age ? tell`Its signature is ${age} old` : tell`Its signature is too old`, tell`${allowed}Old copy or wrong clock.`);
}
