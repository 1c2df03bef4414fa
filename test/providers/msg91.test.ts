import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import email from "../../providers/msg91/email.ts";
import rcs from "../../providers/msg91/rcs.ts";
import sms from "../../providers/msg91/sms.ts";
import voice from "../../providers/msg91/voice.ts";
import whatsapp from "../../providers/msg91/whatsapp.ts";
import { readMetadata } from "../../src/inbound/resolve.ts";
import { translate } from "../../src/inbound/translate.ts";
import type { AnyProvider } from "../../src/provider/define.ts";
import type { DeliveryDraft, Outcome } from "../../src/provider/draft.ts";
import { hideFields } from "../../src/trace/hide.ts";
import { ACME, BETA, fixtures } from "../support/fixtures.ts";

const adapters = { sms, whatsapp, rcs, email, voice } as unknown as Record<string, AnyProvider>;
type Product = "sms" | "whatsapp" | "rcs" | "email" | "voice";
type Body = Record<string, unknown>;

/** What becomes of a body: JSON of a value, or text as it is. */
function outcomes(product: Product, body: unknown, headers: Record<string, string> = {}): Outcome[] {
  const { items, failed } = translate(adapters[product] as AnyProvider, {
    body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
    headers,
    receivedAt: new Date("2026-11-22T11:00:00Z"),
  });
  if (failed) throw new Error(failed);
  return items;
}

const one = (product: Product, body: unknown) => outcomes(product, body)[0] as Outcome;
function draft(product: Product, body: unknown): DeliveryDraft {
  const outcome = one(product, body);
  if (!("status" in outcome)) throw new Error(`no draft: ${JSON.stringify(outcome)}`);
  return outcome;
}
const key = (product: Product, body: unknown) => draft(product, body).key;
const form = (calls: unknown) => `data=${encodeURIComponent(JSON.stringify(calls)).replaceAll("%20", "+")}`;

/** The least that each product needs beside its word. */
const bare: Record<Product, Body> = {
  sms: { requestId: "346a6b7a4c5d6e7f80912133", telNum: "919512346558", deliveryTime: "2026-11-22 15:30:20" },
  whatsapp: { uuid: "wamid.A", requestId: "8c1f", customerNumber: "919363406313", statusUpdatedAt: "2026-11-22 15:30:20" },
  rcs: { uuid: "1aa2", requestId: "9d1f", customerNumber: "919363406313", statusUpdatedAt: "2026-11-22 15:30:20" },
  email: { uuid: "2ba2", requestId: "1f6b", recipient: "asha@example.com", statusUpdatedAt: "2026-11-22 15:30:20" },
  voice: { uuid: "8ee1", destination: "919363406313", endTime: "2026-11-22 15:30:20" },
};
const field: Record<Product, string> = {
  ...{ sms: "status", whatsapp: "eventName", rcs: "eventName", email: "eventName", voice: "status" },
};
const report = (product: Product, word: unknown, more: Body = {}) => ({ ...bare[product], [field[product]]: word, ...more });

