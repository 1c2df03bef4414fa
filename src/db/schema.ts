import { sql } from "drizzle-orm";
import {
  bigint,
  bigserial,
  boolean,
  customType,
  date,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";

const bytea = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });
const xid8 = customType<{ data: string }>({ dataType: () => "xid8" });
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });
const created = () => moment("created_at").notNull().default(sql`now()`);

export const workspaces = pgTable("workspaces", {
  /** A lower-case UUID, or `__org__`. */
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  closedAt: moment("closed_at"),
  createdAt: created(),
});

/** Providers' secrets, encrypted. `workspace_id` null: the platform's. Position 0 is the newest. */
export const secrets = pgTable(
  "secrets",
  {
    id: uuid("id").primaryKey(),
    adapter: text("adapter").notNull(),
    workspaceId: text("workspace_id"),
    position: integer("position").notNull(),
    ciphertext: text("ciphertext").notNull(),
    createdAt: created(),
  },
  (table) => [index("secrets_of_adapter").on(table.adapter, table.workspaceId)],
);

/** Path tokens that were rotated. No row: generation 0. */
export const pathGenerations = pgTable(
  "path_generations",
  {
    adapter: text("adapter").notNull(),
    workspaceId: text("workspace_id").notNull(),
    generation: integer("generation").notNull(),
    /** Null: in force. */
    validUntil: moment("valid_until"),
    createdAt: created(),
  },
  (table) => [primaryKey({ columns: [table.adapter, table.workspaceId, table.generation] })],
);

/** Random keys of the guard, the search and encryption, stored under MASTER_KEY. */
export const dataKeys = pgTable("data_keys", { name: text("name").primaryKey(), ciphertext: text("ciphertext").notNull() });

export const tokens = pgTable("tokens", {
  id: uuid("id").primaryKey(),
  name: text("name").notNull(),
  role: text("role").notNull(),
  workspaceId: text("workspace_id"),
  tokenHash: text("token_hash").notNull().unique(),
  createdAt: created(),
  expiresAt: moment("expires_at"),
  revokedAt: moment("revoked_at"),
});

export const sessions = pgTable("sessions", {
  idHash: text("id_hash").primaryKey(),
  tokenId: uuid("token_id").notNull(),
  createdAt: created(),
  expiresAt: moment("expires_at").notNull(),
});

const callbackColumns = () => ({
  id: uuid("id").primaryKey(),
  adapter: text("adapter").notNull(),
  receivedAt: moment("received_at").notNull(),
  method: text("method").notNull(),
  /** Without the query, and with tokens hidden. */
  path: text("path").notNull(),
  ip: text("ip"),
  /** JSON; secret headers left out. */
  headers: text("headers").notNull(),
  body: bytea("body").notNull(),
  bodyEncrypted: boolean("body_encrypted").notNull().default(false),
  size: integer("size").notNull(),
  /** JSON: which credential vouched for it. */
  verification: text("verification").notNull(),
  /** JSON: the first verdict on each item and how it came about. `healed` tells what changed since. */
  items: text("items").notNull(),
  /** JSON: milliseconds since arrival of each step. */
  steps: text("steps").notNull(),
  firstStatus: text("first_status").notNull(),
  reason: text("reason"),
  events: integer("events").notNull(),
  taught: integer("taught").notNull(),
  unmatched: integer("unmatched").notNull(),
  duplicates: integer("duplicates").notNull(),
  ignored: integer("ignored").notNull(),
  failed: integer("failed").notNull(),
  dismissed: integer("dismissed").notNull().default(0),
  /** The first that applies: CONTRACT §3. */
  status: text("status")
    .notNull()
    .generatedAlwaysAs(
      sql`case when failed > 0 then 'failed' when unmatched > 0 then 'unmatched' when events + taught > 0 then 'accepted' when duplicates > 0 then 'duplicate' when dismissed > 0 then 'dismissed' else 'ignored' end`,
    ),
  /** Keyed hashes of what support may look for: workspaces, references, message ids, addresses, order numbers. */
  terms: bigint("terms", { mode: "bigint" }).array().notNull(),
});

