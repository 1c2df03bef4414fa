import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newSigner } from "../../providers/clerk/fixtures/sign.ts";
import { readConfig } from "../../src/config.ts";
import { createGateway, type Gateway } from "../../src/gateway.ts";
import { createLogger } from "../../src/log.ts";
import { registry } from "../../src/registry.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import { API_TOKEN, databases, freshDatabase, MASTER_KEY, startGateway, type TestGateway } from "../support/gateway.ts";

const START = Date.UTC(2026, 10, 22, 11);
const INSTANCE = "ins_2Home";
const event = (type: string, data: object, timestamp = START) => ({
  ...{ object: "event", type, timestamp, instance_id: INSTANCE, data },
  event_attributes: { http_request: { client_ip: "203.0.113.7", user_agent: "Mozilla/5.0" } },
});
const ours = (workspace: string) => ({ public_metadata: { workspace_id: workspace }, private_metadata: {} });
const nothing = { public_metadata: {}, private_metadata: {} };
const user = (id: string, more: object = {}) => ({
  ...{ id, object: "user", username: null, external_id: null, first_name: "Jane", last_name: "Doe", ...nothing },
  primary_email_address_id: "idn_1",
  primary_phone_number_id: null,
  email_addresses: [{ id: "idn_1", email_address: "jane@x.example" }],
  phone_numbers: [],
  updated_at: START,
  ...more,
});
const payment = (id: string, organization_id: string) => ({
  ...{ id, object: "commerce_payment_attempt", status: "paid", gateway_external_id: `pi_${id}`, paid_at: START },
  payer: { id: `cpayer_${id}`, organization_id, user_id: "" },
});
const planOf = (organization_id: string, slug: string, at: number) => ({
  ...{ id: `csub_item_${slug}`, status: "active", plan_id: `cplan_${slug}`, plan: { slug }, period_start: at, updated_at: at },
  payer: { organization_id, user_id: "" },
});

