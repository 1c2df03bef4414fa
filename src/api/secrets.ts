import { z } from "zod";
import { GatewayError } from "../errors.ts";
import { newId } from "../ids.ts";
import { keyOf } from "../inbound/credentials.ts";
import { rewrap } from "../keys.ts";
import type { Adapter } from "../registry.ts";
import { workspaceField } from "./fields.ts";
import { api, type Call, note, own, readBody, scope, showTime } from "./http.ts";

export const secretsBody = z.object({
  workspace_id: workspaceField.nullable(),
  secrets: z.array(z.string().min(1).max(5000)).max(10),
});

/** The adapter that a path names, `x` or `x/y`. */
function adapterOf(c: Call): Adapter {
  const name = [c.req.param("provider"), c.req.param("dialect")].filter(Boolean).join("/");
  const adapter = c.var.gateway.registry.get(name);
  if (!adapter) throw new GatewayError("not_found", { message: `There is no adapter ${name}.` });
  return adapter;
}

type Row = { workspace_id: string | null; created_at: Date };

async function counted(c: Call, adapter: Adapter) {
  const rows = await c.var.gateway.database.query<Row>(
    `select workspace_id, created_at from secrets where adapter = $1 and ($2::text is null or workspace_id = $2)
     order by workspace_id nulls first, position`,
    [adapter.name, scope(c)],
  );
  const owners = Map.groupBy(rows, (row) => row.workspace_id);
  const stored = [...owners].map(([workspace_id, list]) => ({
    workspace_id,
    place: "stored",
    count: list.length,
    created_at: list.map((row) => showTime(row.created_at)),
  }));
  const environment = c.var.gateway.config.secrets.get(adapter.name) ?? [];
  return environment.length > 0 && scope(c) === null
    ? [{ workspace_id: null, place: "environment", count: environment.length, created_at: [] }, ...stored]
    : stored;
}

async function put(c: Call) {
  const adapter = adapterOf(c);
  const { workspace_id, secrets } = await readBody(c, secretsBody);
  own(c, workspace_id);
  const { database, vault, databaseClock, credentials } = c.var.gateway;
  const fields: Record<string, string> = {};
  for (const [index, secret] of secrets.entries()) {
    try {
      keyOf(adapter, secret);
    } catch (error) {
      fields[`secrets.${index}`] = (error as Error).message;
    }
  }
  if (Object.keys(fields).length > 0) throw new GatewayError("invalid", { fields });
  const before = await counted(c, adapter);
  await database.transaction(async (query) => {
    // Two writers of the same list take turns.
    await query("select pg_advisory_xact_lock(hashtext($1))", [`secrets ${adapter.name} ${workspace_id}`]);
    const old = await query<{ ciphertext: string; created_at: Date }>(
      "delete from secrets where adapter = $1 and workspace_id is not distinct from $2 returning ciphertext, created_at",
      [adapter.name, workspace_id],
    );
    const ages = new Map(old.map((row) => [vault.open(row.ciphertext).toString(), row.created_at]));
    for (const [position, secret] of secrets.entries()) {
      await query(
        "insert into secrets (id, adapter, workspace_id, position, ciphertext, created_at) values ($1, $2, $3, $4, $5, coalesce($6::timestamptz, now()))",
        [newId(databaseClock.now()), adapter.name, workspace_id, position, vault.seal(secret), ages.get(secret) ?? null],
      );
    }
  });
  await credentials.refresh(database.query);
  const after = await counted(c, adapter);
  await note(c, [{ action: "secrets.set", object: `${adapter.name} ${workspace_id ?? "platform"}`, before, after }]);
  return c.json({ adapter: adapter.name, data: after });
}

async function get(c: Call) {
  const adapter = adapterOf(c);
  return c.json({ adapter: adapter.name, data: await counted(c, adapter) });
}

/** Providers' secrets: set, and told as counts and ages, never as values. */
export const secrets = api()
  .post("/rewrap", async (c) => {
    const { database, vault } = c.var.gateway;
    const rewrapped = await rewrap(database.query, vault);
    await note(c, [{ action: "secrets.rewrapped", object: "MASTER_KEY", after: { rewrapped } }]);
    return c.json({ rewrapped }, 201);
  })
  .put("/:provider", put)
  .put("/:provider/:dialect", put)
  .get("/:provider", get)
  .get("/:provider/:dialect", get);
