import { generateKeyPairSync, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newSigner } from "../../providers/sendgrid/fixtures/sign.ts";
import sendgrid from "../../providers/sendgrid/sendgrid.ts";
import { buildEvent } from "../../src/events/build.ts";
import { newId } from "../../src/ids.ts";
import { readMetadata } from "../../src/inbound/resolve.ts";
import { translate } from "../../src/inbound/translate.ts";
import type { AnyProvider } from "../../src/provider/define.ts";
import type { DeliveryDraft, Outcome } from "../../src/provider/draft.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";

/**
 * What django-anymail pins of SendGrid's tracking webhook (tests/test_sendgrid_webhooks.py and webhook_cases.py, v15.1), case by case and
 * under its names; the shapes are its own, with our arguments in the place of its `anymail_id`. Where we mean something else, the case says so.
 * @see https://github.com/anymail/django-anymail
 */

const receivedAt = new Date("2026-11-22T10:00:00Z");
const SMTP_ID = "<wrfRRvF7Q0GgwUo2CvDmEA@ismtpd0006p1sjc2.sendgrid.net>";
const SG_MESSAGE = "wrfRRvF7Q0GgwUo2CvDmEA.filter0425p1mdw1.13037.57168B4A1D.0";
const SG_ID = "wrfRRvF7Q0GgwUo2CvDmEA";
const ours = (message_id: string) => ({ homing_workspace_id: ACME, message_id });

function outcome(item: object): Outcome | undefined {
  const body = Buffer.from(JSON.stringify([item]));
  return translate(sendgrid as AnyProvider, { body, headers: {}, receivedAt }).items[0];
}

/** The event that it becomes for its workspace, as it is told. */
function told(item: object) {
  const draft = outcome(item) as DeliveryDraft;
  const [echo] = draft.metadata ?? [];
  const { workspace, context } = readMetadata(echo ?? { where: "", fields: null });
  const event = buildEvent(draft, {
    ...{ eventId: newId(0), callbackId: newId(0), workspace: workspace ?? BETA, source: "metadata" as const, context },
    ...{ provider: "sendgrid", dialect: null, receivedAt: receivedAt.getTime() },
  });
  const { status, occurred_at, data, provider_data } = { status: draft.status, ...event };
  return { status, occurred_at, data, provider_data, workspace, echoed: echo?.fields };
}

