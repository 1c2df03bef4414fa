import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NatsLink } from "../../src/bus/nats.ts";
import type { Event } from "../../src/events/build.ts";
import { createLogger } from "../../src/log.ts";
import { chance } from "../proof/support/extent.ts";
import { API_TOKEN, databases, startGateway, type TestGateway } from "../support/gateway.ts";
import { flaws } from "./support/check.ts";
import { emit, register, until, workspaces } from "./support/emit.ts";
import { hasNats, readStream, startNats, streamInfo, type TestNats, withManager } from "./support/nats.ts";

const DAY_NS = 86_400_000_000_000;
const never = new AbortController().signal;
const open: { close(): Promise<unknown> }[] = [];

async function nats(options?: Parameters<typeof startNats>[0]): Promise<TestNats> {
  const server = await startNats(options);
  open.push({ close: () => server.remove() });
  return server;
}

async function gatewayTo(server: TestNats, kind: (typeof databases)[number] = "postgres"): Promise<TestGateway> {
  const homing = await startGateway(kind, { BUS_URL: server.url });
  open.push(homing);
  await register(homing.api);
  return homing;
}

function linkTo(url: string): { link: NatsLink; logged: () => string } {
  const lines: string[] = [];
  const link = new NatsLink(url, 90, createLogger("debug", { write: (line) => void lines.push(line) }));
  open.push({ close: () => link.stop() });
  link.start();
  return { link, logged: () => lines.join("") };
}

const hasAll = (server: TestNats, events: Event[]) =>
  until(
    `the stream has ${events.length} events`,
    async () => ((await streamInfo(server.url))?.state.messages ?? 0) >= events.length,
  );
const bus = async (homing: TestGateway) => (await homing.api("GET", "/readyz")).body;
async function metric(homing: TestGateway, name: string): Promise<number> {
  const answer = await fetch(`${homing.url}/metrics`, { headers: { authorization: `Bearer ${API_TOKEN}` } });
  return Number(new RegExp(`^${name}(?:\\{.*\\})? (.*)$`, "m").exec(await answer.text())?.[1]);
}

