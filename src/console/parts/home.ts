import type { Gateway } from "../../gateway.ts";
import { kindWord, maskText, providerName } from "../../trace/names.ts";
import { at, id, many, type Sentence, tell, words } from "../../trace/sentence.ts";
import { workspaceNames } from "../../trace/story.ts";
import { type Clock, type Html, html, nothing, sentence } from "../html.ts";
import { nameOf } from "./acts.ts";

type Row = { at: Date; token: string; action: string; object: string; after: string | null };
const LOOKED_THROUGH = 500;
const SHOWN = 6;

/** What was brought home lately, and by whom. */
export async function brought({ database, registry }: Gateway, seen: Clock): Promise<Html> {
  const rows = await database.query<Row>(
    `select created_at as at, token, action, object, after from (select * from audit order by id desc limit ${LOOKED_THROUGH}) a
     where action in ('item.assigned', 'item.dismissed', 'binding.added', 'binding.replaced', 'workspace.registered', 'workspace.opened') order by id desc`,
  );
  const lines: { at: string; token: string; action: string; after: Record<string, unknown>; count: number; object: string }[] =
    [];
  for (const row of rows) {
    const after = (row.after ? JSON.parse(row.after) : {}) as Record<string, unknown>;
    const last = lines.at(-1);
    // One assignment notes each of its events.
    const same =
      last?.action === row.action &&
      row.action.startsWith("item.") &&
      last.token === row.token &&
      last.after.workspace_id === after.workspace_id;
    if (same) last.count += 1;
    else lines.push({ at: row.at.toISOString(), token: row.token, action: row.action, object: row.object, after, count: 1 });
  }
  const shown = lines.slice(0, SHOWN);
  if (shown.length === 0) return nothing;
  const names = await workspaceNames(
    database.query,
    shown.flatMap(({ after, object }) => [after.workspace_id, object]).filter((one): one is string => typeof one === "string"),
  );
  return html`<h2 class="mid">Brought home lately</h2><ul class="dots">${shown.map((line) => html`<li>${sentence(lineOf(line, names, registry), seen)}</li>`)}</ul>`;
}

function lineOf(
  line: { at: string; token: string; action: string; after: Record<string, unknown>; count: number; object: string },
  names: ReadonlyMap<string, string>,
  registry: Gateway["registry"],
): Sentence {
  const who = tell`${at(line.at)} ${words(nameOf(line.token))}`;
  const workspace = words(names.get(String(line.after.workspace_id ?? line.object)) ?? String(line.after.workspace_id ?? ""));
  if (line.action === "item.assigned") return tell`${who} gave ${many(line.count, "event")} to ${workspace}`;
  if (line.action === "item.dismissed") return tell`${who} put ${many(line.count, "event")} aside`;
  const adapter = [line.after.provider, line.after.dialect].filter((one) => typeof one === "string").join("/");
  if (line.action.startsWith("binding."))
    return tell`${who} bound ${providerName(registry, adapter)} ${kindWord(String(line.after.kind ?? ""))} ${id(maskText(String(line.after.value ?? "")))} to ${workspace}`;
  return tell`${who} ${line.action === "workspace.opened" ? "opened" : "registered"} ${workspace}`;
}
