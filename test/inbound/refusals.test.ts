import { request } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { newSigner } from "../../providers/example/fixtures/sign.ts";
import { ACME } from "../support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";

const body = {
  reports: [{ id: "r", message_id: "mail", status: "delivered", at: "2026-11-22T10:30:00Z", meta: { workspace_id: ACME } }],
};

describe.each(databases)("what is refused, on the %s database", (kind) => {
  let homing: TestGateway;
  beforeAll(async () => {
    homing = await startGateway(kind);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  });
  afterAll(() => homing.close());
  afterEach(() => vi.restoreAllMocks());

  /** Posts bytes with exact headers, and without reading them first: `parts` may go on for ever. */
  function post(
    path: string,
    headers: Record<string, string>,
    parts: Iterable<Uint8Array>,
    method = "POST",
  ): Promise<{ status: number; text: string; sent: number }> {
    return new Promise((resolve, reject) => {
      let sent = 0;
      const call = request(`${homing.url}${path}`, { method, headers }, (response) => {
        let text = "";
        response
          .setEncoding("utf8")
          .on("data", (chunk) => (text += chunk))
          .on("end", () => resolve({ status: response.statusCode ?? 0, text, sent }));
      });
      call.on("error", (error: NodeJS.ErrnoException) =>
        error.code === "EPIPE" || error.code === "ECONNRESET" ? undefined : reject(error),
      );
      const counting = function* () {
        for (const part of parts) {
          sent += part.byteLength;
          yield part;
        }
      };
      Readable.from(counting())
        .on("error", () => {})
        .pipe(call);
    });
  }

  /** Sends chunk after chunk for ever, until an answer comes. */
  function pour(head: string): Promise<{ answer: string }> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(homing.url).port), "127.0.0.1", () => void more(head));
      const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(0x10000), Buffer.from("\r\n")]);
      const more = (bytes: string | Uint8Array) => socket.writable && socket.write(bytes, () => more(chunk));
      socket.on("data", (data) => {
        resolve({ answer: data.toString() });
        socket.destroy();
      });
      socket.on("error", reject);
    });
  }

  it("401 for one byte more or other, and no statement is sent to the database on its way", async () => {
    const bytes = Buffer.from(JSON.stringify(body));
    const signed = homing.signers.get("example")?.sign({ body: bytes, url: "", now: new Date() }) as {
      "x-example-signature": string;
    };
    const signature = signed["x-example-signature"];
    const altered = Buffer.from(bytes);
    altered[20] = (altered[20] as number) ^ 1;
    const statements = vi.spyOn(homing.gateway.database, "query");
    const hot = vi.spyOn(homing.gateway.database, "hot");
    const transactions = vi.spyOn(homing.gateway.database, "transaction");
    const cases: [Buffer, Record<string, string>, string][] = [
      [altered, signed, "signature_mismatch"],
      [Buffer.concat([bytes, Buffer.from(" ")]), signed, "signature_mismatch"],
      [bytes, { "x-example-signature": signature.slice(0, -1) + (signature.endsWith("0") ? "1" : "0") }, "signature_mismatch"],
      [bytes, { "x-example-signature": signature.toUpperCase() }, "signature_mismatch"],
      [bytes, { "x-example-signature": "short" }, "signature_mismatch"],
      [bytes, {}, "signature_missing"],
    ];
    for (const [sent, headers, code] of cases) {
      const answer = await homing.callback("example", sent, { signer: null, headers });
      expect([answer.status, answer.body.error.code]).toEqual([401, code]);
    }
    // The sample of refused requests is written by a timer, not on their way; nothing else may have been.
    const sent = statements.mock.calls.filter(
      ([statement]) => !/insert into rejections|from waiting|max\(id::text\)/.test(statement),
    );
    expect([sent, hot.mock.calls, transactions.mock.calls]).toEqual([[], [], []]);
  });

  it("401 provider_not_configured where nobody's secret is held", async () => {
    const bare = await startGateway(kind, {}, { signers: new Map() });
    try {
      const answer = await bare.callback("example", body, { signer: newSigner() });
      expect([answer.status, answer.body.error.code]).toEqual([401, "provider_not_configured"]);
    } finally {
      await bare.close();
    }
  });

  it("404, 405 and 415 in words, each in the sample", async () => {
    const json = Buffer.from("{}");
    expect((await post("/callbacks/nobody", {}, [json])).status).toBe(404);
    for (const path of [
      "/callbacks/",
      "/callbacks/example/NOT-A-UUID",
      "/callbacks/example//x",
      `/callbacks/example/${ACME}/a/b`,
      "/callbacks/example/%5f",
    ]) {
      expect([path, (await post(path, {}, [json])).status]).toEqual([path, 404]);
    }
    expect((await post("/callbacks/example", {}, [], "GET")).status).toBe(405);
    const encoded = await post("/callbacks/example", { "content-encoding": "gzip" }, [json]);
    expect([encoded.status, JSON.parse(encoded.text).error.code]).toEqual([415, "body_encoded"]);
    await homing.gateway.rejections.flush();
    const { body: rejected } = await homing.api("GET", "/v1/callbacks?status=rejected");
    expect(rejected.data.map((one: { reason: string }) => one.reason)).toEqual(
      expect.arrayContaining(["not_found", "method_not_allowed", "body_encoded"]),
    );
  });

  it("413 for 5 MiB and one byte, without reading on, whether or not the length is told", async () => {
    const limit = 5 * 1024 * 1024;
    const told = await post("/callbacks/example", { "content-length": String(limit + 1) }, [Buffer.alloc(1024)]);
    expect([told.status, JSON.parse(told.text).error.code]).toEqual([413, "body_too_large"]);
    const endless = await pour("POST /callbacks/example HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    expect(endless.answer).toMatch(/^HTTP\/1.1 413 /);
    const exact = await homing.callback("example", Buffer.concat([Buffer.from('{"reports":[]}'), Buffer.alloc(limit - 14, " ")]));
    expect([exact.status, exact.body.status]).toEqual([200, "ignored"]);
  });

  it("authentic junk is kept: 200, failed, readable in the trace byte for byte", async () => {
    for (const junk of ["", "<html>", "{}", "null", "[]", "\ufeff{", Buffer.from([0xff, 0x00, 0xfe])]) {
      const answer = await homing.callback("example", junk);
      expect([answer.status, answer.body.status, answer.body.failed]).toEqual([200, "failed", 1]);
      const { body: trace } = await homing.api("GET", `/v1/callbacks/${answer.body.callback_id}`);
      expect(Buffer.from(trace.request.body, trace.request.body_encoding).equals(Buffer.from(junk))).toBe(true);
      expect(trace.verification.ok).toBe(true);
    }
  });

  it("no secret, signature or token appears in a trace", async () => {
    const path = homing.path("example", ACME);
    const accepted = await homing.callback("example", body, {
      path,
      headers: { authorization: "Bearer very-secret", cookie: "session=very-secret" },
    });
    const refused = await homing.callback("example", body, { path: `${path.slice(0, -4)}0000`, signer: newSigner() });
    expect(refused.status).toBe(401);
    await homing.gateway.rejections.flush();
    const { body: rejected } = await homing.api("GET", "/v1/callbacks?status=rejected&limit=1");
    const signature = homing.signers.get("example")?.sign({ body: Buffer.from(JSON.stringify(body)), url: "", now: new Date() })[
      "x-example-signature"
    ] as string;
    for (const id of [accepted.body.callback_id, rejected.data[0].id]) {
      const trace = JSON.stringify((await homing.api("GET", `/v1/callbacks/${id}`)).body);
      for (const secret of ["very-secret", signature, path.slice(path.lastIndexOf("/") + 1)]) expect(trace).not.toContain(secret);
    }
  });

  it("401 without the operator's token, 422 with what is wrong by field", async () => {
    expect((await fetch(`${homing.url}/v1/events`)).status).toBe(401);
    expect((await fetch(`${homing.url}/metrics`)).status).toBe(401);
    expect((await fetch(`${homing.url}/healthz`)).status).toBe(200);
    const wrong = await homing.api("PUT", "/v1/bindings", {
      provider: "example",
      kind: "Customer",
      value: "",
      workspace_id: "x",
    });
    expect(wrong.status).toBe(422);
    expect(wrong.body.error).toMatchObject({ code: "invalid", request_id: expect.stringMatching(/^req_/) });
  });
});
