import { call, withQuery } from "./client.ts";
import { age, json, many, say, table, when } from "./print.ts";

export type Group = {
  provider: string;
  dialect: string | null;
  reference: string | null;
  reason: string;
  waiting: number;
  oldest: string;
  newest: string;
  sample_callback_id: string;
};
export type Waiting = {
  callback_id: string;
  index: number;
  provider: string;
  dialect: string | null;
  reason: string;
  references: string[];
  occurred_at: string;
  received_at: string;
};

const WHY: Readonly<Record<string, string>> = {
  no_reference_bound: "nobody has said whose it is",
  reference_ambiguous: "belongs to more than one workspace",
  workspace_conflict: "two answers that differ",
  unknown_workspace: "its workspace is not registered",
  workspace_closed: "its workspace is closed",
};
const MOST_ITEMS = 100;

/** `provider` or `provider/dialect`. */
export const adapterName = ({ provider, dialect }: { provider: string | null; dialect: string | null }): string =>
  [provider, dialect].filter(Boolean).join("/");

/** `homing unmatched`: what has no workspace yet, and why. */
export async function unmatched(options: { items?: boolean; provider?: string; reason?: string; json?: boolean }): Promise<void> {
  const { provider, reason } = options;
  const query = { provider, reason, limit: options.items ? MOST_ITEMS : 500, ...(!options.items && { group: "reference" }) };
  const answer = await call<{ data: (Group & Waiting)[]; next: string | null }>("GET", withQuery("/v1/unmatched", query));
  if (options.json) return json(answer);
  if (answer.data.length === 0) return say("Nothing waits. Every callback found its workspace.", { style: "green" });
  if (options.items) return showItems(answer.data, answer.next !== null);
  const waiting = answer.data.reduce((sum, group) => sum + group.waiting, 0);
  say(`${many(waiting, "event waits", "events wait")} for a workspace. Nothing is lost.`, { style: "bold" });
  const rows = answer.data.map((group) => [
    ...[String(group.waiting), adapterName(group), group.reference ?? "(carries none)", WHY[group.reason] ?? group.reason],
    ...[age(group.oldest), group.sample_callback_id],
  ]);
  table(["Events", "Provider", "Reference", "Why", "Oldest", "One of them"], rows, { numbers: [0] });
  say("Look at one: homing trace <callback>. Say whose they are: homing assign <provider> <reference> --workspace <name or id>.");
}

function showItems(items: Waiting[], more: boolean): void {
  const rows = items.map((item) => [
    ...[when(item.occurred_at), adapterName(item), item.references.join(", ") || "(carries none)"],
    ...[WHY[item.reason] ?? item.reason, item.callback_id, String(item.index)],
  ]);
  table(["Happened, UTC", "Provider", "References", "Why", "Callback", "Item"], rows, { numbers: [5] });
  if (more) say(`These are the newest ${MOST_ITEMS}. --provider and --reason narrow them.`);
}
