import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { marksOf, type Report, stateOf } from "../../src/events/lattice.ts";

const at = (minute: number) => new Date(Date.UTC(2026, 10, 22, 10, minute)).toISOString();
const report = (status: string, minute: number, more: Partial<Report> = {}): Report => ({
  status,
  occurredAt: at(minute),
  machine: false,
  channel: "email",
  ...more,
});

describe("a message's state", () => {
  const cases: [string, Report[], string | null][] = [
    ["nothing", [], null],
    ["sent", [report("sent", 1)], "sent"],
    ["failed, then delivered", [report("failed", 1), report("delivered", 2)], "delivered"],
    ["delivered, then failed late", [report("delivered", 1), report("failed", 2)], "delivered"],
    ["an e-mail that bounced after delivery", [report("delivered", 1), report("bounced", 2)], "bounced"],
    ["an e-mail that bounced before delivery", [report("bounced", 1), report("delivered", 2)], "delivered"],
    ["bounced late, but somebody clicked", [report("delivered", 1), report("bounced", 2), report("clicked", 3)], "clicked"],
    [
      "bounced late, and only a machine opened",
      [report("delivered", 1), report("opened", 3, { machine: true }), report("bounced", 2)],
      "bounced",
    ],
    ["a machine's open lifts nothing", [report("sent", 1), report("opened", 2, { machine: true })], "sent"],
    ["a machine's open alone", [report("opened", 2, { machine: true })], null],
    [
      "a late bounce on another channel",
      [report("delivered", 1, { channel: "sms" }), report("bounced", 2, { channel: "sms" })],
      "delivered",
    ],
    ["a reply beats everything", [report("replied", 1), report("clicked", 2), report("read", 3)], "replied"],
    ["marks lift nothing", [report("delivered", 1), report("complained", 2)], "delivered"],
  ];
  it.each(cases)("%s", (_name, reports, state) => expect(stateOf(reports)?.state ?? null).toBe(state));

  it("of equal rank the later one counts", () => {
    expect(stateOf([report("failed", 2), report("bounced", 1)])).toEqual({ state: "failed", at: at(2) });
    expect(stateOf([report("read", 1), report("opened", 5), report("read", 3)])).toEqual({ state: "opened", at: at(5) });
  });

  it("marks stand beside it", () =>
    expect(marksOf([report("unsubscribed", 1), report("complained", 2)])).toEqual(["complained", "unsubscribed"]));

  const reports = fc.array(
    fc.record({
      status: fc.constantFrom("sent", "failed", "bounced", "delivered", "opened", "read", "clicked", "replied", "complained"),
      occurredAt: fc.integer({ min: 0, max: 5 }).map(at),
      machine: fc.boolean(),
      channel: fc.constantFrom("email", "email", "payment"),
    }),
    { maxLength: 8 },
  );
  it("does not depend on the order of arrival, nor on repeats", () => {
    fc.assert(
      fc.property(reports, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (all, random) => {
        const keyed = all.map((one) => ({ one, key: random.next().value as number })).sort((a, b) => a.key - b.key);
        const shuffled = keyed.map(({ one }) => one);
        expect(stateOf(shuffled)).toEqual(stateOf(all));
        expect(stateOf([...all, ...shuffled])).toEqual(stateOf(all));
      }),
    );
  });

  it("a later success always wins over a failed attempt", () => {
    fc.assert(
      fc.property(reports, (all) => {
        const state = stateOf([...all.filter((one) => one.status !== "bounced"), report("delivered", 9)])?.state;
        expect(["sent", "failed", "bounced"]).not.toContain(state);
      }),
    );
  });
});
