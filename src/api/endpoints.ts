import { z } from "zod";
import type { Query } from "../db/client.ts";
import { GatewayError } from "../errors.ts";
import { catalogueTypes } from "../events/catalogue.ts";
import type { Gateway } from "../gateway.ts";
import { newId, readId, showId } from "../ids.ts";
import { AddressRefused, checkUrl, dialable, resolveHost } from "../outbound/guard.ts";
import { openSecrets } from "../outbound/sender.ts";
import { DEFAULT_SIGNATURE_HEADER, newSecret, signatureHeaders, webhookBody, whsec } from "../outbound/sign.ts";
import { noteFilters, switchOff, switchOn } from "../outbound/switch.ts";
import { listQuery, text, workspaceField } from "./fields.ts";
import { api, type Call, note, own, page, readBody, readCursor, readQuery, scope, showTime } from "./http.ts";

type Row = {
  id: string;
  workspace_id: string;
  url: string;
  filters: string[];
  description: string | null;
  signature_header: string | null;
  state: string;
  state_reason: string | null;
  circuit_open_since: Date | null;
  secret_ciphertext: string;
  previous_secret_ciphertext: string | null;
  previous_secret_until: Date | null;
  created_at: Date;
};
const columns = `id, workspace_id, url, filters, description, signature_header, state, state_reason, circuit_open_since, secret_ciphertext,
  case when previous_secret_until > now() then previous_secret_ciphertext end as previous_secret_ciphertext, previous_secret_until, created_at`;

const families = [...new Set(catalogueTypes.map((type) => `${type.split(".", 1)[0]}.*`))];
const askable = new Set<string>([...catalogueTypes, ...families, "*"]);
const filters = z
  .array(z.string().refine((filter) => askable.has(filter), `must be one of ${[...askable].join(", ")}`))
  .min(1, "must ask for something: exact types, family.* or *")
  .max(100)
  .transform((list) => [...new Set(list)]);
const header = z
  .string()
  .regex(/^X-[A-Za-z0-9-]{1,60}$/, "must look like X-Some-Signature")
  .nullish();
export const endpointQuery = listQuery.extend({ workspace_id: workspaceField.optional() });
export const created = z.object({
  workspace_id: workspaceField.optional(),
  url: z.string().max(2000),
  events: filters,
  description: text(200).nullish(),
  signature_header: header,
});
export const changed = z.object({
  url: z.string().max(2000).optional(),
  events: filters.optional(),
  description: text(200).nullish(),
  signature_header: header,
  state: z.enum(["active", "disabled"]).optional(),
});

type Health = {
  id: string;
  accepted: number;
  failed: number;
  last_accepted_at: Date | null;
  waiting: number;
  dead: number;
  last_failures: { at: string; status: number | null; error: string | null; dispatch_id: string }[] | null;
};

