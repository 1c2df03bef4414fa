import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { catalogueTypes } from "../../src/events/catalogue.ts";
import { createGateway } from "../../src/gateway.ts";
import { createLogger } from "../../src/log.ts";
import { registry } from "../../src/registry.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import {
  type Answer,
  API_TOKEN,
  databases,
  freshDatabase,
  MASTER_KEY,
  startGateway,
  type TestGateway,
} from "../support/gateway.ts";
import { startReceiver } from "../support/receiver.ts";
import { ask } from "./support/ask.ts";

const NOBODY = "00000000-0000-4000-8000-000000000bad";
const NOWHERE = "ep_00000000000040008000000000000bad";
const URL_OF_OURS = "http://127.0.0.1:8443/hook";

describe.each(databases)("endpoints on the %s database", (kind) => {
  let homing: TestGateway;
  beforeAll(async () => {
    // Nothing is sent: what is owed stays as it is.
    homing = await startGateway(kind, { ALLOW_PRIVATE_ENDPOINTS: "true" }, { role: "web" });
    for (const id of [ACME, BETA]) await homing.api("PUT", `/v1/workspaces/${id}`, { name: "A workspace" });
  });
  afterAll(() => homing.close());

  const create = async (more: object = {}) => {
    const answer = await homing.api("POST", "/v1/endpoints", {
      ...{ workspace_id: ACME, url: URL_OF_OURS, events: ["segment.entered"] },
      ...more,
    });
    expect([answer.status, answer.body.error]).toEqual([201, undefined]);
    return answer.body as { id: string; secret: string; whsec: string; state: string; events: string[] };
  };
  const tell = async (workspace_id = ACME, type = "segment.entered") => {
    const data = type === "segment.entered" ? { contact_id: "c", segment_id: "s" } : { contact_id: "c" };
    return (await homing.api("POST", "/v1/events", { type, workspace_id, data })).body.id as string;
  };
  const owed = async (endpoint: string) =>
    (await homing.api("GET", `/v1/endpoints/${endpoint}/dispatches`)).body.data.map(
      (one: { event_id: string; state: string }) => [one.event_id, one.state],
    ) as [string, string][];
  const look = async (endpoint: string) => (await homing.api("GET", `/v1/endpoints/${endpoint}`)).body;

  it("are made with a secret, and told with everything else", async () => {
    const { secret, whsec, ...made } = await create({ description: "Orders" });
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(whsec).toBe(`whsec_${Buffer.from(secret).toString("base64")}`);
    expect(made).toEqual({
      ...{ id: expect.stringMatching(/^ep_[0-9a-f]{32}$/), workspace_id: ACME, url: URL_OF_OURS, events: ["segment.entered"] },
      ...{ description: "Orders", signature_header: "X-Aegis-Signature", state: "active", state_reason: null },
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      health: {
        ...{ success_rate_24h: null, last_success_at: null, last_failures: [], waiting: 0, dead: 0, circuit: "closed" },
      },
    });
    expect(await look(made.id)).toEqual(made);
  });

  it("ask for exact types, families and everything; twice is once", async () => {
    const families = [...new Set(catalogueTypes.map((type) => `${type.split(".")[0]}.*`))];
    const { events } = await create({ events: [...catalogueTypes, ...families, "*", "delivery.*", "*"] });
    expect(events).toEqual([...catalogueTypes, ...families, "*"]);
  });

  it.each<[string, object, string, RegExp]>([
    ["no events", { events: [] }, "events", /must ask for something/],
    ["no list of events", { events: "delivery.*" }, "events", /array/],
    [
      "a type that there is not",
      { events: ["*", "delivery.exploded"] },
      "events.1",
      /one of delivery\.sent, .*contact\.\*, .*\*$/,
    ],
    ["a status that stays on the bus", { events: ["delivery.complained"] }, "events.0", /must be one of/],
    ["a family without its star", { events: ["delivery"] }, "events.0", /must be one of/],
    ["a star elsewhere", { events: ["*.delivered"] }, "events.0", /must be one of/],
    ["too many of them", { events: Array(101).fill("*") }, "events", /100/],
    ["a header of others", { signature_header: "Authorization" }, "signature_header", /X-Some-Signature/],
    ["a header in lower case", { signature_header: "x-signature" }, "signature_header", /X-Some-Signature/],
    ["a header without a name", { signature_header: "X-" }, "signature_header", /X-Some-Signature/],
    ["a header that is too long", { signature_header: `X-${"a".repeat(61)}` }, "signature_header", /X-Some-Signature/],
    ["a header with more in it", { signature_header: "X-A\r\nX-B: c" }, "signature_header", /X-Some-Signature/],
    ["a header with an end of line", { signature_header: "X-A\n" }, "signature_header", /X-Some-Signature/],
    ["a blank description", { description: "  " }, "description", /./],
    ["a description without end", { description: "a".repeat(201) }, "description", /200/],
    ["a URL without end", { url: `https://a.example/${"a".repeat(2000)}` }, "url", /2000/],
    ["no URL", { url: "" }, "url", /is not a URL/],
    ["a path alone", { url: "/hook" }, "url", /is not a URL/],
    ["another scheme", { url: "ftp://127.0.0.1/hook" }, "url", /https:\/\//],
    ["a script", { url: "javascript:alert(1)" }, "url", /https:\/\//],
    ["plain http into the world", { url: "http://93.184.215.14/hook" }, "url", /https:\/\/ outside of private/],
    ["a user's name", { url: "https://me@93.184.215.14/hook" }, "url", /user name or password/],
    ["a password", { url: "https://:secret@93.184.215.14/hook" }, "url", /user name or password/],
    ["a fragment", { url: "https://93.184.215.14/hook#top" }, "url", /fragment/],
    ["a port of other services", { url: "https://93.184.215.14:22/hook" }, "url", /port 443/],
    ["http's port", { url: "https://93.184.215.14:80/hook" }, "url", /port 443/],
    ["the cloud's metadata", { url: "http://169.254.169.254/latest/meta-data" }, "url", /public internet/],
    ["any address of ours", { url: "https://0.0.0.0/hook" }, "url", /public internet/],
  ])("are refused, in words: %s", async (_, wrong, field, words) => {
    const refused = (answer: Answer<Record<string, any>>) => {
      expect([answer.status, answer.body.error?.code]).toEqual([422, "invalid"]);
      expect(answer.body.error.fields).toEqual({ [field]: expect.stringMatching(words) });
    };
    refused(await homing.api("POST", "/v1/endpoints", { workspace_id: ACME, url: URL_OF_OURS, events: ["*"], ...wrong }));
    const { id } = await create();
    const before = await look(id);
    refused(await homing.api("PATCH", `/v1/endpoints/${id}`, wrong));
    expect(await look(id)).toEqual(before);
  });

  it.each([
    ["without a workspace", { workspace_id: undefined }, 422],
    ["of a workspace that is none", { workspace_id: "acme" }, 422],
    ["of one that nobody registered", { workspace_id: NOBODY }, 422],
    ["without a URL", { url: undefined }, 422],
    ["without events", { events: undefined }, 422],
  ])("are refused %s", async (_, wrong, status) => {
    const answer = await homing.api("POST", "/v1/endpoints", { workspace_id: ACME, url: URL_OF_OURS, events: ["*"], ...wrong });
    expect([answer.status, Object.keys(answer.body.error.fields)]).toEqual([status, Object.keys(wrong)]);
  });

  it("belong to __org__ as to any other", async () => {
    const { id } = await create({ workspace_id: "__org__" });
    const event = await tell("__org__");
    expect(await owed(id)).toEqual([[event, "pending"]]);
  });

  it("that are not there are 404, and nothing but JSON is 422", async () => {
    for (const id of [NOWHERE, "ep_nothing", "nothing"]) {
      for (const [method, path] of [
        ["GET", ""],
        ["PATCH", ""],
        ["POST", "/rotate-secret"],
        ["POST", "/test"],
        ["POST", "/retry-dead"],
        ["GET", "/dispatches"],
      ] as const)
        expect((await homing.api(method, `/v1/endpoints/${id}${path}`, method === "GET" ? undefined : {})).status).toBe(404);
      expect((await homing.api("DELETE", `/v1/endpoints/${id}`)).status).toBe(204);
    }
    const headers = { authorization: `Bearer ${API_TOKEN}` };
    const answer = await fetch(`${homing.url}/v1/endpoints`, { method: "POST", headers, body: "url=https://example.com" });
    expect([answer.status, await answer.text()]).toEqual([422, expect.stringContaining("The body is not JSON.")]);
  });

  it("stand in lists newest first, by workspace, page by page", async () => {
    const made = [
      await create({ workspace_id: BETA }),
      await create({ workspace_id: BETA }),
      await create({ workspace_id: BETA }),
    ];
    const pages: string[][] = [];
    for (let next: string | null = ""; next !== null; ) {
      const { body }: Answer<Record<string, any>> = await homing.api(
        "GET",
        `/v1/endpoints?workspace_id=${BETA}&limit=2${next && `&after=${next}`}`,
      );
      pages.push(body.data.map((one: { id: string }) => one.id));
      next = body.next;
    }
    expect(pages.flat()).toEqual(made.map(({ id }) => id).reverse());
    expect(pages.map((page) => page.length)).toEqual([2, 1]);
    const refused = await homing.api("GET", "/v1/endpoints?after=ep_nothing");
    expect([refused.status, refused.body.error.fields]).toEqual([422, { after: "is not a cursor from here" }]);
  });

  it("change in part; null is the default again", async () => {
    const { id } = await create({ description: "one", signature_header: "X-Acme-Signature" });
    const change = async (body: object) => (await homing.api("PATCH", `/v1/endpoints/${id}`, body)).body;
    expect(await change({ url: "https://93.184.215.14/hook" })).toMatchObject({
      ...{
        url: "https://93.184.215.14/hook",
        description: "one",
        signature_header: "X-Acme-Signature",
        events: ["segment.entered"],
      },
    });
    expect(await change({ description: null })).toMatchObject({ description: null, signature_header: "X-Acme-Signature" });
    expect(await change({ signature_header: null })).toMatchObject({ signature_header: "X-Aegis-Signature" });
    expect(await change({ events: ["contact.*"] })).toMatchObject({ events: ["contact.*"], url: "https://93.184.215.14/hook" });
    expect(await change({})).toMatchObject({ events: ["contact.*"], state: "active" });
  });

  it("are told what they ask for now, from the next event on", async () => {
    const { id } = await create({ events: ["segment.*"] });
    const before = await tell();
    await homing.api("PATCH", `/v1/endpoints/${id}`, { events: ["contact.deleted"] });
    await tell();
    const after = await tell(ACME, "contact.deleted");
    expect(await owed(id)).toEqual([
      [after, "pending"],
      [before, "pending"],
    ]);
  });

  it("keep what they asked for, and since when", async () => {
    const { id } = await create({ events: ["segment.*"] });
    await homing.api("PATCH", `/v1/endpoints/${id}`, { events: ["*"] });
    await homing.api("PATCH", `/v1/endpoints/${id}`, { description: "says nothing of events" });
    await homing.api("PATCH", `/v1/endpoints/${id}`, { state: "disabled" });
    await homing.api("PATCH", `/v1/endpoints/${id}`, { state: "active", events: ["delivery.*"] });
    await homing.api("DELETE", `/v1/endpoints/${id}`);
    const rows = await homing.gateway.database.query(
      "select filters, active from endpoint_filters where replace(endpoint_id::text, '-', '') = $1 order by since",
      [id.slice("ep_".length)],
    );
    expect(rows).toEqual([
      { filters: ["segment.*"], active: true },
      { filters: ["*"], active: true },
      { filters: ["*"], active: false },
      { filters: ["delivery.*"], active: true },
      { filters: ["delivery.*"], active: false },
    ]);
  });

  it("that are switched off hold what they are owed and get nothing new; switched on it goes out", async () => {
    const { id } = await create();
    const event = await tell();
    await homing.gateway.database.query("update dispatches set state = 'retrying', attempts = 2 where type = 'segment.entered'");
    const off = await homing.api("PATCH", `/v1/endpoints/${id}`, { state: "disabled" });
    expect(off.body).toMatchObject({ state: "disabled", state_reason: "Switched off", health: { waiting: 1 } });
    await tell();
    expect(await owed(id)).toEqual([[event, "held"]]);
    const on = await homing.api("PATCH", `/v1/endpoints/${id}`, { state: "active" });
    expect(on.body).toMatchObject({ state: "active", state_reason: null });
    const later = await tell();
    expect(await owed(id)).toEqual([
      [later, "pending"],
      [event, "retrying"],
    ]);
  });

  it("that are deleted are gone, and what they were owed is cancelled", async () => {
    const { id } = await create();
    const event = await tell();
    for (const _ of [1, 2]) expect((await homing.api("DELETE", `/v1/endpoints/${id}`)).status).toBe(204);
    await tell();
    expect(await owed(id)).toEqual([[event, "cancelled"]]);
    expect((await homing.api("GET", `/v1/endpoints/${id}`)).status).toBe(404);
    expect((await homing.api("PATCH", `/v1/endpoints/${id}`, { state: "active" })).status).toBe(404);
    const { body } = await homing.api("GET", "/v1/endpoints?limit=500");
    expect(body.data.map((one: { id: string }) => one.id)).not.toContain(id);
    const audit = await homing.api("GET", `/v1/audit?object=${id}`);
    expect(audit.body.data.map((entry: { action: string }) => entry.action)).toEqual(["endpoint.deleted", "endpoint.created"]);
  });

  it("stop with their workspace and go on with it, but for those that were off before", async () => {
    const workspace_id = crypto.randomUUID();
    const open = () => homing.api("PUT", `/v1/workspaces/${workspace_id}`, { name: "A branch" });
    await open();
    const [running, off] = [await create({ workspace_id }), await create({ workspace_id })];
    await homing.api("PATCH", `/v1/endpoints/${off.id}`, { state: "disabled" });
    const event = await tell(workspace_id);
    await homing.api("DELETE", `/v1/workspaces/${workspace_id}`);
    expect(await look(running.id)).toMatchObject({ state: "disabled", state_reason: "Its workspace is closed" });
    expect(await owed(running.id)).toEqual([[event, "held"]]);
    for (const [method, path, body] of [
      ["PATCH", `/v1/endpoints/${running.id}`, { state: "active" }],
      ["PATCH", `/v1/endpoints/${off.id}`, { state: "active" }],
      ["POST", "/v1/endpoints", { workspace_id, url: URL_OF_OURS, events: ["*"] }],
    ] as const)
      expect((await homing.api(method, path, body)).body.error).toMatchObject({
        ...{ code: "conflict", message: "This workspace is closed." },
      });
    await open();
    expect(await look(running.id)).toMatchObject({ state: "active", state_reason: null });
    expect(await look(off.id)).toMatchObject({ state: "disabled", state_reason: "Switched off" });
    expect(await owed(running.id)).toEqual([[event, "pending"]]);
    expect((await homing.api("PATCH", `/v1/endpoints/${off.id}`, { state: "active" })).status).toBe(200);
  });

  it("get a new secret beside the old one, which lives for 24 h more", async () => {
    const { id, secret, whsec } = await create();
    const { body, status } = await homing.api("POST", `/v1/endpoints/${id}/rotate-secret`);
    expect([status, body.secret === secret, body.whsec === whsec]).toEqual([201, false, false]);
    expect(body.whsec).toBe(`whsec_${Buffer.from(body.secret).toString("base64")}`);
    const [row] = await homing.gateway.database.query<{ hours: number }>(
      "select extract(epoch from $1::timestamptz - now())::float / 3600 as hours",
      [body.previous_secret_until],
    );
    expect(row?.hours).toBeGreaterThan(23.9);
    expect(row?.hours).toBeLessThanOrEqual(24);
  });

  it("are tested with what is stored nowhere else, and what became of that is told", async () => {
    const { query } = homing.gateway.database;
    const counted = () =>
      query("select (select count(*) from events) e, (select count(*) from dispatches) d, (select count(*) from attempts) a");
    let status = 204;
    const there = await startReceiver((_, response) => void response.writeHead(status).end(status === 500 ? "out of order" : ""));
    const { id } = await create({ url: there.url });
    const before = await counted();
    const fine = await homing.api("POST", `/v1/endpoints/${id}/test`);
    expect([fine.status, fine.body]).toEqual([
      201,
      { ok: true, webhook_id: expect.stringMatching(/^evt_/), status: 204, ms: expect.any(Number), error: null, response: "" },
    ]);
    const [sent] = there.received;
    expect(sent?.headers["webhook-id"]).toBe(fine.body.webhook_id);
    expect(JSON.parse(sent?.body ?? "")).toMatchObject({
      ...{ id: fine.body.webhook_id, type: "endpoint.test", workspace_id: ACME, data: { endpoint_id: id } },
    });
    status = 500;
    expect((await homing.api("POST", `/v1/endpoints/${id}/test`)).body).toMatchObject({
      ...{ ok: false, status: 500, error: "status", response: "out of order" },
    });
    await there.close();
    expect((await homing.api("POST", `/v1/endpoints/${id}/test`)).body).toMatchObject({
      ...{ ok: false, status: null, error: "connection_refused", response: null },
    });
    expect(await counted()).toEqual(before);
    expect(await look(id)).toMatchObject({ state: "active", health: { success_rate_24h: null } });
  });
});

describe("endpoints of the public internet", () => {
  it("are never of ours", async () => {
    const homing = await startGateway("postgres", {}, { role: "web" });
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    const create = (url: string) => homing.api("POST", "/v1/endpoints", { workspace_id: ACME, url, events: ["*"] });
    const { body: there } = await create("https://93.184.215.14:8443/hook");
    for (const url of [
      "http://93.184.215.14/hook",
      "https://127.0.0.1/hook",
      "https://127.1/hook",
      "https://2130706433/hook",
      "https://0x7f000001/hook",
      "https://10.0.0.1/hook",
      "https://172.16.0.1:8443/hook",
      "https://192.168.0.1/hook",
      "https://100.64.0.1/hook",
      "https://169.254.169.254/hook",
      "https://[::1]/hook",
      "https://[::ffff:10.0.0.1]/hook",
      "https://[fd00::1]/hook",
      "https://[fe80::1]/hook",
      "https://224.0.0.1/hook",
    ]) {
      for (const answer of [await create(url), await homing.api("PATCH", `/v1/endpoints/${there.id}`, { url })])
        expect([url, answer.status, Object.keys(answer.body.error?.fields ?? {})]).toEqual([url, 422, ["url"]]);
    }
    await homing.close();
  });
});

describe.each(databases)("an endpoint's secret on the %s database", (kind) => {
  it("is shown when it is made and when it is made anew, and stands nowhere else", async () => {
    const lines: string[] = [];
    const { settings, remove } = await freshDatabase(kind);
    const adapters = await registry();
    const gateway = await createGateway(
      readConfig({ PORT: "0", API_TOKEN, MASTER_KEY, ALLOW_PRIVATE_ENDPOINTS: "true", ...settings }, adapters.keys()),
      adapters,
      createLogger("trace", { write: (line) => void lines.push(line) }),
    );
    const [url, there] = [await gateway.listen(), await startReceiver()];
    const api = async (method: string, path: string, body?: object) => (await ask(url, API_TOKEN, method, path, body)).text;
    await api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    const made = JSON.parse(await api("POST", "/v1/endpoints", { workspace_id: ACME, url: there.url, events: ["*"] }));
    await api("POST", "/v1/events", {
      ...{ type: "contact.deleted", workspace_id: ACME, data: { contact_id: "c" } },
    });
    await there.came(1);
    const fresh = JSON.parse(await api("POST", `/v1/endpoints/${made.id}/rotate-secret`));
    const told = [
      await api("PATCH", `/v1/endpoints/${made.id}`, { description: "changed" }),
      await api("POST", `/v1/endpoints/${made.id}/test`),
      await api("GET", `/v1/endpoints/${made.id}`),
      await api("GET", "/v1/endpoints"),
      await api("GET", `/v1/endpoints/${made.id}/dispatches`),
      await api("POST", `/v1/endpoints/${made.id}/retry-dead`),
      await api("POST", "/v1/endpoints", { workspace_id: ACME, url: "nowhere", events: ["*"] }),
      await api("DELETE", `/v1/endpoints/${made.id}`),
      await api("GET", "/v1/audit"),
      await api("GET", "/metrics"),
    ];
    const stored = [];
    for (const table of ["endpoints", "endpoint_filters", "dispatches", "attempts", "audit", "events"])
      stored.push(JSON.stringify(await gateway.database.query(`select * from ${table}`)));
    expect(lines.join("")).toContain("webhook attempt");
    const everything = [...told, ...stored, ...lines].join("\n");
    const secrets = [made.secret, made.whsec, made.whsec.slice("whsec_".length), fresh.secret, fresh.whsec];
    expect(secrets.filter((secret) => everything.includes(secret))).toEqual([]);
    await gateway.close();
    await Promise.all([there.close(), remove()]);
  });
});
