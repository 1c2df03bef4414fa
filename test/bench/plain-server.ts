// What the gateway is compared with: a server that checks the signature and parses, and with DATABASE_URL also keeps one row.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import postgres from "postgres";
import { signers } from "./cases.ts";

const POOL = 10;

const url = process.env.DATABASE_URL;
const sql = url ? postgres(url, { max: POOL }) : null;
const secrets = new Map([...(await signers())].map(([adapter, { secret }]) => [adapter, secret]));

/** @returns the expected signature and the given one, both in hex. */
const schemes: Record<string, (request: IncomingMessage, body: Buffer) => [string, string]> = {
  "/callbacks/stripe": (request, body) => {
    const [, stamp = "", given = ""] = /^t=(\d+),v1=([0-9a-f]+)/.exec(String(request.headers["stripe-signature"])) ?? [];
    return [mac("stripe").update(`${stamp}.`).update(body).digest("hex"), given];
  },
  "/callbacks/example": (request, body) => [
    mac("example").update(body).digest("hex"),
    String(request.headers["x-example-signature"]),
  ],
};

function mac(adapter: string) {
  return createHmac("sha256", secrets.get(adapter) ?? "");
}

function isGenuine(request: IncomingMessage, body: Buffer): boolean {
  const [expected = "", given = ""] = schemes[request.url ?? ""]?.(request, body) ?? [];
  return expected !== "" && expected.length === given.length && timingSafeEqual(Buffer.from(expected), Buffer.from(given));
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  const answer = (status: number) => {
    const text = `{"received":${status === 200}}`;
    response.writeHead(status, { "content-type": "application/json", "content-length": text.length }).end(text);
  };
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    if (!isGenuine(request, body)) return answer(401);
    const text = body.toString();
    JSON.parse(text);
    if (!sql) return answer(200);
    // A tagged template is a prepared statement.
    sql`insert into callbacks (path, body) values (${request.url ?? ""}, ${text})`.then(
      () => answer(200),
      () => answer(503),
    );
  });
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("disconnect", () => process.exit(0));
