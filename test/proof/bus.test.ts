import { connect } from "@nats-io/transport-node";
import postgres from "postgres";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { Event } from "../../src/events/build.ts";
import { flaws } from "../bus/support/check.ts";
import { batches, register, until } from "../bus/support/emit.ts";
import {
  fillRate,
  hasNats,
  readStream,
  startCluster,
  startNats,
  streamInfo,
  type TestNats,
  withManager,
} from "../bus/support/nats.ts";
import { freshDatabase } from "../support/gateway.ts";
import { chance, extent, inParallel, say } from "./support/extent.ts";
import { endAll, newSigner, readOn, type Served, serve } from "./support/process.ts";
import { bodyOf, type Report, report } from "./support/reports.ts";

const EVENTS = 100_000;
const CONNECTIONS = 16;
const SINGLES = 300;

/** The shortest window that there is. */
const forgetful = { name: "HOMING", subjects: ["homing.>"], max_age: 0, duplicate_window: 100_000_000 };

const servers: TestNats[] = [];
afterEach(async () => {
  endAll();
  for (const server of servers.splice(0)) await server.remove();
});
afterAll(endAll);

/** A gateway that may be killed while callbacks come in; they are sent until they are answered, as providers do. */
class Load {
  readonly #settings: Record<string, string>;
  readonly #signer = newSigner();
  #up: Promise<Served>;
  answered = 0;
  broken = 0;

  constructor(settings: Record<string, string>) {
    this.#settings = settings;
    this.#up = serve(settings, this.#signer);
  }

  get served(): Promise<Served> {
    return this.#up;
  }

  send(calls: Iterable<Report[]>): Promise<void> {
    const sent = this.#send(calls);
    // It is awaited late; what comes before may fail first.
    sent.catch(() => {});
    return sent;
  }