/** Every authentic callback, byte for byte. Range-partitioned by day on its UUIDv7. */
export const callbacks = pgTable("callbacks", callbackColumns(), (table) => [
  // GET /v1/callbacks?provider, and an adapter's last one.
  index("callbacks_by_adapter").on(table.adapter, table.id),
  // GET /v1/callbacks?status: most are accepted.
  index("callbacks_not_accepted").on(table.status, table.adapter, table.id).where(sql`status <> 'accepted'`),
  // GET /v1/callbacks?q, ?reference, ?workspace_id
  index("callbacks_by_term").using("gin", table.terms),
]);

/** Callbacks older than their retention that still have an item waiting. */
export const keptCallbacks = pgTable("kept_callbacks", callbackColumns(), (table) => [
  index("kept_callbacks_by_term").using("gin", table.terms),
]);

/** The guard against repeats. Outlives callbacks and events. */
export const eventKeys = pgTable(
  "event_keys",
  {
    /** Keyed digest of adapter and natural key. */
    naturalKey: uuid("natural_key").notNull(),
    /** Keyed digest of the workspace, or of the credential's owner while it waits. */
    owner: bigint("owner", { mode: "bigint" }).notNull(),
    /** Null: waiting. */
    eventId: uuid("event_id"),
    callbackId: uuid("callback_id"),
    seenOn: date("seen_on").notNull().default(sql`current_date`),
  },
  (table) => [
    primaryKey({ columns: [table.naturalKey, table.owner] }),
    // The daily sweep past GUARD_DAYS.
    index("event_keys_by_day").using("brin", table.seenOn),
  ],
);

/** The log. Range-partitioned by day on its UUIDv7; read in commit order by (epoch, xid, seq). */
export const events = pgTable(
  "events",
  {
    id: uuid("id").primaryKey(),
    epoch: integer("epoch").notNull(),
    xid: xid8("xid").notNull().default(sql`pg_current_xact_id()`),
    seq: bigserial("seq", { mode: "bigint" }),
    workspaceId: text("workspace_id").notNull(),
    adapter: text("adapter"),
    name: text("name").notNull(),
    variant: text("variant"),
    type: text("type"),
    messageId: text("message_id"),
    /** Only where it differs from `message_id`. */
    providerMessageId: text("provider_message_id"),
    callbackId: uuid("callback_id"),
    occurredAt: moment("occurred_at").notNull(),
    /** The event as it is emitted (CONTRACT §5), JSON. */
    body: text("body").notNull(),
  },
  (table) => [
    // GET /v1/events and the bus, in commit order.
    index("events_in_commit_order").on(table.epoch, table.xid, table.seq),
    // GET /v1/messages/<id>
    index("events_by_message").on(table.messageId).where(sql`message_id is not null`),
    index("events_by_provider_message").on(table.providerMessageId).where(sql`provider_message_id is not null`),
  ],
);

/** Begun anew when this database's transaction ids are behind those of the log (dump and restore). */
export const logEpochs = pgTable("log_epochs", {
  epoch: integer("epoch").primaryKey(),
  /** Which server it began on. */
  server: text("server"),
  startedAt: moment("started_at").notNull().default(sql`now()`),
});

