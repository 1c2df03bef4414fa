import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Binding, type Evidence, readMetadata, referenceKey, resolve, workspaceId } from "../../src/inbound/resolve.ts";
import type { Reference } from "../../src/provider/draft.ts";

const A = "7b0f3c52-6f5e-4b1c-9d0e-0f6a2f9d1c11";
const B = "3f0c1e2a-7b54-4d1e-9c7a-5a2f6b8d9e01";
const evidence = (more: Partial<Evidence> = {}): Evidence => ({
  adapter: "x",
  owner: "platform",
  path: null,
  message: null,
  metadata: [],
  references: [],
  ...more,
});
const ref = (kind: string, value = kind, more: Partial<Reference> = {}): Reference => ({ kind, value, ...more });
const bind = (workspaceId: string, more: Partial<Binding> = {}): Binding => ({
  workspaceId,
  otherWorkspaceId: null,
  origin: "learned",
  places: true,
  context: null,
  ...more,
});
const meta = (workspace: string, teaches?: false) => ({
  where: "notes",
  fields: { workspace_id: workspace },
  ...(teaches === false && { teaches }),
});
const run = (given: Evidence, bound: Record<string, Binding> = {}, state: "open" | "closed" | null = "open") =>
  resolve(
    given,
    (reference) => new Map(Object.entries(bound).map(([key, binding]) => [`x ${key}`, binding])).get(reference),
    () => state,
  );

describe("whose is it?", () => {
  it.each<[string, Evidence, Record<string, Binding>, string | null, string]>([
    ["the credential's owner", evidence({ owner: A }), {}, A, "credential"],
    ["a path that is vouched for", evidence({ path: { workspace: A, vouched: true } }), {}, A, "path"],
    ["metadata", evidence({ metadata: [meta(A)] }), {}, A, "metadata"],
    ["a bound reference", evidence({ references: [ref("order")] }), { "order:order": bind(A) }, A, "lookup"],
    [
      "the strongest is named where several agree",
      evidence({ owner: A, path: { workspace: A, vouched: true }, metadata: [meta(A)] }),
      {},
      A,
      "credential",
    ],
    [
      "the most specific of two references",
      evidence({ references: [ref("order"), ref("customer")] }),
      { "order:order": bind(A), "customer:customer": bind(B) },
      A,
      "lookup",
    ],
    ["a default, last", evidence({ references: [ref("order")] }), { "default:*": bind(A, { origin: "told" }) }, A, "lookup"],
    [
      "metadata, whatever the default says",
      evidence({ metadata: [meta(A)] }),
      { "default:*": bind(B, { origin: "told" }) },
      A,
      "metadata",
    ],
    [
      "metadata, whatever a shared and learned binding says",
      evidence({ metadata: [meta(A)], references: [ref("customer")] }),
      { "customer:customer": bind(B) },
      A,
      "metadata",
    ],
    [
      "metadata, whatever our own account is bound to",
      evidence({ metadata: [meta(A)], references: [ref("account", "a", { own: true })] }),
      { "account:a": bind(B, { origin: "told" }) },
      A,
      "metadata",
    ],
    [
      "our own account, where it is told",
      evidence({ references: [ref("account", "a", { own: true })] }),
      { "account:a": bind(B, { origin: "told" }) },
      B,
      "lookup",
    ],
    [
      "a workspace's own secret, whatever its body refers to",
      evidence({ owner: A, references: [ref("order")] }),
      { "order:order": bind(B, { origin: "told" }) },
      A,
      "credential",
    ],
  ])("%s", (_name, given, bound, workspace, source) => {
    expect(run(given, bound)).toMatchObject({ workspace, source, reason: null });
  });

  it.each<[string, Evidence, Record<string, Binding>, string]>([
    ["nothing known", evidence({ references: [ref("order")] }), {}, "no_reference_bound"],
    ["a path without its token", evidence({ path: { workspace: A, vouched: false } }), {}, "no_reference_bound"],
    ["a hint that differs", evidence({ path: { workspace: B, vouched: false }, metadata: [meta(A)] }), {}, "workspace_conflict"],
    [
      "metadata against the path",
      evidence({ path: { workspace: B, vouched: true }, metadata: [meta(A)] }),
      {},
      "workspace_conflict",
    ],
    ["two entries of metadata", evidence({ metadata: [meta(A), meta(B)] }), {}, "workspace_conflict"],
    [
      "a buyer's notes against a bound order",
      evidence({ metadata: [meta(A, false)], references: [ref("order")] }),
      { "order:order": bind(B) },
      "workspace_conflict",
    ],
    [
      "two exclusive references",
      evidence({ references: [ref("payment"), ref("order")] }),
      { "payment:payment": bind(A), "order:order": bind(B) },
      "workspace_conflict",
    ],
    [
      "a told customer against metadata",
      evidence({ metadata: [meta(A)], references: [ref("customer")] }),
      { "customer:customer": bind(B, { origin: "told" }) },
      "workspace_conflict",
    ],
    [
      "a shared reference of two brands",
      evidence({ references: [ref("customer")] }),
      { "customer:customer": bind(A, { origin: "ambiguous", otherWorkspaceId: B }) },
      "reference_ambiguous",
    ],
    [
      "what nothing vouches for, though bound",
      evidence({ references: [ref("shop", "s", { unsigned: true })] }),
      { "shop:s": bind(A, { origin: "told" }) },
      "no_reference_bound",
    ],
    [
      "a shop that was only remembered",
      evidence({ references: [ref("shop", "s")] }),
      { "shop:s": bind(A, { places: false }) },
      "no_reference_bound",
    ],
    [
      "a remembered shop against the path",
      evidence({ path: { workspace: B, vouched: true }, references: [ref("shop", "s", { unsigned: true })] }),
      { "shop:s": bind(A, { places: false }) },
      "workspace_conflict",
    ],
    ["a workspace's own secret with another's metadata", evidence({ owner: A, metadata: [meta(B)] }), {}, "workspace_conflict"],
  ])("waits: %s", (_name, given, bound, reason) => {
    expect(run(given, bound)).toMatchObject({ workspace: null, reason, teaches: false });
  });

  it("waits for a workspace that is not registered, or closed; __org__ always is there", () => {
    expect(run(evidence({ metadata: [meta(A)] }), {}, null)).toMatchObject({ reason: "unknown_workspace", named: A });
    expect(run(evidence({ metadata: [meta(A)] }), {}, "closed")).toMatchObject({ reason: "workspace_closed", named: A });
    expect(run(evidence({ metadata: [meta("__ORG__")] }), {}, null)).toMatchObject({ workspace: "__org__" });
  });

  it("only a platform's credential with our metadata, or a path with its token, teaches", () => {
    const teaches = (given: Evidence, bound = {}) => run(given, bound).teaches;
    expect(teaches(evidence({ metadata: [meta(A)] }))).toBe(true);
    expect(teaches(evidence({ path: { workspace: A, vouched: true } }))).toBe(true);
    expect(teaches(evidence({ metadata: [meta(A, false)] }))).toBe(false);
    expect(teaches(evidence({ owner: A, metadata: [meta(A)] }))).toBe(false);
    expect(teaches(evidence({ references: [ref("order")] }), { "order:order": bind(A) })).toBe(false);
  });

  it("never answers a workspace that nothing named, and what differs is a conflict", () => {
    const some = fc.constantFrom(null, A, B);
    fc.assert(
      fc.property(
        some,
        some,
        fc.boolean(),
        some,
        some,
        fc.constantFrom("told", "learned"),
        (owner, path, vouched, metadata, bound, origin) => {
          const given = evidence({
            owner: owner ?? "platform",
            path: path && { workspace: path, vouched },
            metadata: metadata ? [meta(metadata)] : [],
            references: [ref("order")],
          });
          const { workspace, reason } = run(given, bound ? { "order:order": bind(bound, { origin: origin as "told" }) } : {});
          const voices = new Set([owner, path, metadata, owner ? null : bound].filter(Boolean));
          if (workspace) expect([...voices]).toEqual([workspace]);
          if (voices.size > 1) expect(reason).toMatch(/workspace_conflict|no_reference_bound/);
        },
      ),
    );
  });
});

