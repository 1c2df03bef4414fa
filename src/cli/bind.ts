import { call, withQuery } from "./client.ts";
import { adapterFields, nameOf, readReference, workspaceOf } from "./named.ts";
import { age, json, many, say, table, WrongUse } from "./print.ts";
import { adapterName } from "./unmatched.ts";

type Binding = {
  id: string;
  provider: string;
  dialect: string | null;
  kind: string;
  value: string;
  workspace_id: string;
  other_workspace_id?: string;
  origin: string;
  callback_id: string | null;
  created_at: string;
};
type Options = { replace?: boolean; list?: boolean; remove?: string; workspace?: string; origin?: string; json?: boolean };

/** `homing bind`: says whose a reference is; what waited for that comes home. */
export async function bind(adapter?: string, reference?: string, workspace?: string, options: Options = {}): Promise<void> {
  if (options.remove) {
    await call("DELETE", `/v1/bindings/${encodeURIComponent(options.remove)}`);
    return options.json ? json({ removed: options.remove }) : say("It is bound no longer. What was emitted stays emitted.");
  }
  if (options.list) return list(adapter, reference, options);
  if (!adapter || !reference || !workspace)
    throw new WrongUse("Say whose what is: homing bind <provider[/dialect]> <kind:value> <workspace>.");
  const told = { ...adapterFields(adapter), ...readReference(reference), workspace_id: await workspaceOf(workspace) };
  const bound = await call<Binding & { rematched: number; remaining: number }>("PUT", "/v1/bindings", {
    ...told,
    ...(options.replace && { replace: true }),
  });
  if (options.json) return json(bound);
  say(`${reference} of ${adapter} is ${await nameOf(bound.workspace_id)}'s now (${bound.id}).`, { style: "green" });
  say(
    bound.rematched > 0
      ? `${many(bound.rematched, "event that waited", "events that waited")} came home.`
      : "Nothing waited for it.",
  );
  if (bound.remaining > 0)
    say(`${many(bound.remaining, "other")} still ${bound.remaining === 1 ? "waits" : "wait"}, or go out behind this answer.`);
}

async function list(adapter: string | undefined, reference: string | undefined, options: Options): Promise<void> {
  const query = {
    ...(adapter && adapterFields(adapter)),
    ...(reference && readReference(reference)),
    ...(options.workspace && { workspace_id: await workspaceOf(options.workspace) }),
    origin: options.origin,
  };
  const answer = await call<{ data: Binding[]; next: string | null }>("GET", withQuery("/v1/bindings", query));
  if (options.json) return json(answer);
  if (answer.data.length === 0) {
    process.exitCode = 1;
    return say("None is bound.");
  }
  const rows = answer.data.map((one) => [
    ...[adapterName(one), `${one.kind}:${one.value}`],
    ...[[one.workspace_id, one.other_workspace_id].filter(Boolean).join(" and "), one.origin, age(one.created_at), one.id],
  ]);
  table(["Provider", "Reference", "Workspace", "Who said so", "Age", "Binding"], rows);
  if (answer.next) say(`These are the newest ${answer.data.length}. A provider, a reference or --workspace narrows them.`);
}
