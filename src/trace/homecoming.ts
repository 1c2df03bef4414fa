import type { Act } from "./acts.ts";
import { kindWord, personOf } from "./names.ts";
import { atMinute, type Fact, type Sentence, tell, words } from "./sentence.ts";
import type { Item } from "./story.ts";

/** What became of a callback after its first verdict, and who saw to it. */

/** Who brought it home or put it aside, where a person did. */
export function doneBy({ healed }: Item): string | null {
  return healed?.by ? personOf(healed.by) : null;
}

/**
 * When and how an item came to what it is now; nothing where it was so from the start. Begins with a blank, to be put behind a sentence.
 * @param detailed whether it names what was bound.
 */
export function laterSentence(item: Item, time: (moment: string) => Fact = atMinute, detailed = false): Sentence {
  const { healed } = item;
  if (!healed) return [];
  const by = doneBy(item);
  if (healed.cause === "replay" && item.first_verdict !== "waiting")
    return tell` ${atFirst(item.first_verdict)}; replayed by ${words(by ?? "somebody")} at ${time(healed.at)}, ${since(item.verdict)}.`;
  if (healed.cause === "dismissed")
    return tell` It waited, and was put aside at ${time(healed.at)}${by ? tell` by ${words(by)}` : ""}.`;
  const end = item.verdict === "event" ? "came home" : "found its workspace";
  return tell` It waited, and ${end} at ${time(healed.at)}${why(healed.cause, by, detailed ? boundThing(item) : [])}.`;
}

function why(cause: string, by: string | null, thing: Sentence): Sentence {
  const who = by === null ? null : words(by);
  const it = thing.length > 0 ? thing : "it";
  switch (cause) {
    case "binding":
      return who ? tell` when ${who} bound ${it}` : tell` when ${thing.length > 0 ? thing : "its reference"} was bound`;
    case "workspace":
      return who ? tell` when ${who} registered or opened its workspace` : tell` when its workspace was registered or opened`;
    case "assigned":
      return tell` when ${who ?? "a person"} assigned it`;
    case "replay":
      return tell` when ${who ?? "somebody"} replayed it`;
    case "resend":
      return tell` when it was sent again, and told more`;
    default:
      return [];
  }
}

/** The reference that answered when it came home; a recipient's is a digest, which tells nobody anything. */
function boundThing({ ways, workspace_id }: Item): Sentence {
  const one = ways
    .find((way) => way.way === "lookup" && way.answer !== null)
    ?.looked_at.find(({ where, found }) => found === workspace_id && where !== "recipient" && where !== "default");
  return one?.value ? tell`${kindWord(one.where)} ${words(one.value)}` : [];
}

const atFirst = (verdict: string | undefined) =>
  verdict === undefined || verdict === "failed"
    ? "It could not be read when it came"
    : verdict === "ignored"
      ? "It told us nothing when it came"
      : "It was a repeat when it came";

const since = (verdict: string) =>
  ({
    ...{ event: "it became this event", taught: "it told us this", waiting: "it waits since then" },
    ...{ duplicate: "it turned out to be a repeat", failed: "it still could not be read" },
  })[verdict] ?? "it turned out to be of no interest";

/** Of a callback that had been refused: who had it verified again. Begins with a blank. */
export function broughtInSentence(acts: readonly Act[]): Sentence {
  const act = acts.find((one) => one.action === "callback.brought_in");
  return act
    ? tell` It was refused when it came; ${words(personOf(act.token))} had it verified again at ${atMinute(act.at)}.`
    : [];
}
