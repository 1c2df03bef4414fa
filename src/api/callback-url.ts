import { z } from "zod";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import type { Adapter } from "../registry.ts";
import { workspaceField } from "./fields.ts";
import { api, note, own, readBody, readQuery, scope } from "./http.ts";

function adapterOf(gateway: Gateway, name: string): Adapter {
  const adapter = gateway.registry.get(name);
  if (!adapter)
    throw new GatewayError("invalid", { fields: { adapter: `is none of ${[...gateway.registry.keys()].join(", ")}` } });
  return adapter;
}

/** The URL to register with a provider: with its token where a workspace is in it, or where nothing is signed. */
function callbackUrl(gateway: Gateway, adapter: Adapter, workspace: string | null): string {
  const { provider, providerName, name } = adapter;
  const [alias] = provider.aliases ?? [];
  const base = `${gateway.publicUrl()}/callbacks/${alias ? `${providerName}/${alias}` : name}`;
  const path = workspace ?? (provider.verify.signs ? null : "_");
  const url = path ? `${base}/${path}/${gateway.credentials.newestPathToken(name, path)}` : base;
  const refused = provider.forbiddenInUrl?.find((word) => gateway.publicUrl().toLowerCase().includes(word));
  if (refused)
    throw new GatewayError("url_refused", {
      message: `PUBLIC_URL holds "${refused}", which ${provider.title} refuses in a URL.`,
    });
  return url;
}

export const urlQuery = z.object({ adapter: z.string(), workspace_id: workspaceField.optional() });
export const rotateBody = z.object({
  adapter: z.string(),
  workspace_id: workspaceField.nullish(),
  keep_old_hours: z
    .number()
    .min(0)
    .max(24 * 365)
    .default(24),
});

export const callbackUrls = api()
  .get("/", (c) => {
    const { adapter, workspace_id } = readQuery(c, urlQuery);
    const workspace = workspace_id ?? scope(c);
    own(c, workspace);
    return c.json({ url: callbackUrl(c.var.gateway, adapterOf(c.var.gateway, adapter), workspace) });
  })
  .post("/rotate", async (c) => {
    const { gateway } = c.var;
    const body = await readBody(c, rotateBody);
    const named = body.workspace_id ?? scope(c);
    own(c, named);
    const adapter = adapterOf(gateway, body.adapter);
    // What is refused is refused before anything has changed.
    callbackUrl(gateway, adapter, named);
    const workspace = named ?? "_";
    await gateway.database.transaction(async (query) => {
      await query("select pg_advisory_xact_lock(hashtext($1))", [`generation ${adapter.name} ${workspace}`]);
      const [newest] = await query<{ generation: number }>(
        "select generation from path_generations where adapter = $1 and workspace_id = $2 order by generation desc limit 1",
        [adapter.name, workspace],
      );
      const old = newest?.generation ?? 0;
      await query(
        `insert into path_generations (adapter, workspace_id, generation, valid_until) values ($1, $2, $3, now() + make_interval(mins => $4::int))
         on conflict (adapter, workspace_id, generation) do update set valid_until = excluded.valid_until`,
        [adapter.name, workspace, old, Math.round(body.keep_old_hours * 60)],
      );
      await query("insert into path_generations (adapter, workspace_id, generation) values ($1, $2, $3)", [
        adapter.name,
        workspace,
        old + 1,
      ]);
    });
    await gateway.credentials.refresh(gateway.database.query);
    await note(c, [
      { action: "callback_url.rotated", object: `${adapter.name} ${workspace}`, after: { keep_old_hours: body.keep_old_hours } },
    ]);
    return c.json({ url: callbackUrl(gateway, adapter, named) }, 201);
  });
