import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newSigner } from "../../providers/example/fixtures/sign.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import { type Answer, databases, startGateway, type TestGateway } from "../support/gateway.ts";

const report = (id: string, more: object = {}) => ({
  reports: [
    {
      id,
      message_id: id,
      status: "delivered",
      at: "2026-11-22T10:30:00Z",
      to: `${id}@example.com`,
      meta: { workspace_id: ACME },
      ...more,
    },
  ],
});

describe.each(databases)("the API on the %s database", (kind) => {
  let homing: TestGateway;
  beforeAll(async () => {
    homing = await startGateway(kind);
  });
  afterAll(() => homing.close());

  it("registers, closes and opens a workspace; each may be repeated", async () => {
    expect((await homing.api("GET", `/v1/workspaces/${ACME}`)).status).toBe(404);
    expect((await homing.api("PUT", `/v1/workspaces/${ACME.toUpperCase()}`, { name: "Acme" })).body).toMatchObject({
      id: ACME,
      name: "Acme",
      state: "open",
      rematched: 0,
    });
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
    for (const _ of [1, 2]) expect((await homing.api("DELETE", `/v1/workspaces/${BETA}`)).status).toBe(204);
    expect((await homing.api("GET", `/v1/workspaces/${BETA}`)).body.state).toBe("closed");
    expect((await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" })).body.state).toBe("open");
    expect((await homing.api("DELETE", "/v1/workspaces/__org__")).status).toBe(409);
    expect((await homing.api("PUT", "/v1/workspaces/nobody", { name: "x" })).status).toBe(422);
    const { body } = await homing.api("GET", "/v1/workspaces?limit=1");
    expect([body.data[0].id, body.next]).toEqual([BETA, BETA]);
    expect((await homing.api("GET", `/v1/workspaces?limit=1&after=${body.next}`)).body).toMatchObject({
      data: [{ id: ACME }],
      next: null,
    });
  });

  it("takes secrets, tells counts and ages, never values, and uses them at once", async () => {
    const [first, second] = [newSigner(), newSigner()];
    const put = await homing.api("PUT", "/v1/secrets/example", { workspace_id: ACME, secrets: [first.secret, second.secret] });
    expect(put.status).toBe(200);
    const told = await homing.api("GET", "/v1/secrets/example");
    expect(told.body.data).toContainEqual({
      workspace_id: ACME,
      place: "stored",
      count: 2,
      created_at: [expect.any(String), expect.any(String)],
    });
    expect(JSON.stringify([put.body, told.body])).not.toContain(first.secret);
    for (const signer of [first, second]) {
      const answer = await homing.callback("example", report(`s_${signer.secret.slice(0, 5)}`), {
        signer,
        path: `/callbacks/example/${ACME}`,
      });
      expect(answer.body).toMatchObject({ events: 1 });
      // Another workspace's URL, and the plain one, do not take it.
      expect((await homing.callback("example", report("x"), { signer, path: `/callbacks/example/${BETA}` })).status).toBe(401);
      expect((await homing.callback("example", report("x"), { signer })).status).toBe(401);
    }
    await homing.api("PUT", "/v1/secrets/example", { workspace_id: ACME, secrets: [second.secret] });
    expect((await homing.callback("example", report("y"), { signer: first, path: `/callbacks/example/${ACME}` })).status).toBe(
      401,
    );
    const malformed = await homing.api("PUT", "/v1/secrets/sendgrid", { workspace_id: null, secrets: ["not a public key"] });
    expect([malformed.status, malformed.body.error.fields["secrets.0"]]).toEqual([422, expect.stringContaining("public key")]);
    expect((await homing.api("PUT", "/v1/secrets/nobody", { workspace_id: null, secrets: [] })).status).toBe(404);
  });

  it("stored secrets are encrypted", async () => {
    const { secret } = newSigner();
    await homing.api("PUT", "/v1/secrets/example", { workspace_id: BETA, secrets: [secret] });
    const rows = await homing.gateway.database.query("select * from secrets");
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(JSON.stringify(await homing.gateway.database.query("select * from audit"))).not.toContain(secret);
  });

  it("gives the URL to register, and rotates its token with an overlap", async () => {
    const plain = await homing.api("GET", "/v1/callback-url?adapter=example");
    expect(plain.body.url).toBe(`${homing.url}/callbacks/example`);
    const before = (await homing.api("GET", `/v1/callback-url?adapter=example&workspace_id=${ACME}`)).body.url as string;
    expect(before).toMatch(new RegExp(`^${homing.url}/callbacks/example/${ACME}/[0-9a-f]{32}$`));
    const rotated = await homing.api("POST", "/v1/callback-url/rotate", {
      adapter: "example",
      workspace_id: ACME,
      keep_old_hours: 1,
    });
    expect([rotated.status, rotated.body.url === before]).toEqual([201, false]);
    const send = (url: string, id: string) =>
      homing.callback("example", report(id, { meta: null }), { path: new URL(url).pathname });
    expect((await send(before, "old_url")).body).toMatchObject({ events: 1 });
    expect((await send(rotated.body.url, "new_url")).body).toMatchObject({ events: 1 });
    await homing.api("POST", "/v1/callback-url/rotate", { adapter: "example", workspace_id: ACME, keep_old_hours: 0 });
    expect((await send(rotated.body.url, "ended")).body.error.code).toBe("token_mismatch");
    expect((await homing.api("GET", "/v1/callback-url?adapter=nobody")).status).toBe(422);
  });

  it("finds callbacks by what support knows of them", async () => {
    const meta = { workspace_id: ACME, message_id: "m_ours", contact_id: "c_ours" };
    const answer = await homing.callback("example", report("find_me", { to: "Asha@Example.com", meta }));
    const id = answer.body.callback_id;
    const [event] = (await homing.events()).filter((one) => one.callback_id === id);
    for (const q of [id, event?.id, "asha@example.com", "find_me", "m_ours", "c_ours"]) {
      expect([q, (await homing.api("GET", `/v1/callbacks?q=${q}`)).body.data.map((one: { id: string }) => one.id)]).toEqual([
        q,
        [id],
      ]);
    }
    expect((await homing.api("GET", "/v1/callbacks?reference=message:find_me")).body.data).toHaveLength(1);
    expect((await homing.api("GET", "/v1/callbacks?reference=order:find_me")).body.data).toEqual([]);
    expect(
      (await homing.api("GET", `/v1/callbacks?workspace_id=${ACME}&provider=example&since=15m&status=accepted&limit=500`)).body
        .data.length,
    ).toBeGreaterThan(1);
    expect((await homing.api("GET", `/v1/callbacks?workspace_id=${BETA}`)).body.data).toEqual([]);
    expect((await homing.api("GET", "/v1/callbacks?since=tomorrow-ish")).status).toBe(422);
    expect((await homing.api("GET", "/v1/callbacks/cb_nothing")).status).toBe(404);
    const paged: string[] = [];
    for (let next: string | null = ""; next !== null; ) {
      const page: Answer<{ data: { id: string }[]; next: string | null }> = await homing.api(
        "GET",
        `/v1/callbacks?limit=2${next && `&after=${next}`}`,
      );
      paged.push(...page.body.data.map((one: { id: string }) => one.id));
      next = page.body.next;
    }
    expect(paged).toEqual([...new Set(paged)].sort().reverse());
  });

  it("emits the platform's own events, once per key, checked against the catalogue", async () => {
    const told = {
      type: "segment.entered",
      workspace_id: ACME,
      data: { contact_id: "c", segment_id: "s" },
      idempotency_key: "key-1",
    };
    const first = await homing.api("POST", "/v1/events", told);
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({
      ...{ type: "segment.entered", name: "segment.entered", variant: null, classification: "PASSIVE", workspace_source: "api" },
      ...{ provider: null, callback_id: null, data: { contact_id: "c", segment_id: "s", segment_name: null } },
    });
    const again = await homing.api("POST", "/v1/events", told);
    expect([again.status, again.body.id]).toEqual([200, first.body.id]);
    expect((await homing.api("POST", "/v1/events", { ...told, data: { contact_id: "other", segment_id: "s" } })).status).toBe(
      409,
    );
    expect((await homing.api("POST", "/v1/events", { ...told, workspace_id: BETA })).status).toBe(201);
    const wrong = await homing.api("POST", "/v1/events", { ...told, idempotency_key: "k", data: { contact_id: 7 } });
    expect([wrong.status, Object.keys(wrong.body.error.fields).sort()]).toEqual([422, ["data.contact_id", "data.segment_id"]]);
    expect((await homing.api("POST", "/v1/events", { ...told, type: "delivery.delivered" })).status).toBe(422);
    expect(
      (await homing.api("POST", "/v1/events", { ...told, workspace_id: "00000000-0000-4000-8000-000000000bad" })).status,
    ).toBe(422);
  });

  it("a first-party delivery.sent joins the message of the same id", async () => {
    const data = { message_id: "joined", campaign_id: "c", contact_id: "k", channel: "email" };
    await homing.api("POST", "/v1/events", {
      type: "delivery.sent",
      workspace_id: ACME,
      data,
      occurred_at: "2026-11-22T10:00:00Z",
    });
    await homing.callback("example", report("provider_id", { meta: { workspace_id: ACME, message_id: "joined" } }));
    for (const id of ["joined", "provider_id"]) {
      const { body } = await homing.api("GET", `/v1/messages/${id}`);
      expect(body.data).toHaveLength(1);
      expect(body.data[0]).toMatchObject({
        message_id: "joined",
        provider_message_id: "provider_id",
        state: "delivered",
        contact_id: "k",
      });
      expect(body.data[0].events.map((event: { type: string }) => event.type)).toEqual(["delivery.sent", "delivery.delivered"]);
    }
    expect((await homing.api("GET", "/v1/messages/never-heard-of")).body.data).toEqual([]);
  });

  it("binds up to a thousand at once; told against told is a conflict", async () => {
    const bindings = Array.from({ length: 1000 }, (_, index) => ({
      provider: "example",
      kind: "customer",
      value: `c_${index}`,
      workspace_id: ACME,
    }));
    const many = await homing.api("PUT", "/v1/bindings", { bindings });
    expect([many.status, many.body.data.length, many.body.data[999].value]).toEqual([200, 1000, "c_999"]);
    expect((await homing.api("PUT", "/v1/bindings", { ...bindings[0], workspace_id: BETA })).status).toBe(409);
    expect(
      (await homing.api("PUT", "/v1/bindings", { ...bindings[0], workspace_id: BETA, replace: true })).body.workspace_id,
    ).toBe(BETA);
    expect((await homing.api("PUT", "/v1/bindings", bindings[1])).status).toBe(200);
    const found = await homing.api("GET", `/v1/bindings?provider=example&kind=customer&workspace_id=${BETA}&origin=told`);
    expect(found.body.data).toMatchObject([{ value: "c_0", origin: "told" }]);
    for (const _ of [1, 2]) expect((await homing.api("DELETE", `/v1/bindings/${found.body.data[0].id}`)).status).toBe(204);
  });

  it("lists what waits, grouped by what heals most", async () => {
    const lost = (id: string) => homing.callback("example", report(id, { message_id: "shared-message", meta: null }));
    await lost("w1");
    await lost("w2");
    const { body } = await homing.api("GET", "/v1/unmatched?group=reference&reason=no_reference_bound&provider=example");
    expect(body.data).toContainEqual({
      ...{ provider: "example", dialect: null, reference: "message:shared-message", reason: "no_reference_bound", waiting: 2 },
      ...{
        oldest: "2026-11-22T10:30:00.000Z",
        newest: "2026-11-22T10:30:00.000Z",
        sample_callback_id: expect.stringMatching(/^cb_/),
      },
    });
    const items = await homing.api("GET", "/v1/unmatched?limit=1");
    expect(items.body.data).toHaveLength(1);
    expect((await homing.api("GET", `/v1/unmatched?limit=500&after=${items.body.next}`)).body.data.length).toBeGreaterThan(0);
  });

  it("finds a healed callback under its workspace", async () => {
    const lost = await homing.callback("example", report("found_later", { meta: null }));
    const mine = async () =>
      (await homing.api("GET", `/v1/callbacks?workspace_id=${BETA}`)).body.data.map((one: { id: string }) => one.id);
    expect(await mine()).not.toContain(lost.body.callback_id);
    await homing.api("PUT", "/v1/bindings", { provider: "example", kind: "message", value: "found_later", workspace_id: BETA });
    expect(await mine()).toContain(lost.body.callback_id);
  });

  it("is healthy, ready and counted; what is not there is 404", async () => {
    expect((await homing.api("GET", "/readyz")).body).toMatchObject({
      status: "ready",
      database: kind === "embedded" ? "embedded" : "postgresql",
    });
    const metrics = await (
      await fetch(`${homing.url}/metrics`, { headers: { authorization: "Bearer test-operator-token-0123456789abcdef" } })
    ).text();
    expect(metrics).toMatch(/homing_callbacks_total\{adapter="example",status="accepted"\} \d+/);
    expect(metrics).toMatch(/log_held_back_seconds \d/);
    expect((await homing.api("GET", "/v1/nothing")).body.error.code).toBe("not_found");
    expect((await homing.api("GET", "/nothing")).status).toBe(404);
  });
});
