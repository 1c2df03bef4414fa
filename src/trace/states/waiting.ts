import { putWorkspace } from "../command.ts";
import { at, counted, id, many, strong, tell, words } from "../sentence.ts";
import { type Known, operator, type State, state } from "./state.ts";

/** Why an event waits for a workspace, and what would bring it home. */

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

/** `6 events of Acme wait (one is cb_…)`. */
const waits = ({ waiting, provider, callbackId }: Known & { waiting: number }) =>
  tell`${many(waiting, "event")} of ${provider} ${waiting === 1 ? tell`waits (${id(callbackId)})` : tell`wait (one is ${id(callbackId)})`}`;

export function unknownWorkspace(known: Known & { way: string; workspace: string; waiting: number }): State {
  return state(
    "unmatched",
    "Unmatched",
    tell`It names a workspace that is not registered here`,
    tell`${known.way} says ${id(known.workspace)}. ${strong("Nothing is lost:")} once registered, ${known.waiting === 1 ? "it goes out" : `all ${counted(known.waiting)} go out`}.`,
    [
      operator(
        tell`${waits(known)} for workspace ${id(known.workspace)}, which is not registered. To register it: ${id(putWorkspace(known.publicUrl, known.workspace, "…"))}`,
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
        tell`${waits(known)} for ${words(known.workspace)} (${id(known.workspaceId)}), which is closed. To open it again: ${id(putWorkspace(known.publicUrl, known.workspaceId, known.workspace))}`,
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