describe("words", () => {
  it.each<[Product, string[], string, string?]>([
    ["sms", ["1", "DELIVERED", "Delivered", " delivered "], "delivered"],
    ["sms", ["2", "FAILED"], "failed", "failed"],
    ["sms", ["9", "NDNC"], "failed", "dnd_blocked"],
    ["sms", ["16", "25", "Rejected"], "failed", "rejected"],
    ["sms", ["17", "Blocked number", "BLOCKED_NUMBER"], "failed", "recipient_blocked"],
    ["sms", ["20"], "failed", "country_blocked"],
    ["sms", ["Auto failed", "auto-failed"], "failed", "auto_failed"],
    ["sms", ["Submitted", "Sent", "Pending", "Sent/Pending"], "sent"],
    ["whatsapp", ["sent", "Submitted"], "sent"],
    ["whatsapp", ["delivered", "DELIVERED"], "delivered"],
    ["whatsapp", ["read", "Read"], "read"],
    ["whatsapp", ["Failed"], "failed", "failed"],
    ["whatsapp", ["undelivered"], "failed", "undelivered"],
    ["whatsapp", ["rejected"], "failed", "rejected"],
    ["whatsapp", ["deny", "Denied"], "failed", "denied"],
    ["whatsapp", ["clicked", "URL Click", "url_clicked"], "clicked"],
    ["rcs", ["submitted", "SENT"], "sent"],
    ["rcs", ["delivered"], "delivered"],
    ["rcs", ["Read"], "read"],
    ["rcs", ["failed"], "failed", "failed"],
    ["rcs", ["undelivered"], "failed", "undelivered"],
    ["rcs", ["rejected"], "failed", "rejected"],
    ["email", ["Accepted", "Sent"], "sent"],
    ["email", ["Delivered"], "delivered"],
    ["email", ["Failed"], "failed", "failed"],
    ["email", ["Rejected"], "failed", "rejected"],
    ["email", ["Bounced", "bounce"], "bounced"],
    ["email", ["Opened"], "opened"],
    ["email", ["Clicked", "URL Clicked"], "clicked"],
    ["email", ["Unsubscribed"], "unsubscribed"],
    ["email", ["Complaint", "Complaints", "complained"], "complained"],
    ["voice", ["Completed", "delivered", "answered"], "delivered"],
    ["voice", ["Failed"], "failed", "failed"],
    ["voice", ["Busy"], "failed", "busy"],
    ["voice", ["No answer", "no-answer", "NO_ANSWER"], "failed", "no_answer"],
  ])("of %s: %j is %s %s", (product, words, status, code) => {
    for (const word of words) {
      const said = draft(product, report(product, word));
      expect([said.channel, said.status, said.data.error_code]).toEqual([product, status, code]);
      expect(said.provider_data?.status).toBe(word.trim());
    }
  });

  it.each<[Product, string, string]>([
    ["sms", "Opt-out", "opt_out"],
    ["email", "Queued", "queued"],
    ["email", "Enqueued", "queued"],
    ["voice", "Queued", "queued"],
    ["voice", "Ringing", "ringing"],
  ])("of %s: %s is ignored, %s", (product, word, reason) => {
    expect(one(product, report(product, word))).toEqual({ ignored: reason });
  });

  it.each<Product>(["sms", "whatsapp", "rcs", "email", "voice"])(
    "of %s that hold a known word, or are none, are never guessed",
    (product) => {
      for (const word of ["not delivered", "undeliverable", "delivered soon", "already", "3", "8", "constructor", "__proto__"])
        expect(one(product, report(product, word))).toEqual({ ignored: "unknown_word", word });
      for (const nothing of ["0", "", " ", "null", "{{status}}", 0, null, undefined, {}, ["delivered"]])
        expect(one(product, report(product, nothing))).toEqual({ ignored: "no_status" });
    },
  );

  it("are bounced on e-mail alone", () => {
    for (const product of ["sms", "whatsapp", "rcs", "voice"] as const) {
      expect(one(product, report(product, "bounced"))).toMatchObject({ ignored: "unknown_word" });
      const failed = draft(product, report(product, "failed", { failureReason: "550 5.1.1 no such user" }));
      expect(failed).toMatchObject({ status: "failed", data: { error_reason: "550 5.1.1 no such user" } });
    }
  });

  it("of SMS: the code goes before the text, and a text that is known before a code that is not", () => {
    expect(draft("sms", report("sms", "2", { desc: "DELIVERED" }))).toMatchObject({ status: "failed" });
    expect(draft("sms", report("sms", "8", { desc: "DELIVERED" }))).toMatchObject({
      status: "delivered",
      provider_data: { status: "DELIVERED", code: "8" },
    });
    expect(draft("sms", report("sms", "0", { desc: "FAILED" })).provider_data).toEqual({
      status: "FAILED",
      recipient: "919512346558",
    });
  });

  it("of SMS: a text that is no word is the reason", () => {
    expect(draft("sms", report("sms", "2", { desc: "Absent Subscriber" })).data.error_reason).toBe("Absent Subscriber");
    expect(draft("sms", report("sms", "2", { desc: "FAILED" })).data.error_reason).toBeNull();
    expect(draft("sms", report("sms", "2", { desc: "Text", failedReason: "Why" })).data.error_reason).toBe("Why");
  });
});

