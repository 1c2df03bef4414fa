import { at, atMinute, counted, id, many, type Sentence, strong, tell, words } from "./sentence.ts";

/**
 * Every state of CONSOLE §3 in words: its shape, its word, the answer in one sentence, why, and what can be done. The console and
 * `homing trace` say the same. Reason codes stand under Facts only.
 */

export type Shape =
  | "accepted"
  | "unmatched"
  | "repeat"
  | "ignored"
  | "new"
  | "failed"
  | "refused"
  | "waiting"
  | "retrying"
  | "held"
  | "given_up"
  | "not_sent"
  | "quiet"
  | "none";

/** What can be done about it; the console makes links and buttons of them. */
export type Offer =
  | { to: "message" | "binding" | "assign_all" | "assign_one" | "first" | "last_good" | "replay" | "endpoint"; label: string }
  | { to: "copy"; label: string; text: Sentence };

export type State = { shape: Shape; word: string; headline: Sentence; explanation: Sentence; offers: Offer[] };

/** What the sentences need to know. */
export type Known = {
  /** The provider's name. */
  provider: string;
  receivedAt: string;
};

const operator = (text: Sentence): Offer => ({ to: "copy", label: "Copy for an operator", text });
const developer = (text: Sentence): Offer => ({ to: "copy", label: "Copy for a developer", text });
const state = (shape: Shape, word: string, headline: Sentence, explanation: Sentence, offers: Offer[] = []): State => ({
  ...{ shape, word, headline, explanation, offers },
});

/** `two of three`: small numbers in words, as one says them. */
export function small(count: number): string {
  return ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"][count] ?? counted(count);
}

/** Ways as the sentences name them. */
export const WAYS = { credential: "Secret", path: "URL", metadata: "Metadata", lookup: "Look-up" } as const;

export function accepted(known: {
  thing: string;
  happenedAt: string;
  workspace: string;
  told: number;
  asked: number;
  endpoints: number;
  way: string;
  hasMessage: boolean;
  busOnly: boolean;
  healed: { at: string; by: string | null } | null;
}): State {
  const { endpoints, told } = known;
  const who = words(known.workspace);
  const outcome: Sentence = known.busOnly
    ? tell`; it stays on the bus`
    : endpoints === 0
      ? tell`; ${who} has no endpoint to be told on`
      : told === endpoints
        ? tell`, and ${who} was told${endpoints === 1 ? "" : ` on all ${small(endpoints)} endpoints`}`
        : tell`, and ${who} was told on ${small(told)} of ${small(endpoints)} endpoints`;
  const home: Sentence = known.healed
    ? tell` It waited, and came home at ${atMinute(known.healed.at)}${known.healed.by ? tell` when ${words(known.healed.by)} bound it` : ""}.`
    : [];
  return state(
    "accepted",
    "Accepted",
    tell`${known.thing} at ${atMinute(known.happenedAt)}${outcome}`,
    tell`Matched by ${known.way}, emitted once.${home}`,
    known.hasMessage ? [{ to: "message", label: "See the whole message" }] : [],
  );
}

export function onlyTeaches(known: { kind: string; value: string; workspace: string; home: number; bindings: number }): State {
  const others = known.bindings > 1 ? tell`, and of ${many(known.bindings - 1, "other reference")}` : [];
  return state(
    "accepted",
    "Accepted",
    tell`This told us whose ${known.kind} ${id(known.value)} is`,
    tell`It is ${words(known.workspace)}’s${others}. No event. ${known.home === 0 ? "None waited for it." : known.home === 1 ? "One waiting event came home." : `${counted(known.home)} waiting ones came home.`}`,
    [{ to: "binding", label: "See the binding" }],
  );
}

