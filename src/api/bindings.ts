import { z } from "zod";
import type { Query } from "../db/client.ts";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { newId, readId, showId } from "../ids.ts";
import { settle } from "../inbound/commit.ts";
import { referenceKey } from "../inbound/resolve.ts";
import { limitField, text, workspaceField } from "./fields.ts";
import { api, type Call, note, noteBy, type Principal, page, readBody, readCursor, readQuery, showTime } from "./http.ts";

export type BindingRow = {
  id: string;
  adapter: string;
  kind: string;
  value: string;
  workspace_id: string;
  other_workspace_id: string | null;
  origin: string;
  callback_id: string | null;
  context: string | null;
  told_by: string | null;
  created_at: Date;
  expires_at: Date | null;
};
export const bindingColumns =
  "id, adapter, kind, value, workspace_id, other_workspace_id, origin, callback_id, context, told_by, created_at, expires_at";

export function showBinding(row: BindingRow) {
  const [provider = "", dialect = null] = row.adapter.split("/");
  return {
    id: showId("binding", row.id),
    provider,
    dialect,
    kind: row.kind,
    value: row.value,
    workspace_id: row.workspace_id,
    ...(row.other_workspace_id && { other_workspace_id: row.other_workspace_id }),
    origin: row.origin,
    callback_id: row.callback_id && showId("callback", row.callback_id),
    context: row.context ? JSON.parse(row.context) : null,
    created_at: showTime(row.created_at),
    expires_at: showTime(row.expires_at),
  };
}

const context = z.strictObject({
  message_id: text(300).optional(),
  campaign_id: text(300).optional(),
  contact_id: text(300).optional(),
});
const bindingBody = z.object({
  provider: z.string(),
  dialect: z.string().nullish(),
  kind: z.string().regex(/^[a-z][a-z0-9_]{0,39}$/, "must be a word such as customer, order, default"),
  value: text(300),
  workspace_id: workspaceField,
  context: context.nullish(),
  replace: z.boolean().default(false),
});
/** One, or up to a thousand. */
export const bindingsBody = z.union([z.object({ bindings: z.array(bindingBody).min(1).max(1000) }), bindingBody]);
export const bindingQuery = z.object({
  provider: z.string().optional(),
  dialect: z.string().optional(),
  kind: z.string().optional(),
  value: z.string().optional(),
  workspace_id: workspaceField.optional(),
  origin: z.enum(["told", "learned", "ambiguous"]).optional(),
  after: z.string().optional(),
  limit: limitField,
});
type Told = z.infer<typeof bindingBody>;

function adapterOf(c: Call, binding: Told, field: string): string {
  const name = binding.dialect ? `${binding.provider}/${binding.dialect}` : binding.provider;
  if (!c.var.gateway.registry.has(name))
    throw new GatewayError("invalid", { fields: { [`${field}provider`]: `there is no adapter ${name}` } });
  if (binding.kind === "default" && binding.value !== "*")
    throw new GatewayError("invalid", { fields: { [`${field}value`]: "a default's value is *" } });
  return name;
}

async function tell(
  query: Query,
  adapter: string,
  told: Told,
  now: number,
  by: string,
): Promise<{ before: BindingRow | undefined; after: BindingRow }> {
  const reference = referenceKey(adapter, told.kind, told.value);
  const [before] = await query<BindingRow>(`select ${bindingColumns} from bindings where reference = $1 for update`, [reference]);
  if (before?.origin === "told" && before.workspace_id !== told.workspace_id && !told.replace) {
    throw new GatewayError("conflict", {
      message: `${told.kind} ${told.value} is bound to workspace ${before.workspace_id} already. Send "replace": true to bind it anew.`,
    });
  }
  const [after] = await query<BindingRow>(
    `insert into bindings (id, reference, adapter, kind, value, workspace_id, origin, context, told_by) values ($1, $2, $3, $4, $5, $6, 'told', $7, $8)
     on conflict (reference) do update set workspace_id = excluded.workspace_id, origin = 'told', places = true, other_workspace_id = null,
       context = excluded.context, told_by = excluded.told_by, callback_id = null, expires_at = null, created_at = case
         when bindings.origin = 'told' and bindings.workspace_id = excluded.workspace_id then bindings.created_at else now() end
     returning ${bindingColumns}`,
    [
      newId(now),
      reference,
      adapter,
      told.kind,
      told.value,
      told.workspace_id,
      told.context ? JSON.stringify(told.context) : null,
      by,
    ],
  );
  return { before, after: after as BindingRow };
}

/**
 * Tells bindings, all or none, with their audit; what waits for them is the caller's affair.
 * @throws GatewayError `conflict` where one is told another workspace's already and `replace` is not set.
 */
