import { afterAll, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { databases, freshDatabase } from "../support/gateway.ts";
import { type Chance, chance, extent, inParallel, say } from "./support/extent.ts";
import { endAll, newSigner, nothingWaits, readOn, type Served, serve } from "./support/process.ts";
import { bodyOf, keyOf, type Report, repeated, report } from "./support/reports.ts";

afterAll(endAll);

/** One callback that is sent until it is answered, as a provider does. */
type Call = { reports: Report[]; answered: boolean };

const CALLBACKS = { postgres: 20_000, embedded: 6_000 };
const CONNECTIONS = 32;
const KILLS = 3;

/** Most calls bring one report, some a batch, some resend what came before (alone or batched anew), some say nothing of whose it is. */
function script(count: number, dice: Chance): Call[] {
  const calls: Call[] = [];
  const earlier: Report[] = [];
  let number = 0;
  const fresh = () => {
    number += 1;
    const made = report(`mail-${number}`, "delivered", number, "echoed");
    earlier.push(made);
    return made;
  };
  while (calls.length < count) {
    const throwOf = dice.next();
    if (throwOf < 0.7 || calls.length < 100) calls.push({ reports: [fresh()], answered: false });
    else if (throwOf < 0.8) calls.push({ reports: Array.from({ length: 2 + dice.below(19) }, fresh), answered: false });
    else if (throwOf < 0.85) calls.push({ reports: [...(dice.pick(calls) as Call).reports], answered: false });
    else if (throwOf < 0.95) {
      // Both go out at nearly the same time.
      const again = dice.shuffled(earlier.slice(-40)).slice(0, 1 + dice.below(8));
      calls.push({ reports: dice.next() < 0.5 ? again : [fresh(), ...again], answered: false });
    } else {
      // The workspace is known from the message alone, if that has been learned by now.
      const { message_id } = dice.pick(earlier.slice(-40));
      calls.push({ reports: [report(message_id, "opened", number, "none")], answered: false });
    }
  }
  return calls;
}

it.each(databases)("killed three times under load, the %s gateway keeps all that it answered, once", async (kind) => {
  const dice = chance(9);
  const database = await freshDatabase(kind);
  const signer = newSigner();
  const calls = script(extent(CALLBACKS[kind]), dice);
  const killAfter = Array.from({ length: KILLS }, (_, kill) =>
    Math.floor((calls.length * (kill + 0.6 + 0.3 * dice.next())) / (KILLS + 1)),
  );
  let up: Promise<Served> = serve(database.settings, signer);
  await (await up).api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });

  let answers = 0;
  let broken = 0;
  const restarts: number[] = [];
  const restart = async (killed: Served) => {
    await killed.kill();
    const started = performance.now();
    const served = await serve(database.settings, signer);
    restarts.push(performance.now() - started);
    return served;
  };
  /** Whether it was answered; a connection that breaks is a callback without an answer. */
  const send = async (call: Call) => {
    const served = await up;
    const answer = await served.report(bodyOf(call.reports)).catch(() => null);
    if (!answer) {
      broken += 1;
      return;
    }
    expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200, body: { failed: 0, ignored: 0 } });
    const { events, unmatched, duplicates } = answer.body;
    expect(events + unmatched + duplicates).toBe(call.reports.length);
    call.answered = true;
    answers += 1;
    // The others are under way at this moment.
    if (answers === killAfter[0]) {
      killAfter.shift();
      up = restart(served);
    }
  };
  const began = performance.now();
  await inParallel(calls, CONNECTIONS, async (call) => {
    await send(call);
    // Some providers call again at once, others much later.
    if (!call.answered && dice.next() < 0.5) await send(call);
  });
  const seconds = (performance.now() - began) / 1000;
  expect(restarts).toHaveLength(KILLS);
  expect(broken, "the kills hit nothing that was under way").toBeGreaterThan(0);

  const sent = new Set(calls.flatMap((call) => call.reports.map((one) => one.id)));
  const vouched = new Set(
    calls.flatMap((call) => (call.answered ? call.reports.filter((one) => one.meta).map((one) => one.id) : [])),
  );
  const before = (await readOn(await up)).events;
  const inLog = new Set(before.map(keyOf));
  expect(repeated(before)).toEqual([]);
  expect(
    [...vouched].filter((id) => !inLog.has(id)),
    "answered, and lost",
  ).toEqual([]);
  expect(
    [...inLog].filter((id) => !sent.has(id)),
    "never sent",
  ).toEqual([]);
  const unanswered = calls.filter((call) => !call.answered);
  const stored = unanswered.filter((call) => call.reports.every((one) => inLog.has(one.id))).length;

  // The provider calls again until it has an answer: then everything is there, once.
  await inParallel(unanswered, CONNECTIONS, send);
  const served = await up;
  await nothingWaits(served);
  const after = (await readOn(served)).events;
  expect(repeated(after)).toEqual([]);
  expect(new Set(after.map(keyOf))).toEqual(sent);
  const problems = await served.stop();
  await database.remove();
  expect(problems.filter((line) => line.level > 40)).toEqual([]);
  say(
    `kill -9 on ${kind}`,
    `${calls.length} callbacks in ${seconds.toFixed(1)} s, ${KILLS} kills, ${broken} broken connections, ${unanswered.length} unanswered before the last resend (${stored} of them in the log), ` +
      `${vouched.size} reports answered, 0 lost; ${after.length} events, 0 twice; back after ${restarts.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(", ")}`,
  );
});
