import type { Row } from "../cli/table.ts";
import type { Event } from "../events/build.ts";
import type { Source, Way } from "../inbound/resolve.ts";
import { draftsOf } from "./expect.ts";
import { type Scene, type Workspace, workspaces } from "./scenes.ts";

/** What the demo reads of a trace (CONTRACT §6). */
export type Trace = { status: string; items: TracedItem[]; learned: { kind: string; value: string }[] };
type TracedItem = {
  verdict: string;
  explanation: string;
  word?: string;
  workspace_id: string | null;
  ways: (Way & { explanation: string })[];
};

/** What finds a workspace, for each way. */
export const HEADINGS: Record<Source, string> = {
  credential: "By the credential: a secret that only this workspace has",
  path: "By the path: the provider calls a URL of this workspace, with a token in it",
  metadata: "By metadata: the provider echoes the workspace that we had sent along",
  lookup: "By look-up: an earlier callback taught us whose this is",
};

/** A row for each item; a callback of several has a first row that introduces them. */
export function rowsOf(scene: Scene, trace: Trace, events: Event[]): Row[] {
  const title = titleOf(scene);
  const left = [...events];
  const several = trace.items.length > 1;
  const rows = trace.items.map((item, index): Row => {
    const event = item.verdict === "event" ? left.shift() : undefined;
    const said = several ? `· ${itemSaid(scene, index, item)}` : saidIn(scene);
    const workspace = item.workspace_id ? nameOf(item.workspace_id) : "";
    return [
      several ? "" : title,
      said,
      whereFound(item, scene.workspace),
      workspace,
      event ? shown(event) : outcome(item, trace),
    ];
  });
  return several ? [[title, `${scene.sentence}:`, "", "", ""], ...rows] : rows;
}

/** The provider's name, without what stands behind it in brackets. */
export function titleOf(scene: Scene): string {
  return scene.adapter.provider.title.replace(/ \(.*\)$/, "");
}

/** The provider's own word, and ours for it. */
export function saidIn(scene: Scene): string {
  const [first] = draftsOf(scene);
  const word = first?.provider_data?.status;
  return typeof word === "string" ? `“${word}”: ${scene.sentence}` : scene.sentence;
}

function itemSaid(scene: Scene, index: number, item: TracedItem): string {
  const expected = scene.items[index];
  if (item.word) return `“${item.word}”`;
  if (!expected || !("key" in expected)) return "a broken item";
  const { status, recipient } = expected.provider_data ?? {};
  return [status && `“${status}”`, recipient && `of ${recipient}`].filter(Boolean).join(" ");
}

function outcome(item: TracedItem, trace: Trace): string {
  if (item.verdict !== "taught") return `no event: ${named(item.explanation)}`;
  return `no event, but now we know whose ${trace.learned.map(({ kind, value }) => `${kind} ${value}`).join(" and ")} is`;
}

export function strongest(item: TracedItem): TracedItem["ways"][number] | undefined {
  return item.ways.find((way) => way.answer !== null);
}

/** In which words of the callback its workspace stood. */
function whereFound(item: TracedItem, workspace: Workspace): string {
  const way = strongest(item);
  if (!way) return "";
  if (way.way === "credential") return `signed with ${nameOf(way.answer)}'s own secret`;
  if (way.way === "path") return `URL /callbacks/…/<${nameOf(way.answer)}>/<token>`;
  const place = way.looked_at.find((one) => (one.found ?? one.value)?.toLowerCase().startsWith(workspace.id)) ?? way.looked_at[0];
  return way.way === "metadata" ? `${place?.where}` : `${place?.where} ${place?.value}, learned before`;
}

export function shown(event: Event): string {
  return event.variant ? `${event.type ?? event.name} (${event.variant})` : `${event.type ?? event.name}`;
}

export function nameOf(id: string | null): string {
  return workspaces.find((one) => one.id === id)?.name ?? id ?? "";
}

/** Sentences of the gateway with the workspaces' names in place of their ids. */
export function named(sentence: string): string {
  return workspaces.reduce((text, { id, name }) => text.replaceAll(id, name), sentence);
}