export function noReferenceBound(
  known: Known & { thing: string; kind: string | null; value: string | null; others: number },
): State {
  const waits =
    known.others === 0
      ? tell`the event waits.`
      : tell`the event waits, with ${many(known.others, "other")} of this ${known.kind ?? "kind"}.`;
  const came = tell`${known.thing} came in at ${strong([at(known.receivedAt)])} and was proved to be ${known.provider}’s. `;
  return state(
    "unmatched",
    "Unmatched",
    tell`We do not know whose this is yet`,
    known.kind && known.value
      ? tell`${came}Nobody has said whose ${known.kind} ${id(known.value)} is. ${strong("Nothing is lost:")} ${waits}`
      : tell`${came}It carries nothing that could tell whose it is. ${strong("Nothing is lost:")} ${waits}`,
    [
      known.others > 0
        ? { to: "assign_all", label: `Assign the ${many(known.others + 1, "event")}…` }
        : { to: "assign_one", label: "Assign this one…" },
    ],
  );
}

export function unknownWorkspace(known: Known & { way: string; workspace: string; waiting: number }): State {
  return state(
    "unmatched",
    "Unmatched",
    tell`It names a workspace that is not registered here`,
    tell`${known.way} says ${id(known.workspace)}. ${strong("Nothing is lost:")} once registered, ${known.waiting === 1 ? "it goes out" : `all ${counted(known.waiting)} go out`}.`,
    [
      operator(
        tell`${many(known.waiting, "event")} of ${known.provider} wait for workspace ${id(known.workspace)}, which is not registered. To register it: PUT /v1/workspaces/${id(known.workspace)} {"name": "…"}`,
      ),
    ],
  );
}

export function referenceAmbiguous(known: Known & { kind: string; value: string; workspaces: string[] }): State {
  const [first = "one workspace", second = "another"] = known.workspaces;
  return state(
    "unmatched",
    "Unmatched",
    tell`This ${known.kind} belongs to more than one workspace`,
    tell`${id(known.value)} was seen with ${words(first)} and ${words(second)}; nothing else in the callback decides. ${strong("Nothing is lost:")} it waits.`,
    [{ to: "assign_one", label: "Assign this one…" }],
  );
}

export function workspaceClosed(known: Known & { workspace: string; workspaceId: string; waiting: number }): State {
  return state(
    "unmatched",
    "Unmatched",
    tell`${words(known.workspace)} is closed here`,
    tell`${strong("Nothing is lost:")} opened again, ${known.waiting === 1 ? "it goes out" : `all ${counted(known.waiting)} go out`}.`,
    [
      operator(
        tell`${many(known.waiting, "event")} of ${known.provider} wait for ${words(known.workspace)}, which is closed. To open it again: PUT /v1/workspaces/${id(known.workspaceId)} {"name": "…"}`,
      ),
    ],
  );
}

export function workspaceConflict(known: { answers: { way: string; workspace: string }[] }): State {
  const [one, other] = known.answers;
  return state(
    "unmatched",
    "Unmatched",
    tell`Two answers that differ`,
    one && other
      ? tell`${one.way} says ${words(one.workspace)}, ${other.way} says ${words(other.workspace)}. We never choose: it waits for a person.`
      : tell`We never choose: it waits for a person.`,
    [{ to: "assign_one", label: "Assign this one…" }],
  );
}

export function duplicate(known: Known & { firstAt: string | null }): State {
  return state(
    "repeat",
    "Repeat",
    tell`${known.provider} sent this before`,
    known.firstAt
      ? tell`First at ${at(known.firstAt)}; nobody was told twice.`
      : tell`The first one is past its retention; nobody was told twice.`,
    known.firstAt ? [{ to: "first", label: "First one" }] : [],
  );
}

const WHY_IGNORED: Readonly<Record<string, string>> = {
  nothing_changed: "It repeats what we knew already.",
  nothing_new: "It tells whose something is, and we knew that already.",
  teaches_nothing: "It could have told us whose something is, but names no workspace.",
  first_seen: "The first that we hear of this plan: noted, and from now on changes are told.",
  older_than_state: "It is older than what we know, or came after a deletion.",
  test_mode: "It comes from the provider’s test mode, which is ignored here.",
};

