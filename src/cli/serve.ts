import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readConfig, SettingsError } from "../config.ts";
import { openEmbedded, openPostgres } from "../db/client.ts";
import { migrate } from "../db/migrate.ts";
import { createGateway, type Gateway, type ServeRole } from "../gateway.ts";
import { createLogger } from "../log.ts";
import { registry } from "../registry.ts";

/** Receives callbacks and answers the API until it is told to stop. */
export async function serve({ role }: { role: ServeRole }): Promise<void> {
  const adapters = await registry();
  const config = readConfig(process.env, adapters.keys());
  const log = createLogger(config.LOG_LEVEL);
  if (role !== "all" && !config.DATABASE_URL)
    throw new SettingsError("DATABASE_URL: is required with --role web or worker: the embedded database serves one process");
  const gateway = await createGateway(config, adapters, log, { role }).catch(explain);
  const address = await gateway.listen().catch(async (error: NodeJS.ErrnoException) => {
    await gateway.close();
    if (error.code === "EADDRINUSE") throw new SettingsError(`PORT: ${config.PORT} is in use on ${config.HOST}`);
    throw error;
  });
  mkdirSync(config.DATA_DIR, { recursive: true });
  writeFileSync(join(config.DATA_DIR, "address"), `${address}\n`);
  announce(gateway, address);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  log.info("stopping: finishing what has been received");
  await gateway.close();
}

function announce({ config, role, registry: adapters, credentials, database, log, publicUrl }: Gateway, address: string): void {
  log.info({ address, public_url: publicUrl(), database: database.kind, role }, "homing listens");
  if (database.kind === "embedded") {
    log.warn(
      `no DATABASE_URL: the embedded database in ${config.DATA_DIR} serves, for trying out and small use. It survives a killed process, not a power cut; one process only`,
    );
  }
  const signing = [...adapters.values()].filter((adapter) => adapter.provider.verify.signs);
  const without = signing.filter((adapter) => !credentials.isConfigured(adapter.name)).map((adapter) => adapter.name);
  const mounted = [...adapters.keys()].filter((name) => !without.includes(name));
  log.info(`providers ready: ${mounted.join(", ") || "none"} · without secrets yet: ${without.join(", ") || "none"}`);
}

/** Turns what a first start commonly meets into words. */
function explain(error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException;
  const known = /^(ECONNREFUSED|ENOTFOUND|ETIMEDOUT|CONNECT_TIMEOUT|3D000|28P01|28000)$/.test(code ?? "");
  if (known) throw new SettingsError(`DATABASE_URL: the database does not answer as it should: ${message || code}`);
  throw error;
}

/** Brings the schema up to date, and ends. */
export async function migrateOnly(options: { json?: boolean }): Promise<void> {
  const config = readConfig(process.env, []);
  const database = config.DATABASE_URL ? openPostgres(config.DATABASE_URL) : await openEmbedded(config.DATA_DIR);
  try {
    const { epoch } = await migrate(database).catch(explain);
    process.stdout.write(
      options.json ? `${JSON.stringify({ database: database.kind, epoch })}\n` : "The schema is up to date.\n",
    );
  } finally {
    await database.close();
  }
}
