import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import inboundParse from "../../providers/sendgrid/inbound-parse.ts";
import { htmlText } from "../../providers/sendgrid/parts/html.ts";
import { mailDate } from "../../providers/sendgrid/parts/mail.ts";
import sendgrid from "../../providers/sendgrid/sendgrid.ts";
import { translate } from "../../src/inbound/translate.ts";
import { type AnyProvider, withoutAttachments } from "../../src/provider/define.ts";
import type { DeliveryDraft, Outcome } from "../../src/provider/draft.ts";
import { outcomeProblems } from "../conformance/drafts.ts";
import { ACME, BETA, fixtures } from "../support/fixtures.ts";

const provider = inboundParse as AnyProvider;
const adapter = { name: "sendgrid/inbound-parse", providerName: "sendgrid", dialect: "inbound-parse", provider };
const receivedAt = new Date("2026-11-22T10:00:00Z");
const SENT = "<LRzXl_NHStOGhQ4kofSm_A@geopod-ismtpd-5>";

type Value = string | Uint8Array | { file: string; bytes: Uint8Array | string };

function form(fields: Record<string, Value>, boundary = "xYzZY"): Buffer {
  const parts = Object.entries(fields).map(([name, value]) => {
    const file = typeof value === "object" && "file" in value ? value : null;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file ? `; filename="${file.file}"` : ""}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), Buffer.from((file ? file.bytes : value) as string), Buffer.from("\r\n")]);
  });
  return Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
}

/** An answer in the default mode; header lines and fields on top of it. `undefined` takes one away. */
function answer(headers: Record<string, string | undefined> = {}, fields: Record<string, Value | undefined> = {}): Buffer {
  const lines = { "Message-ID": "<reply@mail.example.com>", "In-Reply-To": SENT, ...headers };
  const head = Object.entries(lines).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  const all = {
    headers: `${head.join("\n")}\n`,
    from: "Asha <asha@example.com>",
    text: "Thanks.",
    envelope: JSON.stringify({ to: [`reply+${ACME}.m_1@parse.acme.in`], from: "asha@example.com" }),
    ...fields,
  };
  return form(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<string, Value>);
}
const to = (...addresses: string[]) => ({ envelope: JSON.stringify({ to: addresses, from: "asha@example.com" }) });

function outcomes(body: Uint8Array): Outcome[] {
  const { items, failed } = translate(provider, { body, headers: {}, receivedAt });
  if (failed) throw new Error(failed);
  return items;
}

function draft(body: Uint8Array): DeliveryDraft {
  const [outcome, ...more] = outcomes(body);
  if (!outcome || !("status" in outcome) || more.length > 0) throw new Error(`not one draft: ${JSON.stringify(outcome)}`);
  return outcome;
}

function trimmed(body: Uint8Array) {
  return withoutAttachments(provider, { body, headers: {}, receivedAt });
}
const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