describe("SendGridDeliveryTestCase", () => {
  it("test_processed_event: queued is sent; our arguments come back, others and the categories are nobody's metadata", () => {
    const event = told({
      ...{ email: "recipient@example.com", timestamp: 1461095246, ...ours("3c2f4df8-c6dd-4cd2-9b91-6582b81a0349") },
      ...{ "smtp-id": SMTP_ID, sg_event_id: "ZyjAM5rnQmuI1KFInHQ3Nw", sg_message_id: SG_MESSAGE, event: "processed" },
      ...{ category: ["tag1", "tag2"], custom1: "value1", custom2: "value2" },
    });
    expect(event).toMatchObject({
      ...{ status: "sent", occurred_at: "2016-04-19T19:47:26.000Z", workspace: ACME },
      data: { message_id: "3c2f4df8-c6dd-4cd2-9b91-6582b81a0349", channel: "email" },
      provider_data: { message_id: SG_ID, status: "processed", recipient: "recipient@example.com" },
      echoed: ours("3c2f4df8-c6dd-4cd2-9b91-6582b81a0349"),
    });
    // It takes every key that it does not know for metadata; we take what is ours by name, so that nothing of SendGrid's leaks in.
    expect(JSON.stringify(event)).not.toMatch(/custom|tag1|ZyjAM5/);
  });

  it("test_delivered_event: with the receiving server's answer, and without a category", () => {
    const response = "250 2.0.0 OK 1461095248 m143si2210036ioe.159 - gsmtp ";
    const event = told({
      ...{ ip: "167.89.17.173", response, "smtp-id": SMTP_ID, sg_event_id: "nOSv8m0eTQ-vxvwNwt3fZQ" },
      ...{ sg_message_id: SG_MESSAGE, tls: 1, event: "delivered", email: "recipient@example.com", timestamp: 1461095250 },
      ...ours("4ab185c2-0171-492f-9ce0-27de258efc99"),
    });
    expect(event).toMatchObject({
      status: "delivered",
      data: { message_id: "4ab185c2-0171-492f-9ce0-27de258efc99", delivered_at: "2016-04-19T19:47:30.000Z" },
      provider_data: { message_id: SG_ID, recipient: "recipient@example.com", response },
      echoed: ours("4ab185c2-0171-492f-9ce0-27de258efc99"),
    });
  });

  const dropped = (more: object) => ({
    ...{
      email: "invalid@invalid",
      timestamp: 1461095250,
      "smtp-id": SMTP_ID,
      event: "dropped",
      sg_event_id: "3NPOePGOTkeM_U3fgWApfg",
    },
    ...more,
  });

  it("test_dropped_invalid_event: rejected is failed, with a reason, and no server's answer", () => {
    const event = told(dropped({ sg_message_id: "filter0093p1las1.9128.5717FB8127.0", reason: "Invalid", ...ours("c74002d9") }));
    expect(event).toMatchObject({
      status: "failed",
      data: { message_id: "c74002d9", error_code: "invalid_address", error_reason: "Invalid" },
      // Its sg_message_id names a machine only.
      provider_data: { message_id: SG_ID, recipient: "invalid@invalid", code: null },
    });
    expect(event.provider_data).not.toHaveProperty("response");
  });

  it("test_dropped_bounced: suppressed for an older bounce, and no bounce itself; one category as text", () => {
    const docs = {
      email: "example@example.com",
      timestamp: 1513299569,
      category: "cat facts",
      reason: "Bounced Address",
      status: "5.0.0",
    };
    expect(told(dropped({ ...docs, sg_message_id: SG_MESSAGE }))).toMatchObject({
      status: "failed",
      data: { error_code: "suppressed_bounce", error_reason: "Bounced Address" },
      provider_data: { code: "5.0.0", recipient: "example@example.com" },
    });
    // Its sample is the docs', with the ids of "Test Your Integration": as those it is told to nobody.
    const canned = {
      "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
      sg_message_id: "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    };
    expect(outcome(dropped({ ...docs, ...canned }))).toEqual({ ignored: "provider_test" });
  });

  it("test_dropped_unsubscribed_event", () => {
    const sample = {
      email: "unsubscribe@example.com",
      sg_message_id: "filter0199p1las1.4745.5717FB6F5.0",
      reason: "Unsubscribed Address",
    };
    expect(told(dropped({ ...sample, ...ours("a36ec0f9") }))).toMatchObject({
      status: "failed",
      data: { message_id: "a36ec0f9", error_code: "suppressed_unsubscribe" },
      provider_data: { message_id: SG_ID, recipient: "unsubscribe@example.com" },
    });
  });

  it("test_bounce_event: with the server's words, which it gives as reason; and hard, which it does not tell apart", () => {
    const reason = "550 5.1.1 The email account that you tried to reach does not exist.";
    const event = told({
      ...{ ip: "167.89.17.173", status: "5.1.1", "smtp-id": SMTP_ID, sg_event_id: "lC0Rc-FuQmKbnxCWxX1jRQ", reason, tls: 1 },
      ...{ sg_message_id: "Lli-03HcQ5-JLybO9fXsJg.filter0077p1las1.21536.5717FC482.0", event: "bounce", type: "bounce" },
      ...{ email: "noreply@example.com", timestamp: 1461095250, ...ours("de212213") },
    });
    expect(event).toMatchObject({
      status: "bounced",
      data: { message_id: "de212213", bounce_type: "hard", bounce_reason: reason },
      // sg_message_id and smtp-id differ in this one: the first is SendGrid's own.
      provider_data: { message_id: "Lli-03HcQ5-JLybO9fXsJg", recipient: "noreply@example.com", code: "5.1.1", type: "bounce" },
    });
  });

  it("test_deferred_event: SendGrid tries again itself, so it is understood and told to nobody", () => {
    const sample = {
      response: "Email was deferred due to the following reason(s): [IPs were throttled by recipient server]",
      ...{ "smtp-id": SMTP_ID, sg_event_id: "b_syL5UiTvWC_Ky5L6Bs5Q", event: "deferred", email: "recipient@example.com" },
      ...{ sg_message_id: "u9Gvi3mzT6iC2poAb58_qQ.filter0465p1mdw1.8054.5718271B40.0", attempt: "1", timestamp: 1461200990 },
    };
    expect(outcome({ ...sample, ...ours("ccf83222") })).toEqual({ ignored: "deferred" });
  });

  it("test_open_event", () => {
    const event = told({
      ...{ email: "recipient@example.com", timestamp: 1461095250, ip: "66.102.6.229", event: "open", sg_message_id: SG_MESSAGE },
      ...{ sg_event_id: "MjIwNDg5NTgtZGE3OC00NDI1LWFiMmMtMDUyZTU2ZmFkOTFm", ...ours("44920b35") },
      useragent: "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0",
    });
    expect(event).toMatchObject({
      status: "opened",
      data: { message_id: "44920b35", opened_at: "2016-04-19T19:47:30.000Z", machine: false },
      provider_data: { message_id: SG_ID, recipient: "recipient@example.com" },
    });
    // The reader's program and address tell of a person, and nothing of the message.
    expect(JSON.stringify(event)).not.toMatch(/Mozilla|66\.102/);
  });

  it("test_click_event", () => {
    const event = told({
      ...{ ip: "24.130.34.103", sg_event_id: "OTdlOGUzYjctYjc5Zi00OWE4LWE4YWUtNjIxNjk2ZTJlNGVi", event: "click" },
      ...{ sg_message_id: "_fjPjuJfRW-IPs5SuvYotg.filter0590p1mdw1.2098.57168CFC4B.0", email: "recipient@example.com" },
      ...{ useragent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_4) AppleWebKit/537.36", timestamp: 1461095250 },
      ...{ url_offset: { index: 0, type: "html" }, url: "http://www.example.com", ...ours("75de5af9") },
    });
    expect(event).toMatchObject({
      status: "clicked",
      data: { message_id: "75de5af9", link_url: "http://www.example.com", clicked_at: "2016-04-19T19:47:30.000Z" },
      provider_data: { message_id: "_fjPjuJfRW-IPs5SuvYotg", recipient: "recipient@example.com" },
    });
  });

  it("test_compatibility_message_id_from_smtp_id: without our argument it is SendGrid's own id, else the smtp-id; that is no metadata", () => {
    const smtpId = "<152712433591.85282.8340115595767222398@example.com>";
    const sample = {
      ...{ ip: "167.89.17.173", response: "250 2.0.0 OK 1461095248 m143si2210036ioe.159 - gsmtp ", "smtp-id": smtpId, tls: 1 },
      ...{ sg_event_id: "nOSv8m0eTQ-vxvwNwt3fZQ", event: "delivered", email: "recipient@example.com", timestamp: 1461095250 },
    };
    expect(told({ ...sample, sg_message_id: SG_MESSAGE })).toMatchObject({ data: { message_id: SG_ID }, echoed: {} });
    expect(told(sample)).toMatchObject({ data: { message_id: smtpId }, provider_data: { message_id: smtpId }, echoed: {} });
    expect((outcome(sample) as DeliveryDraft).references).toEqual([]);
  });

  it("test_not_supported_warning: has nothing to answer here, but that an empty batch is no mistake", () => {
    expect(translate(sendgrid as AnyProvider, { body: Buffer.from("[]"), headers: {}, receivedAt })).toEqual({ items: [] });
  });
});

describe("what vouches for it, over HTTP; anymail answers 400 where we answer 401", () => {
  const SIGNATURE = "x-twilio-email-event-webhook-signature";
  const TIMESTAMP = "x-twilio-email-event-webhook-timestamp";
  const BASIC = { authorization: `Basic ${Buffer.from("cred1:pass1").toString("base64")}` };
  const keyPair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
  const body = JSON.stringify([
    { email: "recipient@example.com", event: "processed", sg_message_id: SG_MESSAGE, timestamp: 1461095246, ...ours("m_1") },
  ]);
  const key = keyPair();
  const now = String(receivedAt.getTime() / 1000);
  const start = (secrets: string) =>
    startGateway("postgres", { SENDGRID_SECRETS: secrets }, { clock: () => receivedAt.getTime() });
  const signedBy = ({ privateKey }: ReturnType<typeof keyPair>, timestamp: string) =>
    sign("sha256", Buffer.from(timestamp + body), privateKey).toString("base64");
  const shown = ({ publicKey }: ReturnType<typeof keyPair>) =>
    publicKey.export({ format: "der", type: "spki" }).toString("base64");

  let homing: TestGateway;
  beforeAll(async () => {
    const older = keyPair();
    homing = await start(`${shown(older)} ${shown(key)}`);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  });
  afterAll(() => homing.close());

  const post = async (headers: Record<string, string>, options = {}) => {
    const answer = await homing.callback("sendgrid", body, { signer: null, headers, ...options });
    return answer.status === 200 ? "200" : `${answer.status} ${answer.body.error.code}`;
  };
  const good = (timestamp = now) => ({ [TIMESTAMP]: timestamp, [SIGNATURE]: signedBy(key, timestamp) });

  describe("SendGridSignedWebhookSecurityTestCase", () => {
    it("test_invalid_signature: and the refusal names what to look at, in its trace", async () => {
      expect(await post({ [TIMESTAMP]: now, [SIGNATURE]: Buffer.from("invalid").toString("base64") })).toBe(
        "401 signature_mismatch",
      );
      await homing.gateway.rejections.flush();
      const { data } = (await homing.api("GET", "/v1/callbacks?status=rejected")).body;
      const trace = await homing.api("GET", `/v1/callbacks/${data[0].id}`);
      expect(trace.body.verification.explanation).toContain("Was the secret changed?");
    });

    it("test_invalid_timestamp", async () => {
      expect(await post({ ...good(), [TIMESTAMP]: String(Number(now) - 5) })).toBe("401 signature_mismatch");
      expect(await post({ ...good(), [TIMESTAMP]: "invalid data timestamp" })).toBe("401 signature_mismatch");
      // It takes any text for a timestamp, where that is signed; we take seconds.
      expect(await post(good("data timestamp"))).toBe("401 signature_mismatch");
    });

    it("test_invalid_timestamp_and_invalid_signature", async () => {
      expect(await post({ [TIMESTAMP]: "1461095246", [SIGNATURE]: signedBy(keyPair(), now) })).toBe("401 signature_mismatch");
    });

    it.each([
      ["test_empty_signature_", () => ({ [TIMESTAMP]: now, [SIGNATURE]: "" })],
      ["test_empty_timestamp", () => ({ ...good(), [TIMESTAMP]: "" })],
      ["test_empty_timestamp_and_empty_signature", () => ({ [TIMESTAMP]: "", [SIGNATURE]: "" })],
      ["test_missing_signature", () => ({ [TIMESTAMP]: now })],
      ["test_missing_timestamp: also where the signature is right without one", () => ({ [SIGNATURE]: signedBy(key, "") })],
      ["test_missing_timestamp_and_missing_signature", () => ({})],
    ])("%s", async (_name, headers) => expect(await post(headers())).toBe("401 signature_missing"));

    it("test_successful_signature_check_without_http_auth", async () => {
      expect(await post(good())).toBe("200");
    });

    it("test_verification_key_view_params: a URL may have a key of its own", async () => {
      const signer = newSigner();
      await homing.api("PUT", "/v1/secrets/sendgrid", { workspace_id: ACME, secrets: [signer.secret] });
      expect(await post({}, { path: `/callbacks/sendgrid/${ACME}`, signer })).toBe("200");
      expect(await post({}, { path: `/callbacks/sendgrid/${BETA}`, signer })).toBe("401 signature_mismatch");
      expect(await post({}, { signer })).toBe("401 signature_mismatch");
    });
  });

  describe("SendGridSignedWebhookSecurityAndHttpBasicAuthTestCase: basic authentication adds nothing and takes nothing away", () => {
    it("test_invalid_timestamp_and_invalid_signature_with_http_auth", async () => {
      const wrong = { [TIMESTAMP]: "invalid data timestamp", [SIGNATURE]: signedBy(keyPair(), "data timestamp") };
      expect(await post({ ...BASIC, ...wrong })).toBe("401 signature_mismatch");
    });
    it("test_missing_timestamp_and_missing_signature_with_http_auth", async () => {
      expect(await post(BASIC)).toBe("401 signature_missing");
    });
    it("test_successful_signature_check_with_basic_http_auth", async () => {
      expect(await post({ ...BASIC, ...good() })).toBe("200");
    });
  });

  describe("SendGridWebhookSecurityTestCase: there the password in the URL vouches, here a key does", () => {
    it("test_warns_if_no_auth: without any key everything is refused, and says why", async () => {
      const bare = await start("");
      try {
        const answer = await bare.callback("sendgrid", body, { signer: null, headers: good() });
        expect([answer.status, answer.body.error.code]).toEqual([401, "provider_not_configured"]);
      } finally {
        await bare.close();
      }
    });
    it("test_verifies_basic_auth: it vouches for nothing", async () => expect(await post(BASIC)).toBe("401 signature_missing"));
    it("test_verifies_bad_auth", async () => {
      expect(await post({ [TIMESTAMP]: now, [SIGNATURE]: signedBy(keyPair(), now) })).toBe("401 signature_mismatch");
    });
    it("test_verifies_missing_auth", async () => expect(await post({})).toBe("401 signature_missing"));
    it("test_supports_credential_rotation: any of several keys", async () => {
      const [first, second] = [keyPair(), keyPair()];
      const rotating = await start(`${shown(first)} ${shown(second)}`);
      try {
        for (const [pair, status] of [
          [first, 200],
          [second, 200],
          [keyPair(), 401],
        ] as const) {
          const headers = { [TIMESTAMP]: now, [SIGNATURE]: signedBy(pair, now) };
          expect((await rotating.callback("sendgrid", body, { signer: null, headers })).status).toBe(status);
        }
      } finally {
        await rotating.close();
      }
    });
  });

  it("test_configured_verification_key_without_cryptography, test_unconfigured_verification_key_but_with_webhook_secret: what cannot be a key is said at once", async () => {
    await expect(start("cred1:pass1")).rejects.toThrow(/SENDGRID_SECRETS/);
    const put = await homing.api("PUT", "/v1/secrets/sendgrid", { workspace_id: null, secrets: ["cred1:pass1"] });
    expect(put.status).toBe(422);
  });
});
