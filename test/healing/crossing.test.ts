import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { databases } from "../support/gateway.ts";
import { group, report, startWorld, type World, withAdapter } from "./support/world.ts";

/** Messages of one run, and reports of each. */
const MESSAGES = 2;
const REPORTS = 3;

type Step =
  | { do: "send" | "send known" | "send unreadable"; message: number; reports: number[] }
  | { do: "bind" | "assign" | "assign oldest" | "dismiss" | "assign items" | "replay all"; message: number };

const message = fc.nat(MESSAGES - 1);
const reports = fc.uniqueArray(fc.nat(REPORTS - 1), { minLength: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("send", "send known", "send unreadable"), message, reports }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("bind", "assign", "assign oldest", "dismiss", "assign items", "replay all"),
      message,
    }),
  },
) as fc.Arbitrary<Step>;
/** Steps of one round run at the same time. */
const rounds = fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 });

describe.each(databases)("assigning, binding, resending and replaying that cross each other, on the %s database", (kind) => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld(kind);
  });
  afterAll(() => world.homing.close());

  let run = 0;

  it("each report is at most one event, what came home waits no more, and every count is what its items say", async () => {
    await fc.assert(
      fc.asyncProperty(rounds, async (plan) => {
        run += 1;
        const prefix = `x${kind}-${run}`;
        const { homing, send, trace, bind, assign, dismiss, replay } = world;
        const ids: string[] = [];
        const nameOf = (number: number) => `${prefix}-m${number}`;
        const body = ({ message, reports }: { message: number; reports: number[] }, more: object) =>
          reports.map((number) =>
            report(`${nameOf(message)}-${number}`, {
              ...{ message_id: nameOf(message), at: `2026-11-22T10:0${number}:00Z`, to: "asha@example.com" },
              ...more,
            }),
          );
        const unreadable = () => ({ payload: { safeParse: () => ({ success: false }) } as never });
        // An adapter is the whole process's: what is unreadable comes before the others of its round.
        const take = async (one: Step): Promise<unknown> => {
          switch (one.do) {
            case "send":
              return ids.push(await send(...body(one, {})));
            case "send known":
              return ids.push(await send(...body(one, { meta: { workspace_id: ACME } })));
            case "send unreadable":
              return;
            case "bind":
              return bind(nameOf(one.message));
            case "assign":
              return assign({ ...group(nameOf(one.message)), workspace_id: ACME });
            case "assign oldest":
              return assign({ ...group(nameOf(one.message)), workspace_id: ACME, bind: false, limit: 1 });
            case "dismiss":
              return dismiss(group(nameOf(one.message)));
            case "assign items":
              return assign({
                items: ids.flatMap((id) => [0, 1].map((index) => ({ callback_id: id, index }))),
                workspace_id: ACME,
              });
            case "replay all":
              return Promise.all(ids.map((id) => replay(id)));
          }
        };
        for (const round of plan) {
          for (const one of round)
            if (one.do === "send unreadable") ids.push(await withAdapter(homing, unreadable, () => send(...body(one, {}))));
          const answers = await Promise.all(round.map(take));
          for (const answer of answers.flat() as ({ status?: number; body?: object } | undefined)[])
            expect([answer?.status ?? 200, answer?.status && answer.status >= 500 ? answer.body : null]).toEqual([
              expect.toSatisfy((status: number) => status < 500),
              null,
            ]);
        }
        await homing.settled();
        const events = (await homing.events()).filter((event) => `${event.provider_data.message_id}`.startsWith(`${prefix}-`));
        const keys = events.map((event) => `${event.provider_data.message_id} ${event.occurred_at}`);
        expect(keys.toSorted()).toEqual([...new Set(keys)].toSorted());
        expect(new Set(events.map((event) => event.workspace_id)).size).toBeLessThanOrEqual(1);

        const waiting = await homing.gateway.database.query<{ callback: string; item: number; draft: string }>(
          `select 'cb_' || replace(callback_id::text, '-', '') as callback, item, draft from waiting where refs && $1::text[]`,
          [`{${[0, 1].map((number) => `"example message:${nameOf(number)}"`).join(",")}}`],
        );
        // Nothing waits that is there already: every event of these is one workspace's.
        for (const { draft } of waiting) {
          const { outcome } = JSON.parse(draft);
          expect(keys).not.toContain(`${outcome.data.message_id} ${outcome.occurredAt}`);
        }
        for (const id of ids) {
          const shown = await trace(id);
          const of = (verdict: string) => shown.items.filter((item: { verdict: string }) => item.verdict === verdict).length;
          const counts = {
            events: of("event"),
            unmatched: of("waiting"),
            duplicates: of("duplicate"),
            dismissed: of("dismissed"),
          };
          expect({ id, ...counts, ignored: of("ignored") }).toEqual({
            ...{ id, events: shown.events, unmatched: shown.unmatched, duplicates: shown.duplicates },
            ...{ dismissed: shown.dismissed, ignored: shown.ignored },
          });
          expect(shown.failed).toBe(shown.items.length === 0 ? 1 : 0);
          expect(waiting.filter((row) => row.callback === id)).toHaveLength(shown.unmatched);
          for (const item of shown.items)
            if (item.verdict === "event") expect(events.map((event) => event.id)).toContain(item.event_id);
        }
        // Everything that is clear by now comes home by a replay, also what was put aside; where a resend told it meanwhile, that stays aside.
        await Promise.all([0, 1].map((number) => bind(nameOf(number))));
        for (const id of ids) await replay(id);
        await homing.settled();
        for (const id of ids) {
          const { items, status } = await trace(id);
          expect([id, status, items.map((item: { verdict: string }) => item.verdict)]).toEqual([
            ...[id, expect.stringMatching(/accepted|duplicate|dismissed/)],
            items.map(() => expect.stringMatching(/event|duplicate|dismissed/)),
          ]);
        }
        const all = (await homing.events()).filter((event) => `${event.provider_data.message_id}`.startsWith(`${prefix}-`));
        const said = new Set(
          plan.flat().flatMap((one) => ("reports" in one ? one.reports.map((n) => `${one.message} ${n}`) : [])),
        );
        expect(all).toHaveLength(said.size);
      }),
      { numRuns: 25, endOnFailure: true },
    );
  }, 120_000);
});