describe("a bounce", () => {
  it.each([
    ["550 5.1.1 The email account that you tried to reach does not exist.", "bounced", "hard", "5.1.1"],
    ["550-5.7.1 rejected by policy", "bounced", "hard", "5.7.1"],
    ["550 no such user", "bounced", "hard", "550"],
    ["552 5.2.2 over quota", "bounced", "soft", "5.2.2"],
    ["552 mailbox full", "bounced", "soft", "552"],
    ["421 4.7.0 try again later", "bounced", "soft", "4.7.0"],
    ["451 greylisted", "bounced", "soft", "451"],
    ["smtp; 5.1.10 RESOLVER.ADR.RecipientNotFound", "bounced", "hard", "5.1.10"],
    ["Suppressed", "failed", undefined, undefined],
    ["refused by 5.22.13.7", "failed", undefined, undefined],
    ["in 550 seconds", "failed", undefined, undefined],
    ["", "failed", undefined, undefined],
  ])("that is called a failure: %s", (reason, status, type, code) => {
    const said = draft("email", report("email", "Failed", { reason }));
    expect([said.status, said.data.bounce_type, said.provider_data?.code]).toEqual([status, type, code]);
    expect(said.data.bounce_reason ?? said.data.error_reason).toBe(reason || null);
    expect(draft("email", report("email", "Bounced", { reason }))).toMatchObject({
      status: "bounced",
      data: { bounce_type: type ?? "soft" },
    });
  });

  it("is none where a status stands beside another word", () => {
    expect(draft("email", report("email", "Delivered", { reason: "550 5.1.1 earlier" })).status).toBe("delivered");
  });
});

describe("nothing", () => {
  const nothings = ["0", "", "  ", "null", "{{x}}", "{{ x }}", "{{a}}{{b}}", 0, null, undefined, {}, []];

  it.each(nothings)("is %j, in every field", (nothing) => {
    const said = draft("sms", {
      ...{ requestId: "r", status: "2", telNum: nothing, deliveryTime: nothing, requestedAt: nothing, failureReason: nothing },
      ...{ senderId: nothing, campaignName: nothing, CRQID: nothing, crqid: nothing, meta: nothing, userId: nothing },
      ...{ variables: nothing, homing_workspace_id: nothing, message_id: nothing, campaign_id: nothing, contact_id: nothing },
    });
    expect(said).toEqual({
      key: '["sms","r",null,"failed",null]',
      occurredAt: null,
      metadata: [],
      references: [{ kind: "request", value: "r" }],
      channel: "sms",
      status: "failed",
      data: { message_id: "r", error_code: "failed", error_reason: null },
      provider_data: { status: "2", recipient: null, code: "2" },
    });
  });

  it.each(nothings)("is %j inside variables, too", (nothing) => {
    const variables = { homing_workspace_id: ACME, message_id: "m_1", campaign_id: nothing, contact_id: nothing };
    for (const given of [variables, JSON.stringify(variables)])
      expect(draft("sms", report("sms", "1", { variables: given })).metadata).toEqual([
        { where: "variables", fields: { homing_workspace_id: ACME, message_id: "m_1" } },
      ]);
  });

  it.each<Product>(["sms", "whatsapp", "rcs", "email", "voice"])("is no id of %s: without any, a report fails", (product) => {
    const ids = { uuid: "0", requestId: "", CRQID: "0", crqid: "{{crqid}}", meta: "0" };
    expect(one(product, report(product, "failed", ids))).toEqual({ failed: "no_message_id" });
  });

  it("stands for what a person said, unless it is the person's own 0", () => {
    const reply = (text: unknown, more: Body = {}) =>
      draft("whatsapp", { ...bare.whatsapp, direction: "0", text, ...more }).data.reply_text;
    expect(reply("0")).toBe("0");
    for (const nothing of ["", " ", "{{text}}", null, {}, []]) expect(reply(nothing)).toBeNull();
    expect(reply("", { content: '{"text":"Hi"}' })).toBe("Hi");
  });
});

describe("metadata", () => {
  const read = (more: Body, product: Product = "whatsapp") =>
    (draft(product, report(product, "failed", more)).metadata ?? []).map((entry) => [
      entry.where,
      readMetadata(entry).workspace,
      readMetadata(entry).context.message_id,
    ]);

  it("is read from variables, then the top of the body, then CRQID and crqid", () => {
    expect(
      read({
        crqid: `${ACME}.m_4`,
        CRQID: `${ACME.replaceAll("-", "")}.m_3`,
        workspace_id: ACME,
        message_id: "m_2",
        variables: { homing_workspace_id: ACME, message_id: 1 },
      }),
    ).toEqual([
      ["variables", ACME, "1"],
      ["body", ACME, "m_2"],
      ["CRQID", ACME, "m_3"],
      ["crqid", ACME, "m_4"],
    ]);
  });

  it.each([
    ['{"workspace_id":"x"', []],
    ["plain text", []],
    ['["a"]', []],
    ['{"otp":"482913"}', []],
    [`{"workspace_id":"${ACME}","toString":"x","__proto__":{"message_id":"m"}}`, [["variables", ACME, undefined]]],
  ])("of variables %s", (variables, expected) => {
    expect(read({ variables })).toEqual(expected);
  });

  it("is of CleverTap's layout its meta", () => {
    const [said] = outcomes("sms", [{ data: [{ meta: `${ACME}.m_1`, ts: 1726729500 }], event: "delivered" }]);
    expect(said).toMatchObject({ metadata: [{ where: "meta", fields: `${ACME}.m_1` }], references: [] });
  });

  it("is neither UUID, nor clientId, nor anything else", () => {
    const more = { UUID: `${ACME}.m_1`, clientid: ACME, clientId: ACME, INMSID: `${ACME}.m_1`, campaignName: ACME };
    expect(read(more, "sms")).toEqual([]);
  });

  it("says nothing where the CRQID is somebody's own", () => {
    for (const crqid of ["MSG91_RCS", ACME, `${ACME}.`, `${ACME}.m 1`, "order.42"])
      expect(read({ crqid })).toEqual([["crqid", null, undefined]]);
  });

  it("is never what a person may have written", () => {
    const said = draft("whatsapp", {
      ...bare.whatsapp,
      ...{ direction: "0", text: "Hi", crqid: `${BETA}.m_1`, homing_workspace_id: BETA, variables: { workspace_id: BETA } },
    });
    expect(said.status).toBe("replied");
    expect(JSON.stringify(said)).not.toContain(BETA);
  });
});