describe("an answer", () => {
  it("is told as replied, with its text, of the message that it answers", () => {
    const { status, channel, data, provider_data } = draft(answer());
    expect([status, channel, data]).toEqual([
      "replied",
      "email",
      { message_id: "LRzXl_NHStOGhQ4kofSm_A", reply_text: "Thanks." },
    ]);
    expect(provider_data).toEqual({
      ...{ recipient: "asha@example.com", reply_message_id: "<reply@mail.example.com>", subject: null, attachments: 0 },
      ...{ to: `reply+${ACME}.m_1@parse.acme.in`, spf: null, dkim: null, spam_score: null },
    });
  });

  it("has the key Message-ID and address, which a resend by another machine, in another layout, keeps", () => {
    const key = draft(answer()).key;
    expect(draft(answer({ Received: "from elsewhere", Date: "Sun, 23 Feb 2025 10:31:04 +0530" }, { text: "other" })).key).toBe(
      key,
    );
    expect(draft(answer({ "Message-ID": "<other@mail.example.com>" })).key).not.toBe(key);
    expect(draft(answer({}, to(`reply+${ACME}.m_2@parse.acme.in`))).key).not.toBe(key);
    expect(draft(answer({}, to(`REPLY+${ACME}.m_1@parse.acme.in`))).key).toBe(key);
  });

  it("without a Message-ID has what it says of itself for a key", () => {
    const keys = [{}, { Date: "Sun, 23 Feb 2025 10:31:04 +0530" }].map(
      (more) => draft(answer({ "Message-ID": "", ...more })).key,
    );
    expect(new Set([...keys, draft(answer({ "Message-ID": undefined }, { text: "Other." })).key]).size).toBe(3);
    expect(draft(answer({ "Message-ID": "" })).key).toBe(keys[0]);
  });

  it("happened when its Date says, and at an unknown time without a zone or a Date", () => {
    expect(draft(answer({ Date: "Sun, 23 Feb 2025 10:31:04 +0530 (IST)" })).occurredAt?.toISOString()).toBe(
      "2025-02-23T05:01:04.000Z",
    );
    for (const date of [undefined, "", "yesterday", "Sun, 23 Feb 2025 10:31:04"])
      expect(draft(answer({ Date: date })).occurredAt).toBeNull();
  });

  it.each([
    ["its From", { from: "Asha <asha@example.com>" }, "asha@example.com"],
    [
      "a From with a comma and an older address in its name",
      { from: '"Rao, old@example.com" <ravi@example.com>' },
      "ravi@example.com",
    ],
    ["a bare From", { from: "asha@example.com" }, "asha@example.com"],
    ["the envelope, where From is none", { from: "nobody" }, "asha@example.com"],
    ["the envelope, where From is missing and not in the headers either", { from: undefined }, "asha@example.com"],
    ["nobody", { from: undefined, envelope: "{}" }, null],
  ])("comes from %s", (_whom, fields, expected) => expect(draft(answer({}, fields)).provider_data?.recipient).toBe(expected));

  it("has its From in the header lines, where the field is missing", () => {
    expect(draft(answer({ From: "Ravi <ravi@example.com>" }, { from: undefined })).provider_data?.recipient).toBe(
      "ravi@example.com",
    );
  });

  it("to two addresses is told to each, and once to one that is written twice", () => {
    const both = [`reply+${ACME}.m_1@parse.acme.in`, `reply+${BETA}.m_2@parse.beta.in`];
    const items = outcomes(answer({}, to(...both, both[0]?.toUpperCase() ?? "", both[1] ?? "")));
    const keys = both.map((address) => JSON.stringify(["<reply@mail.example.com>", address]));
    expect(items.map((item) => "key" in item && item.key)).toEqual(keys);
    // Posted for each address alone, it is the same.
    expect(both.map((address) => draft(answer({}, to(address))).key)).toEqual(keys);
  });

  it("to a crowd fails", () => {
    const crowd = (count: number) => answer({}, to(...Array.from({ length: count }, (_, index) => `a${index}@parse.acme.in`)));
    expect(outcomes(crowd(20))).toHaveLength(20);
    expect(outcomes(crowd(21))).toEqual([{ failed: "too_many_recipients" }]);
  });
});

