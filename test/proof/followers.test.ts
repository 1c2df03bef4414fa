import { afterAll, expect, it } from "vitest";
import type { Event } from "../../src/events/build.ts";
import { commit } from "../../src/inbound/commit.ts";
import { ACME } from "../support/fixtures.ts";
import { freshDatabase } from "../support/gateway.ts";
import { chance, extent, inParallel, say } from "./support/extent.ts";
import { type InProcess, openGateway } from "./support/in-process.ts";
import { endAll, newSigner, readOn, type Served, serve } from "./support/process.ts";
import { bodyOf, keyOf, type Report, report } from "./support/reports.ts";

afterAll(endAll);

const WRITERS = 4;
const CALLBACKS = 8000;
const SLOW_ONES = 8;
const EVENTS_OF_A_SLOW_ONE = 20;

it("two readers see every event, each once and in one order, while four writers commit and others commit late", async () => {
  const database = await freshDatabase("postgres");
  const signer = newSigner();
  const served: Served[] = await Promise.all([serve(database.settings, signer), serve(database.settings, signer)]);
  const [first, second] = served as [Served, Served];
  await first.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  const homing = await openGateway(database.settings);

  const lateBatches = Array.from({ length: SLOW_ONES }, (_, batch) =>
    Array.from({ length: EVENTS_OF_A_SLOW_ONE }, (_, at) => report(`late-${batch}-${at}`, "delivered", at, "echoed")),
  );
  const done = new AbortController();
  const readers = [follow(first, 7, done.signal), follow(second, 500, done.signal)];
  const careless = carelessReader(homing);

  // Each writes at once and commits only when many others, begun later, have committed and been read.
  const answers = new Count();
  let late = true;
  const writeLate = async () => {
    for (const reports of lateBatches) {
      await homing.gateway.database.transaction(async (query) => {
        const options = homing.commitOptions({ hot: query, transaction: (work) => work(query) });
        expect((await commit([homing.arrival(reports)], options)).emitted).toBe(reports.length);
        await answers.more(Math.ceil(extent(CALLBACKS) / SLOW_ONES / 2));
        await careless.readOn();
      });
    }
    late = false;
  };
  const sent: Report[] = [];
  const write = async (writer: number) => {
    const dice = chance(writer);
    const calls = function* () {
      for (let call = 0; late || call < extent(CALLBACKS) / WRITERS; call += 1) {
        const items = dice.next() < 0.1 ? 1 + dice.below(12) : 1;
        yield Array.from({ length: items }, (_, item) =>
          report(`followed-${writer}-${call}-${item}`, "delivered", call, "echoed"),
        );
      }
    };
    await inParallel(calls(), 8, async (reports) => {
      const answer = await (served[writer % 2] as Served).report(bodyOf(reports));
      expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200, body: { events: reports.length } });
      sent.push(...reports);
      answers.add();
    });
  };
  const began = performance.now();
  await Promise.all([writeLate(), ...Array.from({ length: WRITERS }, (_, writer) => write(writer))]);
  const seconds = (performance.now() - began) / 1000;
  done.abort();
  const [one = [], other = []] = await Promise.all(readers);
  const seenCarelessly = await careless.readOn();
  await homing.gateway.close();
  const problems = (await Promise.all(served.map((process) => process.stop()))).flat();
  await database.remove();

  const written = [...sent, ...lateBatches.flat()].map((reported) => reported.id);
  expect(one.map(keyOf).sort()).toEqual(written.toSorted());
  expect(other.map((event) => event.id)).toEqual(one.map((event) => event.id));
  expect(problems).toEqual([]);
  const missed = written.length - seenCarelessly;
  expect(missed, "who does not stay below the oldest open transaction must miss what commits late").toBeGreaterThanOrEqual(
    SLOW_ONES * EVENTS_OF_A_SLOW_ONE,
  );
  say(
    "followers",
    `${answers.total} callbacks by ${WRITERS} writers in ${seconds.toFixed(1)} s, ${SLOW_ONES} transactions that commit late; ${written.length} events, each seen once by both readers, in one order; a careless reader missed ${missed}`,
  );
});

/** Counts, and lets others wait until it has grown. */
class Count {
  total = 0;
  readonly #waiting: { total: number; resolve: () => void }[] = [];

  add(): void {
    this.total += 1;
    for (const one of this.#waiting) if (this.total === one.total) one.resolve();
  }

  more(by: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ total: this.total + by, resolve });
    return promise;
  }
}

/** Reads on with its cursor, and once more to the end when the writers are done. */
async function follow(served: Served, limit: number, done: AbortSignal): Promise<Event[]> {
  const seen: Event[] = [];
  for (let after = ""; ; ) {
    const last = done.aborted;
    const { events, next } = await readOn(served, after, limit);
    seen.push(...events);
    after = next;
    if (last) return seen;
  }
}

/** The planted defect: it reads whatever it can see beyond its place. `readOn` answers how many it has seen so far. */
function carelessReader({ gateway }: InProcess): { readOn(): Promise<number> } {
  let place = ["0", "0"];
  let seen = 0;
  return {
    async readOn() {
      const rows = await gateway.database.query<{ xid: string; seq: string }>(
        `select xid::text as xid, seq::text as seq from events where (xid, seq) > ($1::text::xid8, $2::text::bigint) order by events.xid, events.seq`,
        place,
      );
      const last = rows.at(-1);
      if (last) place = [last.xid, last.seq];
      seen += rows.length;
      return seen;
    },
  };
}
