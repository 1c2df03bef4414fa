import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";

export type Job = { url: string; case: string; seconds: number; warmUp: number; connections: number };
/** What the client saw. `answered` and `events` count everything it sent, also before and after the measured window. */
export type Measurement = {
  /** With 200. */
  answered: number;
  /** As the answers told. */
  events: number;
  /** Other answers, by status. */
  refused: { [status: number]: number };
  /** Per second, in the measured window. */
  rate: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** In cores: near 1 the client is what was measured. */
  clientCpu: number;
};
export type FromClient = { window: "open" | "over" } | { measurement: Measurement };
export type Usage = {
  /** The server's process, in cores; NaN where the system does not tell. */
  serverCpu: number;
  /** Of all cores, by everything that runs here: 0 to 1. */
  machine: number;
};

/** One measurement by a client process of its own. */
export async function measure(job: Job, pid: number): Promise<Measurement & Usage> {
  const client = fork(new URL("./client.ts", import.meta.url), { stdio: "inherit" });
  const { promise, resolve, reject } = Promise.withResolvers<Measurement & Usage>();
  let before = reading(pid);
  let used: Usage = { serverCpu: Number.NaN, machine: Number.NaN };
  client.on("message", (message: FromClient) => {
    if ("measurement" in message) {
      resolve({ ...message.measurement, ...used });
      client.kill("SIGKILL");
    } else if (message.window === "open") before = reading(pid);
    else used = between(before, reading(pid));
  });
  client.on("error", reject);
  client.on("exit", (code) => reject(new Error(`the client ended with ${code}; what it met stands above`)));
  client.send(job);
  return promise;
}

type Reading = { server: number; busy: number; all: number; at: number };

function reading(pid: number): Reading {
  const times = cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({
    busy: user + nice + sys + irq,
    all: user + nice + sys + irq + idle,
  }));
  const sum = (which: "busy" | "all") => times.reduce((total, one) => total + one[which], 0);
  return { server: cpuSeconds(pid), busy: sum("busy"), all: sum("all"), at: performance.now() };
}

function between(before: Reading, after: Reading): Usage {
  return {
    serverCpu: ((after.server - before.server) * 1000) / (after.at - before.at),
    machine: (after.busy - before.busy) / (after.all - before.all),
  };
}

/** CPU seconds of another process: Linux only. */
function cpuSeconds(pid: number): number {
  try {
    // After the name in parentheses; user and system time in hundredths.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}