/** How endpoints fare. Counts stop at 10,000: more is "very many". */
async function healthOf(query: Query, ids: string[]): Promise<Map<string, Health>> {
  const rows = await query<Health>(
    `select p.id, coalesce(h.accepted, 0)::int as accepted, coalesce(h.failed, 0)::int as failed, h.last_accepted_at,
       (select count(*)::int from (select 1 from dispatches d where d.endpoint_id = p.id and d.state in ('pending', 'retrying') limit 10000) w)
       + (select count(*)::int from (select 1 from dispatches d where d.endpoint_id = p.id and d.state = 'held' limit 10000) w) as waiting,
       (select count(*)::int from (select 1 from dispatches d where d.endpoint_id = p.id and d.state = 'dead' limit 10000) w) as dead,
       (select json_agg(f) from (
          select a.at, a.status, a.error, a.dispatch_id from attempts a where a.endpoint_id = p.id and not a.ok order by a.id desc limit 5) f) as last_failures
     from endpoints p left join lateral (
       select sum(accepted) filter (where hour > now() - interval '24 hours') as accepted, sum(failed) filter (where hour > now() - interval '24 hours') as failed,
         max(last_accepted_at) as last_accepted_at
       from endpoint_hours where endpoint_id = p.id) h on true
     where p.id = any(array(select json_array_elements_text($1::text::json)::uuid))`,
    [JSON.stringify(ids)],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

function show(row: Row, health: Health | undefined) {
  const tried = (health?.accepted ?? 0) + (health?.failed ?? 0);
  return {
    id: showId("endpoint", row.id),
    workspace_id: row.workspace_id,
    url: row.url,
    events: row.filters,
    description: row.description,
    signature_header: row.signature_header ?? DEFAULT_SIGNATURE_HEADER,
    state: row.state,
    state_reason: row.state_reason,
    created_at: showTime(row.created_at),
    health: {
      // Down, not up: 1 means all.
      success_rate_24h: tried > 0 ? Math.floor(((health?.accepted ?? 0) / tried) * 1000) / 1000 : null,
      last_success_at: showTime(health?.last_accepted_at ?? null),
      last_failures: (health?.last_failures ?? []).map((failure) => ({
        ...failure,
        at: new Date(failure.at).toISOString(),
        dispatch_id: showId("dispatch", failure.dispatch_id),
      })),
      waiting: health?.waiting ?? 0,
      dead: health?.dead ?? 0,
      circuit: row.circuit_open_since ? "open" : "closed",
    },
  };
}

async function shown(gateway: Gateway, row: Row) {
  return show(row, (await healthOf(gateway.database.query, [row.id])).get(row.id));
}

/** The endpoint that the path names, where the caller may see it. */
async function findEndpoint(c: Call): Promise<Row | undefined> {
  const id = readId("endpoint", c.req.param("id") ?? "");
  const [row] = id
    ? await c.var.gateway.database.query<Row>(
        `select ${columns} from endpoints where id = $1 and deleted_at is null and ($2::text is null or workspace_id = $2)`,
        [id, scope(c)],
      )
    : [];
  return row;
}

/** The same. @throws GatewayError `not_found`, also for another workspace's. */
async function endpointOf(c: Call): Promise<Row> {
  const row = await findEndpoint(c);
  if (!row) throw new GatewayError("not_found");
  return row;
}

/** @throws GatewayError `invalid` for what is never dialled. A name that cannot be found yet may come to be. */
async function checkAddress(gateway: Gateway, url: string): Promise<void> {
  const { ALLOW_PRIVATE_ENDPOINTS } = gateway.config;
  try {
    await dialable(checkUrl(url, ALLOW_PRIVATE_ENDPOINTS), ALLOW_PRIVATE_ENDPOINTS, resolveHost);
  } catch (error) {
    if (error instanceof AddressRefused) throw new GatewayError("invalid", { fields: { url: error.message } });
  }
}

async function checkWorkspace(query: Query, id: string): Promise<void> {
  const [workspace] = await query<{ closed: boolean }>("select closed_at is not null as closed from workspaces where id = $1", [
    id,
  ]);
  if (!workspace && id !== "__org__") throw new GatewayError("invalid", { fields: { workspace_id: "is not registered" } });
  if (workspace?.closed) throw new GatewayError("conflict", { message: "This workspace is closed." });
}

const told = (row: Row) => ({
  ...{ workspace_id: row.workspace_id, url: row.url, events: row.filters, description: row.description },
  ...{ signature_header: row.signature_header, state: row.state },
});

/** Endpoints with their health, newest first; one more than asked for tells that there are more. `id`: that one alone. */
export async function readEndpoints(
  query: Query,
  { workspace, id, after, limit }: { workspace?: string | null; id?: string | null; after?: string | undefined; limit: number },
) {
  const rows = await query<Row>(
    `select ${columns} from endpoints where deleted_at is null and ($1::text is null or workspace_id = $1) and ($2::uuid is null or id < $2)
       and ($3::uuid is null or id = $3) order by id desc limit $4`,
    [workspace ?? null, readCursor("endpoint", after), id ?? null, limit + 1],
  );
  const health = await healthOf(
    query,
    rows.map((row) => row.id),
  );
  return rows.map((row) => show(row, health.get(row.id)));
}

/** Tries everything again that was given up on the endpoint that the path names; answers how much that was. */
export async function retryDead(c: Call): Promise<number> {
  const row = await endpointOf(c);
  const away = "(p.state = 'disabled' or p.circuit_open_since is not null)";
  const rows = await c.var.gateway.database.query<{ id: string }>(
    `update dispatches d set attempts = 0, state = case when ${away} then 'held' else 'retrying' end, next_at = case when ${away} then null else now() end,
       settled_at = null, give_up_at = now() + interval '7 days'
     from endpoints p where p.id = d.endpoint_id and d.endpoint_id = $1 and d.state = 'dead' returning d.id`,
    [row.id],
  );
  await note(c, [{ action: "endpoint.dead_retried", object: showId("endpoint", row.id), after: { dispatches: rows.length } }]);
  c.var.gateway.sender.wake();
  return rows.length;
}

/** Where a workspace's webhooks go. */
export const endpoints = api()
  .post("/", async (c) => {
    const { database, databaseClock, vault } = c.var.gateway;
    const body = await readBody(c, created);
    const workspace = body.workspace_id ?? scope(c);
    if (!workspace) throw new GatewayError("invalid", { fields: { workspace_id: "is required" } });
    own(c, workspace);
    await checkWorkspace(database.query, workspace);
    await checkAddress(c.var.gateway, body.url);
    const secret = newSecret();
    const row = await database.transaction(async (query) => {
      const [inserted] = await query<Row>(
        `insert into endpoints (id, workspace_id, url, filters, description, signature_header, state, secret_ciphertext)
         values ($1, $2, $3, array(select json_array_elements_text($4::text::json)), $5, $6, 'active', $7) returning ${columns}`,
        [
          ...[newId(databaseClock.now()), workspace, body.url, JSON.stringify(body.events), body.description ?? null],
          ...[body.signature_header ?? null, vault.seal(secret)],
        ],
      );
      const after = inserted as Row;
      await noteFilters(query, [after.id]);
      await note(c, [{ action: "endpoint.created", object: showId("endpoint", after.id), after: told(after) }], query);
      return after;
    });
    return c.json({ ...show(row, undefined), secret, whsec: whsec(secret) }, 201);
  })
  .get("/", async (c) => {
    const { database } = c.var.gateway;
    const { workspace_id, after, limit } = readQuery(c, endpointQuery);
    const workspace = workspace_id ?? scope(c);
    own(c, workspace);
    const shown = await readEndpoints(database.query, { workspace, after, limit });
    return c.json(
      page(
        shown,
        limit,
        (endpoint) => endpoint,
        (endpoint) => endpoint.id,
      ),
    );
  })
  .get("/:id", async (c) => c.json(await shown(c.var.gateway, await endpointOf(c))))
  .patch("/:id", async (c) => {
    const { database } = c.var.gateway;
    const before = await endpointOf(c);
    const body = await readBody(c, changed);
    if (body.url !== undefined) await checkAddress(c.var.gateway, body.url);
    const enables = body.state === "active" && before.state !== "active";
    if (enables) await checkWorkspace(database.query, before.workspace_id);
    const row = await database.transaction(async (query) => {
      await query(
        `update endpoints set url = coalesce($2, url),
           filters = case when $3::text is null then filters else array(select json_array_elements_text($3::text::json)) end,
           description = case when $4::boolean then $5 else description end,
           signature_header = case when $6::boolean then $7 else signature_header end
         where id = $1`,
        [
          ...[before.id, body.url ?? null, body.events ? JSON.stringify(body.events) : null],
          ...[body.description !== undefined, body.description ?? null],
          ...[body.signature_header !== undefined, body.signature_header ?? null],
        ],
      );
      if (enables) await switchOn(query, [before.id]);
      else if (body.state === "disabled" && before.state !== "disabled") await switchOff(query, [before.id], "Switched off");
      else if (body.events) await noteFilters(query, [before.id]);
      const [updated] = await query<Row>(`select ${columns} from endpoints where id = $1`, [before.id]);
      const after = updated as Row;
      await note(
        c,
        [{ action: "endpoint.changed", object: showId("endpoint", after.id), before: told(before), after: told(after) }],
        query,
      );
      return after;
    });
    c.var.gateway.sender.wake();
    return c.json(await shown(c.var.gateway, row));
  })
  .delete("/:id", async (c) => {
    const { database } = c.var.gateway;
    const row = await findEndpoint(c);
    // It may be repeated. What was never there, or is another's, is gone just the same.
    if (row) {
      await database.transaction(async (query) => {
        await query("update endpoints set deleted_at = now(), state = 'disabled', state_reason = 'Deleted' where id = $1", [
          row.id,
        ]);
        await noteFilters(query, [row.id]);
        await query(
          `update dispatches set state = 'cancelled', settled_at = now(), next_at = null, lease = null
           where endpoint_id = $1 and state in ('pending', 'retrying', 'held')`,
          [row.id],
        );
        await note(c, [{ action: "endpoint.deleted", object: showId("endpoint", row.id), before: told(row) }], query);
      });
    }
    return c.body(null, 204);
  })
  .post("/:id/rotate-secret", async (c) => {
    const { database, vault } = c.var.gateway;
    const row = await endpointOf(c);
    const secret = newSecret();
    const [after] = await database.query<Row>(
      `update endpoints set previous_secret_ciphertext = secret_ciphertext, previous_secret_until = now() + interval '24 hours', secret_ciphertext = $2
       where id = $1 returning ${columns}`,
      [row.id, vault.seal(secret)],
    );
    await note(c, [{ action: "endpoint.secret_rotated", object: showId("endpoint", row.id) }]);
    return c.json(
      {
        ...(await shown(c.var.gateway, after as Row)),
        ...{ secret, whsec: whsec(secret), previous_secret_until: showTime((after as Row).previous_secret_until) },
      },
      201,
    );
  })
  .post("/:id/test", async (c) => {
    const { courier, vault, clock, databaseClock } = c.var.gateway;
    const row = await endpointOf(c);
    const id = showId("event", newId(databaseClock.now()));
    const body = webhookBody({
      ...{ id, type: "endpoint.test", timestamp: new Date(clock()).toISOString(), workspace_id: row.workspace_id },
      data: { message: "A test from Homing. It is stored nowhere else.", endpoint_id: showId("endpoint", row.id) },
    });
    const headers = signatureHeaders(id, body, openSecrets(vault, row), row.signature_header, clock());
    const { ok, status, ms, error, response } = await courier.post(row.url, headers, body);
    await note(c, [{ action: "endpoint.tested", object: showId("endpoint", row.id), after: { ok, status, error } }]);
    return c.json({ ok, webhook_id: id, status, ms, error, response }, 201);
  })
  .post("/:id/retry-dead", async (c) => c.json({ retried: await retryDead(c) }, 201));