/** Drafts that have no workspace yet. */
export const waiting = pgTable(
  "waiting",
  {
    id: uuid("id").primaryKey(),
    naturalKey: uuid("natural_key").notNull(),
    owner: bigint("owner", { mode: "bigint" }).notNull(),
    adapter: text("adapter").notNull(),
    callbackId: uuid("callback_id").notNull(),
    item: integer("item").notNull(),
    occurredAt: moment("occurred_at").notNull(),
    receivedAt: moment("received_at").notNull(),
    reason: text("reason").notNull(),
    /** Everything that could heal it: its references, and `workspace:<id>` where it names one. */
    refs: text("refs").array().notNull(),
    /** JSON: the draft and what resolving it needs. */
    draft: text("draft").notNull(),
  },
  (table) => [
    // A resend looks for what it repeats.
    uniqueIndex("waiting_by_key").on(table.naturalKey, table.owner),
    // Healing looks by reference.
    index("waiting_by_reference").using("gin", table.refs).with({ fastupdate: false }),
    // A person chooses items of callbacks; a replay looks for its own.
    index("waiting_of_callback").on(table.callbackId, table.item),
  ],
);

/** What became of items after their first verdict. */
export const healed = pgTable(
  "healed",
  {
    callbackId: uuid("callback_id").notNull(),
    item: integer("item").notNull(),
    verdict: text("verdict").notNull(),
    reason: text("reason"),
    eventId: uuid("event_id"),
    workspaceId: text("workspace_id"),
    /** `binding workspace resend assigned dismissed replay`: what brought it home, or put it aside. */
    cause: text("cause").notNull(),
    /** JSON: how it was placed then. */
    ways: text("ways").notNull(),
    at: moment("at").notNull().default(sql`now()`),
    /** Whose token did it; null where nobody's did. */
    doneBy: text("done_by"),
  },
  (table) => [primaryKey({ columns: [table.callbackId, table.item] })],
);

export const bindings = pgTable(
  "bindings",
  {
    id: uuid("id").primaryKey(),
    /** `<adapter> <kind>:<value>` */
    reference: text("reference").notNull().unique(),
    adapter: text("adapter").notNull(),
    kind: text("kind").notNull(),
    value: text("value").notNull(),
    workspaceId: text("workspace_id").notNull(),
    /** The second one that an ambiguous reference was seen with. */
    otherWorkspaceId: text("other_workspace_id"),
    origin: text("origin").notNull(),
    /** False: learned from what nothing vouches for; it may object, never place. */
    places: boolean("places").notNull().default(true),
    callbackId: uuid("callback_id"),
    /** JSON: our message id, campaign and contact that go with it. */
    context: text("context"),
    /** The role of who told it; null: learned. */
    toldBy: text("told_by"),
    createdAt: created(),
    expiresAt: moment("expires_at"),
  },
  // GET /v1/bindings?workspace_id
  (table) => [index("bindings_of_workspace").on(table.workspaceId, table.id)],
);

/** Last-known state of contacts and plans. */
export const snapshots = pgTable("snapshots", {
  /** Keyed digest of workspace, adapter, kind and id. */
  key: uuid("key").primaryKey(),
  workspaceId: text("workspace_id").notNull(),
  adapter: text("adapter").notNull(),
  kind: text("kind").notNull(),
  /** JSON; null: it is gone. */
  fields: text("fields"),
  at: moment("at").notNull(),
});

export const endpoints = pgTable(
  "endpoints",
  {
    id: uuid("id").primaryKey(),
    workspaceId: text("workspace_id").notNull(),
    url: text("url").notNull(),
    filters: text("filters").array().notNull(),
    description: text("description"),
    signatureHeader: text("signature_header"),
    /** `active` or `disabled`. */
    state: text("state").notNull(),
    stateReason: text("state_reason"),
    disabledAt: moment("disabled_at"),
    /** Failures since it last accepted. */
    failures: integer("failures").notNull().default(0),
    /** While set, only its oldest dispatch is tried, at `probe_at`; the others are held. */
    circuitOpenSince: moment("circuit_open_since"),
    probeAt: moment("probe_at"),
    secretCiphertext: text("secret_ciphertext").notNull(),
    previousSecretCiphertext: text("previous_secret_ciphertext"),
    previousSecretUntil: moment("previous_secret_until"),
    createdAt: created(),
    deletedAt: moment("deleted_at"),
  },
  (table) => [index("endpoints_of_workspace").on(table.workspaceId)],
);

