import type { Gateway } from "../../../gateway.ts";
import { many } from "../../../trace/sentence.ts";
import type { readTrace } from "../../../trace/trace.ts";
import { code, type Html, html, nothing } from "../../html.ts";
import { crumbs } from "../../parts/layout.ts";

const MOST_BODY = 64 * 1024;

/** The body of a callback, as it came, but for what is hidden. */
export function bodyPage({ registry }: Gateway, found: NonNullable<Awaited<ReturnType<typeof readTrace>>>): Html {
  const { body, body_encoding, hidden, removed } = found.request;
  const shown = body === null ? null : shorten(body);
  const adapter = [found.provider, found.dialect].filter(Boolean).join("/");
  const hides = hidden.length > 0 && (registry.get(adapter)?.provider.hidden ?? []).length > 0;
  return html`${crumbs(html`<a href="/console/callbacks">Callbacks</a>`, html`<a href="/console/callbacks/${found.id}">${code(found.id)}</a>`, html`Body`)}
<h1>The body, as it came</h1>
<p class="why">${body === null ? "It was not kept: it was too long, or was never read." : `${many(found.size, "byte")}${body_encoding === "base64" ? ", shown as base64 because it is no text" : ""}. That you read it is noted under Audit.`}${hides ? " What may hold one-time codes is hidden." : ""}</p>
${removed.map((one) => html`<p class="sub">${one.explanation}</p>`)}
${shown === null ? nothing : html`<div class="box mid"><pre class="body" tabindex="0"><bdi>${shown.text}</bdi></pre></div>${shown.cut ? html`<p class="more">Cut here: the rest is not shown.</p>` : nothing}`}`;
}

/** What escaping makes longer is cut earlier, so that a page stays a page. */
function shorten(body: string): { text: string; cut: boolean } {
  let room = 90_000;
  let end = 0;
  for (const character of body.slice(0, MOST_BODY)) {
    room -= /[&<>"']/.test(character) ? 6 : Buffer.byteLength(character);
    if (room < 0) break;
    end += character.length;
  }
  return { text: body.slice(0, end), cut: end < body.length };
}
