import type { Answer } from "../trace/find.ts";
import type { Shape } from "../trace/states.ts";
import { call, withQuery } from "./client.ts";
import { facts, json, line, paint, printable, say, table, when } from "./print.ts";

const SIGNS: Readonly<Record<Shape, string>> = {
  ...{ accepted: "●", unmatched: "◆", repeat: "❐", ignored: "○", new: "⬡", failed: "▲", refused: "⬣", waiting: "◌" },
  ...{ retrying: "↻", held: "↻", given_up: "✕", not_sent: "⊘", quiet: "◌", none: "○" },
};
const COLOURS: Partial<Record<Shape, "green" | "yellow" | "red">> = {
  ...{ accepted: "green", unmatched: "yellow", new: "yellow", retrying: "yellow", held: "yellow", quiet: "yellow" },
  ...{ failed: "red", refused: "red", given_up: "red" },
};

/** `homing trace`: the whole story of whatever that is. Exit code 1 where nothing is found. */
export async function trace(asked: string, options: { json?: boolean }): Promise<void> {
  const answer = await call<Answer>("GET", withQuery("/v1/trace", { q: asked }));
  if (answer.nothing !== null) process.exitCode = 1;
  if (options.json) return json(answer);
  if (answer.nothing !== null) return say(answer.nothing);
  const { tale, others } = answer;
  if (tale) tell(tale, answer.time_zone);
  if (others.length === 0) return;
  line();
  say(tale ? "The same stands in" : `${others.length} fit, newest first. homing trace <id> tells the whole story of one.`, {
    style: "bold",
  });
  const timed = others.some((one) => one.at !== null);
  const rows = others.map((one) => [...(timed ? [when(one.at)] : []), one.told, one.id]);
  table([...(timed ? ["UTC"] : []), "What", "Id"], rows);
}

/** The answer first, then the proof, then what can be done. */
function tell(tale: NonNullable<Answer["tale"]>, zone: string): void {
  const colour = COLOURS[tale.shape];
  const badge = `${SIGNS[tale.shape]} ${tale.word}`;
  line(`${colour ? paint(colour, badge) : badge}  ${paint("dim", `${tale.kind} ${printable(tale.id)}`)}`);
  say(tale.headline, { style: "bold" });
  say(tale.explanation);
  line();
  facts(
    tale.steps.map(({ name, at, lines }) => [
      name,
      at && lines.length > 0 ? [`${at}  ${lines[0]}`, ...lines.slice(1)] : at ? [at] : lines,
    ]),
  );
  if (tale.say) {
    line();
    facts([["Say", `“${tale.say}”`]]);
  }
  if (tale.offers.length > 0) {
    line();
    const isCommand = ({ text }: { text: string }) => text.startsWith("homing ");
    // To be copied: broken by nothing.
    for (const { label, text } of tale.offers.filter(isCommand)) line(`${paint("cyan", `${label}:`)} ${printable(text)}`);
    const texts = tale.offers.filter((offer) => !isCommand(offer));
    if (texts.length > 0) facts(texts.map(({ label, text }) => [label, text]));
  }
  line();
  line(paint("dim", `Times are ${zone}.`));
}
