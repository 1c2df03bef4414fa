import type { Way } from "../../inbound/resolve.ts";
import { kindWord, maskText } from "../../trace/names.ts";
import { WAYS } from "../../trace/states.ts";
import { code, foreign, type Html, html } from "../html.ts";
import { status } from "./status.ts";

type Looked = Way["looked_at"];

/** What each of the four ways looked at, and what it told. */
export function waysTable(ways: readonly Way[], names: ReadonlyMap<string, string>): Html {
  const rows = ways.map(
    (way) =>
      html`<tr><th scope="row">${WAYS[way.way]}</th><td data-label="Looked at">${lookedAt(way)}</td><td data-label="It told">${told(way, names)}</td></tr>`,
  );
  return html`<div class="box"><table class="stack ways"><thead><tr><th scope="col">Way</th><th scope="col">What we looked at</th><th scope="col">What it told</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

/** What has a name for people; a recipient's reference is a digest. */
const readable = (looked: Looked) => looked.filter((one) => one.where !== "recipient");

function lookedAt(way: Way): Html {
  const looked = readable(way.looked_at);
  switch (way.way) {
    case "credential":
      return way.answer
        ? html`The secret that proved it belongs to one workspace alone.`
        : html`The credential that proved it is shared by all workspaces.`;
    case "path":
      if (looked.length === 0) return html`The URL names no workspace.`;
      return html`The URL names ${code(looked[0]?.value ?? "")}${way.answer ? ", and something vouches for it." : ", and nothing vouches for it: a hint, no proof."}`;
    case "metadata":
      if (looked.length === 0) return html`What we send along did not come back.`;
      return html`${pairs(looked)}`;
    case "lookup":
      if (looked.length === 0) return html`It names nothing that could be bound.`;
      return html`${pairs(looked)}`;
  }
}

function pairs(looked: Looked): Html {
  return html`<dl>${looked.map(({ where, value }) => html`<dt>${foreign(kindWord(where))}</dt><dd>${code(maskText(value ?? ""))}</dd>`)}</dl>`;
}

function told(way: Way, names: ReadonlyMap<string, string>): Html {
  const name = (id: string) => foreign(names.get(id) ?? id);
  if (way.objection && way.objection !== way.answer)
    return status("unmatched", html`${way.answer ? html`${name(way.answer)} and ` : ""}${name(way.objection)}`);
  if (way.answer) return status("accepted", name(way.answer));
  if (way.way === "lookup" && readable(way.looked_at).length > 0) {
    const several = way.looked_at.some((one) => one.found?.includes(" and "));
    return status(
      "unmatched",
      several ? "More than one" : way.looked_at.some((one) => one.found) ? "A hint, no proof" : "None is bound",
    );
  }
  return status("none", "Says nothing");
}
