import type { readEndpoints } from "../api/endpoints.ts";
import type { ProviderRow } from "../attention/types.ts";
import { at, atMinute, id, many, type Sentence, tell, words } from "./sentence.ts";
import { state } from "./states/state.ts";
import { answered, type State } from "./states.ts";

/** How an adapter and an endpoint fare, in a sentence each. */

export type Endpoint = Awaited<ReturnType<typeof readEndpoints>>[number];

/** Its description, else its host. */
export const endpointName = ({ description, url }: Pick<Endpoint, "description" | "url">) => description ?? new URL(url).host;

/** How an endpoint fares. Its word holds beside its share: one that accepts a quarter does not just answer. */
export function endpointFares(endpoint: Endpoint, circuit: Circuit | null = null): State {
  const { health } = endpoint;
  const name = words(endpointName(endpoint));
  const [failure] = health.last_failures;
  const last = failure ? tell` At ${at(failure.at)} it ${saidAtLast(failure)}.` : [];
  const good = health.last_success_at
    ? tell`It accepted one at ${atMinute(health.last_success_at)} last.`
    : tell`It has accepted none so far.`;
  const waits = health.waiting > 0 ? tell` ${many(health.waiting, "webhook waits", "webhooks wait")}.` : tell` Nothing waits.`;
  const dead =
    health.dead > 0 ? tell` ${many(health.dead, "was", "were")} given up, kept for 7 days.` : tell` None has been given up.`;
  const rest = tell`${waits}${dead}`;
  const state = (shape: State["shape"], word: string, headline: Sentence, explanation: Sentence): State => ({
    ...{ shape, word, headline, explanation, offers: [] },
  });
  if (endpoint.state === "disabled") {
    const why = endpoint.state_reason && endpoint.state_reason !== "Switched off" ? tell`${words(endpoint.state_reason)}. ` : [];
    const back = health.waiting > 0 ? tell` Switched on again within 7 days, what waits goes out.` : [];
    return state("not_sent", "Switched off", tell`${name} is switched off`, tell`${why}${good}${rest}${back}`);
  }
  if (health.circuit === "open") {
    const next = circuit?.next_at ? tell` The next one goes at ${at(circuit.next_at)}.` : [];
    return state(
      "held",
      "Does not answer",
      circuit?.since
        ? tell`${name} does not answer since ${atMinute(circuit.since)}`
        : tell`${name} does not answer; we try one at a time`,
      tell`${good}${last} We try one at a time; that uses up no attempt.${next}${rest}`,
    );
  }
  if (failure && failure.at > (health.last_success_at ?? "")) {
    const again = health.waiting > 0;
    return state(
      again ? "retrying" : "given_up",
      again ? "Trying again" : "Last one not accepted",
      tell`${name} did not accept the last one${again ? "; we try again" : ""}`,
      tell`${good}${last}${rest}`,
    );
  }
  const rate = health.success_rate_24h;
  if (rate === null)
    return state("none", "Nothing sent", tell`Nothing was sent to ${name} in the last 24 hours`, tell`${good}${rest}`);
  return state(
    ...accepts(rate),
    tell`${name} accepted ${rate === 1 ? "all" : percent(rate)} of the last 24 hours’ attempts`,
    tell`${good}${rate === 1 ? [] : last}${rest}`,
  );
}

/** From when on an endpoint does not answer, and when it is tried next. */
export type Circuit = { since: string | null; next_at: string | null };

function accepts(rate: number): [shape: State["shape"], word: string] {
  if (rate === 1) return ["accepted", "Accepts all"];
  return rate >= 0.5 ? ["accepted", "Accepts most"] : ["retrying", "Accepts some"];
}

/** A share, rounded down: 100 % means all. */
export function percent(share: number | null): string {
  if (share === null) return "–";
  const tenths = Math.floor(share * 1000 + 1e-9) / 10;
  return `${Number.isInteger(tenths) ? tenths : tenths.toFixed(1)} %`;
}

function saidAtLast(failure: { status: number | null; error: string | null }): Sentence {
  if (failure.status === null) return tell`did not answer${failure.error ? tell`: ${words(failure.error)}` : ""}`;
  return tell`${answered({ ...failure, ms: null })}`;
}

/** What came of an adapter in the last hour. */
export function adapterFares(
  provider: string,
  row: Pick<ProviderRow, "outcomes" | "waiting" | "lastGoodAt" | "lastHour">,
  needs: { secret: boolean; adapter: string },
): State {
  const { refused, failed } = row.outcomes;
  const taken = row.lastHour - refused;
  const good = row.lastGoodAt
    ? tell`The last good one came at ${atMinute(row.lastGoodAt.toISOString())}.`
    : tell`None has been good in the last week.`;
  const waits = row.waiting > 0 ? tell` ${many(row.waiting, "event waits", "events wait")} for a workspace.` : [];
  const unread = failed > 0 ? tell` ${many(failed, "callback")} could not be read.` : [];
  if (needs.secret)
    return state(
      "refused",
      "Refused",
      tell`We hold no secret for ${provider}`,
      tell`Nothing it sends can be trusted: ${refused > 0 ? tell`${many(refused, "request")} of the last hour` : "all of it"} is refused. To store one: ${id(`homing secrets ${needs.adapter} --set`)}.${waits}`,
    );
  if (taken === 0 && refused > 0)
    return state(
      "refused",
      "Refused",
      tell`All that came in ${provider}’s name in the last hour was refused: ${many(refused, "request")}`,
      tell`${good}${waits}`,
    );
  if (taken === 0) return state("quiet", "Quiet", tell`Nothing came from ${provider} in the last hour`, tell`${good}${waits}`);
  const but = refused > 0 ? tell`; ${many(refused, "request was", "requests were")} refused` : [];
  return state(
    failed > 0 ? "failed" : "accepted",
    failed > 0 ? "Failed" : "Accepted",
    tell`${provider} sent ${many(taken, "callback")} in the last hour${but}`,
    tell`${good}${unread}${waits}`,
  );
}