/** What an endpoint asked for, and from when. */
export const endpointFilters = pgTable(
  "endpoint_filters",
  {
    endpointId: uuid("endpoint_id").notNull(),
    since: moment("since").notNull(),
    filters: text("filters").array().notNull(),
    /** False: it was switched off. */
    active: boolean("active").notNull().default(true),
  },
  (table) => [primaryKey({ columns: [table.endpointId, table.since] })],
);

/** How an endpoint fared, hour by hour: its health. */
export const endpointHours = pgTable(
  "endpoint_hours",
  {
    endpointId: uuid("endpoint_id").notNull(),
    hour: moment("hour").notNull(),
    accepted: integer("accepted").notNull(),
    failed: integer("failed").notNull(),
    lastAcceptedAt: moment("last_accepted_at"),
  },
  (table) => [primaryKey({ columns: [table.endpointId, table.hour] })],
);

/** One event owed to one endpoint. */
export const dispatches = pgTable(
  "dispatches",
  {
    id: uuid("id").primaryKey().default(sql`gen_random_uuid()`),
    endpointId: uuid("endpoint_id").notNull(),
    eventId: uuid("event_id").notNull(),
    workspaceId: text("workspace_id").notNull(),
    type: text("type").notNull(),
    state: text("state").notNull().default("pending"),
    attempts: integer("attempts").notNull().default(0),
    /** When it may be claimed: the next try, or the end of a claim's lease. */
    nextAt: moment("next_at").default(sql`now()`),
    /** Who is trying it now; another's answer comes too late. */
    lease: uuid("lease"),
    lastStatus: integer("last_status"),
    lastError: text("last_error"),
    createdAt: created(),
    /** What has not been accepted until then is given up. */
    giveUpAt: moment("give_up_at").notNull().default(sql`now() + interval '7 days'`),
    /** When it was accepted, given up or cancelled. */
    settledAt: moment("settled_at"),
  },
  (table) => [
    // The claim, endpoint by endpoint.
    index("dispatches_due").on(table.endpointId, table.nextAt).where(sql`state in ('pending', 'retrying')`),
    // What waits for its endpoint, or was given up: counted, released, tried again.
    index("dispatches_aside").on(table.endpointId, table.state, table.createdAt).where(sql`state in ('held', 'dead')`),
    // GET /v1/endpoints/<id>/dispatches
    index("dispatches_of_endpoint").on(table.endpointId, table.createdAt, table.id),
    // The trace.
    index("dispatches_of_event").on(table.eventId),
    // The sweep of what is settled and old.
    index("dispatches_by_age").using("brin", table.createdAt),
  ],
);

/** One HTTP try of a dispatch. Range-partitioned by day on its UUIDv7. */
export const attempts = pgTable(
  "attempts",
  {
    id: uuid("id").primaryKey(),
    dispatchId: uuid("dispatch_id").notNull(),
    endpointId: uuid("endpoint_id").notNull(),
    at: moment("at").notNull(),
    ok: boolean("ok").notNull(),
    status: integer("status"),
    ms: integer("ms"),
    error: text("error"),
    response: text("response"),
  },
  (table) => [
    index("attempts_of_dispatch").on(table.dispatchId),
    // An endpoint's last failures.
    index("attempts_failed").on(table.endpointId, table.id).where(sql`not ok`),
  ],
);

/** How far a reader of ours (the bus) has come in the log. */
export const cursors = pgTable("cursors", {
  name: text("name").primaryKey(),
  position: text("position").notNull(),
  updatedAt: created(),
});

