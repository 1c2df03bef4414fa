import type { Shape } from "../../trace/states.ts";
import { type Html, html } from "../html.ts";
import { shape } from "./status.ts";

export type Step = { name: string; when: string | null; shape: Shape; told: Html };

/** What happened to a callback, step by step; one that was not reached stays, dashed. */
export function stepList(steps: readonly Step[]): Html {
  return html`<ol class="steps">${steps.map(
    (step) =>
      html`<li><h3 class="step">${step.name}<span class="ms">${step.when ?? ""}</span></h3><div class="mark">${shape(step.shape)}</div><div class="told">${step.told}</div></li>`,
  )}</ol>`;
}
