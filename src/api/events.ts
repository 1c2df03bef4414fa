import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { GatewayError } from "../errors.ts";
import type { Event } from "../events/build.ts";
import { type CatalogueType, catalogueTypes, isFirstParty } from "../events/catalogue.ts";
import { buildFirstParty, readData } from "../events/first-party.ts";
import { readLog } from "../events/log.ts";
import type { Gateway } from "../gateway.ts";
import { newId, readId } from "../ids.ts";
import { settle } from "../inbound/commit.ts";
import { ORG } from "../inbound/resolve.ts";
import { Plan, write } from "../inbound/write.ts";
import type { JsonObject } from "../provider/draft.ts";
import { limitField, text, workspaceField } from "./fields.ts";
import { api, type Call, own, readBody, readQuery, scope } from "./http.ts";

export const filter = z.object({
  after: z.string().optional(),
  workspace_id: workspaceField.optional(),
  type: z.string().optional(),
  name: z.string().optional(),
  variant: z.string().optional(),
  provider: z.string().optional(),
  message_id: z.string().optional(),
  callback_id: z
    .string()
    .transform((shown, context) => {
      const id = readId("callback", shown);
      if (!id) context.addIssue({ code: "custom", message: "must be a callback's id: cb_…" });
      return id ?? z.NEVER;
    })
    .optional(),
  limit: limitField,
});

export const told = z.object({
  type: z.string().refine(isFirstParty, `must be one of ${catalogueTypes.filter(isFirstParty).join(", ")}`),
  workspace_id: workspaceField,
  data: z.record(z.string(), z.unknown()),
  occurred_at: z.iso
    .datetime({ offset: true })
    .transform((time) => Date.parse(time))
    .nullish(),
  idempotency_key: text(300).nullish(),
});

/** What is asked of the log; a workspace's token asks for its own, whatever it says. */
export function readFilter(c: Call) {
  const asked = readQuery(c, filter);
  if (asked.workspace_id) own(c, asked.workspace_id);
  return { ...asked, workspace_id: scope(c) ?? asked.workspace_id };
}

/** The log, and the platform's own events, which go the same way as a provider's. */
export const events = api()
  .get("/", async (c) => {
    const { after, limit, ...rest } = readFilter(c);
    const { bodies, next } = await readLog(c.var.gateway.database.query, after, rest, limit);
    return c.body(`{"data":[${bodies.join(",")}],"next":${JSON.stringify(next)}}`, 200, { "content-type": "application/json" });
  })
  .post("/", async (c) => {
    const body = await readBody(c, told);
    own(c, body.workspace_id);
    const type = body.type as CatalogueType;
    const checked = readData(type, body.workspace_id, body.data as JsonObject);
    if ("fields" in checked) throw new GatewayError("invalid", { fields: checked.fields });
    const receivedAt = c.var.gateway.clock();
    if (body.occurred_at && body.occurred_at > receivedAt + 5 * 60_000) {
      throw new GatewayError("invalid", { fields: { occurred_at: "lies in the future" } });
    }
    const event = { type, workspace: body.workspace_id, data: checked.data, occurredAt: body.occurred_at ?? null, receivedAt };
    const { event: stored, isNew } = await settle(() => emit(c.var.gateway, event, body.idempotency_key ?? null));
    if (isNew) c.var.gateway.emitted();
    return c.json(stored, isNew ? 201 : 200);
  });

/** Emits an event of our own, once per key and workspace. */
async function emit(
  gateway: Gateway,
  told: Omit<Parameters<typeof buildFirstParty>[0], "eventId">,
  key: string | null,
): Promise<{ event: Event; isNew: boolean }> {
  const { database, keys, databaseClock, epoch } = gateway;
  if (told.workspace !== ORG) {
    const [workspace] = await database.query<{ closed: boolean }>(
      "select closed_at is not null as closed from workspaces where id = $1",
      [told.workspace],
    );
    if (!workspace) throw new GatewayError("invalid", { fields: { workspace_id: "is not registered" } });
    if (workspace.closed) throw new GatewayError("conflict", { message: "This workspace is closed." });
  }
  const naturalKey = key === null ? null : keys.digest("api", key);
  const owner = keys.ownerDigest(told.workspace);
  const eventId = newId(databaseClock.now());
  const event = buildFirstParty({ ...told, eventId });
  if (naturalKey) {
    const [first] = await database.query<{ event_id: string }>(
      "select event_id from event_keys where natural_key = $1 and owner = $2::text::bigint",
      [naturalKey, owner],
    );
    if (first) return repeat(gateway, first.event_id, event, told.occurredAt);
  }
  const plan = new Plan(epoch);
  plan.addEvent(eventId, event, { adapter: null, callbackId: null });
  if (naturalKey) plan.keys.push({ natural_key: naturalKey, owner, event_id: eventId, callback_id: null });
  await write(database.query, plan);
  return { event, isNew: true };
}

/** The same key and body is answered with the first event; another body is a mistake of the caller. */
async function repeat(
  gateway: Gateway,
  firstId: string,
  event: Event,
  occurredAt: number | null,
): Promise<{ event: Event; isNew: boolean }> {
  const [row] = await gateway.database.query<{ body: string }>("select body from events where id = $1", [firstId]);
  if (!row)
    throw new GatewayError("conflict", {
      message: "This idempotency_key was used before, for an event that is past its retention.",
    });
  const first = JSON.parse(row.body) as Event;
  const sameTime = occurredAt === null ? first.provider_data.clock === "received" : first.occurred_at === event.occurred_at;
  if (first.type !== event.type || !sameTime || !isDeepStrictEqual(first.data, event.data)) {
    throw new GatewayError("conflict", { message: "This idempotency_key was used before, with another body." });
  }
  return { event: first, isNew: false };
}
