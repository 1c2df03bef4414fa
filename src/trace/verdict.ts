import type { Registry } from "../registry.ts";
import { broughtInSentence, doneBy, laterSentence } from "./homecoming.ts";
import { happened, kindWord, maskPerson, providerName } from "./names.ts";
import { id, many, type Sentence, strong, tell, words } from "./sentence.ts";
import * as states from "./states.ts";
import type { Item, Story } from "./story.ts";
import { day, minute, type Zone, zoneLabel } from "./zone.ts";

/** What became of the callback that a story tells, as a state of CONSOLE §3; and how it came to that, where it was another at first. */
export function verdictOf(story: Story, registry: Registry): states.State {
  const { trace, item, acts } = story;
  const known = {
    ...{ provider: providerName(registry, story.adapter), receivedAt: trace.received_at ?? "" },
    ...{ callbackId: trace.id, publicUrl: story.publicUrl },
  };
  if (trace.status === "rejected") return refused(story, known);
  const state = item ? verdictOn(story, item, known) : states.failed({ ...known, reason: trace.reason, topic: null });
  // How an event came home stands in its own sentence.
  const replayed = item?.healed?.cause === "replay" && item.verdict !== "event" ? laterSentence(item) : [];
  return { ...state, explanation: [...state.explanation, ...replayed, ...broughtInSentence(acts)] };
}

function refused({ trace, adapter, lastGood }: Story, known: states.Known): states.State {
  const { verification, request } = trace;
  return states.refused({
    ...{ ...known, adapter, code: verification.code ?? "", lastGoodAt: lastGood?.at ?? null },
    ...{ method: request.method, path: request.path ?? "", size: trace.size },
    tried: ("tried" in verification && verification.tried) || 0,
    signedTime: trace.signed_time,
  });
}

const namesOf = (story: Story) => (workspace: string | null | undefined) =>
  story.names.get(workspace ?? "") ?? workspace ?? "its workspace";

function verdictOn(story: Story, item: Item, known: states.Known): states.State {
  const { trace, adapter } = story;
  switch (item.verdict) {
    case "event":
      return accepted(story, item, known);
    case "taught":
      return taught(story, item);
    case "duplicate":
      return states.duplicate({ ...known, firstAt: story.first?.at ?? null });
    case "dismissed":
      return states.dismissed({ who: doneBy(item) ?? "Somebody", when: item.healed?.at ?? known.receivedAt });
    case "failed":
      return states.failed({ ...known, reason: item.reason ?? trace.reason, topic: topicOf(trace.request.headers) });
    case "waiting":
      return waiting(story, item, known);
    default:
      return item.word !== undefined && story.word
        ? states.newWord({ ...known, adapter: adapter ?? "", word: item.word, ...story.word })
        : states.ignored({ word: item.word ?? null, reason: item.reason });
  }
}

function accepted(story: Story, item: Item, { receivedAt }: states.Known): states.State {
  const { told } = story;
  const state = states.accepted({
    ...{ thing: told ? happened(told) : "Something", happenedAt: told?.occurred_at ?? receivedAt },
    workspace: namesOf(story)(item.workspace_id),
    ...{ told: item.endpoints.filter((one) => one.state === "succeeded").length, endpoints: item.endpoints.length },
    ...{ way: wayOf(item), hasMessage: Boolean(story.event?.variant), busOnly: told?.type === null && told.variant !== null },
    later: laterSentence(item),
  });
  const deaf = item.endpoints.filter((one) => one.reason === "not_asked_for");
  if (deaf.length === 0) return state;
  const names = deaf.slice(0, 3).map((one) => one.name);
  const not = tell`${strong(tell`${words(names.join(", "))}${deaf.length > 3 ? " and others" : ""} ${deaf.length === 1 ? "was not told because it does" : "were not told because they do"} not ask for ${id(told?.type ?? "")}.`)} `;
  return { ...state, explanation: [...not, ...state.explanation] };
}

function taught(story: Story, item: Item): states.State {
  const { learned } = story.trace;
  const looked = item.ways.find((way) => way.way === "lookup")?.looked_at.find((one) => one.where !== "default" && one.value);
  const reference = learned[0] ?? (looked?.value ? { kind: looked.where, value: looked.value } : null);
  return states.onlyTeaches({
    reference: reference && { kind: kindWord(reference.kind), value: reference.value },
    workspace: namesOf(story)(learned[0]?.workspace_id ?? item.workspace_id),
    ...{ home: story.home, bindings: learned.length },
  });
}

