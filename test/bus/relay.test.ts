import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { Progress } from "../../src/bus/progress.ts";
import { Publisher } from "../../src/bus/publisher.ts";
import { Relay } from "../../src/bus/relay.ts";
import { type Database, openPostgres } from "../../src/db/client.ts";
import { type Place, START, showPlace } from "../../src/events/log.ts";
import { createLogger } from "../../src/log.ts";
import { chance } from "../proof/support/extent.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";
import { flaws } from "./support/check.ts";
import { emit, register, until, workspaces } from "./support/emit.ts";
import { MemoryStream } from "./support/memory-stream.ts";

const running = new Set<Relay>();
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all([...running].map((relay) => relay.stop()));
  running.clear();
});

describe.each(databases)("the relay on %s", (kind) => {
  let homing: TestGateway;
  /** Where the log stood when a test began: each has a stream of its own. */
  let beginning = "";
  let seen = 0;

  beforeAll(async () => {
    homing = await startGateway(kind);
    await register(homing.api);
  });
  afterAll(() => homing.close());

  async function begin(name: string, count: number): Promise<void> {
    seen = (await homing.events()).length;
    beginning = await cursorAtTheEnd();
    await keepCursor(beginning);
    await emit(homing, name, count, chance(7));
  }

  async function cursorAtTheEnd(): Promise<string> {
    for (let after = ""; ; ) {
      const { body } = await homing.api("GET", `/v1/events?limit=500${after && `&after=${after}`}`);
      after = body.next;
      if (body.data.length === 0) return after;
    }
  }

  const log = async () => (await homing.events()).slice(seen);
  const keepCursor = (position: string) =>
    homing.gateway.database.query(
      "insert into cursors (name, position) values ('bus', $1) on conflict (name) do update set position = excluded.position",
      [position],
    );
  const keptCursor = async () =>
    (await homing.gateway.database.query<{ position: string }>("select position from cursors where name = 'bus'"))[0]?.position;

  type Line = { level: number; msg: string } & Record<string, unknown>;
  function relayTo(stream: MemoryStream, options: { database?: Database; now?: () => number; lines?: Line[] } = {}) {
    const { gateway } = homing;
    const relay = new Relay({
      database: options.database ?? gateway.database,
      link: stream.link(),
      now: options.now ?? (() => gateway.databaseClock.now()),
      log: createLogger("info", { write: (line) => void options.lines?.push(JSON.parse(line)) }),
      done: () => {},
    });
    relay.start();
    running.add(relay);
    return relay;
  }

  /** Publishes get lost, answers too, and the relay crashes in the middle, three times, with a cursor of before. */
  async function troubledRun(name: string): Promise<string[]> {
    await begin(name, 400);
    const stream = new MemoryStream(chance(11), { refused: 0.05, unanswered: 0.05 });
    for (const crash of [1, 2, 3]) {
      const relay = relayTo(stream);
      await stream.reaches(crash * 80);
      await relay.stop();
      await keepCursor(beginning);
    }
    await emit(homing, `${name}-more`, 50, chance(8));
    const relay = relayTo(stream);
    const events = await log();
    await until("nothing is lost", () => !flaws(events, stream.messages).some((flaw) => flaw.startsWith("lost")));
    await relay.stop();
    return flaws(events, stream.messages);
  }

  it("brings each event once and in order to a stream that remembers nothing, through lost answers and crashes", async () => {
    expect(await troubledRun("troubled")).toEqual([]);
  });

  it.runIf(kind === "postgres")("would be found out if it did not ask where it is in doubt", async () => {
    vi.spyOn(Publisher.prototype, "isInDoubt").mockReturnValue(false);
    const found = await troubledRun("careless");
    expect(found.filter((flaw) => flaw.startsWith("twice")).length).toBeGreaterThan(60);
  });

  /** One workspace's events have no answer when the relay is stopped; the next one begins where it left off. */
  async function heldRun(name: string): Promise<string[]> {
    await begin(name, 300);
    const stream = new MemoryStream(chance(12));
    const held = workspaces[0] as string;
    stream.hold(held);
    const relay = relayTo(stream);
    const events = await log();
    // Those who share its lane wait with it.
    await stream.reaches(Math.floor(events.filter((event) => event.workspace_id !== held).length / 2));
    const stopped = relay.stop();
    stream.release();
    await stopped;
    await emit(homing, `${name}-more`, 20, chance(8));
    const next = relayTo(stream);
    await stream.reaches(stream.messages.length + 20);
    await until("it is done", () => next.status().behind_seconds === 0);
    await next.stop();
    return flaws(await log(), stream.messages);
  }

  it("keeps the lowest place that has no answer", async () => {
    expect(await heldRun("held")).toEqual([]);
  });

  it.runIf(kind === "postgres")("would be found out if it kept the highest", async () => {
    let highest: Place = START;
    const { begin } = Progress.prototype;
    vi.spyOn(Progress.prototype, "begin").mockImplementation(function (this: Progress, place) {
      highest = place;
      return begin.call(this, place);
    });
    const get = Object.getOwnPropertyDescriptor(Progress.prototype, "cursor")?.get as () => Place;
    vi.spyOn(Progress.prototype, "cursor", "get").mockImplementation(function (this: Progress) {
      return highest === START ? get.call(this) : highest;
    });
    const found = await heldRun("hasty");
    expect(found.filter((flaw) => flaw.startsWith("lost")).length).toBeGreaterThan(10);
  });

  it("asks only for what another may have published, and about nothing after a clean stop", async () => {
    await begin("asking", 200);
    const stream = new MemoryStream(chance(13));
    const first = relayTo(stream);
    await stream.reaches(200);
    const asked = stream.asked;
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(workspaces.length);
    await emit(homing, "asking-more", 100, chance(14));
    first.wake();
    await stream.reaches(300);
    await until("it is done", () => first.status().behind_seconds === 0);
    await first.stop();
    const next = relayTo(stream);
    await until("it has its turn", () => next.status().state === "connected");
    await emit(homing, "asking-most", 100, chance(15));
    await stream.reaches(400);
    await next.stop();
    expect(stream.asked).toBe(asked);
    expect(flaws(await log(), stream.messages)).toEqual([]);
  });

  it("tells how far it is behind", async () => {
    await begin("behind", 1);
    const [event] = await log();
    const stream = new MemoryStream(chance(16));
    stream.hold(event?.workspace_id as string);
    const now = homing.gateway.databaseClock.now() + 60_000;
    const relay = relayTo(stream, { now: () => now });
    expect(relay.status()).toEqual({ state: "standby", behind_seconds: null });
    await until("it is behind", () => (relay.status().behind_seconds ?? 0) > 50);
    expect(relay.status().behind_seconds).toBeLessThan(70);
    stream.release();
    await until("it has caught up", () => relay.status().behind_seconds === 0);
    await relay.stop();
    expect(relay.status()).toEqual({ state: "standby", behind_seconds: null });
  });

  it("goes on with the oldest there is where days were dropped before the bus had them, and says so", async () => {
    await begin("gone", 30);
    const longAgo = Math.floor(homing.gateway.databaseClock.now()) - 300 * 86_400_000;
    await keepCursor(showPlace({ epoch: 1, xid: "1", seq: "0", at: longAgo }));
    const stream = new MemoryStream(chance(17));
    const lines: Line[] = [];
    const relay = relayTo(stream, { lines });
    const whole = await homing.events();
    await stream.reaches(whole.length);
    await relay.stop();
    expect(flaws(whole, stream.messages)).toEqual([]);
    const told = lines.filter((line) => line.level >= 50);
    expect(told).toEqual([
      expect.objectContaining({
        msg: expect.stringContaining("were dropped before the bus had their events"),
        at_most_events: 0,
      }),
    ]);
    expect(new Date(told[0]?.from as string).getTime()).toBe(longAgo);
  });

  it("keeps its cursor while it runs", async () => {
    await begin("kept", 100);
    const stream = new MemoryStream(chance(18));
    const relay = relayTo(stream);
    await stream.reaches(100);
    await until("it is kept", async () => (await keptCursor()) !== beginning);
    await relay.stop();
  });

  it.runIf(kind === "postgres")("relays in one process at a time; another goes on when its session ends", async () => {
    await begin("turns", 200);
    const other = openPostgres(homing.gateway.config.DATABASE_URL as string);
    const stream = new MemoryStream(chance(19), { refused: 0.02, unanswered: 0.02 });
    const lines: Line[] = [];
    const relays = [relayTo(stream, { lines })];
    const leads = (index: number) => relays[index]?.status().state !== "standby";
    await until("the first has its turn", () => leads(0));
    relays.push(relayTo(stream, { database: other, lines }));
    await stream.reaches(100);
    expect(leads(1)).toBe(false);
    for (const round of [1, 2, 3]) {
      const [ended] = await homing.gateway.database.query<{ pid: number }>(
        `select pid, pg_terminate_backend(pid) from pg_locks
         where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
      );
      expect(ended).toBeDefined();
      await until("the lock is noticed as lost", () => lines.filter((line) => line.level === 40).length >= round);
      await emit(homing, `turns-${round}`, 100, chance(20 + round));
      await until("one has its turn", () => leads(0) || leads(1));
    }
    const events = await log();
    await until("nothing is lost", () => !flaws(events, stream.messages).some((flaw) => flaw.startsWith("lost")));
    expect(flaws(events, stream.messages)).toEqual([]);
    const leader = leads(0) ? 0 : 1;
    await relays[leader]?.stop();
    await until("the other has its turn", () => leads(1 - leader));
    await relays[1 - leader]?.stop();
    await other.close();
  });
});
