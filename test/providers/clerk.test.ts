import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { Webhook } from "svix";
import { afterEach, describe, expect, it, vi } from "vitest";
import adapter from "../../providers/clerk/clerk.ts";
import { translate } from "../../src/inbound/translate.ts";
import type { AnyProvider } from "../../src/provider/define.ts";
import type { DeliveryDraft, FactDraft, Outcome, Teaching } from "../../src/provider/draft.ts";
import type { Signing } from "../../src/provider/signatures.ts";
import { hideFields } from "../../src/trace/hide.ts";
import { ACME, BETA, fixtures, signersOf } from "../support/fixtures.ts";

const NOW = 1_795_345_200;
const INSTANCE = "ins_1";
const clerk = adapter as AnyProvider;
const signing = clerk.verify as Signing;
const own = fixtures("clerk");

type Fields = Record<string, unknown>;
/** One event of `type` about `data`, translated. */
function outcome(type: string, data: unknown, envelope: Fields = {}, headers: Record<string, string> = { "svix-id": "msg_1" }) {
  const event = { object: "event", type, instance_id: INSTANCE, timestamp: NOW * 1000, ...envelope, data };
  const request = { body: Buffer.from(JSON.stringify(event)), headers, receivedAt: new Date(NOW * 1000) };
  const { items, failed } = translate(clerk, request);
  expect(failed).toBeUndefined();
  expect(items).toHaveLength(1);
  return items[0] as Outcome;
}
const delivery = (...given: Parameters<typeof outcome>) => outcome(...given) as DeliveryDraft;
const fact = (...given: Parameters<typeof outcome>) => outcome(...given) as FactDraft;
const taught = (...given: Parameters<typeof outcome>) => (outcome(...given) as Teaching).teaches;
/** References as `kind:value`, with `+` where they are learned. */
const references = (of: { references?: FactDraft["references"] }) =>
  of.references?.map(({ kind, value, learn }) => `${kind}:${value}${learn ? "+" : ""}`);

const mine = { homing_workspace_id: ACME };
const strangers = { homing_workspace_id: BETA, workspace_id: BETA };
const jane = {
  id: "user_1",
  primary_email_address_id: "idn_2",
  primary_phone_number_id: "idn_4",
  email_addresses: [
    { id: "idn_1", email_address: "old@x.example" },
    { id: "idn_2", email_address: "jane@x.example" },
  ],
  phone_numbers: [
    { id: "idn_3", phone_number: "+1" },
    { id: "idn_4", phone_number: "+2" },
  ],
  first_name: "Jane",
  last_name: "Doe",
  username: null,
  external_id: "crm-1",
  created_at: (NOW - 900) * 1000,
  updated_at: (NOW - 1) * 1000 + 7,
};
const mail = { id: "ema_1", delivered_by_clerk: true, status: "queued", to_email_address: "jane@x.example", user_id: "user_1" };
const attempt = {
  id: "pa_1",
  status: "paid",
  gateway_external_id: "pi_1",
  payer: { organization_id: "org_1", user_id: "" },
  created_at: (NOW - 9) * 1000,
  paid_at: (NOW - 5) * 1000,
  failed_at: (NOW - 3) * 1000,
};
const item = {
  id: "csub_item_1",
  status: "active",
  subscription_id: "csub_1",
  plan_id: "cplan_1",
  plan: { id: "cplan_1", slug: "pro" },
  payer: { organization_id: "org_1", user_id: "" },
  period_start: (NOW - 60) * 1000,
  updated_at: (NOW - 2) * 1000,
};

