import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type Attempt, Courier } from "../../src/outbound/attempt.ts";
import type { Resolve } from "../../src/outbound/guard.ts";
import { startReceiver } from "../support/receiver.ts";

const cleanUp: (() => unknown)[] = [];
afterAll(async () => {
  for (const undo of cleanUp.reverse()) await undo();
});

const none: Resolve = () => Promise.reject(Object.assign(new Error("queryA ENOTFOUND"), { code: "ENOTFOUND" }));

function courier({ timeoutMs = 10_000, allowPrivate = true, resolve = none } = {}): Courier {
  const made = new Courier({ allowPrivate, resolve, clock: Date.now, timeoutMs });
  cleanUp.push(() => made.close());
  return made;
}

async function receiver(...options: Parameters<typeof startReceiver>) {
  const made = await startReceiver(...options);
  cleanUp.push(() => made.close());
  return made;
}

/** A server that speaks to the bare socket. */
async function rawServer(speak: (socket: Socket) => void): Promise<string> {
  const open = new Set<Socket>();
  const server = createTcpServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    speak(socket);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  cleanUp.push(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const post = (url: string, how: Parameters<typeof courier>[0] = {}): Promise<Attempt> =>
  courier(how).post(url, { "x-proof": "1" }, Buffer.from('{"a":"ü"}'));

describe("a try", () => {
  it("brings body and headers whole, and keeps what was answered", async () => {
    const there = await receiver((_, response) => void response.writeHead(202).end("thanks ü"));
    const attempt = await post(there.url);
    expect(attempt).toMatchObject({ ok: true, status: 202, error: null, response: "thanks ü", retryAfterMs: null });
    expect(there.received[0]).toMatchObject({ path: "/hook", body: '{"a":"ü"}' });
    expect(there.received[0]?.headers).toMatchObject({
      "content-type": "application/json",
      "x-proof": "1",
      "content-length": "10",
    });
    expect(there.received[0]?.headers["user-agent"]).toMatch(/^Homing/);
  });

  it.each([200, 201, 204, 299])("is accepted by %i", async (status) => {
    const there = await receiver((_, response) => void response.writeHead(status).end());
    expect(await post(there.url)).toMatchObject({ ok: true, status, error: null });
  });

  it.each([400, 401, 404, 410, 500, 503])("is not accepted by %i", async (status) => {
    const there = await receiver((_, response) => void response.writeHead(status).end("no"));
    expect(await post(there.url)).toMatchObject({ ok: false, status, error: "status", response: "no" });
  });

  it("follows no redirect", async () => {
    const elsewhere = await receiver();
    const there = await receiver((_, response) => void response.writeHead(302, { location: elsewhere.url }).end());
    expect(await post(there.url)).toMatchObject({ ok: false, status: 302, error: "redirect" });
    expect(elsewhere.received).toEqual([]);
  });

  it("tells what Retry-After asks for", async () => {
    const there = await receiver((_, response) => void response.writeHead(429, { "retry-after": "120" }).end());
    expect(await post(there.url)).toMatchObject({ ok: false, status: 429, retryAfterMs: 120_000 });
  });

  it("uses a kept connection again, and makes another where it was closed meanwhile", async () => {
    const sockets = new Set<Socket>();
    const there = await receiver((_, response, request) => {
      sockets.add(request.socket);
      response.end("ok");
    });
    const one = courier();
    const again = () => one.post(there.url, {}, Buffer.from("{}"));
    expect((await again()).ok && (await again()).ok).toBe(true);
    expect(sockets.size).toBe(1);
    for (const socket of sockets) socket.destroy();
    expect(await again()).toMatchObject({ ok: true });
    expect(there.received.length).toBe(3);
  });
});

describe("a receiver", () => {
  it("that hangs is left after the time-out", async () => {
    const there = await receiver(() => {});
    expect(await post(there.url, { timeoutMs: 50 })).toMatchObject({ ok: false, status: null, error: "timeout" });
  });

  it("that never takes the connection further is left after the time-out", async () => {
    expect(await post(await rawServer(() => {}), { timeoutMs: 50 })).toMatchObject({ error: "timeout" });
  });

  it("that sends its head drop by drop is left after the time-out", async () => {
    const url = await rawServer((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-le"));
    expect(await post(url, { timeoutMs: 50 })).toMatchObject({ ok: false, error: "timeout" });
  });

  it("that has accepted and then never ends its body has accepted", async () => {
    const url = await rawServer((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));
    expect(await post(url, { timeoutMs: 100 })).toMatchObject({ ok: true, status: 200, response: "half" });
  });

  it("that has accepted and breaks off in its body has accepted", async () => {
    const url = await rawServer((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));
    expect(await post(url)).toMatchObject({ ok: true, status: 200, response: "half" });
  });

  it("that closes half-way has not", async () => {
    expect(await post(await rawServer((socket) => socket.end("HTTP/1.1 20")))).toMatchObject({ ok: false, status: null });
    const broken = await rawServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    expect(await post(broken)).toMatchObject({ ok: false, error: "connection_broken" });
  });

  it("that does not speak HTTP has not", async () => {
    expect(await post(await rawServer((socket) => socket.write("220 smtp ready\r\n")))).toMatchObject({
      ok: false,
      error: "not_http",
    });
  });

  it("that sends 100 MB back is read for its first KiB", async () => {
    let sent = 0;
    const there = await receiver((_, response) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(1 << 20, "x");
      const more = () => {
        while (sent < 100 << 20 && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    const attempt = await post(there.url);
    expect(attempt).toMatchObject({ ok: true, status: 200, response: "x".repeat(1024) });
    expect(sent).toBeLessThan(50 << 20);
  });

  it("that has a certificate of its own making is not told", async () => {
    const folder = mkdtempSync(join(tmpdir(), "homing-tls-"));
    cleanUp.push(() => rmSync(folder, { recursive: true, force: true }));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
        "-keyout",
        key,
        "-out",
        cert,
      ],
      { stdio: "ignore" },
    );
    let told = 0;
    const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
      told += 1;
      response.end();
    });
    server.listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    cleanUp.push(() => server.close());
    expect(await post(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`)).toMatchObject({
      ok: false,
      status: null,
      error: "tls",
    });
    expect(told).toBe(0);
  });

  it("that is not there has not", async () => {
    const there = await startReceiver();
    await there.close();
    expect(await post(there.url)).toMatchObject({ ok: false, error: "connection_refused" });
    expect(await post("https://nowhere.example/")).toMatchObject({ ok: false, error: "name_unknown" });
  });
});

describe("the address that is dialled", () => {
  it("is the one that was checked, though the name changes its mind in between", async () => {
    const there = await receiver();
    const { port } = new URL(there.url);
    const answers = [["93.184.216.34"], ["127.0.0.1"]];
    let asked = 0;
    const resolve: Resolve = async () => (answers[Math.min(asked++, 1)] ?? []).map((address) => ({ address, family: 4 }));
    // The first answer is public (and not reached from here), the second one is us.
    const attempt = await post(`https://rebinding.example:${port}/`, { allowPrivate: false, resolve, timeoutMs: 200 });
    expect(attempt.ok).toBe(false);
    expect(asked).toBe(1);
    expect(await post(`https://rebinding.example:${port}/`, { allowPrivate: false, resolve })).toMatchObject({
      error: "address_refused",
    });
    expect(there.received).toEqual([]);
  });

  it("is never one of ours by an address that stands in the URL", async () => {
    const there = await receiver();
    const { port } = new URL(there.url);
    for (const url of [
      `https://127.0.0.1:${port}/`,
      `https://2130706433:${port}/`,
      `https://[::ffff:127.0.0.1]:${port}/`,
      there.url,
    ])
      expect(await post(url, { allowPrivate: false })).toMatchObject({ ok: false, error: "address_refused" });
    expect(there.received).toEqual([]);
  });
});
