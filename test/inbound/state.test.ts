import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyState, type KnownState } from "../../src/inbound/state.ts";
import type { FactDraft } from "../../src/provider/draft.ts";

const contact = (fields: Record<string, string | null>, type: FactDraft["type"] = "contact.updated"): FactDraft => ({
  key: "k",
  occurredAt: null,
  type,
  data: { contact_id: "c" },
  state: { kind: "contact", id: "c", fields },
});
const plan = (name: string): FactDraft => ({
  key: "k",
  occurredAt: null,
  type: "billing.plan_changed",
  data: { effective_at: null },
  state: { kind: "plan", id: "s", fields: { plan: name } },
});
const known = (fields: Record<string, string | null> | null, at = 10): KnownState => ({ fields, at, stored: true });

describe("last-known state", () => {
  it("first sight of a contact tells every field with old null", () => {
    expect(applyState(contact({ email: "a", phone: null }), 10, undefined)).toEqual({
      outcome: expect.objectContaining({
        data: { contact_id: "c", changes: { email: { old: null, new: "a" }, phone: { old: null, new: null } } },
      }),
      state: { fields: { email: "a", phone: null }, at: 10 },
    });
  });

  it("fields that a callback does not carry keep their value and are no change", () => {
    const { outcome, state } = applyState(contact({ phone: "1" }), 20, known({ email: "a", phone: null }));
    expect(outcome).toMatchObject({ data: { changes: { phone: { old: null, new: "1" } } } });
    expect(state).toEqual({ fields: { email: "a", phone: "1" }, at: 20 });
  });

  it("a repeat is nothing_changed, and makes what is older than it older", () => {
    expect(applyState(contact({ email: "a" }), 20, known({ email: "a" }))).toEqual({
      outcome: { ignored: "nothing_changed" },
      state: { fields: { email: "a" }, at: 20 },
    });
  });

  it("what is older, or comes after a deletion, is older_than_state", () => {
    expect(applyState(contact({ email: "b" }), 5, known({ email: "a" }))).toEqual({
      outcome: { ignored: "older_than_state" },
      state: null,
    });
    expect(applyState(contact({ email: "b" }), 20, known(null))).toEqual({
      outcome: { ignored: "older_than_state" },
      state: null,
    });
  });

  it("a deletion is told, and an older one does not undo what is newer", () => {
    const gone: FactDraft = { ...contact({}), type: "contact.deleted", state: { kind: "contact", id: "c", fields: null } };
    expect(applyState(gone, 20, known({ email: "a" })).state).toEqual({ fields: null, at: 20 });
    expect(applyState(gone, 5, known({ email: "a" })).state).toBeNull();
  });

  it("the first plan is stored without an event, a changed one told with the old", () => {
    expect(applyState(plan("basic"), 10, undefined)).toEqual({
      outcome: { ignored: "first_seen" },
      state: { fields: { plan: "basic" }, at: 10 },
    });
    expect(applyState(plan("pro"), 20, known({ plan: "basic" })).outcome).toMatchObject({
      data: { old_plan: "basic", new_plan: "pro" },
    });
  });

  it("in whatever order updates arrive, the newest is what is known at the end", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ at: fc.nat(100), email: fc.string() }), { selector: (one) => one.at, minLength: 1 }),
        (updates) => {
          let state: KnownState | undefined;
          for (const update of updates) {
            const next = applyState(contact({ email: update.email }), update.at, state).state;
            if (next) state = { ...next, stored: true };
          }
          const newest = updates.reduce((a, b) => (b.at > a.at ? b : a));
          expect(state).toMatchObject({ at: newest.at, fields: { email: newest.email } });
        },
      ),
    );
  });
});
