import { at, atMinute, counted, id, many, type Sentence, tell, words } from "../sentence.ts";
import { developer, type Known, type State, small, state } from "./state.ts";

/** It became an event. `later`: how it came home, where it did not at once. */
export function accepted(known: {
  thing: string;
  happenedAt: string;
  workspace: string;
  told: number;
  endpoints: number;
  way: string;
  hasMessage: boolean;
  busOnly: boolean;
  later: Sentence;
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
  return state(
    "accepted",
    "Accepted",
    tell`${known.thing} at ${atMinute(known.happenedAt)}${outcome}`,
    tell`Matched by ${known.way}, emitted once.${known.later}`,
    known.hasMessage ? [{ to: "message", label: "See the whole message" }] : [],
  );
}

/** No event, but it tells whose something is. `home`: how many that had waited for that came home; null where it is not known. */
export function onlyTeaches(known: {
  reference: { kind: string; value: string } | null;
  workspace: string;
  home: number | null;
  bindings: number;
}): State {
  const { reference, home, bindings } = known;
  const others = bindings > 1 ? tell`, and of ${many(bindings - 1, "other reference")}` : [];
  const waited =
    home === null
      ? ""
      : home === 0
        ? " None waited for it."
        : home === 1
          ? " One waiting event came home."
          : ` ${counted(home)} waiting ones came home.`;
  return state(
    "accepted",
    "Accepted",
    reference
      ? tell`This told us whose ${reference.kind} ${id(reference.value)} is`
      : tell`This told us what belongs to ${words(known.workspace)}`,
    tell`It is ${words(known.workspace)}’s${others}. No event.${waited}`,
    bindings > 0 ? [{ to: "binding", label: "See the binding" }] : [],
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

export function newWord(known: Known & { adapter: string; word: string; times: number; since: string }): State {
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