function waiting(story: Story, item: Item, known: states.Known): states.State {
  const { waits, told } = story;
  const nameOf = namesOf(story);
  const answering = item.ways.filter((way) => way.answer !== null || way.objection !== null);
  switch (item.reason) {
    case "unknown_workspace":
      return states.unknownWorkspace({
        ...{ ...known, way: states.WAYS[answering[0]?.way ?? "path"], workspace: waits?.value ?? "", waiting: waits?.count ?? 1 },
      });
    case "workspace_closed":
      return states.workspaceClosed({
        ...{ ...known, workspace: nameOf(waits?.value), workspaceId: waits?.value ?? "", waiting: waits?.count ?? 1 },
      });
    case "workspace_conflict": {
      const answers = answering.flatMap((way) =>
        [...new Set([way.answer, way.objection])].flatMap((one) =>
          one ? [{ way: states.WAYS[way.way], workspace: nameOf(one), id: one }] : [],
        ),
      );
      const [first] = answers;
      const other = answers.find((one) => one.id !== first?.id);
      return states.workspaceConflict({ answers: first && other ? [first, other] : answers });
    }
    case "reference_ambiguous": {
      const seen = item.ways.flatMap((way) => way.looked_at).find((one) => one.found?.includes(" and "));
      return states.referenceAmbiguous({
        ...{ ...known, kind: kindWord(seen?.where ?? "reference"), value: seen?.value ?? "" },
        workspaces: (seen?.found ?? "").split(" and ").map(nameOf),
      });
    }
    default:
      return states.noReferenceBound({
        ...known,
        thing: told ? `“${happened(told)}” (${known.provider})` : `Something of ${known.provider}`,
        ...{ kind: waits ? kindWord(waits.kind) : null, value: waits?.value ?? null, others: (waits?.count ?? 1) - 1 },
      });
  }
}

function wayOf(item: Item): string {
  const way = item.ways.find((one) => one.answer !== null);
  return way ? { credential: "its secret", path: "its URL", metadata: "its metadata", lookup: "look-up" }[way.way] : "hand";
}

/**
 * What may be said to the customer: true now, promising nothing, without codes but event types, and naming no other workspace.
 */
export function sayOf(story: Story, registry: Registry, zone: Zone): Sentence {
  const { trace, item, told, adapter } = story;
  const provider = providerName(registry, adapter);
  const when = (moment: string) => `${day(moment, zone)}, ${minute(moment, zone, Date.parse(moment))} ${zoneLabel(zone, moment)}`;
  const receivedAt = trace.received_at ?? "";
  const recipient = told?.provider_data.recipient;
  const channel = told?.variant?.split(".", 1)[0] ?? null;
  const of = typeof recipient === "string" ? tell` to ${words(maskPerson(recipient))}` : [];
  const thing = told ? tell`“${happened(told)}”${channel && of.length > 0 ? of : ""}` : tell`${provider}’s report`;
  if (!trace.verification.ok && !states.wasAskedForProof(trace.verification.code ?? ""))
    return tell`A request reached us on ${when(receivedAt)} that we could not take in. Nothing of it was used.`;
  if (trace.status === "rejected")
    return tell`A request in ${provider}’s name reached us on ${when(receivedAt)}. It was not proved to be ${provider}’s, so we did not use it.`;
  switch (item?.verdict) {
    case "event": {
      const deaf = item.endpoints.filter((one) => one.reason === "not_asked_for");
      const reached = item.endpoints.filter((one) => one.state === "succeeded");
      const under = item.endpoints.filter((one) => one.subscribed && one.state !== "succeeded");
      const base = tell`${provider} told us ${thing} of ${when(told?.occurred_at ?? receivedAt)}.`;
      const lastAt = reached.flatMap((one) => one.attempts.at(-1)?.at ?? []).at(-1);
      const parts: Sentence[] = [
        base,
        reached.length > 0
          ? tell` ${reached.length === 1 ? tell`Your endpoint ${words(reached[0]?.name ?? "")} accepted it` : `${capital(states.small(reached.length))} of your endpoints accepted it`}${lastAt ? ` at ${minute(lastAt, zone, Date.parse(lastAt))}` : ""}.`
          : [],
        under.length > 0
          ? tell` ${under.length === 1 ? tell`Your endpoint ${words(under[0]?.name ?? "")} has` : `${capital(states.small(under.length))} of your endpoints have`} not accepted it so far.`
          : [],
        ...deaf
          .slice(0, 2)
          .map(
            (one) =>
              tell` Your endpoint ${words(one.name)} is subscribed to ${strong([id(one.filters.join(", "))])} only: with ${strong([id(told?.type ?? "")])} added to it, new ones are sent there.`,
          ),
        item.endpoints.length === 0 && told?.type ? tell` You have no endpoint to which we could send it.` : [],
      ];
      return parts.flat();
    }
    case "waiting":
      return tell`We received ${thing} of ${when(told?.occurred_at ?? receivedAt)} from ${provider}. It is not in your account yet${whyNotYet(story, provider)}. Once it is, your systems are told.`;
    case "duplicate":
      return tell`${provider} told us this twice. Your systems were told once.`;
    case "taught":
      return tell`${provider} told us on ${when(receivedAt)} what belongs to your account. It is no event, so your systems were not told.`;
    case "dismissed":
      return tell`We received ${thing} from ${provider} on ${when(receivedAt)} and put it aside. Your systems were not told of it.`;
    case "failed":
    case undefined:
      return tell`We received something from ${provider} on ${when(receivedAt)} that we cannot read yet. It is kept.`;
    default:
      return tell`${provider} told us something on ${when(receivedAt)} that changes nothing in your account. Your systems were not told of it.`;
  }
}

