import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createApp } from "./app.ts";
import { Alerts } from "./attention/alerts.ts";
import { sweepCounts, writeCounts } from "./attention/minutes.ts";
import { Tally } from "./attention/tally.ts";
import type { Bell } from "./bus/bell.ts";
import { openBus } from "./bus/bus.ts";
import type { Relay } from "./bus/relay.ts";
import type { Config } from "./config.ts";
import { type Database, openEmbedded, openPostgres } from "./db/client.ts";
import { type DatabaseClock, databaseClock } from "./db/clock.ts";
import { migrate } from "./db/migrate.ts";
import { dropOldPartitions, keepPartitions, sweepGuard } from "./db/partitions.ts";
import { Replayer } from "./healing/replayer.ts";
import type { CommitOptions } from "./inbound/commit.ts";
import { Credentials } from "./inbound/credentials.ts";
import { Healer } from "./inbound/healer.ts";
import { pathIndex } from "./inbound/path.ts";
import { CommitQueue } from "./inbound/queue.ts";
import { receiver } from "./inbound/receive.ts";
import { Rejections } from "./inbound/rejections.ts";
import { DataKeys, PathTokens, rewrap, Vault } from "./keys.ts";
import type { Logger } from "./log.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { Courier } from "./outbound/attempt.ts";
import { resolveHost } from "./outbound/guard.ts";
import { Sender } from "./outbound/sender.ts";
import type { Registry } from "./registry.ts";

/** Everything that a running gateway consists of; the API's handlers find it here. */
export type Gateway = {
  config: Config;
  registry: Registry;
  database: Database;
  databaseClock: DatabaseClock;
  /** This machine's time in milliseconds. */
  clock: () => number;
  epoch: number;
  role: ServeRole;
  keys: DataKeys;
  vault: Vault;
  credentials: Credentials;
  /** What everything that is emitted from callbacks goes through. */
  commitOptions: CommitOptions;
  queue: CommitQueue;
  healer: Healer;
  /** Works on replays of many. */
  replayer: Replayer;
  rejections: Rejections;
  metrics: Metrics;
  log: Logger;
  courier: Courier;
  sender: Sender;
  /** Brings the log to the bus; null where none is set, or this process only receives. */
  relay: Relay | null;
  /** Those who follow the log here, to be rung when something was emitted. */
  followers: Set<Bell>;
  emitted(): void;
  /** Aborted when the gateway closes: what would go on for ever ends then. */
  closing: AbortSignal;
  /** What providers call, without a slash at its end. */
  publicUrl(): string;
  server: Server;
  /** Answers where it listens, once it does. */
  listen(): Promise<string>;
  /** Takes nothing new, finishes what it has, closes. */
  close(): Promise<void>;
};

const SECRETS_EVERY_MS = 2000;
const TALLY_EVERY_MS = 5000;
const CLOCK_EVERY_MS = 60_000;
const UPKEEP_EVERY_MS = 3_600_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than load balancers keep theirs: who closes first must not be the one that is being written to. */
const KEEP_ALIVE_MS = 65_000;

/** `web` receives and answers the API, `worker` sends what is owed, `all` does both. */
export const serveRoles = ["web", "worker", "all"] as const;
export type ServeRole = (typeof serveRoles)[number];
export type GatewayOptions = { clock?: () => number; role?: ServeRole };