describe("references", () => {
  const of = (product: Product, body: unknown) => draft(product, body).references;

  it("name a message of a bulk send by its recipient", () => {
    expect(of("sms", report("sms", "1"))).toEqual([
      { kind: "message", value: "346a6b7a4c5d6e7f80912133:919512346558", learn: "30d" },
      { kind: "request", value: "346a6b7a4c5d6e7f80912133" },
    ]);
    expect(of("email", report("email", "Delivered", { uuid: "", recipient: "Asha@Example.com" }))).toEqual([
      { kind: "message", value: "1f6b:asha@example.com", learn: "30d" },
      { kind: "request", value: "1f6b" },
    ]);
  });

  it("are never learned of our own account, a send call or a number", () => {
    const more = { companyId: "271234", integratedNumber: "+91 98123 45678" };
    expect(of("whatsapp", report("whatsapp", "read", more))?.slice(2)).toEqual([
      { kind: "request", value: "8c1f" },
      { kind: "number", value: "919812345678" },
      { kind: "account", value: "271234", own: true },
    ]);
    expect(of("sms", report("sms", "1", { userId: "271234" }))?.at(-1)).toEqual({ kind: "account", value: "271234", own: true });
  });

  it("are the same however a number is written", () => {
    const written = ["919512346558", "+919512346558", "+91 95123-46558", 919512346558];
    const said = written.map((telNum) => draft("sms", report("sms", "1", { telNum })));
    expect(new Set(said.map(({ key, references, provider_data }) => JSON.stringify([key, references, provider_data]))).size).toBe(
      1,
    );
    expect(draft("sms", report("sms", "1", { telNum: "9181588XXXXX" })).provider_data?.recipient).toBe("9181588XXXXX");
  });
});