describe.each(databases)("Clerk comes home on the %s database", (kind) => {
  let homing: TestGateway;
  const send = (type: string, data: object, timestamp?: number) => homing.callback("clerk", event(type, data, timestamp));
  const emittedBy = async (id: string) => (await homing.events()).filter((one) => one.callback_id === id);
  const traceOf = async (id: string) => (await homing.api("GET", `/v1/callbacks/${id}`)).body;
  beforeAll(async () => {
    homing = await startGateway(kind, {}, { clock: () => START });
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
  });
  afterAll(() => homing.close());

  it("an organization tells whose it is; its payments and memberships are found later, without metadata", async () => {
    const early = await send("paymentAttempt.updated", payment("pa_early", "org_1"));
    expect(early.body).toMatchObject({ status: "unmatched" });
    const told = await send("organization.created", { id: "org_1", ...ours(ACME) });
    expect(told.body).toMatchObject({ status: "accepted", taught: 1, events: 0 });
    // The callback that overtook it comes home.
    await homing.settled();
    expect(await emittedBy(early.body.callback_id)).toMatchObject([{ workspace_id: ACME, data: { message_id: "pi_pa_early" } }]);

    const later = await send("paymentAttempt.updated", payment("pa_later", "org_1"));
    expect(later.body).toMatchObject({ status: "accepted", events: 1 });
    const [event] = await emittedBy(later.body.callback_id);
    expect(event).toMatchObject({ variant: "payment.delivered", workspace_id: ACME, workspace_source: "lookup" });

    const member = await send("organizationMembership.created", {
      ...{ id: "orgmem_1", organization: { id: "org_1", ...nothing }, public_user_data: { user_id: "user_1" }, ...nothing },
    });
    expect(member.body).toMatchObject({ status: "ignored" });
    const trace = await traceOf(member.body.callback_id);
    expect(trace.items).toMatchObject([{ reason: "nothing_new", workspace_id: ACME }]);
    expect((await send("organization.updated", { id: "org_1", ...ours(ACME) })).body).toMatchObject({ status: "ignored" });
  });

  it("a membership of an organization with metadata tells whose its user is, who then comes home", async () => {
    const waiting = await send("user.created", user("user_joins"));
    expect(waiting.body).toMatchObject({ status: "unmatched" });
    const joined = await send("organizationMembership.created", {
      ...{ id: "orgmem_2", organization: { id: "org_2", ...ours(BETA) }, public_user_data: { user_id: "user_joins" } },
    });
    expect(joined.body).toMatchObject({ taught: 1 });
    await homing.settled();
    expect(await emittedBy(waiting.body.callback_id)).toMatchObject([{ type: "contact.created", workspace_id: BETA }]);
  });

  it("a user of two workspaces is ambiguous, and waits", async () => {
    for (const [index, workspace] of [ACME, BETA].entries())
      await send("organizationMembership.created", {
        ...{ id: `orgmem_both_${index}`, organization: { id: `org_both_${index}`, ...ours(workspace) } },
        public_user_data: { user_id: "user_both" },
      });
    const answer = await send("user.updated", user("user_both"));
    expect(await traceOf(answer.body.callback_id)).toMatchObject({ status: "unmatched", reason: "reference_ambiguous" });
  });

  it("never believes what a user may write", async () => {
    const lie = { unsafe_metadata: { homing_workspace_id: BETA, workspace_id: BETA } };
    const answer = await send("user.created", user("user_lies", lie));
    expect(answer.body).toMatchObject({ status: "unmatched" });
    expect(JSON.stringify((await traceOf(answer.body.callback_id)).items)).not.toContain(BETA);
    const honest = await send("user.updated", user("user_lies", { ...lie, ...ours(ACME) }));
    expect(await emittedBy(honest.body.callback_id)).toMatchObject([{ workspace_id: ACME, workspace_source: "metadata" }]);
  });

  it("the organization of a session is looked up and never learned, and one of another workspace objects", async () => {
    await send("organization.created", { id: "org_of_beta", ...ours(BETA) });
    const session = (id: string, organization: string) =>
      send("session.created", {
        ...{ id, user_id: `user_${id}`, last_active_organization_id: organization, user: user(`user_${id}`, ours(ACME)) },
      });
    expect((await session("sess_1", "org_unheard_of")).body).toMatchObject({ taught: 1 });
    expect((await homing.api("GET", "/v1/bindings?provider=clerk&value=org_unheard_of")).body.data).toEqual([]);
    const other = await session("sess_2", "org_of_beta");
    expect((await traceOf(other.body.callback_id)).items).toMatchObject([{ reason: "workspace_conflict" }]);
  });

  it("the instance is our own account: never learned, and it places once it is told", async () => {
    const message = (id: string) => ({
      ...{ id, delivered_by_clerk: true, status: "queued", to_phone_number: "+15555550100", user_id: null },
    });
    const waiting = await send("sms.created", message("sms_1"));
    expect(waiting.body).toMatchObject({ status: "unmatched" });
    expect((await homing.api("GET", `/v1/bindings?provider=clerk&value=${INSTANCE}`)).body.data).toEqual([]);
    const told = await homing.api("PUT", "/v1/bindings", {
      ...{ provider: "clerk", kind: "instance", value: INSTANCE, workspace_id: "__org__" },
    });
    expect(told.body.rematched).toBeGreaterThan(0);
    expect(await emittedBy(waiting.body.callback_id)).toMatchObject([{ variant: "sms.sent", workspace_id: "__org__" }]);
    // It objects to nobody.
    expect((await send("user.created", user("user_named", ours(ACME)))).body).toMatchObject({ events: 1 });
    await homing.api("DELETE", `/v1/bindings/${told.body.id}`);
  });

  it("a contact's changes are told with old and new; a sign-in changes nothing; a deletion is the end", async () => {
    const at = (minute: number, more: object = {}) =>
      user("user_changes", { ...ours(ACME), updated_at: START + minute * 1000, ...more });
    const created = await send("user.created", at(0));
    expect(await emittedBy(created.body.callback_id)).toMatchObject([
      { type: "contact.created", data: { contact_id: "user_changes", email: "jane@x.example", phone: null, source: "webhook" } },
    ]);
    const married = { last_name: "Doe-Smith", email_addresses: [{ id: "idn_1", email_address: "jds@x.example" }] };
    const updated = await send("user.updated", at(2, married));
    const [event] = await emittedBy(updated.body.callback_id);
    expect(event?.data).toEqual({
      contact_id: "user_changes",
      changes: { last_name: { old: "Doe", new: "Doe-Smith" }, email: { old: "jane@x.example", new: "jds@x.example" } },
    });
    const reasonOf = async (answer: Awaited<ReturnType<typeof send>>) => (await traceOf(answer.body.callback_id)).reason;
    expect(await reasonOf(await send("user.updated", at(3, { ...married, last_sign_in_at: START })))).toBe("nothing_changed");
    expect(await reasonOf(await send("user.updated", at(1)))).toBe("older_than_state");
    const deleted = await send("user.deleted", { id: "user_changes", object: "user", deleted: true }, START + 4000);
    expect(await emittedBy(deleted.body.callback_id)).toMatchObject([
      { type: "contact.deleted", workspace_id: ACME, data: { contact_id: "user_changes", deletion_reason: "deleted" } },
    ]);
    expect(await reasonOf(await send("user.updated", at(5, { first_name: "Joan" })))).toBe("older_than_state");
  });

  it("a plan is kept at first sight, and its change is told with the old one", async () => {
    await send("organization.created", { id: "org_plan", ...ours(ACME) });
    const active = (slug: string, minute: number) =>
      send("subscriptionItem.active", planOf("org_plan", slug, START + minute * 1000));
    const first = await active("free", 0);
    expect(await traceOf(first.body.callback_id)).toMatchObject({ status: "ignored", reason: "first_seen" });
    const changed = await active("pro", 1);
    expect(await emittedBy(changed.body.callback_id)).toMatchObject([
      {
        type: "billing.plan_changed",
        workspace_id: ACME,
        data: { old_plan: "free", new_plan: "pro", effective_at: new Date(START + 1000).toISOString() },
      },
    ]);
    expect(await traceOf((await active("pro", 2)).body.callback_id)).toMatchObject({ reason: "nothing_changed" });
  });

  it("a message that is sent again, signed anew, is a duplicate; another message that says the same is not", async () => {
    const data = payment("pa_again", "org_1");
    await send("organization.created", { id: "org_1", ...ours(ACME) });
    const first = await send("paymentAttempt.updated", data);
    expect(first.body).toMatchObject({ events: 1 });
    const later = new Date(START + 4 * 60_000);
    const again = await homing.callback("clerk", event("paymentAttempt.updated", data), { now: later });
    expect(again.body).toMatchObject({ status: "duplicate", events: 0, duplicates: 1 });
    const [one, two] = await Promise.all([traceOf(first.body.callback_id), traceOf(again.body.callback_id)]);
    expect(two.request.headers["svix-id"]).toBe(one.request.headers["svix-id"]);
    expect(two.request.headers["svix-timestamp"]).not.toBe(one.request.headers["svix-timestamp"]);
    expect(two.request.headers).not.toHaveProperty("svix-signature");

    const expired = await homing.callback("clerk", event("paymentAttempt.updated", data), { now: new Date(START - 301_000) });
    expect([expired.status, expired.body.error.code]).toEqual([401, "signature_expired"]);
    // Its id is signed: nobody gets past the guard by changing it.
    const renamed = await homing.callback("clerk", event("paymentAttempt.updated", data), {
      headers: { "svix-id": "msg_other" },
    });
    expect([renamed.status, renamed.body.error.code]).toEqual([401, "signature_mismatch"]);
    const distinct = await send("paymentAttempt.updated", data, START + 1);
    expect(distinct.body).toMatchObject({ events: 1 });
  });
});

