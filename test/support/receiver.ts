import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A webhook as it reached a customer's system. */
export type Received = { path: string; headers: IncomingHttpHeaders; body: string };

/** The far side: a customer's own system, really listening. */
export type Receiver = {
  url: string;
  received: Received[];
  /** Resolves when so many have come. */
  came(count: number): Promise<Received[]>;
  close(): Promise<void>;
};

/** @param answer what it does with a request once it has read it; 200 unless told. */
export async function startReceiver(
  answer: (request: Received, response: ServerResponse, raw: IncomingMessage) => void = (_, response) => void response.end("ok"),
): Promise<Receiver> {
  const received: Received[] = [];
  const waiting = new Set<{ count: number; done: () => void }>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one = { path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString("utf8") };
      received.push(one);
      for (const waiter of waiting) if (received.length >= waiter.count) waiter.done();
      answer(one, response, request);
    });
    request.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    async came(count) {
      if (received.length < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const waiter = { count, done: resolve };
        waiting.add(waiter);
        await promise;
        waiting.delete(waiter);
      }
      return received;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
