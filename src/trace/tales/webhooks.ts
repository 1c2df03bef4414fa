import { type EndpointStory, endpointState } from "../endpoints.ts";
import { at, tell } from "../sentence.ts";
import { answered, busOnly, noEndpoint, type State } from "../states.ts";
import type { Teller } from "./teller.ts";

/** What became of an event at each endpoint that its workspace had. */
export function webhookLines(
  { text }: Teller,
  endpoints: readonly EndpointStory[],
  type: string | null,
  workspace: string,
): string[] {
  const line = ({ headline, explanation }: State) =>
    [text(headline), text(explanation).trim()]
      .filter(Boolean)
      .map((one) => (/[.?!]$/.test(one) ? one : `${one}.`))
      .join(" ");
  if (type === null) return [line(busOnly)];
  if (endpoints.length === 0) return [line(noEndpoint(workspace))];
  const told = endpoints.filter((one) => one.state === "succeeded").length;
  return [
    `${told} of ${endpoints.length} told.`,
    ...endpoints.map((one) => {
      const said = line(endpointState(one, type));
      return `${said.startsWith(`${one.name} `) ? "" : `${one.name}: `}${said}${text(lastTry(one))}`;
    }),
  ];
}

/** How the last attempt ended, where the state does not tell. */
function lastTry({ attempts, state }: EndpointStory) {
  const last = attempts.at(-1);
  return !last || state === "retrying" || state === "succeeded" ? [] : tell` At last: ${at(last.at)} ${answered(last)}.`;
}
