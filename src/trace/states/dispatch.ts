import { at, atMinute, counted, id, many, type Sentence, tell, words } from "../sentence.ts";
import { type State, state } from "./state.ts";

/** What became of one event at one endpoint. */
export type DispatchFacts = {
  endpoint: string;
  state: string | null;
  /** Why nothing is owed. */
  reason: string | null;
  type: string;
  filters: string[];
  subscribedAt: string;
  attempts: { at: string; status: number | null; ms: number | null; error: string | null }[];
  /** How many attempts are used up, where that is known: the one a minute of an endpoint that does not answer uses none. */
  tries?: number;
  nextAt: string | null;
  heldSince: string | null;
  heldCount: number;
  keptUntil: string | null;
  /** When the endpoint was switched off, and why, where it was. */
  offAt?: string | null;
  cancelledBecause: string | null;
};

const MOST_ATTEMPTS = 7;

/** `answered 503 in 0.4 s`, `no answer in 10 s`. */
export function answered(attempt: { status: number | null; ms: number | null; error: string | null }): string {
  const seconds =
    attempt.ms === null ? "" : ` in ${attempt.ms < 100 ? `${attempt.ms} ms` : `${(attempt.ms / 1000).toFixed(1)} s`}`;
  return attempt.status === null ? `no answer${seconds}` : `answered ${attempt.status}${seconds}`;
}

export function dispatched(known: DispatchFacts): State {
  const last = known.attempts.at(-1);
  const lastSaid: Sentence = last ? tell`${at(last.at)} ${answered(last)}.` : [];
  const tries = known.tries ?? known.attempts.length;
  switch (known.state) {
    case "pending":
      return state("waiting", "Waiting", tell`To be sent now`);
    case "retrying": {
      const attempt = `Attempt ${tries + 1} of ${MOST_ATTEMPTS}`;
      const headline = known.nextAt ? tell`${attempt} at ${at(known.nextAt)}` : tell`${attempt} soon`;
      return state("retrying", "Trying again", headline, lastSaid, [{ to: "endpoint", label: "Retry now" }]);
    }
    case "held":
      return held(known);
    case "succeeded":
      return state("accepted", "Accepted", tell`Accepted on attempt ${Math.max(1, tries)}`, lastSaid);
    case "dead":
      return state(
        "given_up",
        "Given up",
        tell`Given up after ${many(tries, "attempt")}`,
        known.keptUntil ? tell`Kept until ${atMinute(known.keptUntil)}.` : tell`Kept for 7 days.`,
        [{ to: "endpoint", label: "Retry" }],
      );
    case "cancelled":
      return state("not_sent", "Not sent", switchedOff(known), because(known));
  }
  if (known.reason === "switched_off")
    return state("not_sent", "Not sent", switchedOff(known), tell`It was off when the event came. ${because(known)}`);
  if (known.reason === "not_asked_for")
    return state(
      "not_sent",
      "Not asked for",
      tell`${words(known.endpoint)} does not ask for ${id(known.type)}`,
      tell`As subscribed at ${at(known.subscribedAt)}: ${id(known.filters.join(", ") || "nothing")}.`,
      [{ to: "copy", label: "Copy what to add", text: tell`${id(known.type)}` }],
    );
  return state("waiting", "Waiting", tell`To be sent now`);
}

function held(known: DispatchFacts): State {
  const { heldCount, heldSince, keptUntil } = known;
  const since = heldSince ? tell` since ${atMinute(heldSince)}` : [];
  const wait = tell`${heldCount === 1 ? "It waits" : `${counted(heldCount)} wait`}${since}`;
  const offers: State["offers"] = [{ to: "endpoint", label: "Endpoint" }];
  if (!known.offAt)
    return state(
      "held",
      "Held back",
      tell`${words(known.endpoint)} does not answer; we try one at a time`,
      tell`${wait}.`,
      offers,
    );
  const until = keptUntil ? tell` before ${atMinute(keptUntil)}` : [];
  const out = heldCount === 1 ? "it goes out" : "they go out";
  return state(
    "held",
    "Held back",
    tell`${words(known.endpoint)} is switched off since ${atMinute(known.offAt)}`,
    tell`${wait}. Switched on${until}, ${out}. ${because(known)}`,
    offers,
  );
}

const switchedOff = ({ offAt }: DispatchFacts) => tell`The endpoint was switched off${offAt ? tell` at ${atMinute(offAt)}` : ""}`;

const because = ({ cancelledBecause }: DispatchFacts) => (cancelledBecause ? tell`${words(cancelledBecause)}.` : []);

export const noEndpoint = (workspace: string): State =>
  state("not_sent", "Not sent", tell`${words(workspace)} had no endpoint`, tell`It stands in the log and on the bus.`);
export const busOnly: State = state(
  "not_sent",
  "Not sent",
  tell`Stays on the bus`,
  tell`This kind of event is told to no endpoint.`,
);
