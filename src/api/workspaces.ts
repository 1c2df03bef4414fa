import { z } from "zod";
import { GatewayError } from "../errors.ts";
import { ORG, workspaceId } from "../inbound/resolve.ts";
import { limitField, text } from "./fields.ts";
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

/** Register, close, open again. Registering heals what waits for it. */
export const workspaces = api()
  .get("/", async (c) => {
    const { limit, after } = readQuery(c, z.object({ limit: limitField, after: z.string().optional() }));
    const rows = await c.var.gateway.database.query<Row>(
      `select id, name, closed_at, created_at from workspaces where $1::text is null or (created_at, id) < (select created_at, id from workspaces where id = $1)
       order by created_at desc, id desc limit $2`,
      [after ?? null, limit + 1],
    );
    return c.json(page(rows, limit, show, (row) => row.id));
  })
  .put("/:id", async (c) => {
    const id = idOf(c.req.param("id"));
    const { name } = await readBody(c, z.object({ name: text(200) }));
    const { database, healer } = c.var.gateway;
    const [before] = await database.query<Row>("select id, name, closed_at, created_at from workspaces where id = $1", [id]);
    const register = () =>
      database.query<Row>(
        `insert into workspaces (id, name) values ($1, $2) on conflict (id) do update set name = excluded.name, closed_at = null
       returning id, name, closed_at, created_at`,
        [id, name],
      );
    const { result, healed } = await healer.after([`workspace:${id}`], "workspace", register);
    const [after] = result;
    const action = before?.closed_at ? "workspace.opened" : before ? "workspace.renamed" : "workspace.registered";
    await note(c, [{ action, object: id, before: before && show(before), after: show(after as Row) }]);
    return c.json({ ...show(after as Row), ...healed });
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
    const rows = await database.query<Row>(
      "update workspaces set closed_at = now() where id = $1 and closed_at is null returning id, name, closed_at, created_at",
      [id],
    );
    if (rows[0]) {
      await database.query("update tokens set revoked_at = now() where workspace_id = $1 and revoked_at is null", [id]);
      await note(c, [{ action: "workspace.closed", object: id, after: show(rows[0]) }]);
    }
    return c.body(null, 204);
  });
