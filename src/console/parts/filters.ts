import { type Html, html, raw } from "../html.ts";

/** A choice in a form of filters. */
export function choose(
  name: string,
  label: string,
  all: string,
  options: Readonly<Record<string, string>>,
  chosen: string | undefined,
): Html {
  return html`<label class="unseen" for="f-${name}">${label}</label><select id="f-${name}" name="${name}"><option value="">${all}</option>${Object.entries(
    options,
  ).map(([value, word]) => html`<option value="${value}" ${value === chosen ? raw("selected") : ""}>${word}</option>`)}</select>`;
}
