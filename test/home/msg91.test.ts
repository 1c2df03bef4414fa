import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME, BETA } from "../support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";

type Body = Record<string, unknown>;
const entry = (number: string, CRQID: string, more: Body = {}): Body => ({
  ...{ date: "2026-05-29 10:00:20", clientid: "", INMSID: "0", CRQID, number, status: "1", desc: "DELIVERED", failedReason: "" },
  ...more,
});
const call = (requestId: string, ...report: Body[]) => ({ requestId, senderId: "SHARED", report, userId: "271234" });
/** SMS v2, as MSG91 sends it. */
const form = (...calls: Body[]) => new URLSearchParams({ data: JSON.stringify(calls) }).toString();
const FORM = { "content-type": "application/x-www-form-urlencoded" };

const outbound = (uuid: string, more: Body = {}): Body => ({
  ...{ crqid: "", companyId: "271234", customerNumber: "919363406313", integratedNumber: "919812345678", uuid },
  ...{ requestId: `request-of-${uuid}`, eventName: "delivered", reason: "", direction: "1" },
  ...{ requestedAt: "2026-05-29 10:00:58.120000", statusUpdatedAt: "2026-05-29T10:01:12+05:30" },
  ...more,
});
const inbound = (id: string, more: Body = {}): Body => ({
  ...{ crqid: "", companyId: "271234", customerNumber: "919363406313", integratedNumber: "919812345678", uuid: `u-${id}` },
  ...{ direction: "0", requestId: "", text: "Yes please", ts: "2026-05-29T10:06:01+05:30", replyMsgId: "" },
  messages: JSON.stringify([{ from: "919363406313", id: `wamid.${id}`, text: { body: "Yes please" }, type: "text" }]),
  ...more,
});