function whyNotYet({ item, waits }: Story, provider: string): string {
  if (item?.reason === "workspace_conflict" || item?.reason === "reference_ambiguous")
    return ", because it is not clear which account it belongs to";
  return waits && waits.kind !== "workspace" ? `, because this ${provider} ${kindWord(waits.kind)} is not connected to it` : "";
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Who called, where, and with how much; of what was turned away by its address alone the body was not read. */
export function arrivedSentence({ trace, adapter }: Story, registry: Registry): Sentence {
  const who = trace.status === "rejected" ? "Somebody" : providerName(registry, adapter);
  const bytes = trace.verification.code === "not_found" ? "" : ` with ${many(trace.size, "byte")}`;
  return tell`${who} called ${id(trace.request.path ?? "")}${bytes}`;
}

/** Which credential proved it, in a sentence; what was wrong stands in the verdict. */
export function verifiedSentence(story: Story, registry: Registry, zone: Zone): Sentence {
  const { verification } = story.trace;
  const provider = providerName(registry, story.adapter);
  if (!verification.ok && !states.wasAskedForProof(verification.code ?? ""))
    return tell`Not looked at: it was turned away before.`;
  if (!verification.ok) return tell`Not proved to be ${provider}’s.`;
  const { credential } = verification;
  if (!credential) return tell`It is really ${provider}.`;
  if (credential.place === "path") return tell`It is really ${provider}: the token in its URL is ours.`;
  const owner =
    credential.owner === "platform"
      ? tell`the platform’s`
      : tell`${words(story.names.get(credential.owner) ?? credential.owner)}’s`;
  const since = "since" in credential && credential.since ? ` of ${day(credential.since, zone)}` : "";
  const older = credential.position > 0 ? `, an older one (number ${credential.position + 1})` : "";
  return tell`It is really ${provider}: signed with ${owner} secret${since}${older}.`;
}

/** What the provider's word means in ours. */
export function understoodSentence({ item, told, trace }: Story): Sentence {
  const said = told?.provider_data.status;
  const word = typeof said === "string" && said ? said : null;
  if (!item || item.verdict === "failed") return tell`It could not be read.`;
  if (told) {
    const repeat = item.verdict === "duplicate" ? tell` It came before.` : tell` Not a repeat.`;
    return word
      ? tell`${id(word)} means ${strong(happened(told))}.${repeat}`
      : tell`It means ${strong(happened(told))}.${repeat}`;
  }
  if (item.word !== undefined) return tell`${id(item.word)} is a word that no rule knows.`;
  if (item.verdict === "taught")
    return tell`It tells whose ${many(Math.max(1, trace.learned.length), "thing")} ${trace.learned.length > 1 ? "are" : "is"}; it is no event.`;
  return tell`${item.explanation}`;
}

/** What its heading says that it is about, where a provider says so. */
function topicOf(headers: Readonly<Record<string, string>>): string | null {
  return Object.entries(headers).find(([name]) => name.endsWith("-topic"))?.[1] ?? null;
}
