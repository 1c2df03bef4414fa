import { PGlite } from "@electric-sql/pglite";
import { drizzle as drizzlePglite } from "drizzle-orm/pglite";
import { migrate as migratePglite } from "drizzle-orm/pglite/migrator";
import { drizzle as drizzlePostgres } from "drizzle-orm/postgres-js";
import { migrate as migratePostgres } from "drizzle-orm/postgres-js/migrator";
import postgres from "postgres";
import { type FolderLock, lockFolder } from "./lock.ts";

/** Runs one statement with `$n` parameters. bytea comes as Uint8Array, timestamps as Date; cast bigint and xid8 to text. */
export type Query = <Row = Record<string, unknown>>(text: string, parameters?: unknown[]) => Promise<Row[]>;

/** A database of either kind. Both take the same SQL. */
export type Database = {
  kind: "postgres" | "embedded";
  /** Ordinary statements, prepared. */
  query: Query;
  /** Statements of the callback's way, on connections of their own. Everything they ask for must be reached by an index. */
  hot: Query;
  /** What `work` does with its `query` is one transaction on the hot connections; a throw rolls it back. */
  transaction<Result>(work: (query: Query) => Promise<Result>): Promise<Result>;
  /** One connection of its own, outside any transaction: advisory locks, ATTACH, DETACH CONCURRENTLY. */
  session<Result>(work: (query: Query) => Promise<Result>): Promise<Result>;
  /** Applies drizzle's migrations of a folder; one caller at a time. */
  applyMigrations(migrationsFolder: string): Promise<void>;
  close(): Promise<void>;
};

/** Milliseconds after which PostgreSQL gives up on a statement of the callback's way: the log's readers rely on it (partitions). */
const STATEMENT_TIMEOUT_MS = 30_000;
const HOT_CONNECTIONS = 4;
const ORDINARY_CONNECTIONS = 6;

/** PostgreSQL's word; the driver's types ask for a boolean. */
const OFF = "off" as unknown as boolean;

export function openPostgres(url: string): Database {
  const quiet = { onnotice: () => {}, connect_timeout: 10 };
  const hot = postgres(url, {
    ...quiet,
    max: HOT_CONNECTIONS,
    connection: {
      application_name: "homing",
      // The batch's plans are index look-ups. The planner sees empty tables at first, and would otherwise keep what fits those.
      // In words: postgres.js leaves out what is false.
      jit: OFF,
      enable_seqscan: OFF,
      enable_hashjoin: OFF,
      enable_mergejoin: OFF,
      plan_cache_mode: "force_generic_plan",
      statement_timeout: STATEMENT_TIMEOUT_MS,
    },
  });
  const ordinary = postgres(url, { ...quiet, max: ORDINARY_CONNECTIONS, connection: { application_name: "homing", jit: OFF } });
  const over =
    (client: postgres.Sql): Query =>
    <Row>(text: string, parameters: unknown[] = []) =>
      client.unsafe(text, parameters as never[], { prepare: true }) as unknown as Promise<Row[]>;
  return {
    kind: "postgres",
    query: over(ordinary),
    hot: over(hot),
    transaction: (work) => hot.begin((client) => work(over(client as unknown as postgres.Sql))) as Promise<never>,
    async session(work) {
      const own = postgres(url, { ...quiet, max: 1, max_lifetime: null, connection: { application_name: "homing" } });
      try {
        return await work(over(own));
      } finally {
        await own.end({ timeout: 5 });
      }
    },
    async applyMigrations(migrationsFolder) {
      // drizzle changes how its client reads times: it has one of its own.
      const own = postgres(url, { ...quiet, max: 1, connection: { application_name: "homing" } });
      try {
        await migratePostgres(drizzlePostgres(own), { migrationsFolder });
      } finally {
        await own.end({ timeout: 5 });
      }
    },
    async close() {
      await Promise.all([hot, ordinary].map((client) => client.end({ timeout: 5 })));
    },
  };
}

/** @throws FolderInUse where another process has the folder. */
export async function openEmbedded(folder: string): Promise<Database> {
  const lock: FolderLock = lockFolder(folder);
  const lite = await PGlite.create(`${folder}/database`).catch((error: unknown) => {
    lock.release();
    throw error;
  });
  const over =
    (client: Pick<PGlite, "query">): Query =>
    async <Row>(text: string, parameters: unknown[] = []) =>
      (await client.query<Row>(text, parameters)).rows;
  return {
    kind: "embedded",
    query: over(lite),
    hot: over(lite),
    transaction: (work) => lite.transaction((client) => work(over(client))) as Promise<never>,
    session: (work) => work(over(lite)),
    applyMigrations: (migrationsFolder) => migratePglite(drizzlePglite(lite), { migrationsFolder }),
    async close() {
      await lite.close();
      lock.release();
    },
  };
}

/** SQLSTATE of a database's refusal, from either driver, also where drizzle wrapped it; undefined for anything else (EPIPE has five letters, too). */
export function sqlState(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (typeof code === "string" && /^(?=.*\d)[0-9A-Z]{5}$/.test(code)) return code;
  return cause ? sqlState(cause) : undefined;
}
