import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME, BETA } from "../support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";

const item = (more: object) => ({
  email: "asha@example.com",
  event: "delivered",
  timestamp: 1795345000,
  sg_event_id: "id-1",
  ...more,
});
const sgId = (prefix: string) => `${prefix}.recvd-5f54b5d587-pczjm-1-67BADEEA-6.0`;

describe.each(databases)("SendGrid comes home on the %s database", (kind) => {
  let homing: TestGateway;
  beforeAll(async () => {
    homing = await startGateway(kind);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
  });
  afterAll(() => homing.close());

  it("one POST with events of two workspaces and one without any gives two events and one waiting", async () => {
    const { body } = await homing.callback("sendgrid", [
      item({ sg_message_id: sgId("mixedA"), homing_workspace_id: ACME, message_id: "m_A" }),
      item({ sg_message_id: sgId("mixedB"), homing_workspace_id: BETA, message_id: "m_B" }),
      item({ sg_message_id: sgId("mixedC") }),
    ]);
    expect(body).toMatchObject({ status: "unmatched", events: 2, unmatched: 1, failed: 0 });
    const events = await homing.events();
    expect(events.map((event) => [event.workspace_id, event.data.message_id])).toEqual([
      [ACME, "m_A"],
      [BETA, "m_B"],
    ]);
  });

  it("a resend with other sg_event_ids is a duplicate, also in another batch and within one batch", async () => {
    const first = item({ sg_message_id: sgId("resent"), homing_workspace_id: ACME, sg_event_id: "one" });
    expect((await homing.callback("sendgrid", [first])).body).toMatchObject({ events: 1 });
    const again = { ...first, sg_event_id: "another" };
    const answer = await homing.callback("sendgrid", [
      again,
      item({ sg_message_id: sgId("new"), homing_workspace_id: ACME }),
      again,
    ]);
    expect(answer.body).toMatchObject({ status: "accepted", events: 1, duplicates: 2 });
    const alone = await homing.callback("sendgrid", [again]);
    expect(alone.body).toMatchObject({ status: "duplicate", duplicates: 1 });
    const trace = await homing.api("GET", `/v1/callbacks/${alone.body.callback_id}`);
    expect(trace.body.items[0]).toMatchObject({ verdict: "duplicate", first_callback_id: expect.stringMatching(/^cb_/) });
  });

  it("an open without metadata finds workspace and campaign through the message; another recipient does not get the first one's contact", async () => {
    const message = { sg_message_id: sgId("taught") };
    const echoed = { homing_workspace_id: BETA, message_id: "m_9", campaign_id: "c_9", contact_id: "contact-of-asha" };
    await homing.callback("sendgrid", [item({ ...message, ...echoed, event: "processed" })]);
    const answer = await homing.callback("sendgrid", [
      item({ ...message, event: "open", email: "asha@example.com", timestamp: 1795345100 }),
      item({ ...message, event: "open", email: "ravi@example.com", timestamp: 1795345101 }),
    ]);
    expect(answer.body).toMatchObject({ status: "accepted", events: 2 });
    const opened = (await homing.events()).filter((event) => event.callback_id === answer.body.callback_id);
    expect(
      opened.map((event) => [event.workspace_id, event.workspace_source, event.data.campaign_id, event.data.contact_id]),
    ).toEqual([
      [BETA, "lookup", "c_9", "contact-of-asha"],
      [BETA, "lookup", "c_9", null],
    ]);
    expect(opened.map((event) => event.data.message_id)).toEqual(["m_9", "m_9"]);
    const { body } = await homing.api("GET", "/v1/messages/m_9");
    expect(body.data.map((message: { recipient: string; state: string }) => [message.recipient, message.state]).sort()).toEqual([
      ["asha@example.com", "opened"],
      ["ravi@example.com", "opened"],
    ]);
  });

  it("CRLF bodies verify as they are, and type blocked is soft", async () => {
    const bounce = item({
      event: "bounce",
      type: "blocked",
      status: "5.2.2",
      sg_message_id: sgId("blocked"),
      homing_workspace_id: ACME,
    });
    const text = `[${JSON.stringify(bounce)},\r\n${JSON.stringify(item({ sg_message_id: sgId("crlf"), homing_workspace_id: ACME }))}]\r\n`;
    const answer = await homing.callback("sendgrid", text);
    expect(answer.body).toMatchObject({ status: "accepted", events: 2 });
    const events = (await homing.events()).filter((event) => event.callback_id === answer.body.callback_id);
    expect(events[0]).toMatchObject({ type: "delivery.bounced", data: { bounce_type: "soft" } });
  });

  it("one broken item in a batch fails alone", async () => {
    const good = (id: string) => item({ sg_message_id: sgId(id), homing_workspace_id: ACME });
    const answer = await homing.callback("sendgrid", [
      good("b1"),
      "no object",
      { email: "x@example.com" },
      good("b2"),
      { event: "telepathy" },
    ]);
    expect(answer.body).toMatchObject({ status: "failed", events: 2, failed: 2, ignored: 1 });
  });

  it("one message cannot be of two workspaces: the second is a conflict, and waits", async () => {
    const message = { sg_message_id: sgId("contested") };
    await homing.callback("sendgrid", [item({ ...message, homing_workspace_id: ACME })]);
    const answer = await homing.callback("sendgrid", [item({ ...message, event: "open", homing_workspace_id: BETA })]);
    expect(answer.body).toMatchObject({ status: "unmatched" });
    const trace = await homing.api("GET", `/v1/callbacks/${answer.body.callback_id}`);
    expect(trace.body).toMatchObject({ reason: "workspace_conflict" });
    expect(trace.body.items[0].ways.find((way: { way: string }) => way.way === "lookup")).toMatchObject({ objection: ACME });
  });
});