  async #send(calls: Iterable<Report[]>): Promise<void> {
    await register((await this.#up).api as never);
    await inParallel(calls, CONNECTIONS, async (reports) => {
      for (;;) {
        const served = await this.#up;
        const answer = await served.report(bodyOf(reports)).catch(() => null);
        if (answer?.status === 200) {
          expect(answer.body).toMatchObject({ failed: 0, ignored: 0, unmatched: 0 });
          this.answered += reports.length;
          return;
        }
        this.broken += 1;
      }
    });
  }

  /** @param between what is done while nothing runs. */
  async restart(settings = this.#settings, between = async () => {}): Promise<void> {
    const killed = await this.#up;
    this.#up = killed
      .kill()
      .then(between)
      .then(() => serve(settings, this.#signer));
    await this.#up;
  }
}

const messages = async (url: string) => (await streamInfo(url))?.state.messages ?? 0;
const busOf = async (served: Served) => (await served.api("GET", "/readyz")).body.bus;

/** Everything is there: each event once, of each workspace in the log's order. */
async function expectAll(load: Load, url: string): Promise<Event[]> {
  const served = await load.served;
  const { events } = await readOn(served);
  await until("the stream has them all", async () => (await messages(url)) >= events.length);
  await until("the relay says so", async () => {
    const { state, behind_seconds } = await busOf(served);
    return state === "connected" && behind_seconds === 0;
  });
  expect(flaws(events, await readStream(url))).toEqual([]);
  return events;
}

describe.skipIf(!hasNats())("the bus", () => {
  it.each([
    ["as the relay makes it", undefined],
    ["that forgets at once which ids it had", forgetful],
  ])(
    "holds each event once and in order in a stream %s, with NATS killed three times and the gateway twice",
    async (which, made) => {
      const database = await freshDatabase("postgres");
      const nats = await startNats();
      servers.push(nats);
      if (made) await withManager(nats.url, (manager) => manager.streams.add({ ...made }));
      const count = extent(EVENTS);
      const load = new Load({ ...database.settings, BUS_URL: nats.url });
      const began = performance.now();
      const sent = load.send(batches("bus", count, chance(31)));
      const has = (share: number) =>
        until(`the stream has ${share}`, async () => (await messages(nats.url)) >= share * count, 50);
      let away = 0;

      await has(0.1);
      await nats.kill();
      await nats.start();
      await has(0.25);
      await load.restart();
      await has(0.4);
      await nats.kill();
      // Away for a while: the log goes on without it.
      const backlog = Math.min(count, load.answered + 0.2 * count);
      await until("the log has grown", () => load.answered >= backlog);
      expect(await busOf(await load.served)).toMatchObject({ state: "reconnecting" });
      away = (await busOf(await load.served)).behind_seconds;
      // The gateway too: what it knew of the answers is gone.
      await Promise.all([load.restart(), nats.start()]);
      await has(0.75);
      await nats.kill();
      await nats.start();
      await sent;
      const seconds = (performance.now() - began) / 1000;
      const events = await expectAll(load, nats.url);
      expect(events).toHaveLength(count);
      const caughtUp = (performance.now() - began) / 1000;
      say(
        "bus, one server",
        `a stream ${which}: ${events.length} events in ${seconds.toFixed(1)} s (${load.broken} broken connections), NATS killed 3 times, once away until ${away.toFixed(1)} s behind, the gateway killed twice; ` +
          `read back after ${caughtUp.toFixed(1)} s: 0 lost, 0 twice, 0 out of order`,
      );

      await (await load.served).stop();
      await database.remove();
    },
  );

  it("holds each event once and in order, with a cluster whose leaders are killed", async () => {
    const database = await freshDatabase("postgres");
    const cluster = await startCluster();
    servers.push(...cluster);
    const urls = cluster.map((server) => server.url).join(",");
    const count = extent(EVENTS);
    const load = new Load({ ...database.settings, BUS_URL: urls });
    const began = performance.now();
    const sent = load.send(batches("cluster", count, chance(32)));
    const has = (share: number) => until(`the stream has ${share}`, async () => (await messages(urls)) >= share * count, 50);
    const leader = async () => {
      const name = (await streamInfo(urls))?.cluster?.leader;
      return cluster.find((server) => server.name === name) as TestNats;
    };

    await has(0.2);
    expect((await streamInfo(urls))?.config.num_replicas).toBe(3);
    const first = await leader();
    await first.kill();
    await has(0.5);
    await first.start();
    await until("all copies are up to date", async () => {
      const replicas = (await streamInfo(urls))?.cluster?.replicas ?? [];
      return replicas.length === 2 && replicas.every((replica) => replica.current && !replica.offline);
    });
    const second = await leader();
    await second.kill();
    await sent;
    const events = await expectAll(load, urls);
    expect(events).toHaveLength(count);
    const seconds = (performance.now() - began) / 1000;
    say(
      "bus, three servers",
      `${events.length} events in ${seconds.toFixed(1)} s until read back, the leader killed twice: 0 lost, 0 twice, 0 out of order`,
    );
    await (await load.served).stop();
    await database.remove();
  });

  it("has one relay at a time: a process that hangs loses its turn, and does not go on where it was", async () => {
    const database = await freshDatabase("postgres");
    const nats = await startNats();
    servers.push(nats);
    const settings = { ...database.settings, BUS_URL: nats.url };
    const first = await serve(settings, newSigner());
    await until("the first has its turn", async () => (await busOf(first)).state === "connected");
    const load = new Load(settings);
    expect((await busOf(await load.served)).state).toBe("standby");
    const count = extent(EVENTS) / 10;
    const sent = load.send(batches("frozen", count, chance(34)));
    await until("the stream has a part", async () => (await messages(nats.url)) >= 0.2 * count);
    first.freeze();
    const began = performance.now();
    await until("the other has its turn", async () => (await busOf(await load.served)).state === "connected");
    const seconds = (performance.now() - began) / 1000;
    await until("the stream has more", async () => (await messages(nats.url)) >= 0.6 * count);
    // What it had under way goes out late; the stream knows those ids.
    first.thaw();
    await sent;
    await until("the first knows", async () => (await busOf(first)).state === "standby");
    const events = await expectAll(load, nats.url);
    expect(events).toHaveLength(count);
    say(
      "bus, two gateways",
      `one frozen in the middle: the other relayed after ${seconds.toFixed(1)} s; thawed, it stood by; ${events.length} events: 0 lost, 0 twice, 0 out of order`,
    );
    await first.stop();
    await (await load.served).stop();
    await database.remove();
  });

  it("is filled from a long log, and follows it closely", async () => {
    const database = await freshDatabase("postgres");
    const one = await startNats();
    const three = await startCluster();
    servers.push(one, ...three);
    const load = new Load(database.settings);
    await load.send(batches("long", extent(EVENTS), chance(33)));
    for (const [which, url] of [
      ["one server", one.url],
      ["three servers, three copies", three.map((server) => server.url).join(",")],
    ] as const) {
      await load.restart({ ...database.settings, BUS_URL: url }, () => forgetCursor(database.settings));
      // Nothing else is asked of the two cores meanwhile.
      await until("the stream has them all", async () => (await messages(url)) >= extent(EVENTS), 500);
      const events = await expectAll(load, url);
      const perSecond = Math.round(await fillRate(url));
      const delays = await delaysOf(load, url);
      say(
        `bus, ${which}`,
        `a log of ${events.length} events goes out at ${perSecond} events/s; a single one is there ${quantile(delays, 0.5)} ms after its callback's answer ` +
          `(median of ${delays.length}; 95 %: ${quantile(delays, 0.95)} ms)`,
      );
    }
    await (await load.served).stop();
    await database.remove();
  });
});

async function forgetCursor({ DATABASE_URL }: Record<string, string>): Promise<void> {
  const sql = postgres(DATABASE_URL as string, { max: 1, onnotice: () => {} });
  await sql.unsafe("delete from cursors");
  // As it is after a minute: what the planner knows then once made each page cost the whole rest of the log.
  await sql.unsafe("analyze events");
  await sql.end();
}

/** Milliseconds from a callback's answer to its event on the bus; below 0 where the bus was quicker. */
async function delaysOf(load: Load, url: string): Promise<number[]> {
  const name = new URL(url.split(",")[0] as string).port;
  const connection = await connect({ servers: url.split(",") });
  const arrived = new Map<string, number>();
  connection.subscribe("homing.>", {
    callback: (_, message) => {
      const { message_id } = (JSON.parse(message.string()) as Event).provider_data;
      arrived.set(String(message_id), performance.now());
    },
  });
  await connection.flush();
  const served = await load.served;
  const delays: number[] = [];
  for (let number = 0; number < extent(SINGLES); number += 1) {
    const message = `single-${name}-${number}`;
    await served.report(
      bodyOf([{ ...report(message, "delivered", number, "echoed"), meta: { homing_workspace_id: "__org__" } }]),
    );
    const answered = performance.now();
    await until("it is on the bus", () => arrived.has(message));
    delays.push((arrived.get(message) as number) - answered);
  }
  await connection.close();
  return delays;
}

function quantile(values: number[], share: number): string {
  return (values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] as number).toFixed(1);
}
