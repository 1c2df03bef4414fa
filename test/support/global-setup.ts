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
    /** Where tests make their databases, from `homing_template`. */
    postgres: string;
    /** The folder of a migrated embedded database, to be copied: making one anew takes seconds, a copy a tenth of that. */
    embedded: string;
  }
}

/** A migrated template, of which each test file gets a copy. */
export const TEMPLATE = "homing_template";

/** Brings a PostgreSQL along (or takes the one of TEST_DATABASE_URL) and migrates the templates, of either kind. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  const own = given ? null : await startPostgres();
  const admin = given ?? (own?.url("postgres") as string);
  const sql = postgres(admin, { max: 1, onnotice: () => {} });
  await sql.unsafe(`drop database if exists ${TEMPLATE} with (force)`);
  await sql.unsafe(`create database ${TEMPLATE}`);
  await sql.end();
  const url = new URL(admin);
  url.pathname = `/${TEMPLATE}`;
  const database = openPostgres(url.href);
  await migrate(database);
  await database.close();
  project.provide("postgres", admin);

  const folder = mkdtempSync(join(tmpdir(), "homing-template-"));
  const embedded = await openEmbedded(folder);
  await migrate(embedded);
  await embedded.close();
  project.provide("embedded", folder);
  return async () => {
    rmSync(folder, { recursive: true, force: true });
    await own?.stop();
  };
}