describe("the types that Clerk sends", () => {
  const all: [family: string, words: string][] = [
    ["user", "created updated deleted"],
    ["email", "created"],
    ["sms", "created"],
    ["session", "created pending ended removed revoked"],
    ["organization", "created updated deleted"],
    ["organizationDomain", "created updated deleted"],
    ["organizationMembership", "created updated deleted"],
    ["organizationInvitation", "created accepted revoked"],
    ["role", "created updated deleted"],
    ["permission", "created updated deleted"],
    ["waitlistEntry", "created updated"],
    ["paymentAttempt", "created updated"],
    ["subscription", "created updated active pastDue"],
    ["subscriptionItem", "created updated active canceled upcoming ended abandoned incomplete pastDue freeTrialEnding"],
  ];
  const types = all.flatMap(([family, words]) => words.split(" ").map((word) => `${family}.${word}`));
  const reasonOf = (type: string, data: unknown = {}) => {
    const of = outcome(type, data);
    return "ignored" in of ? of.ignored : Object.keys(of)[0];
  };

  it("are 46, and none is unknown", () => {
    expect(types).toHaveLength(46);
    expect(types.filter((type) => reasonOf(type) === "unknown_word")).toEqual([]);
  });

  it.each([
    ["organization.deleted", "organization_deleted"],
    ["organizationMembership.deleted", "membership_ended"],
    ["organizationDomain.deleted", "organization_domain"],
    ["organizationInvitation.accepted", "invitation"],
    ["role.updated", "instance_settings"],
    ["permission.deleted", "instance_settings"],
    ["waitlistEntry.created", "waitlist"],
    ["subscription.active", "subscription_container"],
    ["subscriptionItem.ended", "not_the_present_plan"],
    ["subscriptionItem.updated", "not_the_present_plan"],
    ["subscriptionItem.upcoming", "not_the_present_plan"],
  ])("%s is ignored, %s, whatever it says", (type, reason) => {
    for (const data of [{ ...jane, ...item, public_metadata: mine }, null, [], "x"]) expect(reasonOf(type, data)).toBe(reason);
  });

  it.each(["user", "user.", "User.created", "emails.created", "toString", "__proto__", "constructor"])(
    "and %s is none of them",
    (type) => expect(outcome(type, jane)).toEqual({ ignored: "unknown_word", word: type }),
  );

  it.each(["user.created", "user.deleted", "email.created", "paymentAttempt.updated", "organization.updated"])(
    "%s without an id fails alone",
    (type) => {
      for (const data of [null, undefined, "user_1", [], {}, { id: "" }, { id: null }])
        expect(outcome(type, data)).toEqual({ failed: "unreadable_item" });
    },
  );

  it("are ignored as samples under the ids of Clerk's own examples", () => {
    const sample = { ignored: "sample_ids" };
    expect(outcome("user.created", jane, { instance_id: "ins_2g7np7Hrk0SN6kj5EDMLDaKNL0S" })).toEqual(sample);
    expect(outcome("email.created", { ...mail, id: "ema_abcd" })).toEqual(sample);
    expect(outcome("user.created", { ...jane, id: "user_29w83sxmDNGwOuEthce5gg56FcC" })).toEqual(sample);
    expect(fact("user.created", jane, { instance_id: "ins_123" }).type).toBe("contact.created");
  });
});

describe("the natural key", () => {
  it("is the signed svix-id, whatever else changes", () => {
    expect(fact("user.updated", jane).key).toBe("msg_1");
    expect(fact("user.updated", jane, { timestamp: 1, event_attributes: {} }, { "svix-id": "msg_2" }).key).toBe("msg_2");
    expect(delivery("paymentAttempt.updated", attempt).searchable).toContain("msg_1");
  });

  it("has no substitute", () => {
    for (const headers of [{}, { "svix-id": "" }, { "webhook-id": "msg_1" }])
      expect(outcome("user.updated", jane, {}, headers as Record<string, string>)).toEqual({ failed: "no_message_id" });
  });

  it("is the same in the resend among the fixtures", () => {
    const [first, again] = ["user-updated", "user-updated-resend"].map((name) => own.find((one) => one.name === name));
    expect(first?.headers["svix-id"]).toBe(again?.headers["svix-id"]);
    expect(first?.headers["svix-signature"]).not.toBe(again?.headers["svix-signature"]);
  });
});

