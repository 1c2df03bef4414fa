import type { Gateway } from "../../gateway.ts";
import { kindWord, maskText, providerName } from "../../trace/names.ts";
import { at, id, many, type Sentence, tell, words } from "../../trace/sentence.ts";
import { workspaceNames } from "../../trace/story.ts";
import { type Clock, type Html, html, nothing, sentence } from "../html.ts";
import { nameOf } from "./acts.ts";

type Row = { at: Date; token: string; action: string; object: string; after: string | null };
type Line = Omit<Row, "after"> & { after: Record<string, unknown>; count: number };

const LOOKED_THROUGH = 500;
const SHOWN = 6;
/** What a binding or a workspace brings home comes soon after it. */
const SOON = "interval '10 minutes'";

/** What was brought home lately, and by whom. */
export async function brought({ database, registry }: Gateway, seen: Clock): Promise<Html> {
  const rows = await database.query<Row>(
    `with acts as materialized (
       select id, created_at as at, token, action, object, after, case when action like 'workspace.%' then object else after::json ->> 'workspace_id' end as workspace
       from (select * from audit order by id desc limit ${LOOKED_THROUGH}) a
       where action in ('item.assigned', 'item.dismissed', 'binding.added', 'binding.replaced', 'workspace.registered', 'workspace.opened')
     ),
     home as (select cause, workspace_id, at from healed where cause in ('binding', 'workspace') and at > (select min(at) from acts))
     select at, token, action, object, after from acts
     where action like 'item.%' or exists (
       select 1 from home h where h.workspace_id = acts.workspace and h.cause = split_part(acts.action, '.', 1) and h.at between acts.at - interval '1 second' and acts.at + ${SOON})
     order by id desc`,
  );
  const shown = gathered(rows).slice(0, SHOWN);
  if (shown.length === 0) return nothing;
  const names = await workspaceNames(
    database.query,
    shown.flatMap(({ after, object }) => [after.workspace_id, object]).filter((one): one is string => typeof one === "string"),
  );
  return html`<h2 class="mid">Brought home lately</h2><ul class="dots">${shown.map((line) => html`<li>${sentence(lineOf(line, names, registry), seen)}</li>`)}</ul>`;
}

/** One assignment notes each of its events: they are one line. */
function gathered(rows: readonly Row[]): Line[] {
  const lines: Line[] = [];
  for (const row of rows) {
    const after = (row.after ? JSON.parse(row.after) : {}) as Record<string, unknown>;
    const last = lines.at(-1);
    const same =
      last?.action === row.action &&
      row.action.startsWith("item.") &&
      last.token === row.token &&
      last.after.workspace_id === after.workspace_id;
    if (same) last.count += 1;
    else lines.push({ ...row, after, count: 1 });
  }
  return lines;
}

function lineOf(line: Line, names: ReadonlyMap<string, string>, registry: Gateway["registry"]): Sentence {
  const who = tell`${at(line.at.toISOString())} ${words(nameOf(line.token))}`;
  const workspace = words(names.get(String(line.after.workspace_id ?? line.object)) ?? String(line.after.workspace_id ?? ""));
  if (line.action === "item.assigned") return tell`${who} gave ${many(line.count, "event")} to ${workspace}`;
  if (line.action === "item.dismissed") return tell`${who} put ${many(line.count, "event")} aside`;
  const adapter = [line.after.provider, line.after.dialect].filter((one) => typeof one === "string").join("/");
  if (line.action.startsWith("binding."))
    return tell`${who} bound ${providerName(registry, adapter)} ${kindWord(String(line.after.kind ?? ""))} ${id(maskText(String(line.after.value ?? "")))} to ${workspace}`;
  return tell`${who} ${line.action === "workspace.opened" ? "opened" : "registered"} ${workspace}`;
}
