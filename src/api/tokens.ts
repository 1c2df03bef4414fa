import { randomBytes } from "node:crypto";
import { z } from "zod";
import { GatewayError } from "../errors.ts";
import { newId, readId, showId } from "../ids.ts";
import { hashToken } from "./auth.ts";
import { listQuery, text, workspaceField } from "./fields.ts";
import { api, note, page, type Role, readBody, readCursor, readQuery, roles, showTime } from "./http.ts";

type Row = {
  id: string;
  name: string;
  role: Role;
  workspace_id: string | null;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
};
const columns = "id, name, role, workspace_id, created_at, expires_at, revoked_at";

const show = (row: Row) => ({
  id: showId("token", row.id),
  name: row.name,
  role: row.role,
  workspace_id: row.workspace_id,
  created_at: showTime(row.created_at),
  expires_at: showTime(row.expires_at),
  revoked_at: showTime(row.revoked_at),
});

export const tokenBody = z
  .object({
    name: text(100),
    role: z.enum(roles),
    workspace_id: workspaceField.nullish(),
    expires_in_days: z.number().int().min(1).max(3650).nullish(),
  })
  .refine((body) => (body.role === "workspace") === Boolean(body.workspace_id), {
    path: ["workspace_id"],
    message: "belongs to the role workspace, and to it alone",
  });

/** Who else may call: named, with a role, expiring and revocable. The token itself is shown once. */
export const tokens = api()
  .post("/", async (c) => {
    const { database, databaseClock } = c.var.gateway;
    const body = await readBody(c, tokenBody);
    if (body.workspace_id && body.workspace_id !== "__org__") {
      const [found] = await database.query("select 1 from workspaces where id = $1 and closed_at is null", [body.workspace_id]);
      if (!found) throw new GatewayError("invalid", { fields: { workspace_id: "is not registered, or closed" } });
    }
    const token = `homing_${randomBytes(32).toString("base64url")}`;
    const [row] = await database.query<Row>(
      `insert into tokens (id, name, role, workspace_id, token_hash, expires_at)
       values ($1, $2, $3, $4, $5, case when $6::int is not null then now() + make_interval(days => $6) end) returning ${columns}`,
      [
        ...[newId(databaseClock.now()), body.name, body.role, body.workspace_id ?? null, hashToken(token)],
        body.expires_in_days ?? null,
      ],
    );
    const shown = show(row as Row);
    await note(c, [{ action: "token.created", object: shown.id, after: shown }]);
    return c.json({ ...shown, token }, 201);
  })
  .get("/", async (c) => {
    const { after, limit } = readQuery(c, listQuery);
    const rows = await c.var.gateway.database.query<Row>(
      `select ${columns} from tokens where $1::uuid is null or id < $1 order by id desc limit $2`,
      [readCursor("token", after), limit + 1],
    );
    return c.json(page(rows, limit, show, (row) => showId("token", row.id)));
  })
  .delete("/:id", async (c) => {
    const { database } = c.var.gateway;
    const id = readId("token", c.req.param("id"));
    const [row] = id
      ? await database.query<Row>(
          `with gone as (update tokens set revoked_at = now() where id = $1 and revoked_at is null returning ${columns}),
             ended as (delete from sessions where token_id in (select id from gone))
           select * from gone`,
          [id],
        )
      : [];
    if (row) await note(c, [{ action: "token.revoked", object: showId("token", row.id), after: show(row) }]);
    return c.body(null, 204);
  });
