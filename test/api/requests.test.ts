import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { showPlace } from "../../src/events/log.ts";
import { ACME } from "../support/fixtures.ts";
import { API_TOKEN, databases, startGateway, type TestGateway } from "../support/gateway.ts";

const forged = (place: string) => Buffer.from(place).toString("base64url");

describe.each(databases)("what is not meant well, on the %s database", (kind) => {
  let homing: TestGateway;
  beforeAll(async () => {
    homing = await startGateway(kind);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  });
  afterAll(() => homing.close());

  it.each([
    ["callbacks", "q"],
    ["callbacks", "provider"],
    ["events", "type"],
    ["events", "message_id"],
    ["bindings", "value"],
    ["unmatched", "provider"],
    ["audit", "object"],
  ])("what no database keeps is found nowhere: GET /v1/%s?%s", async (list, filter) => {
    for (const odd of ["%00", "a%00b", "%ED%A0%80", "%F0%9F%98%80", "'; drop table events; --"]) {
      const { status, body } = await homing.api("GET", `/v1/${list}?${filter}=${odd}`);
      expect([odd, status, body.data]).toEqual([odd, 200, []]);
    }
  });

  it("what no database keeps is found nowhere: GET /v1/messages", async () => {
    for (const odd of ["%00", "a%00b", "%ED%A0%80", "%", "%zz", "a%2Fb"])
      expect([odd, (await homing.api("GET", `/v1/messages/${odd}`)).body]).toEqual([odd, { data: [] }]);
  });

  it("what no database keeps stands in nothing that is stored", async () => {
    const odd = "a\u0000b\ud800c";
    const kept = "a\ufffdb\ufffdc";
    expect((await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: odd })).body.name).toBe(kept);
    const told = { type: "segment.entered", workspace_id: ACME, data: { contact_id: odd, segment_id: "s" } };
    expect((await homing.api("POST", "/v1/events", told)).body.data.contact_id).toBe(kept);
    const bound = { provider: "example", kind: "customer", value: odd, workspace_id: ACME };
    expect((await homing.api("PUT", "/v1/bindings", bound)).body.value).toBe(kept);
    expect((await homing.api("POST", "/v1/tokens", { name: odd, role: "support" })).body.name).toBe(kept);
  });

  it("nesting without end is refused like anything else that does not fit", async () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const body = `{"type":"segment.entered","workspace_id":"${ACME}","data":{"contact_id":${deep},"segment_id":"s"}}`;
    const headers = { authorization: `Bearer ${API_TOKEN}` };
    for (const [method, path] of [
      ["POST", "/v1/events"],
      ["PUT", "/v1/bindings"],
      ["POST", "/v1/tokens"],
    ] as const)
      expect([path, (await fetch(`${homing.url}${path}`, { method, headers, body })).status]).toEqual([path, 422]);
  });

  it.each([
    ["a cursor that is none", "GET /v1/callbacks?after=cb_1"],
    ["a cursor of another list", "GET /v1/tokens?after=ep_01a2043deb4a7084ae64e4ee1e0a5e74"],
    ["a cursor that no column could hold", `GET /v1/events?after=${forged("0.99999999999999999999.0.1900000000000")}`],
    ["a cursor that no column could hold", `GET /v1/events?after=${forged("0.1.9999999999999999999.1900000000000")}`],
    ["a cursor that no column could hold", `GET /v1/events?after=${forged("0.1.1.999999999999999")}`],
    ["a cursor that is none", "GET /v1/audit?after=nothing"],
    ["a cursor that is none", "GET /v1/bindings?after=nothing"],
    ["a cursor that is none", "GET /v1/unmatched?after=nothing"],
    ["a cursor that is none", "GET /v1/workspaces?after=nothing"],
    ["no number", "GET /v1/events?limit=many"],
    ["too many", "GET /v1/events?limit=501"],
    ["none", "GET /v1/callbacks?limit=0"],
    ["a part of one", "GET /v1/tokens?limit=1.5"],
    ["a time that is none", "GET /v1/callbacks?since=soon"],
    ["a time beyond all days", "GET /v1/callbacks?since=%2B275760-09-13T00:00:00Z"],
    ["a time beyond all days", "GET /v1/audit?since=%2B275760-09-13T00:00:00Z"],
    ["a status that there is not", "GET /v1/callbacks?status=lost"],
    ["a reference without a kind", "GET /v1/callbacks?reference=12345"],
    ["a workspace that is none", "GET /v1/events?workspace_id=acme"],
    ["a callback that is none", "GET /v1/events?callback_id=evt_1"],
  ])("%s is refused by its field: %s", async (_, ask) => {
    const [method = "", path = ""] = ask.split(" ");
    const field = new URL(path, homing.url).searchParams.keys().next().value as string;
    const { status, body } = await homing.api(method, path);
    expect([status, body.error.code, Object.keys(body.error.fields)]).toEqual([422, "invalid", [field]]);
  });

  it("a time before all days finds everything since", async () => {
    expect((await homing.api("GET", "/v1/audit?since=-271821-04-20T00:00:00Z")).body.data).not.toEqual([]);
  });

  it("a body that is too large is refused, whether or not it says how large it is", async () => {
    const { hostname, port } = new URL(homing.url);
    const send = async (headers: Record<string, string | number>, chunks: number) => {
      const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
      const options = { hostname, port, path: `/v1/workspaces/${ACME}`, method: "PUT", agent: false };
      const sent = request({ ...options, headers: { authorization: `Bearer ${API_TOKEN}`, ...headers } }, (answer) =>
        resolve(answer.resume().statusCode),
      );
      sent.on("error", reject);
      for (let chunk = 0; chunk < chunks; chunk += 1) sent.write("x".repeat(1024 * 1024));
      sent.end();
      return promise;
    };
    expect(await send({ "content-length": 6 * 1024 * 1024 }, 6)).toBe(413);
    expect(await send({ "transfer-encoding": "chunked" }, 6)).toBe(413);
    expect(await send({ "transfer-encoding": "chunked" }, 4)).toBe(422);
  });

  it("a URL that its provider would refuse is not rotated", async () => {
    const refusing = await startGateway(kind, { PUBLIC_URL: "https://shiprocket-callbacks.example" });
    await refusing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    const token = () => refusing.gateway.credentials.newestPathToken("shipping/shiprocket", ACME);
    const before = token();
    const body = { adapter: "shipping/shiprocket", workspace_id: ACME };
    const answer = await refusing.api("POST", "/v1/callback-url/rotate", body);
    expect([answer.status, answer.body.error.code, token()]).toEqual([409, "url_refused", before]);
    await refusing.close();
  });

  it("a cursor from somewhere else altogether is refused", async () => {
    const forged = [
      showPlace({ epoch: 1, xid: "1", seq: "1", at: Number.NaN }),
      Buffer.from("1.2.3.4.5").toString("base64url"),
      Buffer.from("-1.2.3.4").toString("base64url"),
      "\u{1f600}",
    ];
    for (const cursor of forged)
      expect((await homing.api("GET", `/v1/events?after=${encodeURIComponent(cursor)}`)).body.error.fields).toEqual({
        after: "is not a cursor from here",
      });
  });
});
