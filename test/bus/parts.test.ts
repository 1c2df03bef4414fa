import { JetStreamApiError, type JetStreamManager } from "@nats-io/jetstream";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readBusUrl } from "../../src/bus/address.ts";
import { Bell } from "../../src/bus/bell.ts";
import { Lanes } from "../../src/bus/lanes.ts";
import { Progress } from "../../src/bus/progress.ts";
import { messageOf } from "../../src/bus/publisher.ts";
import { Stream } from "../../src/bus/stream.ts";
import { Turn, TurnLost } from "../../src/bus/turn.ts";
import type { Query } from "../../src/db/client.ts";
import { type Place, START } from "../../src/events/log.ts";
import { createLogger, silent } from "../../src/log.ts";
import { chance } from "../proof/support/extent.ts";
import { flaws } from "./support/check.ts";

const never = new AbortController().signal;
const place = (seq: number): Place => ({ epoch: 1, xid: "10", seq: String(seq), at: 1000 + seq });

describe("progress", () => {
  it("stands before the oldest that is not done, in whatever order the others are", () => {
    const dice = chance(3);
    const progress = new Progress(START);
    const open = Array.from({ length: 200 }, (_, seq) => ({ seq, done: progress.begin(place(seq)) }));
    const left = new Set(open.map(({ seq }) => seq));
    for (const { seq, done } of dice.shuffled(open)) {
      done();
      left.delete(seq);
      const oldest = Math.min(...left);
      expect(progress.oldest).toEqual(left.size > 0 ? place(oldest) : undefined);
      expect(progress.cursor).toEqual(left.size === 0 ? place(199) : oldest === 0 ? START : place(oldest - 1));
    }
    expect(progress.size).toBe(0);
  });

  it("passes where there is nothing to do, but not what is open, and does not grow by it", () => {
    const progress = new Progress(START);
    const done = progress.begin(place(1));
    for (let seq = 2; seq < 100; seq += 1) progress.pass(place(seq));
    expect(progress).toMatchObject({ cursor: START, oldest: place(1), size: 2 });
    done();
    expect(progress).toMatchObject({ cursor: place(99), oldest: undefined, size: 0 });
    progress.pass(place(100));
    expect(progress).toMatchObject({ cursor: place(100), size: 0 });
  });
});

