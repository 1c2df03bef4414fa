import type { Query } from "../db/client.ts";
import { heldBack } from "../events/log.ts";
import { fieldsMissing, newWords } from "./drift.ts";
import { endpointsFailing } from "./failing.ts";
import { allRefused, FEWEST_REFUSED } from "./refused.ts";
import { rising } from "./rising.ts";
import { quiet, silent } from "./silence.ts";
import { failed, unmatched } from "./stuck.ts";
import { type Attention, attentionKinds } from "./types.ts";

const HELD_BACK_SECONDS = 30;

/** What needs attention now, worst kind first, then what goes on longest (CONSOLE §2). Reads what the minutes tell, never the callbacks one by one. */
export async function attention(query: Query): Promise<Attention[]> {
  const found = await Promise.all([
    ofProviders(query),
    endpointsFailing(query),
    failed(query),
    unmatched(query),
    newWords(query),
    fieldsMissing(query),
    logHeldBack(query),
  ]);
  const order = (one: Attention) => attentionKinds.indexOf(one.kind);
  return found.flat().sort((a, b) => order(a) - order(b) || (a.since < b.since ? -1 : 1));
}

/** A provider of whom good ones are missing is told of once: as refused where something came and was refused, as quiet where nothing did. */
async function ofProviders(query: Query): Promise<Attention[]> {
  const [silents, risen] = await Promise.all([silent(query), rising(query)]);
  const knocks = silents.filter((one) => one.refused >= FEWEST_REFUSED).map((one) => one.adapter);
  const refused = await allRefused(query, knocks);
  const told = new Set(refused.map((one) => one.adapter));
  const still = await quiet(
    query,
    silents.filter((one) => !told.has(one.adapter)),
  );
  return [...refused, ...still, ...risen.filter((one) => one.kind !== "refused_rising" || !told.has(one.adapter))];
}

async function logHeldBack(query: Query): Promise<Attention[]> {
  const { seconds } = await heldBack(query);
  if (seconds < HELD_BACK_SECONDS) return [];
  const since = new Date(Date.now() - seconds * 1000).toISOString();
  return [{ kind: "log_held_back", adapter: null, since, count: Math.round(seconds), cause: {}, link: { to: "callbacks" } }];
}