/** Opens the database, brings its schema up to date and puts the gateway together. It does not listen yet. */
export async function createGateway(
  config: Config,
  registry: Registry,
  log: Logger,
  { clock = Date.now, role = "all" }: GatewayOptions = {},
): Promise<Gateway> {
  const database = config.DATABASE_URL ? openPostgres(config.DATABASE_URL) : await openEmbedded(config.DATA_DIR);
  try {
    return await assemble(config, registry, log, { clock, role }, database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function assemble(
  config: Config,
  registry: Registry,
  log: Logger,
  { clock, role }: Required<GatewayOptions>,
  database: Database,
): Promise<Gateway> {
  const { epoch } = await migrate(database);
  const vault = new Vault(config.MASTER_KEYS);
  const keys = await DataKeys.load(database.query, vault);
  await rewrap(database.query, vault);
  const dbClock = await databaseClock(database, clock);
  const credentials = new Credentials(registry, vault, new PathTokens(config.MASTER_KEYS), config.secrets);
  await credentials.refresh(database.query);
  const metrics = createMetrics();
  const commitOptions: CommitOptions = {
    database,
    epoch,
    keys,
    now: () => dbClock.now(),
    ignoreTestMode: config.IGNORE_TEST_MODE,
  };
  const healer = new Healer(commitOptions, log, () => gateway.emitted());
  const queue = new CommitQueue(commitOptions, (committed) => {
    healer.recheck(committed.recheck);
    if (committed.emitted > 0) gateway.emitted();
  });
  const courier = new Courier({ allowPrivate: config.ALLOW_PRIVATE_ENDPOINTS, resolve: resolveHost, clock });
  const sender = new Sender({
    database,
    databaseClock: dbClock,
    vault,
    courier,
    retentionDays: config.RETENTION_DAYS,
    log,
    metrics,
  });
  const relay = role === "web" ? null : openBus({ config, database, databaseClock: dbClock, metrics, log });
  const closing = new AbortController();
  // Its address is the operator's own: it may be a private one.
  const alertCourier = new Courier({ allowPrivate: true, resolve: resolveHost, clock });
  const alerts = config.ALERT_URL
    ? new Alerts({
        database,
        databaseClock: dbClock,
        url: config.ALERT_URL,
        secret: config.ALERT_SECRET ?? null,
        courier: alertCourier,
        log,
      })
    : null;
  const tally = new Tally();
  const writeTally = async () => {
    const counts = tally.take();
    await writeCounts(database.query, counts).catch((error: unknown) => {
      tally.putBack(counts);
      throw error;
    });
  };
  const rejections = new Rejections(database, dbClock, keys, log);
  const upkeep = async () => {
    await database.session((query) => keepPartitions(database.kind, query));
    await database.session(async (query) => {
      for (const [table, days] of [
        ["callbacks", config.RETENTION_DAYS],
        ["attempts", config.RETENTION_DAYS],
        ["events", config.EVENT_RETENTION_DAYS],
      ] as const) {
        const dropped = await dropOldPartitions(database.kind, query, table, days);
        if (dropped.length > 0) log.info({ dropped }, "days past their retention were dropped");
      }
      await sweepGuard(query, config.GUARD_DAYS, config.RETENTION_DAYS);
      await sweepCounts(query);
    });
  };
  const timers = [
    every(SECRETS_EVERY_MS, () => credentials.refresh(database.query), "stored secrets could not be read", log),
    every(TALLY_EVERY_MS, writeTally, "what happened could not be counted", log),
    every(CLOCK_EVERY_MS, () => dbClock.measure(), "the database's time could not be read", log),
    every(UPKEEP_EVERY_MS, upkeep, "partitions could not be kept", log),
  ];
  let address = "";
  const replayer = new Replayer(() => gateway);
  const gateway: Gateway = {
    ...{
      config,
      registry,
      database,
      databaseClock: dbClock,
      clock,
      epoch,
      role,
      keys,
      vault,
      credentials,
      commitOptions,
      queue,
      healer,
      replayer,
      rejections,
      metrics,
      log,
      courier,
      sender,
      relay,
    },
    followers: new Set(),
    emitted() {
      sender.wake();
      relay?.wake();
      for (const follower of gateway.followers) follower.ring();
    },
    closing: closing.signal,
    publicUrl: () => config.PUBLIC_URL ?? address,
    server: createServer({ requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS }),
    async listen() {
      // With reusePort a second process on the same port is how more cores are used.
      gateway.server.listen({
        port: config.PORT,
        host: config.HOST,
        reusePort: config.PORT !== 0 && database.kind === "postgres",
      });
      await new Promise((resolve, reject) => gateway.server.once("listening", resolve).once("error", reject));
      const { port } = gateway.server.address() as AddressInfo;
      address = `http://${config.HOST.includes(":") ? `[${config.HOST}]` : config.HOST}:${port}`;
      healer.start();
      rejections.start();
      if (role !== "web") {
        sender.start();
        replayer.start();
        alerts?.start();
      }
      relay?.start();
      return address;
    },
    async close() {
      closing.abort();
      for (const timer of timers) clearInterval(timer);
      if (gateway.server.listening) {
        const closed = new Promise((resolve) => gateway.server.close(resolve));
        gateway.server.closeIdleConnections();
        await queue.drain();
        gateway.server.closeAllConnections();
        await closed;
      }
      await queue.drain();
      await writeTally().catch(() => {});
      await rejections.stop();
      await replayer.stop();
      await healer.stop();
      await alerts?.stop();
      alertCourier.close();
      await sender.stop();
      await relay?.stop();
      await database.close();
    },
  };
  const callbacks = receiver({
    ...{ credentials, queue, rejections, keys, databaseClock: dbClock, clock, metrics, tally, log },
    find: pathIndex(registry),
    publicUrl: gateway.publicUrl,
    trustedProxies: config.TRUSTED_PROXIES,
  });
  const api = getRequestListener(createApp(gateway).fetch);
  gateway.server.on("request", (request, response) => {
    if (request.url?.startsWith("/callbacks/") && role !== "worker") callbacks(request, response);
    else void api(request, response);
  });
  return gateway;
}

function every(ms: number, work: () => Promise<unknown>, failure: string, log: Logger): NodeJS.Timeout {
  return setInterval(() => {
    work().catch((error: unknown) => log.warn({ err: error }, failure));
  }, ms).unref();
}
