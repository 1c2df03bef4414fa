import { readEndpoints } from "../../api/endpoints.ts";
import { homing, putWorkspace } from "../command.ts";
import { endpointFares, endpointName } from "../fares.ts";
import { id, many, tell, words } from "../sentence.ts";
import { clock } from "../zone.ts";
import type { Tale, Teller } from "./teller.ts";

/** A workspace: whether it is open, what it is told on, what waits for it. */
export async function taleOfWorkspace(teller: Teller, workspace: string): Promise<Tale | null> {
  const { gateway, text, zone, now } = teller;
  const { query } = gateway.database;
  const [[row], [waits], endpoints] = await Promise.all([
    query<{ name: string; closed_at: Date | null }>("select name, closed_at from workspaces where id = $1", [workspace]),
    query<{ count: number }>("select count(*)::int as count from waiting where refs @> array[$1::text]", [
      `workspace:${workspace}`,
    ]),
    readEndpoints(query, { workspace, limit: 50 }),
  ]);
  const waiting = waits?.count ?? 0;
  if (!row && waiting === 0) return null;
  const state = !row
    ? tell`Workspace ${id(workspace)} is not registered here`
    : row.closed_at
      ? tell`${words(row.name)} is closed here`
      : tell`${words(row.name)} is open`;
  const out = !row ? "registered" : "opened again";
  const explanation =
    waiting > 0
      ? `${many(waiting, "event names it and waits", "events name it and wait")}. Once ${out}, ${waiting === 1 ? "it goes" : "all go"} out.`
      : row?.closed_at
        ? `Closed at ${clock(row.closed_at.toISOString(), zone, now)}. Its events wait.`
        : "Nothing waits for it.";
  return {
    ...{
      kind: "workspace",
      id: workspace,
      shape: !row || row.closed_at ? "unmatched" : "accepted",
      word: !row ? "Unknown" : row.closed_at ? "Closed" : "Open",
    },
    ...{ headline: text(state), explanation, say: null },
    steps: [
      { name: "Id", at: null, lines: [workspace] },
      {
        name: "Endpoints",
        at: null,
        lines:
          endpoints.length > 0
            ? endpoints.map((one) => `${endpointName(one)}: ${text(endpointFares(one).headline)} (${one.id})`)
            : ["None."],
      },
    ],
    offers:
      row && !row.closed_at
        ? [{ label: "See what is bound to it", text: homing("bind", "--list", "--workspace", workspace) }]
        : [{ label: "For an operator", text: putWorkspace(gateway.publicUrl(), workspace, row?.name ?? "…") }],
  };
}