describe("the key", () => {
  it.each<[Product, Body]>([
    ["sms", { telNum: "919512346559" }],
    ["sms", { requestId: "other" }],
    ["sms", { deliveryTime: "2026-11-22 15:30:21" }],
    ["sms", { status: "2" }],
    ["whatsapp", { uuid: "wamid.B" }],
    ["whatsapp", { eventName: "read" }],
    ["whatsapp", { statusUpdatedAt: "2026-11-22 15:30:21" }],
    ["rcs", { uuid: "other" }],
    ["email", { uuid: "other" }],
    ["email", { eventName: "Opened" }],
    ["voice", { uuid: "other" }],
  ])("of %s differs by %j", (product, change) => {
    expect(key(product, report(product, "delivered", change))).not.toBe(key(product, report(product, "delivered")));
  });

  it.each<[Product, Body]>([
    ["sms", { deliveryTime: "2026-11-22T15:30:20+05:30" }],
    ["sms", { deliveryTime: "2026-11-22T10:00:20.000Z" }],
    ["sms", { deliveryTime: "1795341620" }],
    ["sms", { deliveryTime: undefined, date: "2026-11-22 15:30:20" }],
    ["sms", { telNum: undefined, number: "919512346558", credit: "1", CRQID: `${ACME}.m_1` }],
    ["sms", { status: "1", desc: "DELIVERED" }],
    ["whatsapp", { eventName: undefined, status: "Delivered", customerNumber: undefined, mobile: "919363406313" }],
    ["whatsapp", { requestId: undefined, crqid: `${ACME}.m_1`, statusUpdatedAt: "2026-11-22T15:30:20+05:30" }],
    ["email", { url: "https://acme.in" }],
    ["voice", { endTime: undefined, startTime: "2026-11-22 15:30:20" }],
  ])("of %s does not by %j", (product, change) => {
    expect(key(product, report(product, "delivered", change))).toBe(key(product, report(product, "delivered")));
  });

  it("survives another batch and another version of the webhook", () => {
    const call = (...reports: Body[]) => ({ requestId: "r", senderId: "ACMEIN", report: reports });
    const entry = (number: string) => ({ date: "2026-11-22 15:30:20", number, status: "1", desc: "DELIVERED" });
    const keys = (body: unknown) => outcomes("sms", body).map((said) => ("key" in said ? said.key : null));
    const both = keys(form([call(entry("919512346558"), entry("919512346559"))]));
    expect(keys(form([call(entry("919512346559"))]))).toEqual([both[1]]);
    expect(keys(form([call(entry("919512346559")), call(entry("919512346558"))]))).toEqual([...both].reverse());
    const v3 = { requestId: "r", ...entry("919512346558") };
    const fresh = { requestId: "r", telNum: "919512346558", deliveryTime: "2026-11-22 15:30:20", status: "Delivered" };
    expect([...keys(v3), ...keys(fresh)]).toEqual([both[0], both[0]]);
  });

  it("tells two links apart that were clicked in the same second", () => {
    const click = (url: string) => report("email", "Clicked", { url });
    expect(key("email", click("https://acme.in/a"))).not.toBe(key("email", click("https://acme.in/b")));
    expect(draft("email", click("https://acme.in/a")).data.link_url).toBe("https://acme.in/a");
    expect(draft("whatsapp", report("whatsapp", "URL click", { url: "a", clickedUrl: "b" })).data.link_url).toBe("b");
    expect(draft("email", report("email", "Clicked")).data.link_url).toBeNull();
  });

  it("is told by the request where the report has no time, and its time is nobody's", () => {
    const at = (requestedAt: string) => draft("sms", { ...report("sms", "2"), deliveryTime: "", requestedAt });
    expect(at("2026-11-22 15:30:02").key).not.toBe(at("2026-11-22 15:30:03").key);
    expect(at("2026-11-22 15:30:02").occurredAt).toBeNull();
  });
});

describe("a time", () => {
  it.each<[Product, Body, string]>([
    ["sms", { deliveryTime: "2026-11-22 15:30:20" }, "2026-11-22T10:00:20.000Z"],
    ["sms", { deliveryTime: "2026-11-22 00:10:00" }, "2026-11-21T18:40:00.000Z"],
    ["rcs", { statusUpdatedAt: "2025-07-11 09:44:52.101000" }, "2025-07-11T04:14:52.101Z"],
    ["whatsapp", { statusUpdatedAt: "2026-05-29T10:01:12+05:30" }, "2026-05-29T04:31:12.000Z"],
    ["whatsapp", { statusUpdatedAt: "", ts: "2026-05-29T10:01:12Z" }, "2026-05-29T10:01:12.000Z"],
    ["voice", { startTime: "2025-07-14 09:23:31", endTime: "2025-07-14 09:24:05" }, "2025-07-14T03:54:05.000Z"],
    ["voice", { startTime: "2025-07-14 09:23:31", endTime: "" }, "2025-07-14T03:53:31.000Z"],
  ])("of %s: %j", (product, more, expected) => {
    expect(draft(product, report(product, "failed", more)).occurredAt?.toISOString()).toBe(expected);
  });

  it.each(["2026-02-30 10:00:00", "soon", "2026-11-22", "99"])("%s is none", (deliveryTime) => {
    expect(draft("sms", report("sms", "1", { deliveryTime })).occurredAt).toBeNull();
  });
});