describe("a contact", () => {
  it("has its primary addresses, which are not simply the first", () => {
    expect(fact("user.created", jane)).toMatchObject({
      type: "contact.created",
      occurredAt: new Date((NOW - 1) * 1000 + 7),
      data: { contact_id: "user_1", email: "jane@x.example", phone: "+2", source: "webhook" },
      state: {
        kind: "contact",
        id: "user_1",
        fields: { email: "jane@x.example", phone: "+2", last_name: "Doe", username: null },
      },
      provider_data: { status: "user.created", external_id: "crm-1" },
    });
  });

  const fields = (change: Fields) => fact("user.updated", { ...jane, ...change }).state?.fields;
  it("without a primary address has none; one that the body does not tell is not known", () => {
    expect(fields({ primary_email_address_id: null })).toMatchObject({ email: null });
    expect(fields({ primary_email_address_id: "" })).toMatchObject({ email: null });
    for (const change of [
      { primary_email_address_id: undefined },
      { primary_email_address_id: "idn_9" },
      { email_addresses: [] },
      { email_addresses: null },
      { email_addresses: "x" },
      { email_addresses: [null, 7, { id: "idn_2" }, { id: "idn_2", email_address: null }] },
    ])
      expect(fields(change)).not.toHaveProperty("email");
  });

  it("keeps apart what became empty from what is not told", () => {
    expect(fields({ last_name: "", username: undefined })).toMatchObject({ last_name: null });
    expect(fields({ username: undefined })).not.toHaveProperty("username");
  });

  it("is updated without saying what was before", () => {
    const { type, data } = fact("user.updated", jane);
    expect([type, data]).toEqual(["contact.updated", { contact_id: "user_1" }]);
  });

  it("is deleted with nothing but its id", () => {
    expect(fact("user.deleted", { id: "user_1", deleted: true })).toMatchObject({
      type: "contact.deleted",
      occurredAt: new Date(NOW * 1000),
      data: { contact_id: "user_1", deletion_reason: "deleted" },
      state: { kind: "contact", id: "user_1", fields: null },
      provider_data: { external_id: null },
    });
  });
});

describe("a time", () => {
  it.each([
    ["milliseconds", NOW * 1000],
    ["seconds", NOW],
    ["digits", String(NOW)],
  ])("of the envelope may be in %s", (_unit, timestamp) => {
    expect(delivery("email.created", mail, { timestamp }).occurredAt).toEqual(new Date(NOW * 1000));
  });

  it("that is none is unknown", () => {
    for (const timestamp of [undefined, null, "", "soon", 0, -1, {}])
      expect(delivery("email.created", mail, { timestamp }).occurredAt).toBeNull();
  });

  it("of the thing itself goes first, in either spelling", () => {
    const at = new Date((NOW - 4) * 1000);
    expect(delivery("sms.created", { ...mail, created_at_ms: at.getTime() }).occurredAt).toEqual(at);
    expect(delivery("sms.created", { ...mail, created_at: at.getTime() }).occurredAt).toEqual(at);
    expect(fact("user.updated", { ...jane, updated_at: null }).occurredAt).toEqual(new Date(NOW * 1000));
  });
});

describe("an e-mail or text message", () => {
  it("that Clerk sends itself was sent", () => {
    expect(delivery("email.created", { ...mail, slug: "verification_code" })).toMatchObject({
      channel: "email",
      status: "sent",
      data: { message_id: "ema_1", contact_id: "user_1" },
      provider_data: { status: "queued", event: "email.created", template: "verification_code", recipient: "jane@x.example" },
    });
    expect(
      delivery("sms.created", { id: "sms_1", delivered_by_clerk: true, to_phone_number: "+2", user_id: null }),
    ).toMatchObject({
      channel: "sms",
      status: "sent",
      data: { message_id: "sms_1", contact_id: null },
      provider_data: { status: null, recipient: "+2" },
    });
  });

  it.each([false, null, undefined, "true", 1])("with delivered_by_clerk: %j is somebody else's to tell", (delivered_by_clerk) => {
    for (const type of ["email.created", "sms.created"])
      expect(outcome(type, { ...mail, delivered_by_clerk })).toEqual({ ignored: "not_delivered_by_clerk" });
  });

  it("to a suppressed address is not told", () => {
    expect(outcome("email.created", { ...mail, suppression_reason: "bounce" })).toEqual({
      ignored: "suppressed",
      word: "bounce",
    });
    for (const none of [null, "", undefined])
      expect(delivery("email.created", { ...mail, suppression_reason: none }).status).toBe("sent");
  });

  it.each(["sent", "delivered", "failed", "Queued", "constructor"])("with the status %s is unknown", (status) => {
    expect(outcome("email.created", { ...mail, status })).toEqual({ ignored: "unknown_word", word: status });
  });

  it("takes the user's metadata out of its template's data, but no message id", () => {
    const data = { otp_code: "123456", user: { public_metadata: mine, unsafe_metadata: strangers } };
    expect(delivery("email.created", { ...mail, data }).metadata).toEqual([
      { where: "data.data.user.public_metadata", fields: mine, names: false },
    ]);
    for (const none of [null, "x", [], { user: null }, { user: { public_metadata: {} } }])
      expect(delivery("email.created", { ...mail, data: none }).metadata).toEqual([]);
  });
});