describe("metadata", () => {
  const short = (fields: string) => readMetadata({ where: "CRQID", fields });
  it("reads our keys, the longer name first, trimmed and folded", () => {
    const fields = {
      workspace_id: B,
      homing_workspace_id: ` ${A.toUpperCase()} `,
      message_id: " m ",
      campaign_id: "",
      contact_id: 7,
      other: "x",
    };
    expect(readMetadata({ where: "notes", fields })).toMatchObject({ workspace: A, context: { message_id: "m" } });
  });

  it("a workspace's message id is not taken from what belongs to another object", () => {
    expect(readMetadata({ where: "notes", fields: { message_id: "m", campaign_id: "c" }, names: false }).context).toEqual({
      campaign_id: "c",
    });
  });

  it.each([null, [], "", "0", 7, true, [{ workspace_id: A }], { __proto__: { workspace_id: A } }, { workspace_id: [A] }])(
    "%j says nothing",
    (fields) => {
      expect(readMetadata({ where: "notes", fields }).workspace).toBeNull();
    },
  );

  it("one short field: workspace, message, campaign, contact", () => {
    expect(short(`${A}.m_1.c_2.k_3`)).toMatchObject({
      workspace: A,
      context: { message_id: "m_1", campaign_id: "c_2", contact_id: "k_3" },
    });
    expect(short(`${A.replaceAll("-", "")}.m_1`)).toMatchObject({ workspace: A, context: { message_id: "m_1" } });
    expect(short("__org__.m_1").workspace).toBe("__org__");
    for (const wrong of [A, `${A}.`, `${A}.a.b.c.d`, `${A}.m 1`, "0", "{{crqid}}", `x${A}.m`])
      expect(short(wrong).workspace).toBeNull();
  });

  it("a workspace id is a UUID or __org__, and nothing else", () => {
    expect(workspaceId(A.toUpperCase())).toBe(A);
    for (const wrong of ["", "_", "org", `${A}0`, A.slice(1), null, undefined, 1, {}]) expect(workspaceId(wrong)).toBeNull();
  });

  it("references of different adapters, kinds and values never meet", () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9_/]{0,5}$/);
    const kind = fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/);
    fc.assert(
      fc.property(fc.tuple(word, kind, fc.string()), fc.tuple(word, kind, fc.string()), (one, other) => {
        expect(referenceKey(...one) === referenceKey(...other)).toBe(one.join("\n") === other.join("\n"));
      }),
    );
  });
});