describe("the versions of the SMS webhook", () => {
  it("tell the body's way by the body", () => {
    const body = form([{ requestId: "r", report: [{ number: "919512346558", status: "1" }] }]);
    const headers = { "content-type": "application/json" };
    expect(outcomes("sms", body, headers)).toEqual(outcomes("sms", body));
    expect(outcomes("sms", ` \n${JSON.stringify(report("sms", "1"))}`)).toHaveLength(1);
  });

  it("decode the form once: blanks as +, and a literal + as %2B", () => {
    const entry = { number: "+919512346558", status: "2", failedReason: "a+b & c=d", date: "2026-11-22 15:30:20" };
    const said = outcomes("sms", form([{ requestId: "r", report: [entry] }]))[0];
    expect(said).toMatchObject({ data: { error_reason: "a+b & c=d" }, provider_data: { recipient: "919512346558" } });
  });

  it.each(["", "data=", "data=%5B", "other=%5B%5D", "<html>", "null", '"text"', "{"])("keep %j as unreadable", (body) => {
    expect(() => outcomes("sms", body)).toThrow("unreadable");
  });

  it("let one broken entry fail alone", () => {
    const calls = [{ requestId: "r", report: [null, "x", 7, [], { number: "919512346558", status: "1" }] }, "y"];
    expect(outcomes("sms", form(calls)).map((said) => ("failed" in said ? said.failed : "fine"))).toEqual([
      ...["unreadable_item", "unreadable_item", "unreadable_item", "unreadable_item", "fine", "unreadable_item"],
    ]);
  });

  it("take one report that is in no list", () => {
    expect(outcomes("sms", form({ requestId: "r", report: { number: "919512346558", status: "1" } }))).toHaveLength(1);
  });

  it("keep digits beyond 2^53", () => {
    expect(draft("sms", '{"requestId":34612345678901234567,"telNum":919512346558,"status":1}').data.message_id).toBe(
      "34612345678901234567",
    );
  });

  it("do not get lost in nested lists", () => {
    let nested: unknown = [{ requestId: "r", status: "1" }];
    for (let depth = 0; depth < 2000; depth++) nested = [{ data: nested }];
    expect(outcomes("sms", nested)).toEqual([{ ignored: "no_status" }]);
  });
});