describe("the message that is answered", () => {
  const OWN = "LRzXl_NHStOGhQ4kofSm_A";
  const own = [{ kind: "message", value: OWN }];
  it.each([
    ["In-Reply-To", SENT, undefined, OWN, own],
    ["In-Reply-To, which goes before References", SENT, "<other_id_of_ours@ismtpd-1>", OWN, own],
    ["the last of References", undefined, `<a@x.in> <older@geopod-ismtpd-1>\n ${SENT}`, OWN, own],
    [
      "ours, where somebody answers a later mail of the thread",
      "<human@mail.example.com>",
      `${SENT} <human@mail.example.com>`,
      OWN,
      own,
    ],
    ["In-Reply-To, where the sender chose the id", "<42@acme.in>", "<41@acme.in>", "<42@acme.in>", []],
    ["the first of several", "<1@acme.in> <2@acme.in>", undefined, "<1@acme.in>", []],
    ["one that stands among words", `Your message of Monday ${SENT}`, undefined, OWN, own],
  ])("is named by %s", (_by, inReplyTo, references, id, expected) => {
    const { data, references: found } = draft(answer({ "In-Reply-To": inReplyTo, References: references }));
    expect([data.message_id, found?.filter(({ kind }) => kind === "message")]).toEqual([id, expected]);
  });

  it("is called as the Event Webhook calls it, so that one look-up finds both", () => {
    const events = JSON.stringify([
      { event: "delivered", sg_message_id: `${OWN}.recvd-1`, "smtp-id": SENT },
      { event: "open", "smtp-id": SENT },
    ]);
    const { items } = translate(sendgrid as AnyProvider, { body: Buffer.from(events), headers: {}, receivedAt });
    const references = [...items, draft(answer())].map((item) => "references" in item && item.references?.[0]);
    expect(references.map((one) => one && { kind: one.kind, value: one.value })).toEqual(Array(3).fill(own[0]));
  });

  it("is that of the address, where no header names one", () => {
    const nameless = { "In-Reply-To": undefined };
    expect(draft(answer(nameless)).data.message_id).toBe("m_1");
    expect(draft(answer(nameless, to(`reply+${ACME.replaceAll("-", "")}.m-2.c.u@parse.acme.in`))).data.message_id).toBe("m-2");
    expect(draft(answer(nameless, to("reply+__org__.m_3@parse.acme.in"))).data.message_id).toBe("m_3");
  });

  it.each([
    "support@parse.acme.in",
    `reply+${ACME}@parse.acme.in`,
    "reply+m_1@parse.acme.in",
    `reply+${ACME}.a.b.c.d@parse.acme.in`,
  ])("is none for a mail to %s that answers nothing: it is no answer", (address) =>
    expect(outcomes(answer({ "In-Reply-To": undefined }, to(address)))).toEqual([{ ignored: "not_a_reply" }]),
  );
});

describe("whose it is", () => {
  const evidence = (...addresses: string[]) => {
    const { metadata, references } = draft(answer({ "In-Reply-To": "<42@acme.in>" }, to(...addresses)));
    return { told: metadata?.[0]?.fields, references: references?.map(({ kind, value }) => `${kind} ${value}`) };
  };

  it("is what stands after the plus of the address, else all before the @; then the mailbox, then its domain", () => {
    expect(evidence(`reply+${ACME}.m_1@parse.acme.in`)).toEqual({
      told: `${ACME}.m_1`,
      references: ["address reply@parse.acme.in", "domain parse.acme.in"],
    });
    expect(evidence(`${ACME}.m_1@parse.acme.in`).told).toBe(`${ACME}.m_1`);
    expect(evidence(`a+b+${ACME}.m_1@parse.acme.in`)).toMatchObject({
      told: `${ACME}.m_1`,
      references: ["address a+b@parse.acme.in", expect.anything()],
    });
    expect(evidence("Support@Mail.Acme.IN")).toEqual({
      told: "Support",
      references: ["address support@mail.acme.in", "domain mail.acme.in"],
    });
  });

  it("teaches nothing, as strangers write it", () => {
    for (const fixture of fixtures("sendgrid").filter(({ adapter: name }) => name === "sendgrid/inbound-parse")) {
      const { items } = translate(provider, { body: fixture.body, headers: {}, receivedAt });
      for (const item of items) {
        if (!("key" in item)) continue;
        expect(item.metadata?.every(({ teaches }) => teaches === false)).toBe(true);
        expect(item.references?.every(({ learn }) => learn === undefined)).toBe(true);
      }
    }
  });

  it("is told by the envelope, not by what the mail calls its recipients", () => {
    const body = answer({ To: `reply+${BETA}.m_9@parse.beta.in` }, { to: `reply+${BETA}.m_9@parse.beta.in` });
    expect(draft(body).metadata).toEqual([{ where: "envelope.to", fields: `${ACME}.m_1`, teaches: false }]);
  });

  it.each([undefined, "", "{", "[]", "null", '{"to":[]}', '{"to":5}', '{"from":"x@example.com"}'])(
    "is told by the address of ours among the recipients, where the envelope is %s",
    (envelope) => {
      const recipients = `other@example.com, Acme <reply+${ACME}.m_1@parse.acme.in>`;
      for (const body of [answer({}, { envelope, to: recipients }), answer({ To: recipients }, { envelope })])
        expect(draft(body).metadata?.[0]?.fields).toBe(`${ACME}.m_1`);
    },
  );

  it("is unknown where nobody is named", () => {
    expect(draft(answer({}, { envelope: undefined })).references).toEqual([{ kind: "message", value: "LRzXl_NHStOGhQ4kofSm_A" }]);
  });
});

