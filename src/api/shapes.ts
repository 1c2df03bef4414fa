import { z } from "zod";
import { eventSchema } from "../events/catalogue.ts";

/** The shapes of CONTRACT §6, for the API's description. More fields may come. */
const time = z.iso.datetime();
const maybeTime = time.nullable();
const maybe = z.string().nullable();
const count = z.number().int();

export const event = eventSchema.meta({ id: "Event" });

export const workspace = z
  .looseObject({ id: z.string(), name: z.string(), state: z.enum(["open", "closed"]), closed_at: maybeTime, created_at: time })
  .meta({ id: "Workspace" });

export const healed = z.looseObject({ rematched: count, remaining: count });

export const binding = z
  .looseObject({
    ...{ id: z.string(), provider: z.string(), dialect: maybe, kind: z.string(), value: z.string(), workspace_id: z.string() },
    other_workspace_id: z.string().optional(),
    ...{
      origin: z.enum(["told", "learned", "ambiguous"]),
      callback_id: maybe,
      context: z.record(z.string(), z.string()).nullable(),
    },
    ...{ created_at: time, expires_at: maybeTime },
  })
  .meta({ id: "Binding" });

export const callback = z
  .looseObject({
    ...{
      id: z.string(),
      provider: maybe,
      dialect: maybe,
      received_at: time,
      status: z.string(),
      reason: maybe,
      size: count.nullable(),
    },
    ...{ events: count, taught: count, unmatched: count, duplicates: count, ignored: count, failed: count, dismissed: count },
  })
  .meta({ id: "Callback" });

export const waitingItem = z
  .looseObject({
    ...{ callback_id: z.string(), index: count, provider: z.string(), dialect: maybe, reason: z.string() },
    ...{ references: z.array(z.string()), occurred_at: time, received_at: time },
  })
  .meta({ id: "WaitingItem" });
export const waitingGroup = z
  .looseObject({
    ...{ provider: z.string(), dialect: maybe, reference: maybe, reason: z.string(), waiting: count },
    ...{ oldest: time, newest: time, sample_callback_id: z.string() },
  })
  .meta({ id: "WaitingGroup" });

const call = z.looseObject({ at: time, status: count.nullable(), ms: count.nullable(), error: maybe, response: maybe });

export const trace = callback
  .extend({
    request: z.looseObject({
      ...{ method: z.string(), path: maybe, ip: maybe, headers: z.record(z.string(), z.string()) },
      ...{ body: maybe, body_encoding: z.string(), hidden: z.array(z.string()) },
      removed: z.array(z.looseObject({ name: z.string(), filename: maybe, size: count, sha256: z.string() })).optional(),
    }),
    verification: z.looseObject({
      ...{ ok: z.boolean(), code: maybe, scheme: maybe, explanation: z.string(), tried: count.optional() },
      credential: z
        .looseObject({ owner: z.string(), place: z.enum(["environment", "stored", "path"]), position: count, since: maybeTime })
        .nullable(),
    }),
    items: z.array(
      z.looseObject({
        ...{
          index: count,
          verdict: z.string(),
          reason: maybe,
          explanation: z.string(),
          workspace_id: maybe,
          event_id: maybe,
          first_callback_id: maybe,
        },
        ...{ word: z.string().optional(), first_verdict: z.string().optional(), first_reason: maybe.optional() },
        healed: z.looseObject({ cause: z.string(), at: time, by: maybe }).optional(),
        ways: z.array(
          z.looseObject({
            way: z.enum(["credential", "path", "metadata", "lookup"]),
            looked_at: z.array(z.looseObject({ where: z.string(), value: maybe, found: z.string().optional() })),
            ...{ answer: maybe, objection: maybe, explanation: z.string() },
          }),
        ),
        endpoints: z.array(
          z.looseObject({
            ...{
              endpoint_id: z.string(),
              name: z.string(),
              subscribed: z.boolean(),
              filters: z.array(z.string()),
              filter: maybe,
            },
            ...{ reason: maybe, dispatch_id: maybe, state: maybe, next_at: maybeTime },
            attempts: z.array(call),
          }),
        ),
      }),
    ),
    ...{
      learned: z.array(binding),
      steps_ms: z.record(z.string(), z.number()),
      first_status: z.string(),
      replays: z.array(
        z.looseObject({
          ...{ at: time, by: z.string(), added: count, changed: count, gone: count, unchanged: count },
          replay_id: z.string().optional(),
        }),
      ),
    },
  })
  .meta({ id: "Trace" });

/** Before an event is emitted it has no id. */
const eventToBe = z.looseObject({ ...eventSchema.shape, id: maybe });

export const assigned = z
  .looseObject({
    ...{ emitted: count, remaining: count, left: count, already_emitted: count, ignored: count, bindings_made: count },
    ...{ events: z.array(eventToBe), preview: z.string() },
    ...{ by_kind: z.record(z.string(), count).optional(), endpoints: count.optional(), webhooks: count.optional() },
    exact: z.boolean().optional(),
  })
  .meta({ id: "Assigned" });

export const dismissed = z
  .looseObject({ dismissed: count, emitted: count, remaining: count, events: z.array(event), preview: z.string() })
  .meta({ id: "Dismissed" });

export const replayed = z
  .looseObject({
    ...{ callback_id: z.string(), status: z.string(), reason: maybe, added: z.array(eventToBe) },
    changed: z.array(z.object({ event_id: z.string(), before: event, after: event })),
    gone: z.array(z.object({ event_id: z.string(), event: event.nullable() })),
    ...{ unchanged: count, waiting: count, taught: count, failed: count },
  })
  .meta({ id: "Replayed" });