/** A bounded sample of what was refused. */
export const rejections = pgTable("rejections", {
  id: uuid("id").primaryKey(),
  adapter: text("adapter"),
  receivedAt: moment("received_at").notNull(),
  method: text("method").notNull(),
  path: text("path").notNull(),
  ip: text("ip"),
  code: text("code").notNull(),
  /** Encrypted JSON; a replay verifies with them, nothing shows them. */
  headersCiphertext: text("headers_ciphertext").notNull(),
  /** Names only. */
  headerNames: text("header_names").array().notNull(),
  /** Encrypted; null where it was longer than the sample keeps. */
  body: bytea("body"),
  size: integer("size").notNull(),
  verification: text("verification").notNull(),
});

/** Per adapter and minute: what the overview shows. Written by a timer. */
export const minutes = pgTable(
  "minutes",
  {
    adapter: text("adapter").notNull(),
    minute: moment("minute").notNull(),
    outcome: text("outcome").notNull(),
    count: integer("count").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.adapter, table.minute, table.outcome] }),
    // How many were ever refused.
    index("minutes_refused").on(table.minute).where(sql`outcome like 'rejected:%'`),
  ],
);

/** Every change by a person or a token. */
export const audit = pgTable(
  "audit",
  {
    id: uuid("id").primaryKey(),
    at: created(),
    token: text("token").notNull(),
    action: text("action").notNull(),
    object: text("object").notNull(),
    /** JSON; never a secret. */
    before: text("before"),
    after: text("after"),
  },
  // Who did what to a thing.
  (table) => [index("audit_of_object").on(table.object, table.id)],
);

/** Replays of many callbacks, oldest first: what was asked for, and how far they have come. */
export const replays = pgTable("replays", {
  id: uuid("id").primaryKey(),
  /** JSON, as it was asked for; an e-mail address or phone number stands in it as a sign only. */
  filter: text("filter").notNull(),
  /** Keyed hashes that its callbacks carry. */
  terms: bigint("terms", { mode: "bigint" }).array().notNull(),
  /** The only callback, where an id was asked for. */
  callbackId: uuid("callback_id"),
  dryRun: boolean("dry_run").notNull(),
  /** `running done cancelled failed` */
  state: text("state").notNull().default("running"),
  error: text("error"),
  startedBy: text("started_by").notNull(),
  createdAt: created(),
  endedAt: moment("ended_at"),
  /** What came later is no part of it. */
  before: uuid("before").notNull(),
  /** The last one that was looked at; `null` at the start. */
  position: uuid("position"),
  lookedAt: integer("looked_at").notNull().default(0),
  added: integer("added").notNull().default(0),
  changed: integer("changed").notNull().default(0),
  gone: integer("gone").notNull().default(0),
  unchanged: integer("unchanged").notNull().default(0),
  waiting: integer("waiting").notNull().default(0),
  failed: integer("failed").notNull().default(0),
  stillRejected: integer("still_rejected").notNull().default(0),
  /** Which process works on it, and until when that holds. */
  lease: uuid("lease"),
  leaseUntil: moment("lease_until"),
});

/** What each replay of a callback came to, for its trace. */
export const replayed = pgTable(
  "replayed",
  {
    callbackId: uuid("callback_id").notNull(),
    id: uuid("id").notNull(),
    at: moment("at").notNull().default(sql`now()`),
    doneBy: text("done_by").notNull(),
    /** The replay of many that it was part of. */
    replayId: uuid("replay_id"),
    added: integer("added").notNull(),
    changed: integer("changed").notNull(),
    gone: integer("gone").notNull(),
    unchanged: integer("unchanged").notNull(),
  },
  (table) => [primaryKey({ columns: [table.callbackId, table.id] })],
);

/** What needs attention and has been told to ALERT_URL, or is about to be: once for as long as it lasts. */
export const alerts = pgTable("alerts", {
  key: text("key").primaryKey(),
  /** Null: not told yet. */
  toldAt: moment("told_at"),
  /** Who is telling it, and since when. */
  triedAt: moment("tried_at"),
  /** When it was last there. */
  seenAt: moment("seen_at").notNull().default(sql`now()`),
});