describe("a payment attempt", () => {
  it.each([
    ["pending", "sent", NOW - 9],
    ["paid", "delivered", NOW - 5],
    ["failed", "failed", NOW - 3],
  ])("%s is %s, at its own time, under either type", (status, ours, at) => {
    for (const type of ["paymentAttempt.created", "paymentAttempt.updated"])
      expect(delivery(type, { ...attempt, status })).toMatchObject({
        channel: "payment",
        status: ours,
        occurredAt: new Date(at * 1000),
        data: { message_id: "pi_1" },
        provider_data: { status, event: type, payment_attempt: "pa_1" },
      });
  });

  it("has the gateway's id, else its own", () => {
    for (const gateway_external_id of [null, "", undefined])
      expect(delivery("paymentAttempt.updated", { ...attempt, gateway_external_id }).data.message_id).toBe("pa_1");
  });

  it("tells the most precise code of its failure", () => {
    const failed = (failed_reason: unknown) =>
      delivery("paymentAttempt.updated", { ...attempt, status: "failed", failed_reason });
    expect(failed({ code: "card_declined", decline_code: "lost_card" }).data).toMatchObject({ error_code: "lost_card" });
    expect(failed({ code: "card_declined", decline_code: "" }).data).toMatchObject({ error_code: "card_declined" });
    for (const none of [null, "x", {}, undefined]) {
      expect(failed(none).data).toMatchObject({ error_code: "payment_failed", error_reason: null });
      expect(failed(none).provider_data).toMatchObject({ code: null, attempt: null, next_attempt_at: null });
    }
    expect(delivery("paymentAttempt.updated", attempt).data).not.toHaveProperty("error_code");
  });

  it.each(["disputed", "Paid", "toString"])("with the status %s is unknown", (status) => {
    expect(outcome("paymentAttempt.updated", { ...attempt, status })).toEqual({ ignored: "unknown_word", word: status });
  });

  it("keeps its amount in the smallest unit, and does without", () => {
    const totals = { grand_total: { amount: 2200, amount_formatted: "22.00", currency: "USD" } };
    expect(delivery("paymentAttempt.updated", { ...attempt, totals }).provider_data).toMatchObject({
      amount: 2200,
      currency: "USD",
    });
    for (const none of [null, {}, "x", { grand_total: { amount: "22.00" } }])
      expect(delivery("paymentAttempt.updated", { ...attempt, totals: none }).provider_data).toMatchObject({ amount: null });
  });
});

describe("a plan", () => {
  it("is the payer's, by its slug, from its period's start", () => {
    expect(fact("subscriptionItem.active", item)).toMatchObject({
      type: "billing.plan_changed",
      occurredAt: new Date((NOW - 2) * 1000),
      data: { effective_at: "2026-11-22T10:59:00.000Z" },
      state: { kind: "plan", id: "org_1", fields: { plan: "pro" } },
      provider_data: { status: "active", subscription: "csub_1", plan_id: "cplan_1", is_free_trial: false },
    });
  });

  it("has its id where it has no slug, and its own time where the period tells none", () => {
    const { state, data } = fact("subscriptionItem.active", { ...item, plan: null, period_start: null });
    expect([state?.fields, data]).toEqual([{ plan: "cplan_1" }, { effective_at: "2026-11-22T10:59:58.000Z" }]);
  });

  it.each([
    [{ organization_id: "org_1", user_id: "" }, "org_1"],
    [{ organization_id: "", user_id: "user_1" }, "user_1"],
    [{ user_id: "user_1" }, "user_1"],
    [null, "csub_1"],
    [undefined, "csub_1"],
  ])("of the payer %j is kept as %s", (payer, id) => {
    expect(fact("subscriptionItem.active", { ...item, payer }).state?.id).toBe(id);
  });

  it("that nobody can name, or of nobody, fails", () => {
    expect(outcome("subscriptionItem.active", { ...item, plan: null, plan_id: null })).toEqual({ failed: "no_plan" });
    expect(outcome("subscriptionItem.active", { ...item, payer: null, subscription_id: "" })).toEqual({ failed: "no_payer" });
  });
});