describe("what a machine wrote", () => {
  it.each<[string, Record<string, string>, Record<string, Value>]>([
    ["Auto-Submitted", { "Auto-Submitted": "auto-replied" }, {}],
    ["Auto-Submitted in other letters", { "AUTO-SUBMITTED": "Auto-Generated; x=y" }, {}],
    ["X-Autoreply", { "X-Autoreply": "yes" }, {}],
    ["X-Autorespond", { "X-Autorespond": "Away" }, {}],
    ["Precedence", { Precedence: "auto_reply" }, {}],
    ["an empty sender, as bounces have", {}, { envelope: `{"to":["reply+${ACME}.m_1@parse.acme.in"],"from":""}` }],
    ["an empty sender in brackets", {}, { envelope: `{"to":["reply+${ACME}.m_1@parse.acme.in"],"from":" <> "}` }],
  ])("is ignored by %s", (_by, headers, fields) => {
    expect(outcomes(answer(headers, fields))).toEqual([{ ignored: "auto_reply" }]);
  });

  it("is not taken for that because it says no, is of a list, or names no sender at all", () => {
    for (const headers of [
      { "Auto-Submitted": "no" },
      { "X-Autoreply": "No" },
      { Precedence: "bulk" },
      { "X-Auto-Response-Suppress": "All" },
    ])
      expect(draft(answer(headers)).status).toBe("replied");
    expect(draft(answer({}, { envelope: `{"to":["reply+${ACME}.m_1@parse.acme.in"]}` })).status).toBe("replied");
  });
});

describe("its text", () => {
  const said = (fields: Record<string, Value | undefined>) => draft(answer({}, fields)).data.reply_text;

  it("is the plain one, else what a reader sees of the HTML, else none", () => {
    expect(said({ text: "  plain\r\n> quoted\r\n", html: "<p>html</p>" })).toBe("plain\n> quoted");
    expect(said({ text: " \n", html: "<p>html</p>" })).toBe("html");
    for (const fields of [{ text: undefined }, { text: "" }, { text: "", html: "<p> </p>" }]) expect(said(fields)).toBeNull();
  });

  it("is read in the charsets that SendGrid tells for each field", () => {
    const charsets = '{"to":"UTF-8","html":"iso-8859-1","subject":"cp850","from":"UTF-8","text":"windows-1252"}';
    const text = Buffer.from("Test the ESP\x92s inbound charset handling\x85", "latin1");
    const html = Buffer.from("<p>\xbfEsto se ve como esperabas?</p>", "latin1");
    expect(said({ charsets, text, html })).toBe("Test the ESP’s inbound charset handling…");
    expect(said({ charsets, text: "", html })).toBe("¿Esto se ve como esperabas?");
    for (const broken of ["{", "[]", '{"text":5}', '{"text":"no-such"}', undefined])
      expect(said({ charsets: broken, text: "déjà vu" })).toBe("déjà vu");
  });

  it("is cut where it is very long, and says so", () => {
    const whole = draft(answer({}, { text: "x".repeat(65_536) }));
    expect([whole.data.reply_text?.length, whole.provider_data?.reply_text_cut]).toEqual([65_536, undefined]);
    for (const [text, html] of [
      ["é".repeat(20_000_000), undefined],
      ["", "<b>x</b>".repeat(2_000_000)],
    ]) {
      const cut = draft(answer({}, { text, html }));
      expect([cut.data.reply_text?.length, cut.provider_data?.reply_text_cut]).toEqual([65_536, true]);
    }
    const long = "x".repeat(100_000);
    const fields = { subject: long, dkim: long, SPF: long, spam_score: long, from: `${long}@example.com`, to: long };
    expect(
      JSON.stringify(draft(answer({ "Message-ID": `<${long}>`, "In-Reply-To": `<${long}> ${SENT}` }, fields))).length,
    ).toBeLessThan(20_000);
  });
});