describe.each(databases)("MSG91 comes home on the %s database", (kind) => {
  let homing: TestGateway;
  const shared = (adapter: string, body: unknown, headers: Record<string, string> = {}) =>
    homing.callback(adapter, body, { path: homing.path(adapter, "_"), headers });
  const emittedBy = async (callbackId: string) => (await homing.events()).filter((event) => event.callback_id === callbackId);
  const traceOf = async (callbackId: string) => (await homing.api("GET", `/v1/callbacks/${callbackId}`)).body;
  beforeAll(async () => {
    homing = await startGateway(kind);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
  });
  afterAll(() => homing.close());

  it("two brands' reports in one POST go through the platform's URL, each to its own", async () => {
    const body = form(
      call("req-a", entry("919512346558", `${ACME}.m_a.diwali.asha`)),
      call("req-b", entry("919512346559", `${BETA.replaceAll("-", "")}.m_b`, { status: "9", desc: "NDNC" })),
    );
    const { body: answer } = await shared("msg91/sms", body, FORM);
    expect(answer).toMatchObject({ status: "accepted", events: 2, unmatched: 0 });
    expect(await emittedBy(answer.callback_id)).toMatchObject([
      {
        ...{ workspace_id: ACME, workspace_source: "metadata", variant: "sms.delivered", dialect: "sms" },
        occurred_at: "2026-05-29T04:30:20.000Z",
        data: { message_id: "m_a", campaign_id: "diwali", contact_id: "asha", channel: "sms" },
        provider_data: { message_id: "req-a", recipient: "919512346558", code: "1" },
      },
      {
        ...{ workspace_id: BETA, workspace_source: "metadata", variant: "sms.failed" },
        data: { message_id: "m_b", error_code: "dnd_blocked", error_reason: null },
      },
    ]);
    expect((await traceOf(answer.callback_id)).request.path).toBe("/callbacks/msg91/sms/_/…");

    const again = await shared("msg91/sms", form(call("req-b", entry("919512346559", "0", { status: "9", desc: "NDNC" }))), FORM);
    expect(again.body).toMatchObject({ status: "duplicate", duplicates: 1 });
  });

  it("without the token, with another's, or with a static one that nobody gave us, it is refused", async () => {
    const report = outbound("refused", { crqid: `${ACME}.m_1` });
    const refused = async (options: Parameters<TestGateway["callback"]>[2]) => {
      const { status, body } = await homing.callback("msg91/whatsapp", report, options);
      return [status, body.error.code];
    };
    expect(await refused({})).toEqual([401, "token_missing"]);
    const [, token] = homing.path("msg91/sms", "_").split("/_/");
    expect(await refused({ path: `/callbacks/msg91/whatsapp/_/${token}` })).toEqual([401, "token_mismatch"]);
    expect(await refused({ headers: { "x-callback-token": "nobody-gave-us-this" } })).toEqual([401, "token_mismatch"]);
  });

  it("a brand's own static token places what says nothing of ours", async () => {
    const secret = "a-random-text-of-beta-0123456789";
    await homing.api("PUT", "/v1/secrets/msg91/voice", { workspace_id: BETA, secrets: [secret] });
    const report = { uuid: "call-1", CRQID: "0", status: "Busy", destination: "919363406313", endTime: "2026-05-29 10:00:20" };
    const answer = await homing.callback("msg91/voice", report, {
      path: `/callbacks/msg91/voice/${BETA}`,
      headers: { "x-callback-token": secret },
    });
    expect(answer.body).toMatchObject({ status: "accepted", events: 1 });
    expect(await emittedBy(answer.body.callback_id)).toMatchObject([
      { workspace_id: BETA, workspace_source: "credential", variant: "voice.failed", data: { error_code: "busy" } },
    ]);
    expect(JSON.stringify(await traceOf(answer.body.callback_id))).not.toContain(secret);
  });

  it("one bulk send's requestId is no message: each recipient's report finds its own, also once the CRQID is lost", async () => {
    await shared(
      "msg91/sms",
      form(call("bulk", entry("919500000001", `${ACME}.m_1.c_1`), entry("919500000002", `${BETA}.m_2.c_2`))),
      FORM,
    );
    const later = { date: "2026-05-29 10:09:00", status: "2", desc: "FAILED", failedReason: "Absent Subscriber" };
    const { body } = await shared(
      "msg91/sms",
      form(call("bulk", ...["919500000001", "919500000002", "919500000003"].map((number) => entry(number, "0", later)))),
      FORM,
    );
    expect(body).toMatchObject({ status: "unmatched", events: 2, unmatched: 1 });
    expect(
      (await emittedBy(body.callback_id)).map(({ workspace_id, workspace_source, data }) => [
        workspace_id,
        workspace_source,
        data.message_id,
        data.campaign_id,
      ]),
    ).toEqual([
      [ACME, "lookup", "m_1", "c_1"],
      [BETA, "lookup", "m_2", "c_2"],
    ]);
    // Who knows whose the send call was may say so.
    const told = await homing.api("PUT", "/v1/bindings", {
      ...{ provider: "msg91", dialect: "sms", kind: "request", value: "bulk-of-acme", workspace_id: ACME },
    });
    expect(told.status).toBe(200);
    const placed = await shared("msg91/sms", form(call("bulk-of-acme", entry("919500000004", "0"))), FORM);
    expect(await emittedBy(placed.body.callback_id)).toMatchObject([{ workspace_id: ACME, workspace_source: "lookup" }]);
  });

  it("a reply is found through the message that it answers, and told once", async () => {
    const sent = await shared("msg91/whatsapp", outbound("wamid.OURS", { crqid: `${BETA}.m_77.diwali.asha` }));
    expect(sent.body).toMatchObject({ status: "accepted", events: 1 });
    const { body } = await shared("msg91/whatsapp", inbound("THEIRS", { replyMsgId: "wamid.OURS" }));
    expect(body).toMatchObject({ status: "accepted", events: 1 });
    expect(await emittedBy(body.callback_id)).toMatchObject([
      {
        ...{ workspace_id: BETA, workspace_source: "lookup", variant: "whatsapp.replied", type: "delivery.replied" },
        occurred_at: "2026-05-29T04:36:01.000Z",
        data: { message_id: "m_77", campaign_id: "diwali", contact_id: "asha", reply_text: "Yes please" },
        provider_data: { message_id: "wamid.OURS", reply_id: "wamid.THEIRS", recipient: "919363406313" },
      },
    ]);
    const again = await shared(
      "msg91/whatsapp",
      inbound("THEIRS", { replyMsgId: "wamid.OURS", uuid: "fresh", eventName: "delivered" }),
    );
    expect(again.body).toMatchObject({ status: "duplicate" });
    const { body: message } = await homing.api("GET", "/v1/messages/m_77");
    expect(message.data).toMatchObject([{ workspace_id: BETA, recipient: "919363406313", state: "replied" }]);
    expect(message.data[0].events).toHaveLength(2);
  });

  it("a reply that overtakes every report waits, and comes home with the first", async () => {
    const early = await shared("msg91/whatsapp", inbound("EARLY", { replyMsgId: "wamid.LATE" }));
    expect(early.body).toMatchObject({ status: "unmatched", unmatched: 1 });
    expect((await traceOf(early.body.callback_id)).reason).toBe("no_reference_bound");
    await shared("msg91/whatsapp", outbound("wamid.LATE", { crqid: `${ACME}.m_late`, eventName: "read" }));
    await homing.settled();
    expect(await emittedBy(early.body.callback_id)).toMatchObject([
      { workspace_id: ACME, workspace_source: "lookup", variant: "whatsapp.replied", data: { message_id: "m_late" } },
    ]);
  });

  it("a reply to an unknown message goes nowhere by guess, whatever stands in it; a told number places it", async () => {
    const number = "919811111111";
    await shared("msg91/whatsapp", outbound("wamid.ACMES", { crqid: `${ACME}.m_9`, integratedNumber: number }));
    const forged = { homing_workspace_id: BETA, variables: { workspace_id: BETA }, crqid: `${BETA}.m_9` };
    const { body } = await shared(
      "msg91/whatsapp",
      inbound("FIRST", { integratedNumber: number, replyMsgId: "wamid.?", ...forged }),
    );
    expect(body).toMatchObject({ status: "unmatched", unmatched: 1 });
    const bound = await homing.api("PUT", "/v1/bindings", {
      ...{ provider: "msg91", dialect: "whatsapp", kind: "number", value: number, workspace_id: ACME },
    });
    expect(bound.body).toMatchObject({ rematched: 1 });
    expect(await emittedBy(body.callback_id)).toMatchObject([{ workspace_id: ACME, data: { message_id: "wamid.?" } }]);
  });

  it("what stands for nothing is nothing: it names no workspace, no message and no reference", async () => {
    const nothings = ["0", "", "{{CRQID}}"];
    const answers = await Promise.all(
      nothings.map((nothing, index) =>
        shared("msg91/sms", {
          ...{ requestId: `absent-${index}`, telNum: "919512346560", status: "Delivered", deliveryTime: "2026-05-29 10:00:20" },
          ...{ CRQID: nothing, message_id: nothing, homing_workspace_id: nothing, variables: nothing, senderId: nothing },
        }),
      ),
    );
    for (const { body } of answers) {
      expect(body).toMatchObject({ status: "unmatched", unmatched: 1 });
      const trace = await traceOf(body.callback_id);
      expect(trace.reason).toBe("no_reference_bound");
      expect(trace.items[0].ways.find(({ way }: Body) => way === "metadata")).toMatchObject({ looked_at: [], answer: null });
    }
    const own = await homing.callback(
      "msg91/sms",
      { requestId: "absent-9", telNum: "0", status: "1", deliveryTime: "", CRQID: "0", message_id: "0", campaign_id: "{{c}}" },
      { path: homing.path("msg91/sms", ACME) },
    );
    expect(await emittedBy(own.body.callback_id)).toMatchObject([
      {
        ...{ workspace_id: ACME, workspace_source: "path" },
        data: { message_id: "absent-9", campaign_id: null, contact_id: null },
        provider_data: { recipient: null, clock: "received" },
      },
    ]);
    const nameless = await shared("msg91/sms", { requestId: "0", status: "1", telNum: "919512346560", CRQID: "0" });
    expect(nameless.body).toMatchObject({ status: "failed", failed: 1 });
    for (const value of ["0", "", "{{CRQID}}"]) {
      const { body } = await homing.api("GET", `/v1/bindings?provider=msg91&value=${encodeURIComponent(value)}`);
      expect(body.data.filter((binding: Body) => binding.value === value)).toEqual([]);
    }
  });

  it("our own account is never learned, places where it was told, and never objects", async () => {
    const { body: before } = await homing.api("GET", "/v1/bindings?provider=msg91&kind=account");
    expect(before.data).toEqual([]);
    await homing.api("PUT", "/v1/bindings", {
      ...{ provider: "msg91", dialect: "rcs", kind: "account", value: "271234", workspace_id: ACME },
    });
    const report = (uuid: string, crqid: string) => ({ ...outbound(uuid), integratedNumber: "", crqid });
    const silent = await shared("msg91/rcs", report("rcs-1", "0"));
    const named = await shared("msg91/rcs", report("rcs-2", `${BETA}.m_rcs`));
    const events = [...(await emittedBy(silent.body.callback_id)), ...(await emittedBy(named.body.callback_id))];
    expect(events.map(({ workspace_id, workspace_source }) => [workspace_id, workspace_source])).toEqual([
      [ACME, "lookup"],
      [BETA, "metadata"],
    ]);
  });

  it("a brand's URL and another brand's CRQID contradict each other: it waits", async () => {
    const { body } = await homing.callback(
      "msg91/email",
      { uuid: "mail-1", recipient: "asha@example.com", eventName: "Opened", crqid: `${BETA}.m_1` },
      { path: homing.path("msg91/email", ACME) },
    );
    expect(body).toMatchObject({ status: "unmatched", unmatched: 1 });
    expect(await traceOf(body.callback_id)).toMatchObject({ reason: "workspace_conflict" });
  });

  it("shows no one-time code, and still tells what it read", async () => {
    const { body } = await shared("msg91/sms", {
      ...{ requestId: "otp", telNum: "919512346561", status: "Delivered", deliveryTime: "2026-05-29 10:00:20" },
      ...{ msgData: "482913 is your code", variables: { otp: "482913", homing_workspace_id: ACME, message_id: "m_otp" } },
    });
    expect(await emittedBy(body.callback_id)).toMatchObject([{ workspace_id: ACME, data: { message_id: "m_otp" } }]);
    const trace = await traceOf(body.callback_id);
    expect(JSON.stringify(trace)).not.toContain("482913");
    expect(JSON.parse(trace.request.body)).toMatchObject({ requestId: "otp", msgData: "[hidden]", variables: "[hidden]" });
  });
});
