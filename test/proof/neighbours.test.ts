import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { freshDatabase } from "../support/gateway.ts";
import { startReceiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import { extent, say } from "./support/extent.ts";
import { endAll, newSigner, type Served, serve } from "./support/process.ts";

const ROUNDS = 5;
/** Enough for a p99, and at a pace that a machine of two cores keeps with nine endpoints. */
const EVENTS = Math.max(200, extent(1000));
const EVERY_MS = 25;

type Figures = { p50: number; p99: number };

describe("an endpoint among bad neighbours", () => {
  // A process of its own, as the receivers are: what else this one holds in memory is not to be measured.
  let home: Served;
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let receivers: ChildProcess;
  /** When each event reached the healthy one, in milliseconds of the epoch; and who waits for how many. */
  const arrived = new Map<string, number>();
  let came: { count: number; done: () => void } | undefined;
  const bad: { id: string; name: string }[] = [];

  const subscribe = async (name: string, url: string, events = ["*"]) => {
    const { body } = await home.api("POST", "/v1/endpoints", { workspace_id: ACME, url, events, description: name });
    return { id: body.id as string, name };
  };

  beforeAll(async () => {
    database = await freshDatabase("postgres");
    home = await serve({ ...database.settings, ALLOW_PRIVATE_ENDPOINTS: "true" }, newSigner());
    await home.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    receivers = fork(join(import.meta.dirname, "support/receivers.ts"));
    const [places] = (await once(receivers, "message")) as [{ healthy: string; bad: Record<string, string> }];
    receivers.on("message", ({ id, at }: { id: string; at: number }) => {
      arrived.set(id, at);
      if (came && arrived.size >= came.count) came.done();
    });
    await subscribe("healthy", places.healthy);
    for (const [name, url] of Object.entries(places.bad)) bad.push(await subscribe(name, url));
  });
  afterAll(async () => {
    await home.stop().finally(endAll);
    receivers.disconnect();
    await database.remove();
  });

  const switchAll = async (state: "active" | "disabled") => {
    for (const { id } of bad) await home.api("PATCH", `/v1/endpoints/${id}`, { state });
  };

  /** How long each event took from its POST to the healthy endpoint, in milliseconds, at a steady pace. */
  async function round(): Promise<Figures> {
    const all = Promise.withResolvers<void>();
    came = { count: arrived.size + EVENTS, done: all.resolve };
    const sent: Promise<[id: string, at: number]>[] = [];
    const pace = Promise.withResolvers<void>();
    const clock = setInterval(() => {
      const at = performance.timeOrigin + performance.now();
      const body = {
        type: "segment.entered",
        workspace_id: ACME,
        data: { contact_id: "c", segment_id: "s", segment_name: null },
      };
      sent.push(home.api("POST", "/v1/events", body).then((answer) => [answer.body.id, at]));
      if (sent.length < EVENTS) return;
      clearInterval(clock);
      pace.resolve();
    }, EVERY_MS);
    await pace.promise;
    const times = await Promise.all(sent);
    await all.promise;
    const took = times.map(([id, at]) => (arrived.get(id) ?? Number.NaN) - at).sort((a, b) => a - b);
    const place = (share: number) => took[Math.min(took.length - 1, Math.floor(took.length * share))] as number;
    return { p50: place(0.5), p99: place(0.99) };
  }

  it("is told nearly as quickly as without them, and each of them ends as it should", async () => {
    await switchAll("disabled");
    await round();
    const ratios: Figures[] = [];
    for (let number = 0; number < ROUNDS; number += 1) {
      await switchAll("disabled");
      const alone = await round();
      await switchAll("active");
      const among = await round();
      ratios.push({ p50: among.p50 / alone.p50, p99: among.p99 / alone.p99 });
      say("neighbours", `round ${number + 1}: alone ${words(alone)}, among ${bad.length} bad ones ${words(among)}`);
    }
    const median = (of: (one: Figures) => number) => ratios.map(of).sort((a, b) => a - b)[ROUNDS >> 1] as number;
    const [p50, p99] = [median((one) => one.p50), median((one) => one.p99)];
    say("neighbours", `${EVENTS} events a round, ${ROUNDS} rounds: p50 ${p50.toFixed(2)} ×, p99 ${p99.toFixed(2)} × (medians)`);
    expect(p50).toBeLessThan(2);
    expect(p99).toBeLessThan(3);

    const health = new Map<
      string,
      { last_failures: { status: number | null; error: string | null }[]; success_rate_24h: number | null }
    >();
    for (const { id, name } of bad) health.set(name, (await home.api("GET", `/v1/endpoints/${id}`)).body.health);
    const end = (name: string) => health.get(name)?.last_failures[0];
    expect(end("hangs for ever")).toMatchObject({ status: null, error: "timeout" });
    expect(end("answers 500")).toMatchObject({ status: 500, error: "status" });
    expect(end("redirects")).toMatchObject({ status: 302, error: "redirect" });
    expect(end("answers 429")).toMatchObject({ status: 429, error: "status" });
    expect(end("closes half-way")).toMatchObject({ status: null, error: "connection_broken" });
    expect(health.get("sends 100 MB back")?.success_rate_24h).toBe(1);
    expect(end("never speaks TLS")?.error).toMatch(/timeout|tls/);
    expect(end("is not there")).toMatchObject({ status: null, error: "connection_refused" });
  });

  it("that failed once is tried again after 30 seconds, for real", async () => {
    await switchAll("disabled");
    let calls = 0;
    const at: number[] = [];
    const receiver = await startReceiver((_, response) => {
      at.push(performance.now());
      calls += 1;
      response.writeHead(calls === 1 ? 500 : 200).end();
    });
    const endpoint = await subscribe("fails once", receiver.url, ["contact.deleted"]);
    await home.api("POST", "/v1/events", {
      type: "contact.deleted",
      workspace_id: ACME,
      data: { contact_id: "c", deletion_reason: null },
    });
    await receiver.came(2);
    const seconds = ((at[1] ?? 0) - (at[0] ?? 0)) / 1000;
    say("neighbours", `the first retry came after ${seconds.toFixed(1)} s`);
    expect(seconds).toBeGreaterThanOrEqual(30);
    expect(seconds).toBeLessThan(36);
    // It is noted after it was answered.
    await until(
      async () => (await home.api("GET", `/v1/endpoints/${endpoint.id}`)).body.health.success_rate_24h,
      (rate) => rate === 0.5,
    );
    await receiver.close();
  });
});

function words({ p50, p99 }: Figures): string {
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
}
