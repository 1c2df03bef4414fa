import { REPLAYABLE } from "../../healing/bring-in.ts";
import { actSentence } from "../acts.ts";
import { homing } from "../command.ts";
import { answerOf, explainWay } from "../explain.ts";
import { laterSentence } from "../homecoming.ts";
import { kindWord } from "../names.ts";
import { at, id, many, type Sentence, tell } from "../sentence.ts";
import { type Item, readStory, type Story } from "../story.ts";
import { arrivedSentence, sayOf, understoodSentence, verdictOf, verifiedSentence } from "../verdict.ts";
import { exact, lasting } from "../zone.ts";
import { commandOf } from "./offers.ts";
import type { Tale, Teller } from "./teller.ts";
import { webhookLines } from "./webhooks.ts";

type Step = Tale["steps"][number];
const EVERY_ITEM = 20;

/** @param index the item to open at, where the callback has several. */
export async function taleOfCallback(teller: Teller, uuid: string, index: number | null): Promise<Tale | null> {
  const { gateway } = teller;
  const story = await readStory(gateway, uuid, index);
  if (!story) return null;
  const { trace } = story;
  const state = verdictOf(story, gateway.registry);
  const offers = state.offers.flatMap((offer) => commandOf(teller, offer, story));
  if (trace.status === "rejected" && REPLAYABLE.test(trace.reason ?? ""))
    offers.push({ label: "Try it again, with today's secrets", text: homing("replay", trace.id, "--dry-run") });
  return {
    ...{ kind: "callback", id: trace.id, shape: state.shape, word: state.word },
    ...{ headline: teller.text(state.headline), explanation: teller.text(state.explanation) },
    say: teller.text(sayOf(story, gateway.registry, teller.zone)),
    steps: [...proofOf(teller, story), ...besideOf(teller, story)],
    offers,
  };
}

const step = (name: string, lines: string[], at: string | null = null): Step => ({ name, at, lines: lines.filter(Boolean) });

/** What happened to it, step by step. */
function proofOf(teller: Teller, story: Story): Step[] {
  const { gateway, zone, text } = teller;
  const { trace, item } = story;
  const ms = trace.steps_ms as Record<string, number | undefined>;
  const after = (name: string) => (ms[name] === undefined ? null : `+${lasting(ms[name])}`);
  const verified = text(verifiedSentence(story, gateway.registry, zone));
  const arrived = step("Arrived", arrivedLines(teller, story), trace.received_at && exact(trace.received_at, zone));
  if (trace.status === "rejected")
    return [
      arrived,
      step("Verified", [verified, trace.verification.explanation], after("verified")),
      step("We answered", [answerOf(trace.reason)]),
    ];
  return [
    arrived,
    step("Verified", [verified], after("verified")),
    step("Understood", [text(understoodSentence(story))], after("understood")),
    ...(item && item.verdict !== "failed" ? placedOf(teller, story, item, after("placed")) : []),
  ];
}

function arrivedLines({ gateway, text }: Teller, story: Story): string[] {
  const { request, items, status } = story.trace;
  const { item } = story;
  const batch = items.length > 1 && item ? ` It brought ${many(items.length, "item")}; this is item ${item.index}.` : "";
  const names =
    status === "rejected" && request.hidden.length > 0
      ? `With ${many(request.hidden.length, "header")}: ${request.hidden.join(", ")}.`
      : "";
  return [`${text(arrivedSentence(story, gateway.registry))}.${batch}`, names];
}

/** Of one that could be read: whose it is, and what became of it. */
function placedOf(teller: Teller, story: Story, item: Item, after: string | null): Step[] {
  const { text } = teller;
  const { told, names } = story;
  const ways = item.ways.map((way) => named(story, explainWay(readable(way))));
  const steps = [
    step("Whose is it?", [...ways, text(laterSentence(item, at, true)).trim()], after),
    step("Event", [text(eventSentence(story, item))]),
  ];
  if (item.verdict === "event" && told)
    steps.push(
      step("Webhooks", webhookLines(teller, item.endpoints, told.type, names.get(item.workspace_id ?? "") ?? "Its workspace")),
    );
  return steps;
}

/** A recipient's reference is a digest, which tells nobody anything. */
const readable = (way: Item["ways"][number]) => ({ ...way, looked_at: way.looked_at.filter((one) => one.where !== "recipient") });

/** Workspaces by their names. */
const named = ({ names }: Story, explanation: string) =>
  [...names].reduce((said, [workspace, name]) => said.replaceAll(workspace, name), explanation);

function eventSentence({ told, first, waits }: Story, item: Item): Sentence {
  switch (item.verdict) {
    case "event":
      return tell`${id(told?.type ?? told?.variant ?? "It")} was emitted once${told && told.type === null ? ", on the bus alone" : ""}: ${id(item.event_id ?? "")}.`;
    case "waiting":
      return waits && waits.count > 1
        ? tell`Stored and waiting, not emitted. ${many(waits.count - 1, "other waits", "others wait")} for the same ${kindWord(waits.kind)}.`
        : tell`Stored and waiting, not emitted.`;
    case "duplicate":
      return first ? tell`None: the first one, ${id(first.id)}, made it.` : tell`None: it was made before.`;
    default:
      return tell`None.`;
  }
}

/** What stands beside the proof: what it taught, what else it brought, the reason's code, who did what. */
function besideOf({ text }: Teller, story: Story): Step[] {
  const { trace, item, acts } = story;
  const reason = item?.reason ?? trace.reason;
  const learned = trace.learned.map((one) => named(story, `${one.kind} ${one.value} is ${one.workspace_id}'s (${one.id}).`));
  const items = trace.items
    .slice(0, EVERY_ITEM)
    .map((one) => named(story, `${one.index}: ${one.explanation}${one.event_id ? ` ${one.event_id}` : ""}`));
  const more = trace.items.length > EVERY_ITEM ? [`and ${trace.items.length - EVERY_ITEM} more`] : [];
  return [
    ...(learned.length > 0 ? [step("Learned", learned)] : []),
    ...(items.length > 1 ? [step("All items", [...items, ...more])] : []),
    ...(reason ? [step("Reason", [reason])] : []),
    ...(acts.length > 0
      ? [
          step(
            "Who did what",
            acts.map((act) => text(actSentence(act))),
          ),
        ]
      : []),
  ];
}
