import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import sendgrid from "../../providers/sendgrid/sendgrid.ts";
import { translate } from "../../src/inbound/translate.ts";
import type { AnyProvider } from "../../src/provider/define.ts";
import type { DeliveryDraft, Outcome } from "../../src/provider/draft.ts";
import { ACME, BETA, fixtures } from "../support/fixtures.ts";

const ID = "LRzXl_NHStOGhQ4kofSm_A";
const MESSAGE = { sg_message_id: `${ID}.recvd-5f54b5d587-pczjm-1-67BADEEA-6.0`, "smtp-id": `<${ID}@geopod-ismtpd-5>` };
const DELIVERED = { event: "delivered", email: "asha@example.com", timestamp: 1740300312, ...MESSAGE };

/** What becomes of a body: JSON of a value, or text as it is. */
function outcomes(body: unknown): Outcome[] {
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const { items, failed } = translate(sendgrid as AnyProvider, {
    body: bytes,
    headers: {},
    receivedAt: new Date("2026-11-22T10:00:00Z"),
  });
  if (failed) throw new Error(failed);
  return items;
}

function draft(item: object): DeliveryDraft {
  const [outcome] = outcomes([item]);
  if (!outcome || !("status" in outcome)) throw new Error(`no draft: ${JSON.stringify(outcome)}`);
  return outcome;
}

const keys = (items: object[]) => outcomes(items).map((outcome) => ("key" in outcome ? outcome.key : outcome));

describe("the key of an event", () => {
  it("survives another sg_event_id and another batch", () => {
    const [first, second, resend] = ["processed-delivered", "opens-and-click", "resend"].map((name) => {
      const fixture = fixtures("sendgrid").find((candidate) => candidate.name === name);
      return keys(JSON.parse(fixture?.body.toString() ?? ""));
    });
    expect(resend).toHaveLength(3);
    expect([...(first ?? []), ...(second ?? [])]).toEqual(expect.arrayContaining(resend ?? []));
    expect(keys([DELIVERED, { ...DELIVERED, sg_event_id: "x" }])[0]).toBe(keys([{ ...DELIVERED, sg_event_id: "y" }])[0]);
  });

  it("does not depend on how the timestamp is written", () => {
    const spellings = [1740300312, "1740300312", 1740300312000, "1740300312000"];
    expect(new Set(keys(spellings.map((timestamp) => ({ ...DELIVERED, timestamp })))).size).toBe(1);
  });

  it.each([
    ["recipient", { email: "ravi@example.com" }],
    ["event", { event: "processed" }],
    ["second", { timestamp: 1740300313 }],
    ["message", { sg_message_id: `M${ID}.recvd-1` }],
    ["time that cannot be read", { timestamp: "yesterday" }],
  ])("differs by %s", (_what, change) => {
    const [one, other] = keys([DELIVERED, { ...DELIVERED, ...change }]);
    expect(one).not.toBe(other);
  });

  it("tells opens apart by their second, and a machine's from a human's within one", () => {
    const open = { ...DELIVERED, event: "open", sg_machine_open: false };
    expect(new Set(keys([open, { ...open, timestamp: 1740300313 }, { ...open, sg_machine_open: true }])).size).toBe(3);
    const { sg_machine_open: _, ...unmarked } = open;
    expect(keys([unmarked])).toEqual(keys([open]));
  });

  it("tells clicks apart by their link, and group unsubscribes by their group", () => {
    const click = { ...DELIVERED, event: "click", url: "https://acme.in/a" };
    const group = { ...DELIVERED, event: "group_unsubscribe", asm_group_id: 10 };
    expect(new Set(keys([click, { ...click, url: "https://acme.in/b" }, click])).size).toBe(2);
    expect(new Set(keys([group, { ...group, asm_group_id: 11 }, group])).size).toBe(2);
  });

  it("cannot be imitated by a separator inside a value", () => {
    const [one, other] = keys([
      { event: "click", email: "a", url: 'b","c', "smtp-id": "m" },
      { event: "click", email: "a", url: "b", "smtp-id": "m", extra: "c" },
    ]);
    expect(one).not.toBe(other);
  });
});