describe("references", () => {
  it.each<[type: string, data: object, expected: string[]]>([
    ["user.updated", jane, ["user:user_1+"]],
    ["user.deleted", jane, ["user:user_1+"]],
    ["email.created", mail, ["user:user_1+"]],
    ["email.created", { ...mail, user_id: null }, []],
    ["paymentAttempt.updated", attempt, ["payment:pi_1+", "payment_attempt:pa_1+", "organization:org_1+"]],
    ["paymentAttempt.updated", { ...attempt, gateway_external_id: null, payer: null }, ["payment_attempt:pa_1+"]],
    ["subscriptionItem.active", item, ["subscription:csub_1+", "organization:org_1+"]],
    ["subscriptionItem.active", { ...item, payer: { user_id: "user_1" } }, ["subscription:csub_1+", "user:user_1+"]],
  ])("of %s %#: the most specific first, the instance last", (type, data, expected) => {
    expect(references(fact(type, data))).toEqual([...expected, `instance:${INSTANCE}`]);
    expect(references(fact(type, data, { instance_id: "" }))).toEqual(expected);
  });

  it("are never blank, which would be everybody's", () => {
    for (const blank of ["", " ", "-", "\u0000", null]) {
      const payer = { organization_id: blank, user_id: blank };
      const nameless = { ...attempt, gateway_external_id: blank, payer };
      expect(references(delivery("paymentAttempt.updated", nameless, { instance_id: blank }))).toEqual(["payment_attempt:pa_1+"]);
    }
  });

  it("to the instance are to our own account", () => {
    expect(fact("user.updated", jane).references?.at(-1)).toEqual({ kind: "instance", value: INSTANCE, own: true });
  });

  it("to the organization of a session are not learned", () => {
    const session = { id: "sess_1", user_id: "user_1", last_active_organization_id: "org_1", user: { public_metadata: mine } };
    for (const word of ["created", "pending", "ended", "removed", "revoked"])
      expect(references(taught(`session.${word}`, session))).toEqual(["organization:org_1", "user:user_1+", "instance:ins_1"]);
    expect(references(taught("session.ended", { id: "sess_1", last_active_organization_id: null, user: null }))).toEqual([
      "instance:ins_1",
    ]);
  });

  it("of organizations and memberships are", () => {
    const membership = { id: "orgmem_1", organization: { id: "org_1" }, public_user_data: { user_id: "user_1" } };
    for (const word of ["created", "updated"]) {
      expect(references(taught(`organization.${word}`, { id: "org_1" }))).toEqual(["organization:org_1+", "instance:ins_1"]);
      expect(references(taught(`organizationMembership.${word}`, membership))).toEqual([
        "organization:org_1+",
        "user:user_1+",
        "instance:ins_1",
      ]);
    }
  });
});

describe("metadata", () => {
  const holder = { public_metadata: mine, private_metadata: { campaign_id: "c" }, unsafe_metadata: strangers };
  const both = (where: string) => [
    { where: `${where}.public_metadata`, fields: mine, names: false },
    { where: `${where}.private_metadata`, fields: { campaign_id: "c" }, names: false },
  ];

  it("is what backends wrote, public and private", () => {
    expect(fact("user.created", { ...jane, ...holder }).metadata).toEqual(both("data"));
    expect(fact("user.updated", { ...jane, ...holder }).metadata).toEqual(both("data"));
    expect(taught("organization.updated", { id: "org_1", ...holder }).metadata).toEqual(both("data"));
    expect(taught("session.created", { id: "sess_1", user: { id: "user_1", ...holder } }).metadata).toEqual(both("data.user"));
    expect(taught("organizationMembership.created", { ...holder, organization: { id: "org_1", ...holder } }).metadata).toEqual([
      ...both("data.organization"),
      ...both("data"),
    ]);
  });

  it("is never what users write", () => {
    const unsafe = { unsafe_metadata: strangers, unsafeMetadata: strangers, metadata: strangers };
    const everywhere = {
      ...jane,
      ...mail,
      ...attempt,
      ...item,
      ...unsafe,
      user: unsafe,
      organization: unsafe,
      data: { user: unsafe },
    };
    for (const { name, body } of own) {
      const { type } = JSON.parse(body.toString());
      expect([name, JSON.stringify(outcome(type, everywhere, unsafe)).includes(BETA)]).toEqual([name, false]);
    }
  });

  it("that is empty or none is not passed on", () => {
    for (const none of [null, {}, [], "", "x", 7, undefined])
      expect(fact("user.created", { ...jane, public_metadata: none, private_metadata: none }).metadata).toEqual([]);
  });
});

