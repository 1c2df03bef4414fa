import { afterAll, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { freshDatabase } from "../support/gateway.ts";
import { chance, extent, inParallel, say } from "./support/extent.ts";
import { endAll, newSigner, nothingWaits, readOn, type Served, serve } from "./support/process.ts";
import { bodyOf, keyOf, repeated, report } from "./support/reports.ts";

afterAll(endAll);

const PAIRS = 1000;
const PAIRS_AT_ONCE = 16;

it("a callback and its binding that cross each other at two processes meet, and the event is emitted once", async () => {
  const dice = chance(7);
  const database = await freshDatabase("postgres");
  const signer = newSigner();
  const served: Served[] = await Promise.all([serve(database.settings, signer), serve(database.settings, signer)]);
  const [first] = served as [Served, Served];
  await first.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });

  const pairs = Array.from({ length: extent(PAIRS) }, (_, number) => ({
    message: `crossing-${number}`,
    number,
    processes: [dice.pick(served), dice.pick(served)] as [Served, Served],
    // Negative: the binding sets out first.
    headStart: dice.below(9) - 4,
  }));
  const outcomes = { "placed at once": 0, "healed by the binding": 0, "healed by a second look": 0 };
  await inParallel(dice.shuffled(pairs), PAIRS_AT_ONCE, async ({ message, number, processes: [hears, learns], headStart }) => {
    const [called, bound] = await Promise.all([
      after(headStart).then(() => hears.report(bodyOf([report(message, "delivered", number, "none")]))),
      after(-headStart).then(() =>
        learns.api("PUT", "/v1/bindings", { provider: "example", kind: "message", value: message, workspace_id: ACME }),
      ),
    ]);
    expect(called, JSON.stringify(called.body)).toMatchObject({ status: 200, body: { failed: 0, duplicates: 0 } });
    expect(bound, JSON.stringify(bound.body)).toMatchObject({ status: 200, body: { origin: "told" } });
    if (called.body.events === 1) outcomes["placed at once"] += 1;
    else if (bound.body.rematched === 1) outcomes["healed by the binding"] += 1;
    else outcomes["healed by a second look"] += 1;
  });
  const began = performance.now();
  await nothingWaits(first);
  const waited = performance.now() - began;
  const { events } = await readOn(first);
  const problems = (await Promise.all(served.map((one) => one.stop()))).flat();
  await database.remove();

  expect(repeated(events)).toEqual([]);
  expect(new Set(events.map(keyOf))).toEqual(new Set(pairs.map(({ message }) => `${message}/delivered`)));
  expect(problems).toEqual([]);
  // Otherwise they did not cross.
  expect(outcomes["placed at once"]).toBeGreaterThan(0);
  expect(outcomes["healed by the binding"] + outcomes["healed by a second look"]).toBeGreaterThan(0);
  const told = Object.entries(outcomes).map(([how, count]) => `${count} ${how}`);
  say(
    "crossing",
    `${pairs.length} pairs: ${told.join(", ")}; ${events.length} events, 0 twice, 0 waiting ${Math.round(waited)} ms after the last answer`,
  );
});

/** A few turns of the event loop: a head start that no clock decides. */
async function after(turns: number): Promise<void> {
  for (let turn = 0; turn < turns * 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
