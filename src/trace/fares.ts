import type { readEndpoints } from "../api/endpoints.ts";
import type { ProviderRow } from "../attention/types.ts";
import { at, atMinute, id, many, type Sentence, tell, words } from "./sentence.ts";
import { answered, type State } from "./states.ts";

/** How an adapter and an endpoint fare, in a sentence each. */

export type Endpoint = Awaited<ReturnType<typeof readEndpoints>>[number];

/** Its description, else its host. */
export const endpointName = ({ description, url }: Pick<Endpoint, "description" | "url">) => description ?? new URL(url).host;

export function endpointFares(endpoint: Endpoint): State {
  const { health } = endpoint;
  const name = words(endpointName(endpoint));
  const [failure] = health.last_failures;
  const last = failure ? tell` At ${at(failure.at)} it ${saidAtLast(failure)}.` : [];
  const good = health.last_success_at
    ? tell`It accepted one at ${atMinute(health.last_success_at)} last.`
    : tell`It has accepted none so far.`;
  const waits = tell` ${many(health.waiting, "webhook waits", "webhooks wait")}, ${many(health.dead, "was", "were")} given up.`;
  const state = (shape: State["shape"], word: string, headline: Sentence, explanation: Sentence): State => ({
    ...{ shape, word, headline, explanation, offers: [] },
  });
  if (endpoint.state === "disabled")
    return state(
      "not_sent",
      "Not sent",
      tell`${name} is switched off`,
      tell`${words(endpoint.state_reason ?? "Somebody did it")}. ${good}${waits}`,
    );
  if (health.circuit === "open")
    return state("held", "Held back", tell`${name} does not answer; we try one at a time`, tell`${good}${last}${waits}`);
  if (failure && failure.at > (health.last_success_at ?? ""))
    return state(
      "retrying",
      "Trying again",
      tell`${name} did not accept the last one; we try again`,
      tell`${good}${last}${waits}`,
    );
  if (health.success_rate_24h === null)
    return state("none", "Nothing sent", tell`Nothing was sent to ${name} in the last 24 hours`, tell`${good}${waits}`);
  const rate = Math.floor(health.success_rate_24h * 100);
  return state(
    "accepted",
    "Accepted",
    tell`${name} accepted ${rate === 100 ? "all" : `${rate} %`} of the last 24 hours`,
    tell`${good}${waits}`,
  );
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
  const state = (shape: State["shape"], word: string, headline: Sentence, explanation: Sentence): State => ({
    ...{ shape, word, headline, explanation, offers: [] },
  });
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