describe("the message", () => {
  it.each([
    ["14c5d75ce94.dfd.64b469.filter0001.16648.5515E0B88.0", "14c5d75ce94.dfd.64b469"],
    ["14c583da911.2c36.1c804d.filter-406.22375.55148AA99.0", "14c583da911.2c36.1c804d"],
    ["LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0", ID],
    ["LRzXl_NHStOGhQ4kofSm_A.recvd-5f54b5d587-pczjm-1-67BADEEA-6.0", ID],
    ["5lFl7Fr1Rjme_EyzNNB_5A.stfilter-015.5185.55F883172.0", "5lFl7Fr1Rjme_EyzNNB_5A"],
    ["14c583da911.2c36.1c804d.stfilter-015.5185.55F883172.0", "14c583da911.2c36.1c804d"],
    [" LRzXl_NHStOGhQ4kofSm_A.recvd-5f54b5d587 ", ID],
    ["LRzXl_NHStOGhQ4kofSm_A.something.new", ID],
    [ID, ID],
    ["-ecvd_NHStOGhQ4kofSm_A.recvd-1", "-ecvd_NHStOGhQ4kofSm_A"],
    ["filterNHStOGhQ4kofSm_A.recvd-1", "filterNHStOGhQ4kofSm_A"], // by chance, and no machine's name
  ])("of sg_message_id %s", (sg_message_id, id) => {
    const { data, references } = draft({ event: "open", sg_message_id });
    expect(data.message_id).toBe(id);
    expect(references).toEqual([{ kind: "message", value: id, learn: "30d" }]);
  });

  it.each([
    "",
    null,
    7,
    [],
    "filter0093p1las1.9128.5717FB8127.0",
    "filterdrecv-p3mdw1-756b.0",
    "recvd-5f54b5d587-1.0",
    ".filter0001.1",
  ])("comes from the smtp-id where sg_message_id is %j", (sg_message_id) => {
    const expected = sg_message_id === 7 ? "7" : ID;
    expect(draft({ ...DELIVERED, sg_message_id }).references).toEqual([{ kind: "message", value: expected, learn: "30d" }]);
  });

  it.each(["<42@acme.in>", "<LRzXl_NHStOGhQ4kofSm_A@acme.in>", "<a b@ismtpd-5>", "ismtpd", `<${"a".repeat(300)}@ismtpd-5>`])(
    "is the whole smtp-id, and no reference, where its sender chose that: %s",
    (smtpId) => {
      const { data, references } = draft({ event: "delivered", "smtp-id": smtpId });
      expect(data.message_id).toBe(smtpId);
      expect(references).toEqual([]);
    },
  );

  it("of a bounce that names none is the same on every resend, another for another bounce, and no reference", () => {
    const late = { email: "foo@example.com", timestamp: 1740386423, event: "bounce", type: "bounce", sg_message_id: "" };
    const [one, again, later] = [late, { ...late, sg_event_id: "new" }, { ...late, timestamp: 1740386424 }].map(draft);
    expect(one?.data.message_id).toBe("unknown:bounce:1740386423000");
    expect(again).toEqual(one);
    expect(later?.data.message_id).not.toBe(one?.data.message_id);
    expect(later?.key).not.toBe(one?.key);
    expect(one?.references).toEqual([]);
  });

  it("is read in one piece of time from a hostile id", () => {
    const started = performance.now();
    outcomes([
      { event: "open", "smtp-id": `<a@${"ismtpd".repeat(200_000)}!` },
      { event: "open", "smtp-id": `<${"a@".repeat(500_000)}` },
      { event: "open", sg_message_id: ".filte".repeat(200_000) },
    ]);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe("our arguments", () => {
  const fields = (item: object) => draft({ ...DELIVERED, ...item }).metadata?.[0]?.fields;

  it("are read by name, and nothing else is", () => {
    const known = { homing_workspace_id: ACME, workspace_id: BETA, campaign_id: "c", contact_id: "p", message_id: "m" };
    expect(fields({ ...known, secret: "x", category: "y", singlesend_id: "z" })).toEqual(known);
    expect(fields({})).toEqual({});
  });

  it("come from nested objects only where the item has none itself", () => {
    expect(fields({ custom_args: { workspace_id: ACME, other: 1 } })).toEqual({ workspace_id: ACME });
    expect(fields({ unique_args: { workspace_id: ACME } })).toEqual({ workspace_id: ACME });
    expect(fields({ message_id: "m", custom_args: { workspace_id: BETA } })).toEqual({ message_id: "m" });
    expect(fields({ workspace_id: null, custom_args: "text", unique_args: { workspace_id: ACME } })).toEqual({
      workspace_id: ACME,
    });
    expect(fields({ custom_args: [ACME], unique_args: null })).toEqual({});
  });

  it("are not found in a prototype", () => {
    const [outcome] = outcomes(
      `[{"event":"open","__proto__":{"workspace_id":"${ACME}"},"custom_args":{"__proto__":{"workspace_id":"${ACME}"}},"constructor":{}}]`,
    );
    expect(outcome).toMatchObject({ status: "opened", metadata: [{ where: "custom_args", fields: {} }] });
    expect(JSON.stringify(outcome)).not.toContain(ACME);
    expect(({} as { workspace_id?: string }).workspace_id).toBeUndefined();
  });
});

describe("a bounce", () => {
  const kind = (item: object) => draft({ ...DELIVERED, event: "bounce", ...item }).data.bounce_type;

  it.each([
    ["its type says so, whatever status and class say", { type: "bounce", status: "4.2.2", bounce_classification: "Reputation" }],
    ["its class is an invalid address", { bounce_classification: "Invalid Address", status: "4.0.0" }],
    ["only its status tells", { status: "5.1.1" }],
    ["its class says nothing and its status is 5", { bounce_classification: "Unclassified", status: "5.1.1" }],
    ["its class is a new one and its status is 5", { bounce_classification: "Brand New", status: "5.1.1" }],
  ])("is hard where %s", (_why, item) => expect(kind(item)).toBe("hard"));

  it.each([
    [
      "it was blocked, whatever status and class say",
      { type: "blocked", status: "5.2.2", bounce_classification: "Invalid Address" },
    ],
    ["it was blocked without a status", { type: "blocked" }],
    ["its class is soft in spite of a status 5", { bounce_classification: "Mailbox Unavailable", status: "5.2.2" }],
    ["its class is spelt as in the API", { bounce_classification: "Frequency or Volume Too High", status: "5.7.1" }],
    ["its class is spelt as in the docs", { bounce_classification: "Frequency/Volume", status: "5.7.1" }],
    ["its class is technical, in either spelling", { bounce_classification: "Technical Failure", status: "5.4.4" }],
    ["its status is 4", { type: "expired", status: "4.4.1" }],
    ["nothing tells", { status: null, type: 5 }],
  ])("is soft where %s", (_why, item) => expect(kind(item)).toBe("soft"));
});

describe("events", () => {
  it("take their word in any case", () => {
    expect(outcomes([{ event: "PROCESSED" }, { event: " Delivered " }])).toMatchObject([
      { status: "sent" },
      { status: "delivered" },
    ]);
  });

  it("take the time as number, text or milliseconds, and none where there is none", () => {
    const time = (timestamp: unknown) => draft({ ...DELIVERED, timestamp }).occurredAt?.toISOString();
    for (const value of [1740300312, "1740300312", 1740300312000]) expect(time(value)).toBe("2025-02-23T08:45:12.000Z");
    for (const value of [null, "soon", {}, [], true, -1, "123456789"]) expect(time(value)).toBeUndefined();
  });

  it("always say of an open whether a machine made it", () => {
    const machine = (value: unknown) => draft({ event: "open", sg_machine_open: value }).data.machine;
    expect([true, false, undefined, null, "true", 1].map(machine)).toEqual([true, false, false, false, false, false]);
  });

  it("that it repeats or that are about no message are ignored by name", () => {
    const words = ["deferred", "group_resubscribe", "account_status_change"];
    expect(outcomes(words.map((event) => ({ event })))).toEqual(words.map((word) => ({ ignored: word })));
  });

  it("that nobody knows are ignored, also words that objects know", () => {
    const words = ["teleported", "constructor", "__proto__", "tostring"];
    expect(outcomes(words.map((event) => ({ event })))).toEqual(words.map((word) => ({ ignored: "unknown_word", word })));
  });

  it("fail alone where they are no object or have no word", () => {
    const broken = ["x", 1, null, [DELIVERED], {}, { event: "" }, { event: " " }, { event: {} }, { event: null }];
    const made = outcomes([...broken, DELIVERED]);
    expect(made.slice(0, 4)).toEqual(Array(4).fill({ failed: "unreadable_item" }));
    expect(made.slice(4, 9)).toEqual(Array(5).fill({ failed: "no_event_word" }));
    expect(made[9]).toMatchObject({ status: "delivered" });
  });

  it("survive every key of the wrong type", () => {
    const names = Object.keys({ ...DELIVERED, type: 0, status: 0, reason: 0, response: 0, url: 0, asm_group_id: 0, category: 0 });
    for (const event of ["bounce", "dropped", "open", "click", "group_unsubscribe", "spamreport"])
      for (const junk of [null, true, {}, [], ["x"], -1, { toString: 1 }])
        expect(draft({ ...Object.fromEntries(names.map((name) => [name, junk])), event }).data.message_id).not.toBe("");
  });

  it("come as an array, or as one object", () => {
    expect(outcomes(DELIVERED)).toEqual(outcomes([DELIVERED]));
    expect(outcomes([])).toEqual([]);
    for (const body of ["", "null", "1", '"x"', "<html>", "[{]"]) expect(() => outcomes(body)).toThrow("unreadable");
  });

  it("of a test post are ignored, by either of their ids", () => {
    const test = { event: "bounce", sg_message_id: "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0" };
    const other = { event: "teleported", "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>", sg_message_id: "sg_message_id" };
    expect(outcomes([test, other])).toEqual([{ ignored: "provider_test" }, { ignored: "provider_test" }]);
    expect(draft({ ...DELIVERED, email: "example@test.com", category: "cat facts" }).status).toBe("delivered");
  });
});

describe("the signature", () => {
  const { verify } = sendgrid;
  if (!verify.signs) throw new Error("it signs");
  const HEADER = "x-twilio-email-event-webhook-signature";
  const STAMP = "x-twilio-email-event-webhook-timestamp";
  const pair = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const secret = pair.publicKey.export({ format: "der", type: "spki" }).toString("base64");
  const body = Buffer.from(`${JSON.stringify([DELIVERED])}\r\n`);
  const now = Date.parse("2026-11-22T10:00:00Z");

  function signed(stamp: string, bytes: Buffer = body) {
    const value = sign("sha256", Buffer.concat([Buffer.from(stamp), bytes]), pair.privateKey).toString("base64");
    return { [HEADER]: value, [STAMP]: stamp };
  }
  const judge = (headers: Record<string, string | undefined>, bytes: Uint8Array = body, key = secret) =>
    verify.verify(verify.key(key), { body: bytes, headers, url: "" }, now);

  /** The published key of the samples that the fixtures were taken from, and their signatures, made over the bodies as they were. */
  const PUBLISHED =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEohq1DhkiNPvmLPsnDJOd4JIjTEwOxy51QeXR7Zh1UQ8DXXSmvPYMrHFUUXnIeOtnk8zSWFEz1CjFhDu2FrJ5Kg==";
  it.each([
    ["processed-delivered", "MEQCIDKVQHJAJ+a8FSJ3f/+ChDN3CeBTScFk/mKXAQi3TizKAiBHCw3HWLEsI5KmLkww8s15qVIJU3DexCV9YGHoqmbP1g=="],
    ["deferred", "MEYCIQDRtzhlVN90Sec8SA725bFXbVWfM0qJWi1jThBI5RiRZAIhANq2zcFFWy9BWmlAH/PZPEErsTAuecXEuC9SGNfydOBW"],
    ["bounce-hard", "MEUCIBjMKJYlVW/Jtjoqxo4zL+5XPv48/w4VX9BsGIe2gpzKAiEAlbhMPLfbUJ6M+zVY/hQZUGEamOo/8UV1s6q9j3a8pGs="],
    [
      "blocked-without-status",
      "MEUCIDjxgfC1THAt0y049Wi+3d/9Mlq0I9FbNoXTSoHz13Q9AiEA0J6yA0o4e8tInj3x3Igq8H7PT6sRygdS1FxEw4NP4sw=",
    ],
    ["blocked-over-quota", "MEQCIDOYRa0juv6tm90okMpZIgiWESO3NIkgOC+RWJ69EaApAiBBOS4eDHFkHeojUyYi8W+Tbd83ut3a9S7iDqI5M+otyw=="],
    ["bounce-asynchronous", "MEUCIQC+RcPsRnfJ0RTET9GyP9tfUffnbdDslxKaJv82psw1DAIgb4+64Q54VThdOpNvolz226Q1fLDY7ZXBneYRnAPax+8="],
    ["dropped-suppressed", "MEQCIGp1nYQgM9O/F9xQjx/PNp/cWhrZp9kDN0bv3pDqrCnsAiBOr1ARKMdRtlzcK8t+DCGeAq2hkwqjlvUOHDvnSEbTIg=="],
    ["opens-and-click", "MEQCIEMCqMORmUhih8s137hicw4XqwHkkfZkLNqwEKk7/6GHAiB5hue2RWJDP1HWRgRGP3IYGHx3cayhzUiPOEtaKL18nA=="],
    ["complaint-and-group", "MEUCIAauzquLnmL2zovii3Kg9Omc4UJZoWiSEwcsHioStl6qAiEAmZjoMR2O4SrfFmHBFaExZLplyBiHExYrI3pR2apbYhw="],
    ["test-your-integration", "MEUCIQCIbP5tdQe/7xHnHAdwGu1B8x0YhEcmJDv5AVrLpkoEZQIgG+zzaTsPAxTuQIAIYMQZGcbNqvemX6O9bWdoCl32ezY="],
    [
      "delivered-without-crlf",
      "MEYCIQDMOIRQ6nQRRPV19+CT2IkSu/LpZ4dJ9+pgNvd7dXQ9FwIhAMOwOUhWuW8GmdweYK27nh5m30/3Ze027nhBl/FD85DV",
    ],
  ])("of the published sample %s verifies, as it was before our keys were renamed in it", (name, value) => {
    const fixture = fixtures("sendgrid").find((candidate) => candidate.name === name);
    if (!fixture) throw new Error(`no fixture ${name}`);
    const original = fixture.body
      .toString()
      .replaceAll('"homing_workspace_id":', '"pcg_workspace_id":')
      .replaceAll('"message_id":', '"pcg_message_id":');
    const headers = { [HEADER]: value, [STAMP]: String(fixture.now.getTime() / 1000) };
    expect(judge(headers, Buffer.from(original), PUBLISHED)).toBe("ok");
    expect(judge(headers, Buffer.from(original.trimEnd().concat(" ")), PUBLISHED)).toBe("signature_mismatch");
  });

  it("covers the body with its line ends, and without", () => {
    const [plain, crlf] = [Buffer.from("[{}]"), Buffer.from("[{}]\r\n")];
    expect(judge(signed("1763800000", plain), plain)).toBe("ok");
    expect(judge(signed("1763800000", crlf), crlf)).toBe("ok");
    expect(judge(signed("1763800000", plain), crlf)).toBe("signature_mismatch");
    expect(judge(signed("1763800000", crlf), plain)).toBe("signature_mismatch");
  });

  it("of a retry that was not signed anew is believed a day later, and one of the future is not", () => {
    const seconds = now / 1000;
    for (const age of [0, 3600, 86_400, 10 * 86_400]) expect(judge(signed(String(seconds - age)))).toBe("ok");
    expect(judge(signed(String(seconds + 299)))).toBe("ok");
    expect(judge(signed(String(seconds + 301)))).toBe("signature_early");
  });

  it("covers every byte of the body and the timestamp", () => {
    const headers = signed("1763800000");
    for (let index = 0; index < body.length; index += 7) {
      const altered = Buffer.from(body);
      altered[index] = (altered[index] ?? 0) ^ 1;
      expect(judge(headers, altered)).toBe("signature_mismatch");
    }
    expect(judge({ ...headers, [STAMP]: "1763800001" })).toBe("signature_mismatch");
    expect(judge({ ...headers, [STAMP]: "01763800000" })).toBe("signature_mismatch");
  });

  it("of another key is refused", () => expect(judge(signed("1763800000"), body, PUBLISHED)).toBe("signature_mismatch"));

  it("must be there, and garbage is no, not a throw", () => {
    const headers = signed("1763800000");
    expect(judge({})).toBe("signature_missing");
    expect(judge({ ...headers, [HEADER]: undefined })).toBe("signature_missing");
    expect(judge({ ...headers, [STAMP]: undefined })).toBe("signature_missing");
    for (const value of [
      "x",
      "MEUC",
      "AAAA",
      "é",
      `${headers[HEADER]}=`,
      ` ${headers[HEADER]}`,
      `${headers[HEADER]}, ${headers[HEADER]}`,
    ])
      expect(judge({ ...headers, [HEADER]: value })).toBe("signature_mismatch");
  });

  it("takes no key that is malformed or on another curve", () => {
    const other = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey.export({ format: "der", type: "spki" });
    for (const key of ["", "secret", secret.slice(0, 80), other.toString("base64")]) expect(() => verify.key(key)).toThrow();
  });
});
