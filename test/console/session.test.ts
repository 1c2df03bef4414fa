import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { API_TOKEN, databases, startGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { read, Visitor } from "./support/visitor.ts";

describe.each(databases)("a session of the console, on the %s database", (kind) => {
  let homing: TestGateway;
  let now = Date.parse("2026-11-22T10:00:00Z");
  const tokenOf = async (role: string, more: object = {}) =>
    (await homing.api("POST", "/v1/tokens", { name: `a ${role}`, role, ...more })).body as { id: string; token: string };
  const visitor = () => new Visitor(homing.url);
  beforeAll(async () => {
    homing = await startGateway(kind, {}, { clock: () => now });
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  });
  afterAll(() => homing.close());

  it("is asked for first, and leads back to where one wanted to go", async () => {
    const one = visitor();
    const first = await one.get("/console/callbacks?status=failed");
    expect([first.status, first.headers.location]).toEqual([303, "/console/login?next=%2Fconsole%2Fcallbacks%3Fstatus%3Dfailed"]);
    expect((await one.get(String(first.headers.location))).text).toContain('value="/console/callbacks?status=failed"');
    const done = await one.post("/console/login", { token: API_TOKEN, next: "/console/callbacks?status=failed" });
    expect([done.status, done.headers.location]).toEqual([303, "/console/callbacks?status=failed"]);
    expect((await one.get("/console/callbacks?status=failed")).status).toBe(200);
  });

  it.each([
    "https://elsewhere.example/",
    "//elsewhere.example",
    "/console//elsewhere.example",
    "/v1/events",
    "/console\\x",
    "javascript:alert(1)",
  ])("leads nowhere else: %s", async (next) => {
    const done = await visitor().post("/console/login", { token: API_TOKEN, next });
    expect(done.headers.location).toBe("/console");
  });

  it("is a random id in a cookie that only the console gets, and that no script reads; hashed where it is stored", async () => {
    const one = visitor();
    const { headers } = await one.post("/console/login", { token: API_TOKEN });
    const [cookie = ""] = headers["set-cookie"] ?? [];
    expect(cookie).toMatch(/^homing_session=[\w-]{43}; Max-Age=43200; Path=\/console; HttpOnly; SameSite=Strict$/);
    const id = one.cookies.get("homing_session") ?? "";
    const rows = await homing.gateway.database.query<{ id_hash: string }>("select * from sessions");
    expect(rows.map((row) => row.id_hash)).toContain(createHash("sha256").update(id).digest("hex"));
    expect(JSON.stringify(rows)).not.toContain(id);
    await one.login(API_TOKEN);
    expect(one.cookies.get("homing_session")).not.toBe(id);
  });

  it("is Secure where the page was reached by https", async () => {
    const one = visitor();
    const host = new URL(homing.url).host;
    const { headers } = await one.post("/console/login", { token: API_TOKEN }, { origin: `https://${host}` });
    expect(String(headers["set-cookie"])).toContain("; Secure");
  });

  it("opens nothing under /v1", async () => {
    const one = await visitor().login(API_TOKEN);
    const cookie = `homing_session=${one.cookies.get("homing_session")}`;
    for (const path of ["/v1/callbacks", "/v1/events", "/metrics"])
      expect((await fetch(`${homing.url}${path}`, { headers: { cookie } })).status).toBe(401);
    const bearer = { authorization: `Bearer ${one.cookies.get("homing_session")}` };
    expect((await fetch(`${homing.url}/v1/callbacks`, { headers: bearer })).status).toBe(401);
  });

  it("takes an operator's and a support token; refuses a workspace's, and unknown ones, in words", async () => {
    const support = await tokenOf("support");
    const one = await visitor().login(support.token);
    expect(read((await one.get("/console")).text)).toContain("a support");
    const workspace = await tokenOf("workspace", { workspace_id: ACME });
    const refused = await visitor().post("/console/login", { token: workspace.token });
    expect([refused.status, refused.headers["set-cookie"]]).toEqual([403, undefined]);
    expect(read(refused.text)).toContain("This token belongs to a workspace.");
    for (const token of ["", "nobody's"]) {
      const unknown = await visitor().post("/console/login", { token });
      expect([unknown.status, read(unknown.text).includes("is not known here")]).toEqual([403, true]);
    }
    now += 61_000;
  });

  it("lasts twelve hours", async () => {
    const one = await visitor().login(API_TOKEN);
    expect((await one.get("/console")).status).toBe(200);
    const { query } = homing.gateway.database;
    const [row] = await query<{ hours: number }>(
      "select round(extract(epoch from max(expires_at) - now()) / 360)::int as hours from sessions",
    );
    expect(row?.hours).toBe(120);
    await query("update sessions set expires_at = now()");
    expect((await one.get("/console")).status).toBe(303);
  });

  it("ends with its token: revoked, expired, or its workspace's no longer", async () => {
    const revoked = await tokenOf("support");
    const one = await visitor().login(revoked.token);
    await homing.api("DELETE", `/v1/tokens/${revoked.id}`);
    expect((await one.get("/console")).status).toBe(303);
    const expired = await tokenOf("support", { expires_in_days: 1 });
    const other = await visitor().login(expired.token);
    await homing.gateway.database.query("update tokens set expires_at = now() where name = 'a support'");
    expect((await other.get("/console")).status).toBe(303);
  });

  it("ends when one logs out", async () => {
    const one = await visitor().login(API_TOKEN);
    const id = one.cookies.get("homing_session") ?? "";
    await one.post("/console/logout");
    expect(one.cookies.has("homing_session")).toBe(false);
    expect((await one.get("/console", { cookie: `homing_session=${id}` })).status).toBe(303);
  });

  it("lets ten logins a minute and address fail; what comes after is not even looked at", async () => {
    now += 61_000;
    for (let failed = 0; failed < 10; failed += 1)
      expect((await visitor().post("/console/login", { token: `wrong ${failed}` })).status).toBe(403);
    const right = await visitor().post("/console/login", { token: API_TOKEN });
    expect([right.status, right.headers["set-cookie"], read(right.text).includes("Ten logins")]).toEqual([429, undefined, true]);
    now += 61_000;
    expect((await visitor().post("/console/login", { token: API_TOKEN })).status).toBe(303);
  });

  it.each([
    ["another origin", { origin: "https://elsewhere.example" }],
    ["an origin that hides", { origin: "null" }],
    ["no origin at all", { origin: "" }],
    ["another site, as the browser says", { "sec-fetch-site": "cross-site" }],
    ["another port of the same host", { origin: "http://127.0.0.1:1" }],
  ])("does nothing for a form from %s", async (_, headers) => {
    const one = await visitor().login(API_TOKEN);
    for (const path of ["/console/logout", "/console/zone", "/console/unmatched/assign", "/console/login"])
      expect((await one.post(path, { token: API_TOKEN, zone: "UTC" }, headers)).status).toBe(403);
    expect((await one.get("/console")).status).toBe(200);
  });

  it("tells news as long as it lasts, and ends them with its token", async () => {
    const token = await tokenOf("support");
    const one = await visitor().login(token.token);
    expect((await visitor().get("/console/live")).status).toBe(401);
    const response = await fetch(`${homing.url}/console/live?page=overview`, {
      headers: { cookie: `homing_session=${one.cookies.get("homing_session")}` },
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let told = "";
    const more = async () => {
      const { value, done } = (await reader?.read()) ?? {};
      told += done ? "[end]" : (value ?? "");
      return told;
    };
    await until(more, (text) => text.includes('"total.callbacks"'));
    await homing.api("DELETE", `/v1/tokens/${token.id}`);
    await until(more, (text) => text.includes("event: over"));
  });
});