const CODE = "91827364";
const LINK = "eyJhbGciOiJSUzI1NiJ9.one-time-link";

describe.each(databases)("a one-time code of Clerk's on the %s database", (kind) => {
  const lines: string[] = [];
  const signer = newSigner();
  let gateway: Gateway;
  let url: string;
  let remove: () => Promise<void>;
  const api = async (path: string) =>
    (await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${API_TOKEN}` } })).text();
  const send = async (type: string, data: object) => {
    const body = Buffer.from(JSON.stringify(event(type, data)));
    const headers = { "content-type": "application/json", ...signer.sign({ body, now: new Date(START) }) };
    return (await (await fetch(`${url}/callbacks/clerk`, { method: "POST", headers, body })).json()) as {
      callback_id: string;
      status: string;
    };
  };
  beforeAll(async () => {
    const database = await freshDatabase(kind);
    remove = database.remove;
    const adapters = await registry();
    const environment = { PORT: "0", API_TOKEN, MASTER_KEY, LOG_LEVEL: "trace", CLERK_SECRETS: signer.secret };
    const logger = createLogger("trace", { write: (line) => lines.push(line) });
    gateway = await createGateway(readConfig({ ...environment, ...database.settings }, adapters.keys()), adapters, logger, {
      clock: () => START,
    });
    url = await gateway.listen();
  });
  afterAll(async () => {
    await gateway.close();
    await remove();
  });

  it("stands in no trace, no event, no log, and nowhere in the database as text", async () => {
    const texts = { subject: `${CODE} is your code`, body: `<b>${CODE}</b> ${LINK}`, body_plain: CODE, message: `${CODE} is it` };
    const data = {
      ...{ otp_code: CODE, magic_link: `https://x.example/v1/verify?token=${LINK}`, action_url: `https://x.example/${LINK}` },
      ...{ revoke_session_url: `https://x.example/${LINK}`, user: nothing },
    };
    const message = { ...texts, data, status: "queued", slug: "verification_code", user_id: null };
    const answers = [
      await send("email.created", { ...message, id: "ema_sent", delivered_by_clerk: true, to_email_address: "jane@x.example" }),
      await send("sms.created", { ...message, id: "sms_sent", delivered_by_clerk: true, to_phone_number: "+15555550100" }),
      await send("sms.created", { ...message, id: "sms_ours", delivered_by_clerk: false, to_phone_number: "+15555550100" }),
      await send("email.created", { ...message, id: null, delivered_by_clerk: true }),
      await send("email.rethought", { ...message, id: "ema_new" }),
      await send("organizationInvitation.created", { id: "orginv_1", url: `https://x.example/?__clerk_ticket=${LINK}` }),
    ];
    expect(answers.map(({ status }) => status)).toEqual(["unmatched", "unmatched", "ignored", "failed", "ignored", "ignored"]);
    const secret = new RegExp(`${CODE}|${LINK}`);
    // While they wait, and when they are home.
    for (const told of [false, true]) {
      if (told) {
        const binding = { provider: "clerk", kind: "instance", value: INSTANCE, workspace_id: "__org__" };
        const put = { method: "PUT", headers: { authorization: `Bearer ${API_TOKEN}`, "content-type": "application/json" } };
        await fetch(`${url}/v1/bindings`, { ...put, body: JSON.stringify(binding) });
      }
      for (const { callback_id } of answers) {
        const trace = await api(`/v1/callbacks/${callback_id}`);
        expect(trace).toContain("[hidden]");
        expect(trace).not.toMatch(secret);
      }
      for (const path of ["/v1/events", "/v1/unmatched", "/v1/callbacks", "/v1/messages/ema_sent"])
        expect(await api(path)).not.toMatch(secret);
      const stored = await everything(gateway);
      // The search would see it: it sees what may be seen.
      expect(stored).toContain("ema_sent");
      for (const text of [CODE, LINK].flatMap((one) => [
        one,
        Buffer.from(one).toString("hex"),
        Buffer.from(one).toString("base64url"),
      ]))
        expect(stored).not.toContain(text);
    }
    expect((await api("/v1/events")).match(/"variant":"(sms|email)\.sent"/g)).toHaveLength(2);
    expect(lines.join("")).not.toMatch(secret);
    expect(lines).not.toEqual([]);
  });
});

/** All rows of all tables; bytes are hexadecimal in it. */
async function everything({ database }: Gateway): Promise<string> {
  const tables = await database.query<{ name: string }>(
    "select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
  );
  const rows = await Promise.all(
    tables.map(({ name }) => database.query<{ row: string }>(`select t::text as row from ${name} t`)),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .join("\n");
}