export function ignored(known: { word: string | null; reason: string | null }): State {
  const why = WHY_IGNORED[known.reason ?? ""];
  const said = known.word ? tell`“${words(known.word)}” changes nothing that we tell.` : tell`It changes nothing that we tell.`;
  return state("ignored", "Ignored", tell`Understood, and of no interest`, why ? tell`${why}` : said);
}

export function newWord(
  known: Known & { adapter: string; word: string; times: number; since: string; callbackId: string },
): State {
  return state(
    "new",
    "New",
    tell`${known.provider} says something new: “${words(known.word)}”`,
    tell`Kept; no rule knows it; ${known.times === 1 ? "once" : `${counted(known.times)} times`} since ${atMinute(known.since)}.`,
    [
      developer(
        tell`${known.adapter} says “${words(known.word)}”, which no rule knows: ${many(known.times, "time")} since ${at(known.since)}. See callback ${id(known.callbackId)}.`,
      ),
    ],
  );
}

export function failed(known: Known & { reason: string | null; topic: string | null }): State {
  if (known.reason === "topic_mismatch")
    return state(
      "failed",
      "Failed",
      tell`Its heading and its content do not fit`,
      known.topic
        ? tell`It says ${id(known.topic)}, the content is another. Kept.`
        : tell`Its heading says one thing, its content is another. Kept.`,
    );
  return state(
    "failed",
    "Failed",
    tell`It is ${known.provider}’s, but we could not read it`,
    tell`Our fault. Kept; replay it after the mend.`,
    [{ to: "replay", label: "Replay…" }],
  );
}

export function dismissed(known: { who: string; when: string }): State {
  return state(
    "ignored",
    "Put aside",
    tell`Put aside by ${words(known.who)} at ${atMinute(known.when)}`,
    tell`Kept, out of the queue.`,
  );
}

export type RefusalFacts = Known & {
  adapter: string | null;
  code: string;
  tried: number;
  lastGoodAt: string | null;
  method: string;
  path: string;
  size: number;
  /** The signature's age in ms, where it was told. */
  age: number | null;
  allowedMinutes: number | null;
};

/** A request that was refused: who sent it is not proved, so that it is never said to be the provider's. */
export function refused(known: RefusalFacts): State {
  const { provider, lastGoodAt } = known;
  const good = lastGoodAt ? tell`Last good one ${at(lastGoodAt)}.` : tell`None has been good so far.`;
  const lastGood: Offer[] = lastGoodAt ? [{ to: "last_good", label: "Last good one" }] : [];
  const tried = tell`${known.tried === 1 ? "One was" : `${known.tried === 0 ? "None was" : `${counted(known.tried)} were`}`} tried.`;
  const no = (headline: Sentence, explanation: Sentence, offers: Offer[] = []) =>
    state("refused", "Refused", headline, explanation, offers);
  switch (known.code) {
    case "provider_not_configured":
      return no(tell`We hold no secret for ${provider}`, tell`Nothing it sends can be trusted.`, [
        operator(
          tell`${provider} calls, but no secret of it is stored, so that everything is refused. To store one: PUT /v1/secrets/${id(known.adapter ?? "")} {"workspace_id": null, "secrets": ["…"]}`,
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
          tell`${provider}’s callbacks are signed with none of the ${many(known.tried, "secret")} that we hold. ${good} Was the secret changed at ${provider}? Give us the new one beside the old: PUT /v1/secrets/${id(known.adapter ?? "")}`,
        ),
      ]);
    case "signature_expired":
    case "signature_early": {
      const early = known.code === "signature_early";
      const allowed = known.allowedMinutes === null ? tell`` : tell`Allowed: ${known.allowedMinutes} min. `;
      return no(
        early
          ? tell`Its signature is from the future`
          : known.age === null
            ? tell`Its signature is too old`
            : tell`Its signature is ${lastingWords(known.age)} old`,
        tell`${allowed}${early ? "A wrong clock." : "Old copy or wrong clock."}`,
      );
    }
    case "probe":
      return state(
        "ignored",
        "Check",
        tell`A check of the address, while it was set up`,
        tell`It tells of nothing, and was answered as its sender wants it.`,
      );
    default: {
      const what: Readonly<Record<string, Sentence>> = {
        not_found: tell`The address was wrong`,
        method_not_allowed: tell`The method was wrong`,
        body_too_large: tell`The size was wrong`,
        body_encoded: tell`The encoding was wrong`,
      };
      const came: Sentence =
        known.code === "method_not_allowed"
          ? tell`${id(known.method)} came`
          : known.code === "body_too_large"
            ? tell`${many(known.size, "byte")} came`
            : known.code === "body_encoded"
              ? tell`A compressed body came`
              : tell`A callback came`;
      const told = tell`${came} to ${id(known.path)}.`;
      return no(what[known.code] ?? tell`It was refused`, told, [
        developer(tell`${told} It was refused at ${at(known.receivedAt)}.`),
      ]);
    }
  }
}