describe("one-time codes, and links that sign somebody in", () => {
  const SECRETS = /(?<!\d)(123456|654321)(?!\d)|eyJhbGciOi|not for everybody/;
  const bodyOf = (name: string) => own.find((one) => one.name === name)?.body.toString() ?? "";
  const withSecrets = own.filter(({ body }) => SECRETS.test(body.toString())).map(({ name }) => name);

  it("stand in these fixtures", () => {
    expect(withSecrets).toEqual(
      expect.arrayContaining([
        "email-created",
        "email-magic-link",
        "sms-created",
        "sms-not-delivered-by-clerk",
        "invitation-created",
      ]),
    );
  });

  it.each(withSecrets)("are hidden in the body of %s", (name) => {
    const shown = hideFields(bodyOf(name), clerk.hidden ?? []);
    expect(shown).not.toMatch(SECRETS);
    // Support still sees what it was.
    expect(JSON.parse(shown)).toMatchObject({
      type: JSON.parse(bodyOf(name)).type,
      instance_id: expect.stringContaining("ins_"),
    });
  });

  it.each(withSecrets.filter((name) => name.startsWith("email") || name.startsWith("sms") || name.startsWith("invitation")))(
    "do not come out of %s",
    (name) => {
      expect(readFileSync(new URL(`../../providers/clerk/fixtures/${name}.json`, import.meta.url), "utf8")).not.toMatch(SECRETS);
    },
  );

  it("are hidden under each of the names, however deep and whatever they are", () => {
    for (const name of clerk.hidden ?? []) {
      const body = JSON.stringify({
        data: { id: "ema_1", data: { deep: [{ [name]: "needle-1", x: { [name]: { a: ["needle-2"] } } }] } },
      });
      expect([name, hideFields(body, clerk.hidden ?? [])]).toEqual([name, expect.not.stringContaining("needle")]);
    }
  });
});

describe("signatures", () => {
  afterEach(() => void vi.useRealTimers());

  it("of the fixtures are right for Svix's own library", async () => {
    const { fixtureSigner } = await signersOf("clerk");
    for (const { body, headers, now } of own) {
      vi.useFakeTimers({ toFake: ["Date"], now });
      expect(() => new Webhook(fixtureSigner.secret).verify(body, headers)).not.toThrow();
    }
  });

  it("of both secrets while one is rotated, in either order, and beside what is no v1", () => {
    const secrets = ["old", "new"].map((name) => `whsec_${Buffer.from(`${name}-secret-of-this-test-01`).toString("base64")}`);
    const body = Buffer.from("{}");
    const signed = (secret: string) =>
      `v1,${createHmac("sha256", Buffer.from(secret.slice(6), "base64"))
        .update(`msg_1.${NOW}.`)
        .update(body)
        .digest("base64")}`;
    const [old = "", fresh = ""] = secrets.map(signed);
    for (const signature of [`${old} ${fresh}`, `${fresh} ${old}`, `v1a,${"A".repeat(86)}== ${fresh}`, fresh]) {
      const headers = { "svix-id": "msg_1", "svix-timestamp": String(NOW), "svix-signature": signature };
      const request = { body, headers, url: "" };
      expect(signing.verify(signing.key(secrets[1] as string), request, NOW * 1000)).toBe("ok");
    }
  });
});