describe("a reply", () => {
  const inbound = { customerNumber: "919363406313", integratedNumber: "919812345678", uuid: "wamid.REPLY", direction: "0" };
  const messages = (more: Body, text = true) => {
    const list = [{ from: "919363406313", id: "wamid.ORIGINAL", timestamp: "1795341661", ...more }];
    return text ? JSON.stringify(list) : list;
  };
  const reply = (more: Body, product: Product = "whatsapp") => draft(product, { ...inbound, text: "Hi", ...more });

  it("is about the message that it answers, and names its own", () => {
    expect(reply({ replyMsgId: "wamid.OURS", messages: messages({}) })).toMatchObject({
      status: "replied",
      key: '["whatsapp","wamid.ORIGINAL","919363406313","replied"]',
      references: [
        { kind: "message", value: "wamid.OURS" },
        { kind: "number", value: "919812345678" },
      ],
      data: { message_id: "wamid.OURS", reply_text: "Hi" },
      provider_data: { recipient: "919363406313", reply_id: "wamid.ORIGINAL" },
    });
  });

  it("teaches nothing", () => {
    const said = reply({ replyMsgId: "wamid.OURS", requestId: "req", companyId: "271234" });
    expect(said.references?.map(({ kind, learn }) => [kind, learn])).toEqual([
      ...[["message"], ["message"], ["request"], ["number"], ["account"]].map(([kind]) => [kind, undefined]),
    ]);
  });

  it("finds the answered message in WhatsApp's own words, too", () => {
    expect(reply({ messages: messages({ context: { id: "wamid.OURS" } }) }).data.message_id).toBe("wamid.OURS");
    expect(reply({ replyMsgId: "0" }).data.message_id).toBe("wamid.REPLY");
  });

  it("is one event, however often and by which webhook it comes", () => {
    const [request, again] = [
      { messages: messages({}) },
      { messages: messages({}, false), uuid: "another", eventName: "delivered" },
    ];
    expect(reply(request).key).toBe(reply(again).key);
    expect(reply({}).key).not.toBe(reply({ uuid: "another" }).key);
  });

  it("without an id of its own is told apart by its time and text", () => {
    const at = (ts: string, text: string) => reply({ uuid: "", replyMsgId: "wamid.OURS", ts, text }).key;
    const keys = [at("2026-11-22 15:31:01", "a"), at("2026-11-22 15:31:02", "a"), at("2026-11-22 15:31:01", "b")];
    expect(new Set(keys).size).toBe(3);
    expect(one("whatsapp", { ...inbound, uuid: "", text: "Hi" })).toEqual({ failed: "no_message_id" });
  });

  it.each<[string, Body, string | null]>([
    ["text", { text: "Hi" }, "Hi"],
    ["an object", { text: { text: "Hi" } }, "Hi"],
    ["an object with a body", { text: { body: "Hi" } }, "Hi"],
    ["content as JSON", { text: "", content: '{"text":"Hi"}' }, "Hi"],
    ["content as text", { text: "", content: "Hi" }, "Hi"],
    ["a button", { text: "", button: '{"payload":"BOOK::42","text":"Book now"}' }, "Book now"],
    ["a button in a list", { text: "", button: '[{"text":"Book now"}]' }, "Book now"],
    ["a quick reply", { text: "", interactive: '{"type":"button_reply","button_reply":{"id":"1","title":"Yes"}}' }, "Yes"],
    ["a list", { text: "", interactive: { list_reply: { id: "1", title: "Tomorrow" } } }, "Tomorrow"],
    ["a caption", { text: "", messages: messages({ type: "image", image: { id: "1", caption: "Look" } }) }, "Look"],
    ["a reaction", { text: "", messages: messages({ type: "reaction", reaction: { emoji: "👍" } }) }, "👍"],
    ["its own words", { text: "", messages: messages({ text: { body: "Hi" } }, false) }, "Hi"],
    ["a text that looks like JSON", { text: "[sic]" }, "[sic]"],
    ["an image alone", { text: "", content: '{"attachment_url":"https://x.example/1.jpg"}' }, null],
    ["a sticker", { text: "", contentType: "sticker" }, null],
  ])("says its text in %s", (_where, more, text) => {
    expect(reply(more).data.reply_text).toBe(text);
  });

  it.each<[Body, boolean]>([
    [{ direction: "0" }, true],
    [{ direction: 0 }, true],
    [{ direction: "Inbound" }, true],
    [{ direction: "1", eventName: "read" }, false],
    [{ direction: 1, eventName: "read", messages: messages({}) }, false],
    [{ direction: "", webhookType: "inbound" }, true],
    [{ direction: "", webhookType: "outbound", eventName: "read" }, false],
    [{ direction: "", webhookType: "1", eventName: "read", text: "Hi" }, false], // a number of theirs, not a direction
    [{ direction: "{{direction}}", messages: messages({}) }, true],
    [{ direction: "", replyMsgId: "wamid.OURS" }, true],
    [{ direction: "", replyMsgId: "wamid.OURS", eventName: "read" }, false],
    [{ direction: {}, eventName: "read" }, false],
  ])("is told from a report: %j", (more, expected) => {
    expect(reply(more).status === "replied").toBe(expected);
  });

  it("is none where the business itself wrote, in its app", () => {
    const own = { ignored: "own_message" };
    expect(one("whatsapp", { ...inbound, customerNumber: "+919812345678", text: "Hi" })).toEqual(own);
    expect(one("whatsapp", { ...inbound, messages: messages({ from: "919812345678" }) })).toEqual(own);
  });

  it("comes by RCS as well", () => {
    expect(reply({ text: "", content: '{"text":"Yes"}' }, "rcs")).toMatchObject({
      channel: "rcs",
      status: "replied",
      data: { message_id: "wamid.REPLY", reply_text: "Yes" },
    });
  });

  it.each([
    [{ ts: "2026-11-22T15:31:01+05:30", requestedAt: "2026-11-22 15:31:09" }, "2026-11-22T10:01:01.000Z"],
    [{ messages: messages({}), requestedAt: "2026-11-22 15:31:09" }, "2026-11-22T10:01:01.000Z"],
    [{ requestedAt: "2026-11-22 15:31:09.000000" }, "2026-11-22T10:01:09.000Z"],
  ])("has its time: %j", (more, expected) => {
    expect(reply(more).occurredAt?.toISOString()).toBe(expected);
  });
});

describe("what is no report", () => {
  it.each<Product>(["sms", "whatsapp", "rcs", "email", "voice"])("of %s: a Test Run", (product) => {
    for (const mark of [{ dryRun: true }, { dryRun: "true" }, { crqid: "testing_crqid" }, { CRQID: "testing_crqid" }])
      expect(one(product, report(product, "delivered", mark))).toEqual({ ignored: "provider_test" });
    expect(one(product, report(product, "delivered", { dryRun: "{{dryRun}}" }))).toMatchObject({ status: "delivered" });
  });

  it.each(["inbound", "Incoming"])("a call from outside: %s", (direction) => {
    expect(one("voice", report("voice", "Completed", { direction }))).toEqual({ ignored: "inbound_call" });
    expect(one("voice", report("voice", "Completed", { type: direction }))).toEqual({ ignored: "inbound_call" });
  });

  it("a template that was never filled in", () => {
    for (const [product, template] of templates()) {
      const said = one(product, template);
      expect([product, said]).toEqual([
        product,
        "webhookType" in template ? { failed: "no_message_id" } : { ignored: "no_status" },
      ]);
    }
  });
});

