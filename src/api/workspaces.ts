import { z } from "zod";
import type { Query } from "../db/client.ts";
import { GatewayError } from "../errors.ts";
import { ORG, workspaceId } from "../inbound/resolve.ts";
import { switchOff, switchOn, WORKSPACE_CLOSED } from "../outbound/switch.ts";
import { listQuery, text, workspaceField } from "./fields.ts";
import { api, note, page, readBody, readQuery, showTime } from "./http.ts";

type Row = { id: string; name: string; closed_at: Date | null; created_at: Date };

const show = (row: Row) => ({
  id: row.id,
  name: row.name,
  state: row.closed_at ? "closed" : "open",
  closed_at: showTime(row.closed_at),
  created_at: showTime(row.created_at),
});

function idOf(given: string): string {
  const id = workspaceId(given);
  if (!id) throw new GatewayError("invalid", { fields: { id: "must be a UUID or __org__" } });
  return id;
}

async function endpointsOf(query: Query, workspace: string, condition: string): Promise<string[]> {
  const rows = await query<{ id: string }>(
    `select id from endpoints where workspace_id = $1 and deleted_at is null and ${condition} order by id`,
    [workspace],
  );
  return rows.map((row) => row.id);
}

export const workspaceQuery = listQuery.extend({ after: workspaceField.optional() });
export const workspaceBody = z.object({ name: text(200) });

/** Workspaces, newest first. */
export async function readWorkspaces(query: Query, { limit, after }: z.infer<typeof workspaceQuery>) {
  const rows = await query<Row>(
    `select id, name, closed_at, created_at from workspaces where $1::text is null or (created_at, id) < (select created_at, id from workspaces where id = $1)
     order by created_at desc, id desc limit $2`,
    [after ?? null, limit + 1],
  );
  return page(rows, limit, show, (row) => row.id);
}

/** Register, close, open again. Registering heals what waits for it. */
export const workspaces = api()
  .get("/", async (c) => {
    return c.json(await readWorkspaces(c.var.gateway.database.query, readQuery(c, workspaceQuery)));
  })
  .put("/:id", async (c) => {
    const id = idOf(c.req.param("id"));
    const { name } = await readBody(c, workspaceBody);
    const { database, healer } = c.var.gateway;
    const [before] = await database.query<Row>("select id, name, closed_at, created_at from workspaces where id = $1", [id]);
    const register = () =>
      database.transaction(async (query) => {
        const [row] = await query<Row>(
          `insert into workspaces (id, name) values ($1, $2) on conflict (id) do update set name = excluded.name, closed_at = null
           returning id, name, closed_at, created_at`,
          [id, name],
        );
        const after = show(row as Row);
        await switchOn(query, await endpointsOf(query, id, `state = 'disabled' and state_reason = '${WORKSPACE_CLOSED}'`));
        const action = before?.closed_at ? "workspace.opened" : before ? "workspace.renamed" : "workspace.registered";
        await note(c, [{ action, object: id, before: before && show(before), after }], query);
        return after;
      });
    const { result, healed } = await healer.after([`workspace:${id}`], "workspace", register, c.var.principal.name);
    return c.json({ ...result, ...healed });
  })
  .get("/:id", async (c) => {
    const id = idOf(c.req.param("id"));
    const [row] = await c.var.gateway.database.query<Row>(
      "select id, name, closed_at, created_at from workspaces where id = $1",
      [id],
    );
    if (!row) throw new GatewayError("not_found");
    return c.json(show(row));
  })
  .delete("/:id", async (c) => {
    const id = idOf(c.req.param("id"));
    if (id === ORG) throw new GatewayError("conflict", { message: "__org__ is never closed." });
    const { database } = c.var.gateway;
    await database.transaction(async (query) => {
      const [row] = await query<Row>(
        "update workspaces set closed_at = now() where id = $1 and closed_at is null returning id, name, closed_at, created_at",
        [id],
      );
      if (!row) return;
      await query(
        `with ended as (update tokens set revoked_at = now() where workspace_id = $1 and revoked_at is null returning id)
         delete from sessions where token_id in (select id from ended)`,
        [id],
      );
      await switchOff(query, await endpointsOf(query, id, "state = 'active'"), WORKSPACE_CLOSED);
      await note(c, [{ action: "workspace.closed", object: id, after: show(row) }], query);
    });
    return c.body(null, 204);
  });
