import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import type { TestProject } from "vitest/node";
import { openEmbedded, openPostgres } from "../../src/db/client.ts";
import { migrate } from "../../src/db/migrate.ts";
import { startPostgres } from "./postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where tests make their databases, from `homing_template`: a server for each worker. */
    postgres: string[];
    /** The folder of a migrated embedded database, to be copied: making one anew takes seconds, a copy a tenth of that. */
    embedded: string;
  }
}

/** A migrated template, of which each test file gets a copy. */
export const TEMPLATE = "homing_template";

/**
 * Brings PostgreSQL along (or takes the one of TEST_DATABASE_URL) and migrates the templates, of either kind. A transaction that is open in any
 * database of a server holds back the log in all of them: tests that run at the same time have servers of their own.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  const own = given ? [] : await Promise.all(Array.from({ length: Number(project.config.maxWorkers) }, startPostgres));
  const admins = given ? [given] : own.map((server) => server.url("postgres"));
  for (const admin of admins) await makeTemplate(admin);
  project.provide("postgres", admins);

  const folder = mkdtempSync(join(tmpdir(), "homing-template-"));
  const embedded = await openEmbedded(folder);
  await migrate(embedded);
  await embedded.close();
  project.provide("embedded", folder);
  return async () => {
    rmSync(folder, { recursive: true, force: true });
    await Promise.all(own.map((server) => server.stop()));
  };
}

async function makeTemplate(admin: string): Promise<void> {
  const sql = postgres(admin, { max: 1, onnotice: () => {} });
  await sql.unsafe(`drop database if exists ${TEMPLATE} with (force)`);
  await sql.unsafe(`create database ${TEMPLATE}`);
  await sql.end();
  const url = new URL(admin);
  url.pathname = `/${TEMPLATE}`;
  const database = openPostgres(url.href);
  await migrate(database);
  await database.close();
}
