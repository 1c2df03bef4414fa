import { call, withQuery } from "./client.ts";
import { workspaceOf } from "./named.ts";
import { json, line, note, WrongUse } from "./print.ts";

type Options = { workspace?: string; keepOld?: string; json?: boolean };

const named = async (workspace: string | undefined) => (workspace ? await workspaceOf(workspace) : undefined);

/** `homing url`: what to enter at a provider. The URL alone goes to stdout, so that it can be piped. */
export async function url(adapter: string, { workspace, json: asJson }: Options): Promise<void> {
  const answer = await call<{ url: string }>(
    "GET",
    withQuery("/v1/callback-url", { adapter, workspace_id: await named(workspace) }),
  );
  if (asJson) return json(answer);
  line(answer.url);
}

/** `homing url rotate`: a new token in it; the old one is taken for a while. */
export async function rotate(adapter: string, { workspace, keepOld, json: asJson }: Options): Promise<void> {
  const hours = keepOld === undefined ? 24 : Number(keepOld);
  if (!(hours >= 0)) throw new WrongUse("--keep-old is a number of hours, such as 24.");
  const workspace_id = (await named(workspace)) ?? null;
  const answer = await call<{ url: string }>("POST", "/v1/callback-url/rotate", { adapter, workspace_id, keep_old_hours: hours });
  if (asJson) return json(answer);
  line(answer.url);
  note(
    hours > 0
      ? `Enter it at the provider. The old one is taken for ${hours} more ${hours === 1 ? "hour" : "hours"}.`
      : "Enter it at the provider now: the old one is no longer taken.",
  );
}