describe("a whole mail (raw mode)", () => {
  const mime = (...lines: string[]) => lines.join("\r\n");
  const raw = (email: string, name = "email") => form({ to: "x", [name]: email, ...to(`reply+${ACME}.m_1@parse.acme.in`) });
  const HEAD = mime("From: Asha <asha@example.com>", "Message-ID: <raw@mail.example.com>", `In-Reply-To: ${SENT}`);
  const alternative = mime(
    ...[
      HEAD,
      'Content-Type: multipart/mixed; boundary="b"',
      "",
      "preamble",
      "--b",
      "Content-Type: multipart/alternative; boundary=b-1",
      "",
    ],
    ...["--b-1", "Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: quoted-printable", ""],
    ...["d=E9j=E0 =", "vu =3D 1", "--b-1", "Content-Type: text/html", "", "<p>html</p>", "--b-1--", ""],
    ...["--b", 'Content-Type: application/pdf; name="a.pdf"', "Content-Transfer-Encoding: base64", "", "aGVs", "bG8=", "--b"],
    ...["Content-Type: message/rfc822", "", "Subject: forwarded", "--b--", ""],
  );

  it("says the same as the default mode, under either name", () => {
    for (const name of ["email", "rawEmail"]) {
      const { key, data, provider_data } = draft(raw(mime(HEAD, "", "Thanks.", ""), name));
      expect(JSON.parse(key)).toEqual(["<raw@mail.example.com>", `reply+${ACME}.m_1@parse.acme.in`]);
      expect(data).toEqual({ message_id: "LRzXl_NHStOGhQ4kofSm_A", reply_text: "Thanks." });
      expect(provider_data).toMatchObject({ recipient: "asha@example.com", attachments: 0 });
    }
  });

  it("is read through its parts, encodings and charsets", () => {
    expect(draft(raw(alternative)).data.reply_text).toBe("déjà vu = 1");
    const encoded = Buffer.from("d\xe9j\xe0 vu", "latin1").toString("base64");
    const base64 = ["Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: BASE64", "", encoded];
    expect(draft(raw(mime(HEAD, ...base64))).data.reply_text).toBe("déjà vu");
    expect(draft(raw(mime(HEAD, "Content-Type: text/html", "", "<p>only html</p>"))).data.reply_text).toBe("only html");
    expect(draft(raw(mime(HEAD, "Content-Type: application/pkcs7-mime", "", "MIIB"))).data.reply_text).toBeNull();
  });

  it("survives a body that is cut off, encoded wrongly, or made of nothing but boundaries", () => {
    for (let length = HEAD.length; length < alternative.length; length += 1)
      expect(draft(raw(alternative.slice(0, length))).data.message_id).toBe("LRzXl_NHStOGhQ4kofSm_A");
    const broken = ["=", "=4", "=ZZ", "==3D", "=\r", "a=\n"].map((text) =>
      mime(HEAD, "Content-Transfer-Encoding: quoted-printable", "", text),
    );
    expect(broken.map((one) => draft(raw(one)).data.reply_text)).toEqual(["=", "=4", "=ZZ", "==", "=", "a"]);
    const nested = Array.from({ length: 50 }, (_, index) =>
      mime(`Content-Type: multipart/mixed; boundary=n${index}`, "", `--n${index}`, ""),
    );
    expect(draft(raw(mime(HEAD, nested.join("")))).data.reply_text).toBeNull();
    const bomb = mime(HEAD, "Content-Type: multipart/mixed; boundary=b", "", ...Array(2000).fill("--b"));
    expect(() => outcomes(raw(bomb))).toThrow("unreadable");
  });

  it("loses its files, not its texts: by their names, and as what they are, not as they were encoded", () => {
    const { body, removed } = trimmed(raw(alternative));
    expect(removed).toEqual([
      { name: "email", filename: "a.pdf", size: 5, sha256: sha256("hello") },
      { name: "email", filename: null, size: 18, sha256: sha256("Subject: forwarded") },
    ]);
    expect(body.byteLength).toBe(raw(alternative).byteLength - "aGVs\r\nbG8=".length - "Subject: forwarded".length);
    expect(outcomes(body)).toEqual(outcomes(raw(alternative)));
    const attached = mime(HEAD, "Content-Type: text/plain", "Content-Disposition: attachment", "", "notes");
    expect(trimmed(raw(attached)).removed).toEqual([{ name: "email", filename: null, size: 5, sha256: sha256("notes") }]);
    expect(trimmed(raw(mime(HEAD, "", "text"))).removed).toEqual([]);
  });
});