/** What may be a one-time code is neither told nor shown. */
describe("codes", () => {
  it.each<[Product, Body]>([
    ["sms", { msgData: "482913 is your code", variables: { otp: "482913" } }],
    ["whatsapp", { content: '{"body_1":{"type":"text","value":"482913"}}', variables: '{"otp":"482913"}' }],
    ["rcs", { content: "482913", variables: { otp: 482913 } }],
    ["email", { variables: { otp: "482913" } }],
    ["voice", { ivrInputs: '["482913"]', variables: { otp: "482913" } }],
  ])("of %s", (product, more) => {
    const body = JSON.stringify(report(product, "delivered", more));
    expect(JSON.stringify(one(product, body))).not.toContain("482913");
    expect(hideFields(body, adapters[product]?.hidden ?? [])).not.toContain("482913");
  });
});

/** The templates of the README, by product, in its order. */
function templates(): [Product, Body][] {
  const readme = readFileSync(join(import.meta.dirname, "../../providers/msg91/README.md"), "utf8");
  const blocks = [...readme.matchAll(/```json\n([^`]+)```/g)].map(([, block]) => JSON.parse(block as string) as Body);
  const products: Product[] = ["sms", "whatsapp", "whatsapp", "rcs", "email", "voice"];
  expect(blocks).toHaveLength(products.length);
  return products.map((product, index) => [product, blocks[index] as Body]);
}

describe("our templates", () => {
  const values: Body = {
    ...{ CRQID: `${ACME}.m_1.c_1`, crqid: `${ACME}.m_1.c_1`, uuid: "u", requestId: "r", companyId: "271234", direction: "1" },
    ...{ telNum: "919512346558", customerNumber: "919512346558", destination: "919512346558", recipient: "asha@example.com" },
    ...{ status: "delivered", eventName: "delivered", requestedAt: "2026-11-22 15:30:02", integratedNumber: "919812345678" },
    ...{ deliveryTime: "2026-11-22 15:30:20", statusUpdatedAt: "2026-11-22 15:30:20", endTime: "2026-11-22 15:30:20" },
  };
  const filled = (template: Body, more: Body = {}) =>
    Object.fromEntries(
      Object.entries(template).map(([name, placeholder]) => {
        const asked = /^\{\{(\w+)\}\}$/.exec(placeholder as string)?.[1];
        if (!asked) return [name, placeholder];
        expect(name).toBe(asked);
        return [name, { ...values, ...more }[asked] ?? ""];
      }),
    );
  const outbound = () => templates().filter(([, template]) => !("webhookType" in template));

  it.each(outbound())("of %s say whose it is, to whom and when", (product, template) => {
    const said = draft(product, filled(template));
    expect(said).toMatchObject({ status: "delivered", occurredAt: new Date("2026-11-22T10:00:20Z") });
    expect(said.metadata?.map((entry) => readMetadata(entry))).toMatchObject([
      { workspace: ACME, context: { message_id: "m_1", campaign_id: "c_1" } },
    ]);
    expect(said.provider_data?.recipient).toBe(product === "email" ? "asha@example.com" : "919512346558");
  });

  it("of an inbound WhatsApp message says what it answers", () => {
    const inbound = templates().find(([, template]) => "webhookType" in template)?.[1] as Body;
    const said = draft("whatsapp", filled(inbound, { direction: "", replyMsgId: "wamid.OURS", text: "Hi", uuid: "wamid.X" }));
    expect(said).toMatchObject({ status: "replied", data: { message_id: "wamid.OURS", reply_text: "Hi" } });
  });
});

describe("the fixtures", () => {
  it("resent are what they were", () => {
    const keysOf = (name: string) => {
      const found = fixtures("msg91").find((fixture) => fixture.name === name);
      const [, dialect] = found?.adapter.split("/") ?? [];
      return outcomes(dialect as Product, found?.body.toString() ?? "").map((said) => ("key" in said ? said.key : said));
    };
    expect(keysOf("sms-v2-two-recipients")).toContain(keysOf("sms-v2-resend")[0]);
    for (const name of ["whatsapp-read", "rcs-delivered", "email-bounced", "voice-completed"])
      expect(keysOf(`${name}-resent`)).toEqual(keysOf(name));
    expect(keysOf("whatsapp-reply-report")).toEqual(keysOf("whatsapp-reply"));
    expect(keysOf("whatsapp-read")).not.toEqual(keysOf("whatsapp-delivered"));
  });
});