describe.skipIf(!hasNats())("the bus", () => {
  let server: TestNats;
  beforeAll(async () => {
    server = await startNats();
  });
  afterAll(() => server.remove());
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
    await withManager(server.url, (manager) => manager.streams.delete("HOMING")).catch(() => {});
  });

  it.each(databases)("gets every event as the contract says, from %s", async (kind) => {
    const homing = await gatewayTo(server, kind);
    await emit(homing, "contract", 200, chance(1));
    await homing.api("POST", "/v1/events", {
      type: "contact.created",
      workspace_id: workspaces[0],
      data: { contact_id: "c_1", email: "ä@example.com", phone: null, source: "api" },
    });
    const events = await homing.events();
    await hasAll(server, events);
    const stored = await readStream(server.url);
    expect(flaws(events, stored)).toEqual([]);
    const bodies = await homing.gateway.database.query<{ body: string }>("select body from events");
    expect(stored.map((one) => one.body).sort()).toEqual(bodies.map((row) => row.body).sort());
    for (const { subject, body, id } of stored) {
      const event = JSON.parse(body) as Event;
      expect(id).toBe(event.id);
      expect(subject).toBe(`homing.${event.workspace_id}.${event.name}${event.variant ? `.${event.variant}` : ""}`);
    }
    expect(stored.map((one) => one.subject)).toContain(`homing.${workspaces[0]}.contact.created`);
    expect((await streamInfo(server.url))?.config).toMatchObject({
      subjects: ["homing.>"],
      storage: "file",
      num_replicas: 1,
      max_age: 90 * DAY_NS,
      duplicate_window: 300_000_000_000,
    });
    await until("it says so", async () => (await bus(homing)).bus.behind_seconds === 0);
    expect(await bus(homing)).toMatchObject({ bus: { state: "connected", behind_seconds: 0 }, warnings: [] });
    expect(await metric(homing, "homing_bus_published_total")).toBe(events.length);
    expect(await metric(homing, "homing_bus_connected")).toBe(1);
    expect(await metric(homing, "homing_bus_lag_seconds")).toBe(0);
  });

  it("may be away: callbacks are received, the log is read, nothing is lost, and it catches up", async () => {
    const late = await nats({ started: false });
    const homing = await gatewayTo(late);
    await emit(homing, "before", 100, chance(2));
    expect(await homing.events()).toHaveLength(100);
    await until("the relay has its turn", async () => (await bus(homing)).bus.state === "reconnecting");
    await until("it is behind", async () => (await bus(homing)).bus.behind_seconds > 0);
    expect(await bus(homing)).toMatchObject({ status: "ready", warnings: [expect.stringContaining("the bus is not reached")] });
    expect(await metric(homing, "homing_bus_connected")).toBe(0);
    expect(await metric(homing, "homing_bus_lag_seconds")).toBeGreaterThan(0);
    await late.start();
    await hasAll(late, await homing.events());
    await until("it says so", async () => (await bus(homing)).bus.state === "connected");
    await until("it is up to date", async () => (await bus(homing)).bus.behind_seconds === 0);
    expect(flaws(await homing.events(), await readStream(late.url))).toEqual([]);
  });

  it("gets each event once though it is killed and forgets at once which ids it had", async () => {
    const mortal = await nats();
    await withManager(mortal.url, (manager) =>
      manager.streams.add({ name: "HOMING", subjects: ["homing.>"], max_age: 100 * DAY_NS, duplicate_window: 100_000_000 }),
    );
    const homing = await gatewayTo(mortal);
    const emitted = emit(homing, "mortal", 3000, chance(3));
    for (const kill of [1, 2, 3]) {
      await until("it has a part", async () => ((await streamInfo(mortal.url))?.state.messages ?? 0) > kill * 500);
      await mortal.kill();
      await mortal.start();
    }
    await emitted;
    const events = await homing.events();
    await hasAll(mortal, events);
    expect(flaws(events, await readStream(mortal.url))).toEqual([]);
  });

  it("keeps what a stream that is there already has, and widens what is too narrow", async () => {
    await withManager(server.url, (manager) =>
      manager.streams.add({
        name: "HOMING",
        subjects: ["other", "homing.old.>"],
        max_age: DAY_NS,
        duplicate_window: 60_000_000_000,
        description: "ours",
      }),
    );
    const homing = await gatewayTo(server);
    await emit(homing, "narrow", 5, chance(4));
    await hasAll(server, await homing.events());
    expect((await streamInfo(server.url))?.config).toMatchObject({
      subjects: ["other", "homing.>"],
      max_age: 90 * DAY_NS,
      duplicate_window: 60_000_000_000,
      description: "ours",
    });
  });

  it("shortens nothing", async () => {
    const config = { name: "HOMING", subjects: ["homing.>"], max_age: 0, duplicate_window: 600_000_000_000 };
    await withManager(server.url, (manager) => manager.streams.add({ ...config }));
    const { link } = linkTo(server.url);
    await link.ready(never);
    expect((await streamInfo(server.url))?.config).toMatchObject(config);
  });

  it("comes back with its stream when somebody has deleted it", async () => {
    const homing = await gatewayTo(server);
    await emit(homing, "first", 20, chance(5));
    await hasAll(server, await homing.events());
    await withManager(server.url, (manager) => manager.streams.delete("HOMING"));
    const before = (await homing.events()).length;
    await emit(homing, "second", 20, chance(5));
    const later = (await homing.events()).slice(before);
    await hasAll(server, later);
    expect(flaws(later, await readStream(server.url))).toEqual([]);
  });

  it("does not stop for an event that it cannot take", async () => {
    const homing = await gatewayTo(server);
    await emit(homing, "small", 10, chance(6));
    const data = { contact_id: "c_1", changes: { note: { old: null, new: "x".repeat(1_100_000) } } };
    const { status, body } = await homing.api("POST", "/v1/events", {
      type: "contact.updated",
      workspace_id: workspaces[0],
      data,
    });
    expect(status, JSON.stringify(body).slice(0, 300)).toBe(201);
    await emit(homing, "smaller", 10, chance(6));
    const events = await homing.events();
    await hasAll(server, events.slice(1));
    expect(flaws(events, await readStream(server.url))).toEqual([`lost ${body.id}`]);
    expect(await metric(homing, "homing_bus_skipped_total")).toBe(1);
  });

  it("takes a user and a password, and never logs them", async () => {
    const closed = await nats({ more: ["--user", "homing", "--pass", "s3cret-1234:x"] });
    const url = (pass: string) => closed.url.replace("nats://", `nats://homing:${encodeURIComponent(pass)}@`);
    const right = linkTo(url("s3cret-1234:x"));
    await right.link.ready(never);
    expect(right.link.problem).toBeNull();
    const wrong = linkTo(url("s3cret-wrong"));
    await until("it is refused", () => /authorization/i.test(wrong.link.problem ?? ""));
    expect(right.logged() + wrong.logged()).not.toMatch(/s3cret|homing@|homing:s/);
    expect(wrong.logged()).toMatch(/not reached/);
  });

  it("tries the servers that are named until one answers", async () => {
    const off = await nats({ started: false });
    const { link } = linkTo(`${off.url},${server.url}`);
    const connected = await link.ready(never);
    expect(await connected.publish({ id: "evt_1", subject: "homing.a.b", body: "{}" })).toEqual({ duplicate: false });
    expect(await connected.publish({ id: "evt_1", subject: "homing.a.b", body: "{}" })).toEqual({ duplicate: true });
    expect(await connected.last("homing.a.b")).toBe("evt_1");
    expect(await connected.last("homing.a.c")).toBeNull();
  });

  it("is left at once when the gateway closes, reached or not", async () => {
    const off = await nats({ started: false });
    for (const to of [off, server]) {
      const homing = await startGateway("postgres", { BUS_URL: to.url });
      await homing.close();
      expect(homing.gateway.relay?.status().state).toBe("standby");
    }
  });
});
