import { type EndpointStory, endpointState } from "../../trace/endpoints.ts";
import { at, tell } from "../../trace/sentence.ts";
import { answered } from "../../trace/states.ts";
import { type Clock, code, foreign, type Html, html, nothing, sentence } from "../html.ts";
import { copy } from "./beside.ts";
import { status } from "./status.ts";

/** Each endpoint that the workspace had: what it asked for, and what happened there. */
export function toldTable(endpoints: readonly EndpointStory[], type: string, view: Clock): Html {
  const rows = endpoints.map((one, index) => {
    const state = endpointState(one, type);
    const isFinal = one.state === "succeeded";
    const attempts = one.attempts.map(
      (attempt) => html`<small>${sentence(tell`${at(attempt.at)} ${answered(attempt)}`, view)}</small>`,
    );
    const why = isFinal || one.attempts.length > 0 ? nothing : html`<small>${sentence(state.explanation, view)}</small>`;
    const shown =
      one.state === "held" || one.state === "dead" || one.state === "retrying" || isFinal ? state.headline : [state.word];
    const add = state.offers.find((offer) => offer.to === "copy");
    return html`<tr><th scope="row"><a href="/console/endpoints/${one.endpoint_id}">${foreign(one.name)}</a></th><td data-label="Asked for">${one.filters.map((filter) => html`${code(filter)}<br>`)}</td><td data-label="What happened">${status(state.shape, sentence(shown, view))}${attempts}${why}${retry(one)}${add?.to === "copy" ? copy(add.label, add.text, view, `add-${index}`) : nothing}</td></tr>`;
  });
  return html`<div class="box"><table class="stack"><thead><tr><th scope="col">Endpoint</th><th scope="col">Asked for</th><th scope="col">What happened</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

function retry({ state, dispatch_id }: EndpointStory): Html {
  if (!dispatch_id || !["retrying", "dead"].includes(state ?? "")) return nothing;
  return html`<form method="post" action="/console/dispatches/${dispatch_id}/retry"><button class="plain">${state === "dead" ? "Retry" : "Retry now"}</button></form>`;
}
