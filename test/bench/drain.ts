import { fork } from "node:child_process";
import { once } from "node:events";
import { hasNats, startNats, streamInfo } from "../bus/support/nats.ts";
import { cases, requests, workspaces } from "./cases.ts";
import { apiOf, startGateway } from "./subjects.ts";

const batch = cases.find((one) => one.name === "batch") as (typeof cases)[number];

/** Events that were accepted at full speed, and when all of them had arrived at the far side: events a second of each. */
export type Drained = { events: number; accepted: number; arrived: number };

/** Sends batches, and waits until everything has arrived. */
async function drain(url: string, events: number, arrived: (count: number) => Promise<void>): Promise<Drained> {
  const calls = await requests(batch, new URL(url), Math.ceil(events / batch.eventsEach));
  const count = calls.length * batch.eventsEach;
  const started = performance.now();
  const rest = calls.values();
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const call of rest) {
        const head = call.indexOf("\r\n\r\n");
        const lines = call.subarray(0, head).toString().split("\r\n").slice(1);
        const headers = lines
          .map((line) => line.split(": ", 2) as [string, string])
          .filter(([name]) => !/^(host|content-length)$/.test(name));
        const answer = await fetch(`${url}/callbacks/${batch.adapter}`, {
          method: "POST",
          headers,
          body: call.subarray(head + 4),
        });
        if (!answer.ok) throw new Error(`a batch was answered with ${answer.status}`);
        await answer.arrayBuffer();
      }
    }),
  );
  const accepted = performance.now();
  await arrived(count);
  const rate = (until: number) => count / ((until - started) / 1000);
  return { events: count, accepted: rate(accepted), arrived: rate(performance.now()) };
}

/** From the callback to the customer's system: one endpoint of each of the 20 workspaces, all at one receiver. */
export async function drainWebhooks(admin: string, events: number): Promise<Drained> {
  const receiver = fork(new URL("./receiver-server.ts", import.meta.url));
  const [{ port }] = (await once(receiver, "message")) as [{ port: number }];
  const gateway = await startGateway(admin, { ALLOW_PRIVATE_ENDPOINTS: "true" });
  try {
    for (const workspace_id of workspaces)
      await apiOf(gateway.url)("POST", "/v1/endpoints", {
        workspace_id,
        url: `http://127.0.0.1:${port}/`,
        events: ["delivery.*"],
      });
    return await drain(gateway.url, events, async (count) => {
      const all = once(receiver, "message");
      receiver.send(count);
      await all;
    });
  } finally {
    await gateway.stop();
    receiver.disconnect();
  }
}

/** From the callback to NATS JetStream; null where there is no nats-server. */
export async function drainBus(admin: string, events: number): Promise<Drained | null> {
  if (!hasNats()) return null;
  const nats = await startNats();
  const gateway = await startGateway(admin, { BUS_URL: nats.url });
  try {
    return await drain(gateway.url, events, async (count) => {
      while (((await streamInfo(nats.url))?.state.messages ?? 0) < count) await new Promise((resolve) => setTimeout(resolve, 20));
    });
  } finally {
    await gateway.stop();
    await nats.remove();
  }
}