describe("a form", () => {
  it.each<[string, Buffer]>([
    ["empty", Buffer.alloc(0)],
    ["JSON", Buffer.from("[]")],
    ["without a mail", form({ from: "asha@example.com", text: "Thanks." })],
    ["of both modes", form({ headers: `In-Reply-To: ${SENT}`, email: `In-Reply-To: ${SENT}\n\nThanks.` })],
    ["with a whole mail under both names", form({ email: "a: b", rawEmail: "a: b" })],
    [
      "whose text holds the boundary and another envelope",
      answer({}, { text: 'x\r\n--xYzZY\r\nContent-Disposition: form-data; name="envelope"\r\n\r\n{}' }),
    ],
    [
      "whose text holds the boundary and another mail",
      answer({}, { text: 'x\r\n--xYzZY\r\nContent-Disposition: form-data; name="email"\r\n\r\na: b' }),
    ],
    ["whose text ends the form early", answer({}, { text: "x\r\n--xYzZY--\r\n" })],
    ["with a field that has no name", Buffer.from("--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n")],
  ])("is unreadable where it is one %s", (_what, body) => expect(() => outcomes(body)).toThrow("unreadable"));

  it("is read by its own boundary, whatever the header says", () => {
    const { items } = translate(provider, {
      body: answer(),
      headers: { "content-type": "multipart/form-data; boundary=other" },
      receivedAt,
    });
    expect(items).toEqual(outcomes(answer()));
  });

  it("loses its files and nothing else, and says the same without them", () => {
    const bytes = Buffer.from([0, 13, 10, 255, 45, 45]);
    const names = ["test.txt", "image.png", "\\share\\mail\\forwarded.msg", "", "path\\", "path/.", "path\\.", "..", "path\\.."];
    const files = Object.fromEntries(
      names.map((file, index) => [`attachment${index + 1}`, { file, bytes: index === 0 ? bytes : "content" }]),
    );
    const whole = answer({}, { attachments: String(names.length), ...files, SPF: "pass" });
    const { body, removed } = trimmed(whole);
    expect(removed.map(({ name, filename }) => [name, filename])).toEqual(
      names.map((name, index) => [`attachment${index + 1}`, name]),
    );
    expect(removed[0]).toEqual({ name: "attachment1", filename: "test.txt", size: 6, sha256: sha256(bytes) });
    expect(body.byteLength).toBe(whole.byteLength - 6 - 8 * "content".length);
    expect(outcomes(body)).toEqual(outcomes(whole));
    expect(draft(whole).provider_data).toMatchObject({ attachments: names.length, spf: "pass" });
    // Cut again, nothing is left to cut.
    expect(trimmed(body)).toEqual({ body, removed: [] });
  });

  it("keeps a field that it reads, even if that is sent as a file", () => {
    const whole = answer({}, { text: { file: "text.txt", bytes: "Thanks." } });
    expect([trimmed(whole).removed, draft(whole).data.reply_text]).toEqual([[], "Thanks."]);
  });

  it("that is malformed is kept whole", () => {
    const whole = answer({}, { a: { file: "a", bytes: "content" } }).subarray(0, -5);
    expect(trimmed(whole)).toEqual({ body: whole, removed: [] });
  });

  it("never makes it throw, guess a workspace, or say something else without its files, whatever is changed in it", () => {
    const bodies = fixtures("sendgrid")
      .filter(({ adapter: name }) => name === "sendgrid/inbound-parse")
      .map(({ body }) => body);
    const lines = fc.constantFrom(
      "\r\n",
      "\n",
      "--xYzZY\r\n",
      "--outer\r\n",
      "--xYzZY--\r\n",
      'Content-Disposition: form-data; name="email"',
      "\r\n\r\n",
      "; filename=x",
      "=",
      "multipart/mixed; boundary=b",
      "\u0000",
      "\ud800",
    );
    const change = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(60), lines);
    fc.assert(
      fc.property(fc.constantFrom(...bodies), fc.array(change, { minLength: 1, maxLength: 5 }), (base, changes) => {
        const body = changes.reduce<Buffer>((bytes, [share, length, put]) => {
          const at = Math.floor(share * bytes.byteLength);
          return Buffer.concat([bytes.subarray(0, at), Buffer.from(put), bytes.subarray(at + length)]);
        }, base);
        const whole = translate(provider, { body, headers: {}, receivedAt });
        expect(whole.failed).not.toBe("adapter_error");
        for (const item of whole.items) expect([...outcomeProblems(adapter, item, receivedAt)]).toEqual([]);
        expect(translate(provider, { body: trimmed(body).body, headers: {}, receivedAt })).toEqual(whole);
      }),
      { seed: 20_261_122, numRuns: 1500 },
    );
  });

  it("of thirty megabytes is read in little time, however hostile", () => {
    const started = performance.now();
    const many = (piece: string) => piece.repeat(Math.floor(30_000_000 / piece.length));
    const HEAD = `In-Reply-To: ${SENT}\r\nContent-Transfer-Encoding: quoted-printable\r\n`;
    for (const email of [many("=41"), many("--b\r\n"), many("=\r\n")])
      for (const type of ["text/plain", "application/octet-stream", "multipart/mixed; boundary=b"]) {
        const body = form({ email: `${HEAD}Content-Type: ${type}\r\n\r\n${email}` });
        trimmed(body);
        translate(provider, { body, headers: {}, receivedAt });
      }
    for (const html of [many("<"), many("<style"), many("<!--"), many("&#"), many("< "), many("<p>\n")])
      outcomes(answer({}, { text: "", html }));
    for (const value of ["<a@", "@", "a@a@", "<", "a@ismtpd", `${SENT} `]) {
      const long = value.repeat(Math.floor(40_000 / value.length));
      outcomes(
        answer(
          { "In-Reply-To": long, References: long, "Message-ID": long, Date: long, From: long },
          { from: long, to: long, envelope: JSON.stringify({ to: long }) },
        ),
      );
    }
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe("HTML", () => {
  it.each([
    ["<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"],
    ["a <b>bold</b>\n  word", "a bold word"],
    ["<style>p{}</style><script>if (a < b) {}</script>seen", "seen"],
    ["<HEAD><title>x</title></HEAD><BODY>seen</BODY>", "seen"],
    ["<!-- <p>hidden</p> -->seen<!--[if mso]>hidden<![endif]-->", "seen"],
    ["<!doctype html><?xml?>seen", "seen"],
    ["3 < 4 &amp;&lt;&gt;&quot;&apos;&nbsp;&#8364;&#x20AC;&unknown;&#99999999;", "3 < 4 &<>\"' €€&unknown;&#99999999;"],
    ["&#x110000;&#xD800;", "\ufffd\ud800"],
    ["<style>never closed", ""],
    ["<p", ""],
    ["", ""],
  ])("%s", (html, seen) => expect(htmlText(html)).toBe(seen));
});

describe("a mail's Date", () => {
  it.each([
    ["Sun, 23 Feb 2025 10:31:04 +0530", "2025-02-23T05:01:04.000Z"],
    ["3 Feb 2025 10:31 -0800 (PST)", "2025-02-03T18:31:00.000Z"],
    ["Fri, 24 Jul 2020 16:43:46 UTC", "2020-07-24T16:43:46.000Z"],
    ["fri, 24 jul 2020 16:43:46 gmt", "2020-07-24T16:43:46.000Z"],
    ["Fri, 24 Jul 2020 16:43:46 Z", "2020-07-24T16:43:46.000Z"],
    ["Fri, 24 Jul 2020 16:43:46 EST", null],
    ["Fri, 24 Jul 2020 16:43:46", null],
    ["Fri, 24 Jux 2020 16:43:46 +0000", null],
    ["Fri, 31 Feb 2020 16:43:46 +0000", null],
    ["2020-07-24T16:43:46Z", null],
    ["", null],
    [undefined, null],
  ])("%s", (value, expected) => expect(mailDate(value)?.toISOString() ?? null).toBe(expected));
});
