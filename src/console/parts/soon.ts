import { pause } from "../../bus/bell.ts";
import { GatewayError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import { type Html, html } from "../html.ts";

/** A page waits for one of its parts no longer: then it comes without it (CONSOLE §6). */
const PATIENCE_MS = 300;
/** Who asked for the part by itself waits longer, but not for ever. */
const ALONE_MS = 20_000;

/** Runs out after so long; a part of its own, so that tests hold the glass in their hand. */
export const hourglass = { run: (ms: number, ended: AbortSignal): Promise<void> => pause(ms, ended) };

/** What comes in time, else null. The work goes on: who asks for it again finds it under way or done. */
async function within<Value>(ms: number, work: Promise<Value>, closing: AbortSignal): Promise<{ value: Value } | null> {
  const came = new AbortController();
  try {
    return await Promise.race([
      work.then((value) => ({ value })),
      hourglass.run(ms, AbortSignal.any([came.signal, closing])).then(() => null),
    ]);
  } finally {
    came.abort();
  }
}

/** What a page can do without: null where it would have to wait for it. */
export async function soon<Value>(gateway: Gateway, work: Promise<Value>): Promise<Value | null> {
  return (await within(PATIENCE_MS, work, gateway.closing))?.value ?? null;
}

/** A part that a page has time for, by itself. @throws GatewayError `overloaded` where it never comes */
export async function alone<Value>(gateway: Gateway, work: Promise<Value>): Promise<Value> {
  const came = await within(ALONE_MS, work, gateway.closing);
  if (!came) throw new GatewayError("overloaded");
  return came.value;
}

/** In the place of a part that did not come in time. */
export function later(what: string, href: string): Html {
  return html`<p class="box empty late"><a href="${href}">Show ${what}</a> It takes longer than usual to read.</p>`;
}