describe("lanes", () => {
  it("keep the order of each key while keys overtake each other", async () => {
    const dice = chance(4);
    const done: { key: string; number: number }[] = [];
    let most = 0;
    let now = 0;
    const lanes = new Lanes<{ key: string; number: number }>(8, async (item) => {
      now += 1;
      most = Math.max(most, now);
      for (let turns = dice.below(5); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
      done.push(item);
      now -= 1;
    });
    for (let number = 0; number < 1000; number += 1) {
      const key = `workspace-${dice.below(20)}`;
      lanes.push(key, { key, number });
    }
    await lanes.idle();
    expect(done).toHaveLength(1000);
    expect(most).toBeGreaterThan(4);
    expect(done.map(({ number }) => number)).not.toEqual(Array.from({ length: 1000 }, (_, number) => number));
    for (const key of new Set(done.map((item) => item.key))) {
      const numbers = done.filter((item) => item.key === key).map((item) => item.number);
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  });

  it("end where work throws, and let nothing behind it pass", async () => {
    const done: number[] = [];
    const lanes = new Lanes<number>(1, async (item) => {
      if (item === 2) throw new Error("no turn");
      done.push(item);
    });
    for (const item of [1, 2, 3]) lanes.push("a", item);
    await lanes.idle();
    lanes.push("a", 4);
    await lanes.idle();
    expect(done).toEqual([1]);
  });
});

describe("a bell", () => {
  it("is heard by who waits, and by who comes later, once", async () => {
    const bell = new Bell();
    const waited = bell.wait(never);
    bell.ring();
    await waited;
    bell.ring();
    bell.ring();
    await bell.wait(never);
    let heard = false;
    const third = bell.wait(never).then(() => (heard = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toBe(false);
    bell.ring();
    await third;
  });

  it("ends with the time or the signal", async () => {
    await new Bell().wait(never, 1);
    const stopping = new AbortController();
    const waited = new Bell().wait(stopping.signal);
    stopping.abort();
    await waited;
    await new Bell().wait(stopping.signal);
  });
});

describe("a message", () => {
  const entry = { place: place(1), id: "019a0000-0000-7000-8000-000000000001", workspace: "__org__", body: "{}" };

  it("is addressed by workspace, name and variant", () => {
    expect(messageOf({ ...entry, name: "channel_delivery_status", variant: "email.bounced" })).toEqual({
      id: "evt_019a0000000070008000000000000001",
      subject: "homing.__org__.channel_delivery_status.email.bounced",
      body: "{}",
    });
    expect(messageOf({ ...entry, name: "contact.created", variant: null }).subject).toBe("homing.__org__.contact.created");
  });
});

describe("BUS_URL", () => {
  it.each([
    ["nats://127.0.0.1:4222", { servers: ["127.0.0.1:4222"] }],
    ["nats://bus", { servers: ["bus:4222"] }],
    ["nats://bus:80", { servers: ["bus:80"] }],
    ["nats://[::1]:4333", { servers: ["[::1]:4333"] }],
    ["nats://a:1,nats://b:2, c", { servers: ["a:1", "b:2", "c:4222"] }],
    ["nats://user:1234@a:1,b:2", { servers: ["a:1", "b:2"], user: "user", pass: "1234" }],
    ["nats://user:p%40ss%2C@a", { servers: ["a:4222"], user: "user", pass: "p@ss," }],
    ["nats://token@a", { servers: ["a:4222"], token: "token" }],
  ])("%s", (url, address) => {
    expect(readBusUrl(url)).toEqual(address);
  });

  it.each([
    "nats://",
    "nats://a b",
    "nats://user:secret@",
    "nats://a,,b",
    "nats://user:secret@a/path",
    "nats://secret:x@a:99999",
  ])("refuses %s, and does not repeat it", (url) => {
    expect(() => readBusUrl(url)).toThrow(/^BUS_URL: must be nats:\/\/host:port/);
    expect(() => readBusUrl(url)).not.toThrow(/secret/);
  });
});

describe("a turn", () => {
  const answering = (answers: boolean[]) => (async () => [{ held: answers.shift() }]) as unknown as Query;
  const stopping = new AbortController().signal;
  afterEach(() => void vi.restoreAllMocks());

  it("is not taken while another has it", async () => {
    expect(await Turn.take("postgres", answering([false]), stopping)).toBeNull();
  });

  it("ends when the session that had it is gone", async () => {
    const turn = await Turn.take("postgres", answering([true, true, false]), stopping);
    await turn?.confirm();
    turn?.check();
    await expect(turn?.confirm("cursor")).rejects.toThrow(TurnLost);
    expect(() => turn?.check()).toThrow(TurnLost);
    expect(turn?.signal.aborted).toBe(true);
  });

  it("is not believed for long: a process that hung must not go on where it was", async () => {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const turn = await Turn.take("postgres", answering([true, true]), stopping);
    now = 9000;
    await turn?.confirm();
    now = 18_000;
    turn?.check();
    now = 19_001;
    expect(() => turn?.check()).toThrow(TurnLost);
    expect(turn?.signal.aborted).toBe(true);
  });
});

describe("the stream", () => {
  /** What a server is asked to make; it refuses more than one copy. */
  const small = (made: number[]) =>
    ({
      streams: {
        info: async () => {
          throw new JetStreamApiError({ code: 404, err_code: 10059, description: "stream not found" });
        },
        add: async ({ num_replicas }: { num_replicas: number }) => {
          made.push(num_replicas);
          if (num_replicas > 1) throw new JetStreamApiError({ code: 400, err_code: 10005, description: "no suitable peers" });
        },
      },
    }) as unknown as JetStreamManager;

  it("is made without copies only where a cluster stays too small for them", async () => {
    let now = 0;
    const lines: string[] = [];
    const made: number[] = [];
    const stream = new Stream(90, createLogger("info", { write: (line) => void lines.push(line) }), () => now);
    await expect(stream.ensure(small(made), true)).rejects.toThrow("no suitable peers");
    now = 29_000;
    await expect(stream.ensure(small(made), true)).rejects.toThrow("no suitable peers");
    now = 31_000;
    await stream.ensure(small(made), true);
    expect(made).toEqual([3, 3, 3, 1]);
    expect(lines.join("")).toMatch(/--replicas=3/);
  });

  it("is made at once where there is no cluster", async () => {
    const made: number[] = [];
    await new Stream(90, silent).ensure(small(made), false);
    expect(made).toEqual([1]);
  });
});

describe("the check", () => {
  const log = ["a1", "b1", "a2", "b2", "a3"].map((id) => ({ id, workspace_id: id[0] as string }));
  const stream = (...ids: string[]) => ids.map((id) => ({ id }));

  it("knows what is right", () => {
    expect(flaws(log, stream("a1", "a2", "b1", "a3", "b2"))).toEqual([]);
  });

  it("sees what is not", () => {
    expect(flaws(log, stream("a1", "a2", "b1", "a2", "x", "b2"))).toEqual(["twice a2", "unknown x", "lost a3"]);
    expect(flaws(log, stream("a2", "a1", "b1", "b2", "a3"))).toEqual(["out of order a1"]);
  });
});
