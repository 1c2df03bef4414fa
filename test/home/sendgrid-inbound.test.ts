import { createHash, randomBytes } from "node:crypto";
import { type ClientRequest, request } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newSigner } from "../../providers/sendgrid/fixtures/sign.ts";
import inboundParse from "../../providers/sendgrid/inbound-parse.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";

const ADAPTER = "sendgrid/inbound-parse";
const MiB = 1024 * 1024;
const LIMIT = 32 * MiB;

type Mail = { to: string; id: string; inReplyTo?: string; text?: string; files?: Uint8Array[] };

/** A mail as Inbound Parse posts it, in its default mode. */
function form({ to, id, inReplyTo = "<sent@geopod-ismtpd-5>", text = "Thanks.", files = [] }: Mail): Buffer {
  const field = (head: string, value: Uint8Array | string) => [
    Buffer.from(`--xYzZY\r\nContent-Disposition: form-data; name=${head}\r\n\r\n`),
    Buffer.from(value as string),
    Buffer.from("\r\n"),
  ];
  const lines = `Message-ID: <${id}@mail.example.com>\nIn-Reply-To: ${inReplyTo}\nDate: Sun, 22 Nov 2026 10:31:04 +0530\n`;
  return Buffer.concat([
    ...field('"headers"', lines),
    ...field('"from"', "Asha <asha@example.com>"),
    ...field('"text"', text),
    ...files.flatMap((bytes, index) => field(`"attachment${index + 1}"; filename="file ${index + 1}.bin"`, bytes)),
    ...field('"envelope"', JSON.stringify({ to: [to], from: "asha@example.com" })),
    Buffer.from("--xYzZY--\r\n"),
  ]);
}

setFlagsFromString("--expose_gc");
const collectGarbage: () => void = runInNewContext("gc");

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const address = (workspace: string, message: string) => `reply+${workspace}.${message}@parse.acme.in`;

