import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME, BETA } from "../support/fixtures.ts";
import { API_TOKEN, databases, startGateway, type TestGateway } from "../support/gateway.ts";
import { ask } from "./support/ask.ts";

describe.each(databases)("tokens on the %s database", (kind) => {
  let homing: TestGateway;
  beforeAll(async () => {
    homing = await startGateway(kind);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  });
  afterAll(() => homing.close());

  const make = async (body: object) => {
    const answer = await homing.api("POST", "/v1/tokens", { name: "a token", role: "support", ...body });
    expect([answer.status, answer.body.token]).toEqual([201, expect.stringMatching(/^homing_[A-Za-z0-9_-]{43}$/)]);
    return answer.body as { id: string; token: string; expires_at: string | null; created_at: string };
  };
  const statusOf = async (token: string, path = "/v1/catalogue") => (await ask(homing.url, token, "GET", path)).status;

  it("are shown once, and stored as hashes", async () => {
    const { token, id } = await make({ name: "shown once" });
    const { query } = homing.gateway.database;
    const stored = await query("select * from tokens");
    const noted = await query("select * from audit");
    const { text } = await ask(homing.url, API_TOKEN, "GET", "/v1/tokens");
    expect(text).toContain(id);
    for (const place of [JSON.stringify(stored), JSON.stringify(noted), text]) expect(place).not.toContain(token.slice(0, 20));
    // Whoever reads the table cannot call with what stands there.
    for (const row of stored) expect(await statusOf(row.token_hash as string)).toBe(401);
  });

  it("stand in lists newest first, with their names, roles and workspaces", async () => {
    const of = { name: "Acme's own", role: "workspace", workspace_id: ACME };
    const first = await make(of);
    await make({ name: "later" });
    const { body } = await homing.api("GET", "/v1/tokens?limit=1");
    expect(body.data).toMatchObject([{ name: "later", role: "support", workspace_id: null, expires_at: null, revoked_at: null }]);
    const next = await homing.api("GET", `/v1/tokens?limit=1&after=${body.next}`);
    expect(next.body.data).toMatchObject([{ id: first.id, ...of }]);
  });

  it("end when their days are over", async () => {
    const { token, id, created_at, expires_at } = await make({ expires_in_days: 30 });
    expect(Date.parse(expires_at as string) - Date.parse(created_at)).toBe(30 * 86_400_000);
    expect(await statusOf(token)).toBe(200);
    await homing.gateway.database.query("update tokens set expires_at = now() where name = $1 and expires_at is not null", [
      "a token",
    ]);
    expect(await statusOf(token)).toBe(401);
    expect((await homing.api("GET", "/v1/tokens?limit=500")).body.data).toContainEqual(
      expect.objectContaining({ id, expires_at: expect.any(String), revoked_at: null }),
    );
  });

  it("end at once when they are revoked, which may be repeated", async () => {
    const [{ token, id }, other] = [await make({}), await make({})];
    for (const _ of [1, 2]) expect((await homing.api("DELETE", `/v1/tokens/${id}`)).status).toBe(204);
    expect([await statusOf(token), await statusOf(other.token)]).toEqual([401, 200]);
    const { body } = await homing.api("GET", `/v1/audit?object=${id}`);
    expect(body.data.map((entry: { action: string }) => entry.action)).toEqual(["token.revoked", "token.created"]);
    expect((await homing.api("DELETE", "/v1/tokens/tok_nothing")).status).toBe(204);
  });

  it("end with their workspace, and do not come back with it", async () => {
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
    const [{ token }, { token: acme }] = [
      await make({ role: "workspace", workspace_id: BETA }),
      await make({ role: "workspace", workspace_id: ACME }),
    ];
    expect(await statusOf(token)).toBe(200);
    await homing.api("DELETE", `/v1/workspaces/${BETA}`);
    expect([await statusOf(token), await statusOf(acme)]).toEqual([401, 200]);
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
    expect(await statusOf(token)).toBe(401);
  });

  it.each([
    ["without a name", { role: "support" }, "name"],
    ["with a blank name", { name: " ", role: "support" }, "name"],
    ["with a role that there is not", { name: "x", role: "admin" }, "role"],
    ["of a workspace, without one", { name: "x", role: "workspace" }, "workspace_id"],
    ["of an operator, with a workspace", { name: "x", role: "operator", workspace_id: ACME }, "workspace_id"],
    ["of support, with a workspace", { name: "x", role: "support", workspace_id: ACME }, "workspace_id"],
    ["of a workspace that is none", { name: "x", role: "workspace", workspace_id: "acme" }, "workspace_id"],
    [
      "of one that nobody registered",
      { name: "x", role: "workspace", workspace_id: "00000000-0000-4000-8000-000000000bad" },
      "workspace_id",
    ],
    ["that ended before it began", { name: "x", role: "support", expires_in_days: 0 }, "expires_in_days"],
  ])("are refused %s", async (_, body, field) => {
    const answer = await homing.api("POST", "/v1/tokens", body);
    expect([answer.status, answer.body.error.code, Object.keys(answer.body.error.fields)]).toEqual([422, "invalid", [field]]);
  });

  it("name who changed something", async () => {
    const { token } = await make({ name: "Priya of operations", role: "operator" });
    await ask(homing.url, token, "PUT", `/v1/workspaces/${ACME}`, { name: "Acme & Co" });
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    const { body } = await homing.api("GET", `/v1/audit?object=${ACME}&limit=2`);
    expect(body.data).toMatchObject([
      { token: "API_TOKEN", action: "workspace.renamed", before: { name: "Acme & Co" }, after: { name: "Acme" } },
      { token: "Priya of operations", action: "workspace.renamed", before: { name: "Acme" }, after: { name: "Acme & Co" } },
    ]);
    const hers = await homing.api("GET", "/v1/audit?token=Priya%20of%20operations&since=15m");
    expect(hers.body.data).toHaveLength(1);
  });

  it.each([
    ["nothing", undefined],
    ["an empty one", ""],
    ["the scheme alone", "Bearer"],
    ["a blank one", "Bearer  "],
    ["another scheme", `Basic ${Buffer.from(`x:${API_TOKEN}`).toString("base64")}`],
    ["no scheme", API_TOKEN],
    ["a part of one", `Bearer ${API_TOKEN.slice(0, -1)}`],
    ["more than one", `Bearer ${API_TOKEN} ${API_TOKEN}`],
    ["one of nobody", "Bearer homing_of-nobody"],
  ])("that are wrong are refused: %s", async (_, authorization) => {
    const response = await fetch(`${homing.url}/v1/catalogue`, {
      headers: { ...(authorization !== undefined && { authorization }) },
    });
    const { error } = (await response.json()) as { error: { code: string } };
    expect([response.status, error.code]).toEqual([401, "unauthorized"]);
  });

  it("are taken in the header, in whatever case its scheme is written", async () => {
    const response = await fetch(`${homing.url}/v1/catalogue`, { headers: { authorization: `bearer ${API_TOKEN}` } });
    expect(response.status).toBe(200);
  });
});