export async function tellAll(
  gateway: Gateway,
  by: Pick<Principal, "name" | "role">,
  named: { told: Told; adapter: string }[],
): Promise<Map<Told, Awaited<ReturnType<typeof tell>>>> {
  // Sorted, so that two callers wait for each other and never in a circle.
  const sorted = named.toSorted((a, b) =>
    referenceKey(a.adapter, a.told.kind, a.told.value) < referenceKey(b.adapter, b.told.kind, b.told.value) ? -1 : 1,
  );
  return settle(() =>
    gateway.database.transaction(async (query) => {
      const results = new Map<Told, Awaited<ReturnType<typeof tell>>>();
      for (const { told, adapter } of sorted)
        results.set(told, await tell(query, adapter, told, gateway.databaseClock.now(), by.role));
      const changes = [...results.values()].map(({ before, after }) => ({
        action: before ? "binding.replaced" : "binding.added",
        object: showId("binding", after.id),
        before: before && showBinding(before),
        after: showBinding(after),
      }));
      await noteBy(gateway, by, changes, query);
      return results;
    }),
  );
}

/** Bindings that are in force, newest first; one row more than asked for tells that there is more. */
export async function findBindings(gateway: Gateway, asked: z.infer<typeof bindingQuery>): Promise<BindingRow[]> {
  const after = readCursor("binding", asked.after);
  const { kind, value } = asked;
  const adapters = [...gateway.registry.values()].filter((one) => one.providerName === asked.provider).map((one) => one.name);
  // The whole reference is known: its index serves.
  const references =
    kind && value && adapters.length > 0 ? JSON.stringify(adapters.map((name) => referenceKey(name, kind, value))) : null;
  return gateway.database.query<BindingRow>(
    `select ${bindingColumns} from bindings where (expires_at is null or expires_at > now())
       and ($1::text is null or adapter = $1 or split_part(adapter, '/', 1) = $1) and ($2::text is null or split_part(adapter, '/', 2) = $2)
       and ($3::text is null or kind = $3) and ($4::text is null or value = $4)
       and ($5::text is null or workspace_id = $5 or other_workspace_id = $5) and ($6::text is null or origin = $6)
       and ($7::uuid is null or id < $7)
       and ${references ? "reference = any(array(select json_array_elements_text($9::text::json)))" : "$9::text is null"}
     order by id desc limit $8`,
    [
      ...[asked.provider ?? null, asked.dialect ?? null, kind ?? null, value ?? null, asked.workspace_id ?? null],
      ...[asked.origin ?? null, after, asked.limit + 1, references],
    ],
  );
}

/** Takes a binding away; answers false where there is none (any more). What it contradicted may be placed now. */
export async function removeBinding(c: Call, shown: string): Promise<boolean> {
  const { gateway } = c.var;
  const { principal } = c.var;
  const id = readId("binding", shown);
  if (!id) return false;
  const row = await gateway.database.transaction(async (query) => {
    const [row] = await query<BindingRow & { reference: string }>(
      `delete from bindings where id = $1 returning reference, ${bindingColumns}`,
      [id],
    );
    if (!row) return null;
    if (principal.role === "support" && row.told_by !== "support")
      throw new GatewayError("forbidden", { message: "Support may remove the bindings that support made." });
    await note(c, [{ action: "binding.removed", object: showId("binding", row.id), before: showBinding(row) }], query);
    return row;
  });
  if (!row) return false;
  await gateway.healer.after([row.reference], "binding", async () => {}, principal.name);
  return true;
}

/** Says whose a reference is; what waited for that comes home. */
export const bindings = api()
  .put("/", async (c) => {
    const { gateway } = c.var;
    const body = await readBody(c, bindingsBody);
    const list = "bindings" in body ? body.bindings : [body];
    const named = list.map((told, index) => ({
      told,
      adapter: adapterOf(c, told, "bindings" in body ? `bindings.${index}.` : ""),
    }));
    const references = named.map(({ told, adapter }) => referenceKey(adapter, told.kind, told.value));
    const tellThem = () => tellAll(gateway, c.var.principal, named);
    const { result: done, healed } = await gateway.healer.after(references, "binding", tellThem, c.var.principal.name);
    const shown = list.map((told) => showBinding((done.get(told) as { after: BindingRow }).after));
    return c.json("bindings" in body ? { data: shown, ...healed } : { ...shown[0], ...healed });
  })
  .get("/", async (c) => {
    const query = readQuery(c, bindingQuery);
    const rows = await findBindings(c.var.gateway, query);
    return c.json(page(rows, query.limit, showBinding, (row) => showId("binding", row.id)));
  })
  .delete("/:id", async (c) => {
    // It may be repeated: what is gone already is gone.
    await removeBinding(c, c.req.param("id"));
    return c.body(null, 204);
  });