describe.each(databases)("an answer to a mail comes home on the %s database", (kind) => {
  let homing: TestGateway;
  beforeAll(async () => {
    homing = await startGateway(kind);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
  });
  afterAll(() => homing.close());

  const post = (mail: Mail | Buffer, options = {}) =>
    homing.callback(ADAPTER, Buffer.isBuffer(mail) ? mail : form(mail), options);
  const eventsOf = async (callbackId: string) => (await homing.events()).filter((event) => event.callback_id === callbackId);
  const traceOf = async (callbackId: string) => (await homing.api("GET", `/v1/callbacks/${callbackId}`)).body;
  const storedBody = async (callbackId: string) => {
    const id = callbackId.slice("cb_".length);
    const [row] = await homing.gateway.database.query<{ body: Uint8Array }>(
      "select body from callbacks where replace(id::text, '-', '') = $1",
      [id],
    );
    return Buffer.from(row?.body ?? []);
  };

  describe("with 20 MiB of attachments", () => {
    const files = [randomBytes(12 * MiB), randomBytes(8 * MiB)];
    const mail = form({ to: address(ACME, "m_20"), id: "attachments", files });
    let answer: Awaited<ReturnType<typeof post>>;
    beforeAll(async () => {
      answer = await post(mail);
    });

    it("is accepted, and told without them", async () => {
      expect([answer.status, answer.body.status, answer.body.events]).toEqual([200, "accepted", 1]);
      const [event] = await eventsOf(answer.body.callback_id);
      expect(event).toMatchObject({
        ...{ type: "delivery.replied", variant: "email.replied", workspace_id: ACME, workspace_source: "metadata" },
        ...{ provider: "sendgrid", dialect: "inbound-parse", occurred_at: "2026-11-22T05:01:04.000Z" },
        data: { message_id: "m_20", reply_text: "Thanks." },
        provider_data: { message_id: "sent", recipient: "asha@example.com", attachments: 2 },
      });
    });

    it("was verified over all of its bytes: one bit in an attachment, and it is refused", async () => {
      const signed = homing.signers.get(ADAPTER)?.sign({ body: mail, url: "", now: new Date() });
      const altered = Buffer.from(mail);
      const place = 10 * MiB;
      altered[place] = (altered[place] as number) ^ 1;
      const refused = await post(altered, { signer: null, headers: signed });
      expect([refused.status, refused.body.error.code]).toEqual([401, "signature_mismatch"]);
      expect((await post(mail, { signer: null, headers: signed })).body.status).toBe("duplicate");
    });

    it("is stored without them, as what it was but for them", async () => {
      const stored = await storedBody(answer.body.callback_id);
      expect(stored.toString()).toBe(
        form({ to: address(ACME, "m_20"), id: "attachments", files: files.map(() => Buffer.alloc(0)) }).toString(),
      );
      expect(stored.byteLength).toBeLessThan(2000);
    });

    it("names them in its trace, with size and SHA-256", async () => {
      const trace = await traceOf(answer.body.callback_id);
      expect(trace.request.removed).toEqual(
        files.map((bytes, index) => ({
          ...{ name: `attachment${index + 1}`, filename: `file ${index + 1}.bin` },
          ...{ size: bytes.byteLength, sha256: sha256(bytes), explanation: expect.stringContaining("It is not kept.") },
        })),
      );
      expect(trace.request.removed[0].explanation).toContain("12,582,912 bytes");
      expect(trace.size).toBeLessThan(2000);
      expect(trace.request.body).toContain('filename="file 2.bin"\r\n\r\n\r\n--xYzZY');
    });

    it("is the same when it comes without its attachments another time", async () => {
      const again = await post(await storedBody(answer.body.callback_id));
      expect(again.body).toMatchObject({ status: "duplicate", duplicates: 1 });
      expect((await traceOf(again.body.callback_id)).request.removed).toEqual([]);
    });
  });

  it("of 32 MiB is taken, and of one byte more is 413; the Event Webhook takes 5 MiB as before", async () => {
    const empty = form({ to: address(ACME, "m_32"), id: "largest", files: [Buffer.alloc(0)] });
    const sized = (size: number) =>
      form({ to: address(ACME, "m_32"), id: "largest", files: [Buffer.alloc(size - empty.byteLength)] });
    expect((await post(sized(LIMIT))).body).toMatchObject({ status: "accepted", events: 1 });
    const larger = await post(sized(LIMIT + 1));
    expect([larger.status, larger.body.error.code]).toEqual([413, "body_too_large"]);
    const events = (size: number) => homing.callback("sendgrid", Buffer.concat([Buffer.from("[]"), Buffer.alloc(size - 2, " ")]));
    expect((await events(5 * MiB)).status).toBe(200);
    expect((await events(5 * MiB + 1)).status).toBe(413);
  });

  it("that cannot be taken apart is kept whole", async () => {
    const broken = form({ to: address(ACME, "m_x"), id: "broken", files: [randomBytes(6 * MiB)] }).subarray(0, -6);
    const { status, body } = await post(broken);
    expect([status, body.status, body.failed]).toEqual([200, "failed", 1]);
    expect((await storedBody(body.callback_id)).equals(broken)).toBe(true);
    expect((await traceOf(body.callback_id)).request.removed).toEqual([]);
  });

  it("joins nothing twice: posted again by another machine, in another layout, it is a duplicate", async () => {
    const mail = { to: address(ACME, "m_2"), id: "twice" };
    expect((await post(mail)).body).toMatchObject({ events: 1 });
    expect((await post({ ...mail, text: "Thanks. " })).body).toMatchObject({ status: "duplicate", duplicates: 1 });
    expect((await homing.api("GET", "/v1/messages/m_2")).body.data).toMatchObject([
      { state: "replied", recipient: "asha@example.com" },
    ]);
  });

  it("is found by the sent message's id, the answer's own, its writer and the mailbox", async () => {
    const { body } = await post({ to: address(ACME, "m_3"), id: "found", inReplyTo: "<findme@geopod-ismtpd-5>" });
    for (const query of [
      "q=findme",
      "q=%3Cfound@mail.example.com%3E",
      "reference=message:findme",
      "reference=address:reply@parse.acme.in",
    ]) {
      const { data } = (await homing.api("GET", `/v1/callbacks?${query}`)).body;
      expect([query, data.map((one: { id: string }) => one.id)]).toEqual([query, expect.arrayContaining([body.callback_id])]);
    }
  });

  it("goes to the workspace of the URL, where that carries its token, without anything in the address", async () => {
    const { body } = await post({ to: "support@acme.example", id: "path" }, { path: homing.path(ADAPTER, BETA) });
    expect(await eventsOf(body.callback_id)).toMatchObject([
      { workspace_id: BETA, workspace_source: "path", data: { message_id: "sent" } },
    ]);
    const { data } = (await homing.api("GET", "/v1/bindings?provider=sendgrid")).body;
    // What a stranger wrote teaches nothing, also where the URL vouches for the workspace.
    expect(data).toEqual([]);
  });

  it("goes to the workspace whose own key signed it", async () => {
    const signer = newSigner();
    await homing.api("PUT", `/v1/secrets/${ADAPTER}`, { workspace_id: BETA, secrets: [signer.secret] });
    const { body } = await post({ to: "support@acme.example", id: "own-key" }, { path: `/callbacks/${ADAPTER}/${BETA}`, signer });
    expect(await eventsOf(body.callback_id)).toMatchObject([{ workspace_id: BETA, workspace_source: "credential" }]);
  });

  it("waits where nothing tells whose it is, and comes home when its domain is bound; the mailbox goes before the domain", async () => {
    const waiting = await post({ to: "Support@Mail.Beta.Example", id: "waits" });
    expect(waiting.body).toMatchObject({ status: "unmatched", unmatched: 1 });
    const bind = (kind: string, value: string, workspace_id: string) =>
      homing.api("PUT", "/v1/bindings", { provider: "sendgrid", dialect: "inbound-parse", kind, value, workspace_id });
    expect((await bind("domain", "mail.beta.example", BETA)).body).toMatchObject({ rematched: 1 });
    expect((await traceOf(waiting.body.callback_id)).status).toBe("accepted");
    const next = await post({ to: "sales@mail.beta.example", id: "next" });
    expect(await eventsOf(next.body.callback_id)).toMatchObject([{ workspace_id: BETA, workspace_source: "lookup" }]);
  });

  it("is a conflict where the address says another workspace than the one that its domain is bound to", async () => {
    await homing.api("PUT", "/v1/bindings", {
      ...{ provider: "sendgrid", dialect: "inbound-parse", kind: "domain", value: "beta.example", workspace_id: BETA },
    });
    const { body } = await post({ to: `reply+${ACME}.m_1@beta.example`, id: "conflict" });
    expect(body).toMatchObject({ status: "unmatched" });
    expect((await traceOf(body.callback_id)).reason).toBe("workspace_conflict");
  });

  it("is not placed by what the Event Webhook learned: bindings belong to one adapter", async () => {
    const item = {
      event: "processed",
      email: "asha@example.com",
      timestamp: 1795345000,
      homing_workspace_id: ACME,
      message_id: "m_7",
    };
    const taught = await homing.callback("sendgrid", [{ ...item, sg_message_id: "learned.recvd-1" }]);
    expect(taught.body).toMatchObject({ events: 1 });
    const mail = { to: "support@shared.example", id: "not-learned", inReplyTo: "<learned@geopod-ismtpd-5>" };
    expect((await post(mail)).body).toMatchObject({ status: "unmatched" });
    // Told here, it is: with what goes with it.
    const told = { provider: "sendgrid", dialect: "inbound-parse", kind: "message", value: "learned", workspace_id: ACME };
    await homing.api("PUT", "/v1/bindings", { ...told, context: { message_id: "m_7", campaign_id: "c_7" } });
    const event = (await homing.events()).find(
      ({ provider_data }) => provider_data.reply_message_id === "<not-learned@mail.example.com>",
    );
    expect(event).toMatchObject({
      workspace_id: ACME,
      workspace_source: "lookup",
      data: { message_id: "m_7", campaign_id: "c_7" },
    });
  });

  it("is read within bounds: who would make it more than 128 MiB at once is told to come again, the others are served", async () => {
    const whole = form({ to: address(ACME, "m_many"), id: "many", files: [Buffer.alloc(31 * MiB)] });
    const signed = homing.signers.get(ADAPTER)?.sign({ body: whole, url: "", now: new Date() });
    const most = whole.byteLength - 100;
    /** Sends all but a little, and says when that has left, or when it was answered. */
    const begin = () => {
      let call: ClientRequest | undefined;
      const answered = new Promise<{ status: number; retry: string | undefined }>((resolve, reject) => {
        call = request(`${homing.url}/callbacks/${ADAPTER}`, {
          ...{ method: "POST", headers: { ...signed, "content-length": String(whole.byteLength) } },
        });
        call.on("response", (response) => {
          response.resume();
          resolve({ status: response.statusCode ?? 0, retry: response.headers["retry-after"] });
        });
        call.on("error", reject);
      });
      answered.catch(() => {});
      const sent = new Promise<void>((resolve) => call?.write(whole.subarray(0, most), () => resolve()));
      return { answered, begun: Promise.race([sent, answered]), end: () => call?.end(whole.subarray(most)) };
    };
    const calls = Array.from({ length: 8 }, begin);
    await Promise.all(calls.map(({ begun }) => begun));
    for (const { end } of calls) end();
    const answers = await Promise.all(calls.map(({ answered }) => answered));
    // Four have room; more only where one was through before another had come far.
    const served = answers.filter(({ status }) => status === 200).length;
    expect(served).toBeGreaterThanOrEqual(4);
    expect(served).toBeLessThan(8);
    expect(answers.filter(({ status }) => status !== 200)).toEqual(Array(8 - served).fill({ status: 503, retry: "5" }));
    // All has been given back.
    expect((await post({ to: address(ACME, "m_after"), id: "after" })).status).toBe(200);
  });

  it("holds in memory only what is kept of it, while it waits for its commit", async () => {
    const { attachments } = inboundParse;
    const { database } = homing.gateway;
    const { hot } = database;
    const gate = Promise.withResolvers<void>();
    const bodies: WeakRef<ArrayBufferLike>[] = [];
    inboundParse.attachments = (call) => {
      bodies.push(new WeakRef(call.body.buffer));
      return attachments?.(call) ?? [];
    };
    database.hot = (async (...statement: Parameters<typeof hot>) => {
      await gate.promise;
      return hot(...statement);
    }) as typeof hot;
    try {
      const posted = post({ to: address(ACME, "m_held"), id: "held", files: [randomBytes(MiB)] });
      const turn = () => new Promise((resolve) => setImmediate(resolve));
      while (bodies.length === 0) await turn();
      // Looking at it keeps it for the rest of that turn.
      for (let tries = 0; tries < 10 && bodies.some((body) => body.deref()); tries += 1) {
        await turn();
        collectGarbage();
        await turn();
      }
      expect(bodies.map((body) => body.deref())).toEqual([undefined]);
      gate.resolve();
      expect((await posted).status).toBe(200);
    } finally {
      gate.resolve();
      Object.assign(database, { hot });
      Object.assign(inboundParse, { attachments });
    }
  });
});
