/**
 * `npm run bench`: the gateway beside what it may be compared with, on one machine and one PostgreSQL, by turns. Settings:
 *
 * - `BENCH_DATABASE_URL`: a PostgreSQL server where databases may be created (postgres://postgres@127.0.0.1:5432/postgres)
 * - `BENCH_SECONDS` (5) and `BENCH_ROUNDS` (3): of each measurement, after its warm-up; how often each server has its turn
 * - `BENCH_CONNECTIONS` (64), each with one request under way
 * - `BENCH_CASES`: names of cases, and `drain`, blank-separated (all)
 *
 * It ends with 1 where an answer was no 200, or where a database does not hold exactly what was answered.
 */
import { cpus } from "node:os";
import postgres from "postgres";
import { type Case, cases } from "./cases.ts";
import { type Drained, drainBus, drainWebhooks } from "./drain.ts";
import { type Measurement, measure } from "./measure.ts";
import { type Round, report } from "./report.ts";
import { type Subject, startBare, startGateway, startInsert } from "./subjects.ts";

const ADMIN = process.env.BENCH_DATABASE_URL ?? "postgres://postgres@127.0.0.1:5432/postgres";
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const CONNECTIONS = Number(process.env.BENCH_CONNECTIONS ?? 64);
const CASES = process.env.BENCH_CASES?.split(/\s+/).filter(Boolean);
const WARM_UP_SECONDS = 1.5;

/** What must be in a database by now: everything that was answered, warm-ups too. */
type Answered = { callbacks: number; events: number };

const say = (text: string) => process.stdout.write(`${text}\n`);
const problems: string[] = [];

async function main(): Promise<void> {
  const chosen = cases.filter(({ name }) => !CASES || CASES.includes(name));
  say(await surroundings());
  const subjects: Subject[] = [];
  try {
    subjects.push(await startGateway(ADMIN), await startInsert(ADMIN), await startBare());
    const answered = new Map(subjects.map(({ name }) => [name, { callbacks: 0, events: 0 }]));
    for (const of of chosen) say(`\n${report(of, await runCase(of, subjects, answered))}`);
    say("");
    for (const subject of subjects) await checkStored(subject, answered.get(subject.name) as Answered);
  } finally {
    for (const subject of subjects) await subject.stop();
  }
  if (!CASES || CASES.includes("drain")) await reportDrain();
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

/** How quickly what was accepted goes out, beside how quickly it came in: a gateway that accepts faster than it drains piles up. */
async function reportDrain(): Promise<void> {
  const events = 2000 * SECONDS;
  const line = (what: string, { events: count, accepted, arrived }: Drained) =>
    say(
      `  ${what.padEnd(38)}${count} events: accepted ${accepted.toFixed(0)}/s, all arrived ${arrived.toFixed(0)}/s (${(arrived / accepted).toFixed(2)} ×)`,
    );
  say("\ndrain: sendgrid batches at full speed, until the last event has arrived at the far side");
  line("webhooks, 20 endpoints, one receiver", await drainWebhooks(ADMIN, events));
  const bus = await drainBus(ADMIN, 10 * events);
  if (bus) line("NATS JetStream, one server", bus);
}

/** Each server has its turn in each round, another one first every time. */
async function runCase(of: Case, subjects: Subject[], answered: Map<string, Answered>): Promise<Round[]> {
  const turns = of.compared ? subjects : subjects.filter(({ name }) => name === "gateway");
  const rounds: Round[] = [];
  for (let number = 0; number < ROUNDS; number += 1) {
    const first = number % turns.length;
    const round: Round = {};
    for (const subject of [...turns.slice(first), ...turns.slice(0, first)]) {
      const job = { url: subject.url, case: of.name, seconds: SECONDS, warmUp: WARM_UP_SECONDS, connections: CONNECTIONS };
      const measured = await measure(job, subject.pid);
      round[subject.name] = measured;
      account(of, subject, measured, answered.get(subject.name) as Answered);
    }
    rounds.push(round);
  }
  return rounds;
}

function account(of: Case, { name }: Subject, measured: Measurement, so: Answered): void {
  so.callbacks += measured.answered;
  so.events += measured.events;
  for (const [status, count] of Object.entries(measured.refused))
    problems.push(`${of.name}: ${name} answered ${count} callbacks with ${status}`);
  if (name === "gateway" && measured.events !== measured.answered * of.eventsEach)
    problems.push(`${of.name}: ${measured.answered} callbacks were answered with ${measured.events} events`);
}

/** What was answered must be there, no less and no more. */
async function checkStored({ name, stored }: Subject, answered: Answered): Promise<void> {
  const found = await stored();
  if (!found) return;
  const same = found.callbacks === answered.callbacks && found.events === answered.events;
  const words = ({ callbacks, events }: Answered) =>
    `${callbacks} callbacks${name === "gateway" ? ` with ${events} events` : ""}`;
  say(`${name}: ${words(answered)} answered, ${words(found)} stored${same ? "" : ": THEY DIFFER"}`);
  if (!same) problems.push(`${name} does not hold what it answered`);
}

async function surroundings(): Promise<string> {
  const sql = postgres(ADMIN, { max: 1, connect_timeout: 5 });
  try {
    const [row] = await sql<{ version: string; commit: string; fsync: string }[]>`
      select current_setting('server_version') as version, current_setting('synchronous_commit') as commit,
        current_setting('fsync') as fsync`;
    return (
      `PostgreSQL ${row?.version}, synchronous_commit=${row?.commit}, fsync=${row?.fsync} · Node ${process.versions.node} · ` +
      `${cpus().length} cores · ${CONNECTIONS} connections · ${ROUNDS} rounds of ${SECONDS} s each, by turns; medians`
    );
  } catch (error) {
    throw new Error(`BENCH_DATABASE_URL: ${ADMIN} does not answer`, { cause: error });
  } finally {
    await sql.end();
  }
}

// An interrupt reaches the servers, too, so that the measurement fails and everything is cleaned up.
process.on("SIGINT", () => problems.push("interrupted"));
await main();
