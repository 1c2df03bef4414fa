import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createApp } from "./app.ts";
import type { Config } from "./config.ts";
import { type Database, openEmbedded, openPostgres } from "./db/client.ts";
import { type DatabaseClock, databaseClock } from "./db/clock.ts";
import { migrate } from "./db/migrate.ts";
import { dropOldPartitions, keepPartitions, sweepGuard } from "./db/partitions.ts";
import { Credentials } from "./inbound/credentials.ts";
import { Healer } from "./inbound/healer.ts";
import { pathIndex } from "./inbound/path.ts";
import { CommitQueue } from "./inbound/queue.ts";
import { receiver } from "./inbound/receive.ts";
import { Rejections } from "./inbound/rejections.ts";
import { DataKeys, PathTokens, rewrap, Vault } from "./keys.ts";
import type { Logger } from "./log.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
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
  keys: DataKeys;
  vault: Vault;
  credentials: Credentials;
  queue: CommitQueue;
  healer: Healer;
  rejections: Rejections;
  metrics: Metrics;
  log: Logger;
  /** What providers call, without a slash at its end. */
  publicUrl(): string;
  server: Server;
  /** Answers where it listens, once it does. */
  listen(): Promise<string>;
  /** Takes nothing new, finishes what it has, closes. */
  close(): Promise<void>;
};

const SECRETS_EVERY_MS = 2000;
const CLOCK_EVERY_MS = 60_000;
const UPKEEP_EVERY_MS = 3_600_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than load balancers keep theirs: who closes first must not be the one that is being written to. */
const KEEP_ALIVE_MS = 65_000;

/** Opens the database, brings its schema up to date and puts the gateway together. It does not listen yet. */
export async function createGateway(
  config: Config,
  registry: Registry,
  log: Logger,
  clock: () => number = Date.now,
): Promise<Gateway> {
  const database = config.DATABASE_URL ? openPostgres(config.DATABASE_URL) : await openEmbedded(config.DATA_DIR);
  try {
    return await assemble(config, registry, log, clock, database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function assemble(
  config: Config,
  registry: Registry,
  log: Logger,
  clock: () => number,
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
  const commitOptions = { database, epoch, keys, now: () => dbClock.now(), ignoreTestMode: config.IGNORE_TEST_MODE };
  const healer = new Healer(commitOptions, log);
  const queue = new CommitQueue(commitOptions, ({ recheck }) => healer.recheck(recheck));
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
      await sweepGuard(query, config.GUARD_DAYS);
    });
  };
  const timers = [
    every(SECRETS_EVERY_MS, () => credentials.refresh(database.query), "stored secrets could not be read", log),
    every(CLOCK_EVERY_MS, () => dbClock.measure(), "the database's time could not be read", log),
    every(UPKEEP_EVERY_MS, upkeep, "partitions could not be kept", log),
  ];
  let address = "";
  const gateway: Gateway = {
    ...{
      config,
      registry,
      database,
      databaseClock: dbClock,
      clock,
      epoch,
      keys,
      vault,
      credentials,
      queue,
      healer,
      rejections,
      metrics,
      log,
    },
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
      return address;
    },
    async close() {
      for (const timer of timers) clearInterval(timer);
      if (gateway.server.listening) {
        const closed = new Promise((resolve) => gateway.server.close(resolve));
        gateway.server.closeIdleConnections();
        await queue.drain();
        gateway.server.closeAllConnections();
        await closed;
      }
      await queue.drain();
      await rejections.stop();
      await healer.stop();
      await database.close();
    },
  };
  const callbacks = receiver({
    ...{ credentials, queue, rejections, keys, databaseClock: dbClock, clock, metrics, log },
    find: pathIndex(registry),
    publicUrl: gateway.publicUrl,
    trustedProxies: config.TRUSTED_PROXIES,
  });
  const api = getRequestListener(createApp(gateway).fetch);
  gateway.server.on("request", (request, response) => {
    if (request.url?.startsWith("/callbacks/")) callbacks(request, response);
    else void api(request, response);
  });
  return gateway;
}

function every(ms: number, work: () => Promise<unknown>, failure: string, log: Logger): NodeJS.Timeout {
  return setInterval(() => {
    work().catch((error: unknown) => log.warn({ err: error }, failure));
  }, ms).unref();
}
