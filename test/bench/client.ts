// The load generator, a process of its own: it writes prepared bytes and reads answers, so that it costs the machine little.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { cases, requests } from "./cases.ts";
import type { FromClient, Job, Measurement } from "./measure.ts";

const HEAD_END = "\r\n\r\n";

/** Calls back for each answer on a connection with its status and body. All the servers measured here tell a content-length. */
function readAnswers(socket: Socket, answered: (status: number, body: string) => void): void {
  let text = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    text += chunk;
    for (;;) {
      const headEnd = text.indexOf(HEAD_END);
      if (headEnd < 0) return;
      const start = headEnd + HEAD_END.length;
      const end = start + Number(/content-length: (\d+)/i.exec(text.slice(0, headEnd))?.[1]);
      if (Number.isNaN(end)) throw new Error("an answer without content-length");
      if (text.length < end) return;
      const body = text.slice(start, end);
      const status = Number(text.slice(9, 12));
      text = text.slice(end);
      answered(status, body);
    }
  });
}

async function run(job: Job, tell: (message: FromClient) => void): Promise<Measurement> {
  const of = cases.find((one) => one.name === job.case);
  if (!of) throw new Error(`no case ${job.case}`);
  const url = new URL(job.url);
  const pool = await requests(of, url, Math.ceil(of.perSecond * (job.seconds + job.warmUp)));
  const sockets = Array.from({ length: job.connections }, () =>
    connect({ host: url.hostname, port: Number(url.port), noDelay: true }),
  );
  await Promise.all(sockets.map((socket) => once(socket, "connect")));

  const latencies = new Float64Array(pool.length);
  const refused: Measurement["refused"] = {};
  let [next, answered, events, measured] = [0, 0, 0, 0];
  let window: "warm-up" | "open" | "over" = "warm-up";
  let [from, until] = [0, 0];
  let cpu = process.cpuUsage();
  const finished = Promise.withResolvers<void>();
  const close = () => {
    if (window === "over") return;
    window = "over";
    until = performance.now();
    cpu = process.cpuUsage(cpu);
    tell({ window });
  };
  setTimeout(() => {
    window = "open";
    from = performance.now();
    cpu = process.cpuUsage();
    tell({ window });
    setTimeout(close, job.seconds * 1000);
  }, job.warmUp * 1000);

  let busy = sockets.length;
  for (const socket of sockets) {
    let sent = 0;
    const send = () => {
      const bytes = pool[next];
      // Every request is sent once: when the last one is out, the measurement is over.
      if (!bytes) close();
      if (!bytes || window === "over") {
        busy -= 1;
        if (busy === 0) finished.resolve();
        return;
      }
      next += 1;
      sent = performance.now();
      socket.write(bytes);
    };
    socket.on("error", finished.reject);
    socket.on("close", () => finished.reject(new Error("the server hung up before it answered")));
    readAnswers(socket, (status, body) => {
      if (status === 200) {
        answered += 1;
        events += Number(/"events":(\d+)/.exec(body)?.[1] ?? 0);
        if (window === "open") {
          latencies[measured] = performance.now() - sent;
          measured += 1;
        }
      } else {
        refused[status] = (refused[status] ?? 0) + 1;
      }
      send();
    });
    send();
  }
  await finished.promise;
  if (from === 0) throw new Error("all requests were answered before the warm-up was over: prepare more (cases.ts, perSecond)");
  const sorted = latencies.subarray(0, measured).sort();
  const elapsed = (until - from) / 1000;
  return {
    answered,
    events,
    refused,
    rate: measured / elapsed,
    p50: sorted[Math.floor(measured * 0.5)] ?? 0,
    p99: sorted[Math.floor(measured * 0.99)] ?? 0,
    clientCpu: (cpu.user + cpu.system) / 1e6 / elapsed,
  };
}

const tell = (message: FromClient) => process.send?.(message);
process.once("message", async (job: Job) => {
  tell({ measurement: await run(job, tell) });
});
