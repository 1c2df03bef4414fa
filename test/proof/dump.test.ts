import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { extent, inParallel, say } from "./support/extent.ts";
import { endAll, newSigner, readOn, type Served, serve } from "./support/process.ts";
import { bodyOf, keyOf, type Report, report } from "./support/reports.ts";

/** A server of the version that `pg_dump` is of, or an older one. */
const SOURCE = process.env.PROOF_DATABASE_URL ?? "postgres://postgres@127.0.0.1:5432/postgres";
const EVENTS = 2000;
/** Transactions that a server has behind it, of other databases too. */
const BEFORE = 20_000;
const AFTER = 20_000;

const folder = mkdtempSync(join(tmpdir(), "homing-proof-"));
const file = join(folder, "dump.sql");
const source = new URL(SOURCE);
source.pathname = `/homing_${randomBytes(6).toString("hex")}`;
const signer = newSigner();
const before = reports("before", extent(EVENTS));

let restoredTo: TestPostgres | undefined;
/** Where the reader stood, at the end of the log, when the database was dumped. */
let cursor = "";
let largest = 0n;

/** The first server: it has a past, a log that was read to its end, and went on with other things before it was dumped. */
beforeAll(async () => {
  await run(SOURCE, `create database ${source.pathname.slice(1)}`);
  await spend(source.href, BEFORE);
  const homing = await serve({ DATABASE_URL: source.href, DATA_DIR: folder }, signer);
  await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  await inParallel(before, 16, async (one) => void expect((await homing.report(bodyOf([one]))).body.events).toBe(1));
  await spend(source.href, AFTER);
  const read = await readUntil(homing, before.length, "");
  expect(new Set(read.events.map(keyOf))).toEqual(new Set(before.map((one) => one.id)));
  cursor = read.next;
  await homing.stop();
  const [row] = await run(source.href, "select max(xid)::text as largest from events");
  largest = BigInt(row?.largest as string);
  execFileSync("pg_dump", ["--no-owner", "--file", file, source.href], { stdio: "pipe" });
  restoredTo = await startPostgres();
});

afterAll(async () => {
  endAll();
  await restoredTo?.stop();
  await run(SOURCE, `drop database ${source.pathname.slice(1)} with (force)`);
  rmSync(folder, { recursive: true, force: true });
});

it("is read on with the old cursor in a fresh server, whose transactions begin anew", async () => {
  const { epochs, at } = await readsOn("fresh");
  expect(at).toBeLessThan(largest);
  expect(epochs).toBe(2);
});

it("is read on with the old cursor in a server that is past the last event, but not past the cursor", async () => {
  const { at } = await readsOn("younger", async (url) => {
    const now = await transaction(url);
    await spend(url, Number(largest - now) + 100);
  });
  expect(at).toBeGreaterThan(largest);
  expect(at).toBeLessThan(largest + BigInt(AFTER));
});

/** Restores the dump, emits more, and reads on: exactly the new ones. */
async function readsOn(
  name: string,
  prepare: (url: string) => Promise<void> = async () => {},
): Promise<{ epochs: number; at: bigint }> {
  const url = (restoredTo as TestPostgres).url(name);
  await run((restoredTo as TestPostgres).url("postgres"), `create database ${name}`);
  execFileSync("psql", ["--quiet", "--set", "ON_ERROR_STOP=1", "--file", file, url], { stdio: "pipe" });
  await prepare(url);
  const at = await transaction(url);
  const homing = await serve({ DATABASE_URL: url, DATA_DIR: folder }, signer);
  const more = reports(name, extent(EVENTS) / 10);
  await inParallel(more, 16, async (one) => void expect((await homing.report(bodyOf([one]))).body.events).toBe(1));
  // The guard came along.
  expect((await homing.report(bodyOf(before.slice(0, 5)))).body).toMatchObject({ events: 0, duplicates: 5 });
  const whole = await readOn(homing);
  const read = await readOn(homing, cursor);
  await homing.stop();
  const [row] = await run(url, "select count(*)::int as epochs from log_epochs");
  const epochs = Number(row?.epochs);
  say(
    `dump and restore (${name})`,
    `largest transaction id of the log ${largest}, of the restored server ${at}; epoch ${epochs}; ${more.length} new events, ${read.events.length} read on with the old cursor, ${whole.events.length} from the beginning`,
  );
  expect(whole.events.map(keyOf).toSorted()).toEqual([...before, ...more].map((one) => one.id).toSorted());
  expect(read.events.map(keyOf).toSorted()).toEqual(more.map((one) => one.id).toSorted());
  return { epochs, at };
}

/** Reads on until it has seen `count`: what else the server does may hold the log back for a while. */
async function readUntil(homing: Served, count: number, after: string): Promise<Awaited<ReturnType<typeof readOn>>> {
  const until = Date.now() + 30_000;
  const { events, next } = await readOn(homing, after);
  for (let place = next; ; ) {
    const more = await readOn(homing, place);
    events.push(...more.events);
    place = more.next;
    if (events.length >= count && more.events.length === 0) return { events, next: place };
    if (Date.now() > until) throw new Error(`the log tells ${events.length} of ${count} events`);
  }
}

function reports(name: string, count: number): Report[] {
  return Array.from({ length: count }, (_, at) => report(`${name}-${at}`, "delivered", at, "echoed"));
}

/** Uses up transaction ids, as other databases of a server do. */
async function spend(url: string, count: number): Promise<void> {
  await run(url, `do $$ begin for spent in 1..${count} loop perform pg_current_xact_id(); commit; end loop; end $$`);
}

async function transaction(url: string): Promise<bigint> {
  const [row] = await run(url, "select pg_current_xact_id()::text as id");
  return BigInt(row?.id as string);
}

async function run(url: string, statement: string): Promise<postgres.Row[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}