function lastingWords(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes < 120
    ? many(minutes, "minute")
    : minutes < 2880
      ? many(Math.round(minutes / 60), "hour")
      : many(Math.round(minutes / 1440), "day");
}

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
  nextAt: string | null;
  heldSince: string | null;
  heldCount: number;
  keptUntil: string | null;
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
  switch (known.state) {
    case "pending":
      return state("waiting", "Waiting", tell`To be sent now`, []);
    case "retrying":
      return state(
        "retrying",
        "Trying again",
        known.nextAt
          ? tell`Attempt ${known.attempts.length + 1} of ${MOST_ATTEMPTS} at ${at(known.nextAt)}`
          : tell`Attempt ${known.attempts.length + 1} of ${MOST_ATTEMPTS} soon`,
        lastSaid,
        [{ to: "endpoint", label: "Retry now" }],
      );
    case "held":
      return state(
        "held",
        "Held back",
        tell`${words(known.endpoint)} does not answer; we try one at a time`,
        known.heldSince ? tell`${known.heldCount} wait since ${atMinute(known.heldSince)}.` : tell`${known.heldCount} wait.`,
        [{ to: "endpoint", label: "Endpoint" }],
      );
    case "succeeded":
      return state("accepted", "Accepted", tell`Accepted on attempt ${Math.max(1, known.attempts.length)}`, lastSaid);
    case "dead":
      return state(
        "given_up",
        "Given up",
        tell`Given up after ${many(known.attempts.length, "attempt")}`,
        known.keptUntil ? tell`Kept until ${atMinute(known.keptUntil)}.` : tell`Kept for 7 days.`,
        [{ to: "endpoint", label: "Retry" }],
      );
    case "cancelled":
      return state(
        "not_sent",
        "Not sent",
        tell`The endpoint was switched off`,
        tell`${words(known.cancelledBecause ?? "Somebody did it")}.`,
      );
  }
  if (known.reason === "switched_off")
    return state(
      "not_sent",
      "Not sent",
      tell`The endpoint was switched off`,
      tell`It was off when the event came${known.cancelledBecause ? tell`: ${words(known.cancelledBecause)}` : ""}.`,
    );
  if (known.reason === "not_asked_for")
    return state(
      "not_sent",
      "Not asked for",
      tell`${words(known.endpoint)} does not ask for ${id(known.type)}`,
      tell`As subscribed at ${at(known.subscribedAt)}: ${id(known.filters.join(", ") || "nothing")}.`,
      [{ to: "copy", label: "Copy what to add", text: tell`${id(known.type)}` }],
    );
  return state("waiting", "Waiting", tell`To be sent now`, []);
}

export const noEndpoint = (workspace: string): State =>
  state("not_sent", "Not sent", tell`${words(workspace)} had no endpoint`, tell`It stands in the log and on the bus.`);
export const busOnly: State = state(
  "not_sent",
  "Not sent",
  tell`Stays on the bus`,
  tell`This kind of event is told to no endpoint.`,
);