export const replay = z
  .looseObject({
    ...{ id: z.string(), state: z.enum(["running", "done", "cancelled", "failed"]), error: maybe, dry_run: z.boolean() },
    ...{ filter: z.record(z.string(), z.string()), started_by: z.string(), created_at: time, ended_at: maybeTime },
    ...{ looked_at: count, added: count, changed: count, gone: count, unchanged: count },
    ...{ waiting: count, failed: count, still_rejected: count },
  })
  .meta({ id: "Replay" });

export const endpoint = z
  .looseObject({
    ...{ id: z.string(), workspace_id: z.string(), url: z.string(), events: z.array(z.string()), description: maybe },
    ...{ signature_header: z.string(), state: z.enum(["active", "disabled"]), state_reason: maybe, created_at: time },
    health: z.looseObject({
      ...{ success_rate_24h: z.number().nullable(), last_success_at: maybeTime },
      last_failures: z.array(z.looseObject({ at: time, status: count.nullable(), error: maybe, dispatch_id: z.string() })),
      ...{ waiting: count, dead: count, circuit: z.enum(["closed", "open"]) },
    }),
  })
  .meta({ id: "Endpoint" });

export const newSecret = endpoint
  .extend({ secret: z.string().regex(/^[0-9a-f]{64}$/), whsec: z.string() })
  .meta({ id: "EndpointWithSecret" });
export const rotatedSecret = newSecret.extend({ previous_secret_until: time });

export const dispatch = z
  .looseObject({
    ...{ id: z.string(), endpoint_id: z.string(), event_id: z.string(), type: z.string() },
    state: z.enum(["pending", "retrying", "held", "succeeded", "dead", "cancelled"]),
    ...{ attempts: count, next_at: maybeTime, last_status: count.nullable(), last_error: maybe, created_at: time },
  })
  .meta({ id: "Dispatch" });
export const dispatchWithCalls = dispatch.extend({ calls: z.array(call) });

export const message = z
  .looseObject({
    ...{ message_id: maybe, provider_message_id: maybe, workspace_id: maybe, provider: maybe, dialect: maybe, channel: maybe },
    ...{ recipient: maybe, contact_id: maybe, campaign_id: maybe, state: maybe, state_at: maybeTime },
    ...{ marks: z.array(z.enum(["complained", "unsubscribed"])), events: z.array(event) },
  })
  .meta({ id: "Message" });

export const token = z
  .looseObject({
    ...{ id: z.string(), name: z.string(), role: z.enum(["operator", "support", "workspace"]), workspace_id: maybe },
    ...{ created_at: time, expires_at: maybeTime, revoked_at: maybeTime },
  })
  .meta({ id: "Token" });

export const secretCounts = z.looseObject({
  adapter: z.string(),
  data: z.array(
    z.looseObject({ workspace_id: maybe, place: z.enum(["environment", "stored"]), count, created_at: z.array(time) }),
  ),
});
export const url = z.looseObject({ url: z.string() });
export const test = z.looseObject({
  ...{ ok: z.boolean(), webhook_id: z.string(), status: count.nullable(), ms: count, error: maybe, response: maybe },
});
export const auditEntry = z
  .looseObject({
    ...{ id: z.string(), at: time, token: z.string(), action: z.string(), object: z.string() },
    ...{ before: z.unknown(), after: z.unknown() },
  })
  .meta({ id: "AuditEntry" });

const classification = z.enum(["PASSIVE", "ACTIVE"]);
export const catalogue = z.looseObject({
  events: z.array(z.looseObject({ type: z.string(), name: z.string(), classification, data: z.record(z.string(), z.unknown()) })),
  channels: z.array(z.string()),
  statuses: z.array(z.looseObject({ status: z.string(), type: maybe })),
  classes: z.array(z.looseObject({ name: z.string(), classification })),
  adapters: z.array(
    z.looseObject({
      ...{ adapter: z.string(), provider: z.string(), dialect: maybe, title: z.string(), docs: z.string() },
      ...{ signs: z.boolean(), verified_by: z.string(), kinds: z.array(z.string()), retries: z.string() },
    }),
  ),
});

const labelled = z.looseObject({ label: z.string(), text: z.string() });
/** A story in sentences; what else fits; or where we looked in vain. */
export const tale = z.looseObject({
  ...{ q: z.string(), time_zone: z.string(), nothing: maybe },
  tale: z
    .looseObject({
      ...{ kind: z.string(), id: z.string(), shape: z.string(), word: z.string(), headline: z.string(), explanation: z.string() },
      ...{ say: maybe, steps: z.array(z.looseObject({ name: z.string(), at: maybe, lines: z.array(z.string()) })) },
      offers: z.array(labelled),
    })
    .nullable(),
  others: z.array(z.looseObject({ kind: z.string(), id: z.string(), at: maybe, told: z.string() })),
});
export const findings = z.looseObject({
  ...{ ok: z.boolean(), database: z.string(), bus: z.record(z.string(), z.unknown()).nullable(), time_zone: z.string() },
  findings: z.array(z.looseObject({ wrong: z.boolean(), what: z.string(), todo: maybe })),
});

/** A list: `next` is null at its end (of the log: never). */
export const listOf = (shape: z.ZodType) => z.object({ data: z.array(shape), next: maybe });

export const error = z
  .object({
    error: z.looseObject({
      code: z.string(),
      message: z.string(),
      fields: z.record(z.string(), z.string()).optional(),
      request_id: z.string(),
    }),
  })
  .meta({ id: "Error" });
