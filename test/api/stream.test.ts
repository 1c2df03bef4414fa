import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Bell } from "../../src/bus/bell.ts";
import type { Event } from "../../src/events/build.ts";
import { showPlace } from "../../src/events/log.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import { API_TOKEN, databases, startGateway, type TestGateway } from "../support/gateway.ts";
import { type Following, follow as followLog } from "../support/stream.ts";
import { until } from "../support/until.ts";

const SECOND = 1000;

describe.each(databases)("the stream of the log on the %s database", (kind) => {
  let homing: TestGateway;
  let now = Date.UTC(2026, 10, 22, 10);
  beforeAll(async () => {
    homing = await startGateway(kind, {}, { clock: () => now });
    for (const [id, name] of [
      [ACME, "Acme"],
      [BETA, "Beta"],
    ])
      await homing.api("PUT", `/v1/workspaces/${id}`, { name });
  });
  afterAll(() => homing.close());

  const followed: Following[] = [];
  const follow = async (token: string, query?: string, lastEventId?: string) => {
    const stream = await followLog(homing.url, token, query, lastEventId);
    followed.push(stream);
    return stream;
  };
  afterEach(() => Promise.all(followed.splice(0).map((stream) => stream.stop())).then(() => {}));
  const tell = async (contact_id: string, workspace_id = ACME, type = "segment.entered") => {
    const { body, status } = await homing.api<Event>("POST", "/v1/events", {
      ...{ type, workspace_id, data: { contact_id, ...(type.startsWith("segment") && { segment_id: "s" }) } },
    });
    expect(status).toBe(201);
    return body;
  };
  /** The cursor behind everything that is there. */
  const end = async () => {
    for (let cursor = ""; ; ) {
      const { body } = await homing.api<{ data: Event[]; next: string }>("GET", `/v1/events?limit=500&after=${cursor}`);
      if (body.data.length === 0) return body.next;
      cursor = body.next;
    }
  };
  const newToken = async (role = "operator", workspace_id?: string) =>
    (await homing.api("POST", "/v1/tokens", { name: "a follower", role, workspace_id })).body as { id: string; token: string };
  const contacts = ({ events }: Following) => events.map(({ data }) => data.data.contact_id);
  const none = () =>
    until(
      () => homing.gateway.followers.size,
      (size) => size === 0,
    );

  it("brings what is told from now on, each with the cursor behind it", async () => {
    await tell("before");
    const stream = await follow(API_TOKEN);
    const [first, second] = [await tell("first"), await tell("second")];
    await stream.came(2);
    expect(stream.events.map(({ data }) => data)).toEqual([first, second]);
    const behind = async (cursor: string | undefined) =>
      (await homing.api<{ data: Event[] }>("GET", `/v1/events?after=${cursor}`)).body.data;
    expect(await behind(stream.events[0]?.id)).toEqual([second]);
    expect(await behind(stream.events[1]?.id)).toEqual([]);
  });

  it.each(["Last-Event-ID", "after"])(
    "goes on behind %s, without a gap or a repeat, however often it breaks off",
    async (way) => {
      const names = Array.from({ length: 12 }, (_, index) => `${way}-${index}`);
      const seen: Following["events"] = [];
      let cursor = await end();
      const told = (async () => {
        for (const name of names) await tell(name);
      })();
      while (seen.length < names.length) {
        const stream = await (way === "after" ? follow(API_TOKEN, `?after=${cursor}`) : follow(API_TOKEN, "", cursor));
        await stream.came(1);
        await stream.stop();
        seen.push(...stream.events);
        cursor = seen.at(-1)?.id as string;
      }
      await told;
      expect(seen.map(({ data }) => data.data.contact_id)).toEqual(names);
    },
  );

  it("believes Last-Event-ID before `after`, as a browser that comes back sends both", async () => {
    const begin = await follow(API_TOKEN);
    await tell("one");
    await tell("two");
    await begin.came(2);
    const [one, two] = begin.events;
    const stream = await follow(API_TOKEN, `?after=${one?.id}`, two?.id);
    await tell("three");
    await stream.came(1);
    expect(contacts(stream)).toEqual(["three"]);
  });

  it("brings a longer past than fits one page", async () => {
    const begin = await end();
    const reports = Array.from({ length: 450 }, (_, index) => ({
      ...{ id: `long-${index}`, message_id: `long-${index}`, status: "delivered", at: "2026-11-22T09:00:00Z" },
      meta: { workspace_id: ACME },
    }));
    expect((await homing.callback("example", { reports })).body).toMatchObject({ events: 450 });
    const stream = await follow(API_TOKEN, `?after=${begin}`);
    await stream.came(450);
    expect(stream.events.map(({ data }) => data.data.message_id)).toEqual(reports.map(({ id }) => id));
  });

  it.each(["type", "name", "workspace_id", "variant", "provider", "message_id", "callback_id"])(
    "filters by %s",
    async (filter) => {
      const begin = await end();
      const deliver = async (id: string) => {
        const report = { id: `${filter} ${id}`, message_id: `m_${filter}`, status: "delivered", meta: { workspace_id: ACME } };
        return (await homing.callback("example", { reports: [report] })).body.callback_id;
      };
      await tell("no");
      await tell("yes", BETA, "contact.deleted");
      await deliver("first");
      await tell("no");
      await tell("yes", BETA, "contact.deleted");
      const last = await deliver("last");
      const { data: all } = (await homing.api<{ data: Event[] }>("GET", `/v1/events?after=${begin}`)).body;
      const wants: Record<string, { value: string; wanted: number[] }> = {
        type: { value: "contact.deleted", wanted: [1, 4] },
        name: { value: "contact.deleted", wanted: [1, 4] },
        workspace_id: { value: BETA, wanted: [1, 4] },
        variant: { value: "email.delivered", wanted: [2, 5] },
        provider: { value: "example", wanted: [2, 5] },
        message_id: { value: "m_message_id", wanted: [2, 5] },
        callback_id: { value: last, wanted: [5] },
      };
      const { value, wanted } = wants[filter] as { value: string; wanted: number[] };
      const stream = await follow(API_TOKEN, `?after=${begin}&${filter}=${value}`);
      await stream.came(wanted.length);
      expect(stream.events.map(({ data }) => data)).toEqual(wanted.map((index) => all[index]));
    },
  );

  it("brings a workspace's token its own, whatever it asks for", async () => {
    const { token } = await newToken("workspace", BETA);
    await expect(follow(token, `?workspace_id=${ACME}`)).rejects.toThrow("404");
    const mine = await follow(token, `?after=${await end()}`);
    await tell("acme's");
    await tell("beta's", BETA);
    await tell("acme's");
    await tell("beta's too", BETA);
    await mine.came(2);
    expect(contacts(mine)).toEqual(["beta's", "beta's too"]);
  });

  it("says that it is still there when it had nothing to tell for 15 s", async () => {
    const stream = await follow(API_TOKEN);
    now += 15 * SECOND - 1;
    await tell("something");
    await stream.came(1);
    expect(stream.comments()).toBe(0);
    // What it told counts: the next is 15 s from there.
    now += 15 * SECOND;
    await until(stream.comments, (count) => count === 1);
    now += 15 * SECOND;
    await until(stream.comments, (count) => count === 2);
  });

  it.each([
    ["its token is revoked", (id: string) => homing.api("DELETE", `/v1/tokens/${id}`)],
    [
      "its token's time is over",
      (id: string) =>
        homing.gateway.database.query("update tokens set expires_at = now() where replace(id::text, '-', '') = $1", [
          id.slice("tok_".length),
        ]),
    ],
    ["its workspace is closed", () => homing.api("DELETE", `/v1/workspaces/${BETA}`)],
  ])("ends within 10 s when %s, and others go on", async (_, end) => {
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
    const { id, token } = await newToken("workspace", BETA);
    const [stream, other] = [await follow(token), await follow(API_TOKEN)];
    await end(id);
    now += 9 * SECOND;
    await stream.ended;
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
    await tell("too late", BETA);
    await other.came(1);
    expect(stream.events).toEqual([]);
  });

  it("ends for a token that was revoked also where nobody reads", async () => {
    await none();
    const { id, token } = await newToken();
    const begin = await end();
    // More than fits into what lies between us.
    const campaign_name = "x".repeat(1024 * 1024);
    for (let event = 0; event < 16; event += 1) {
      const data = { campaign_id: `c_${event}`, campaign_name };
      await homing.api("POST", "/v1/events", { type: "campaign.started", workspace_id: ACME, data });
    }
    const { hostname, port } = new URL(homing.url);
    const socket = connect(Number(port), hostname).pause();
    socket.on("error", () => {});
    socket.write(`GET /v1/events/stream?after=${begin} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`);
    await until(
      () => homing.gateway.followers.size,
      (size) => size === 1,
    );
    await homing.api("DELETE", `/v1/tokens/${id}`);
    now += 9 * SECOND;
    await none();
    socket.destroy();
  });

  it.each([
    ["no cursor at all", "nothing"],
    ["another's form of one", Buffer.from("1.2.3").toString("base64url")],
    ["an event's id", "evt_01a2043deb4a7084ae64e4ee1e0a5e74"],
  ])("refuses %s before anything is sent", async (_, cursor) => {
    const refusal = /^422 .*"code":"invalid".*"fields":\{"after":"is not a cursor from here"\}/;
    await expect(follow(API_TOKEN, `?after=${cursor}`)).rejects.toThrow(
      expect.objectContaining({ message: expect.stringMatching(refusal) }),
    );
    await expect(follow(API_TOKEN, "", cursor)).rejects.toThrow(
      expect.objectContaining({ message: expect.stringMatching(refusal) }),
    );
  });

  it("says of a cursor that is past its retention that it is", async () => {
    const old = showPlace({ epoch: 0, xid: "1", seq: "1", at: Date.UTC(2020, 0) });
    await expect(follow(API_TOKEN, `?after=${old}`)).rejects.toThrow("410");
    await expect(follow(API_TOKEN, "", old)).rejects.toThrow("410");
  });

  it("takes many at once, and forgets those who go", async () => {
    await none();
    const streams = await Promise.all(Array.from({ length: 60 }, () => follow(API_TOKEN)));
    const told = [await tell("to all"), await tell("to all, too")];
    for (const stream of streams) {
      await stream.came(2);
      expect(stream.events.map(({ data }) => data)).toEqual(told);
    }
    await Promise.all(streams.map((stream) => stream.stop()));
    await none();
  });

  it("is refused, for a while, where too many follow already", async () => {
    await none();
    const others = Array.from({ length: 500 }, () => new Bell());
    for (const bell of others) homing.gateway.followers.add(bell);
    await expect(follow(API_TOKEN)).rejects.toThrow("503");
    for (const bell of others) homing.gateway.followers.delete(bell);
    await follow(API_TOKEN);
  });

  it("is not begun for who asks for its head alone", async () => {
    await none();
    const headers = { authorization: `Bearer ${API_TOKEN}` };
    const { status } = await fetch(`${homing.url}/v1/events/stream`, { method: "HEAD", headers });
    expect([status, homing.gateway.followers.size]).toEqual([200, 0]);
  });

  it("ends when the gateway closes, which does not wait for it", async () => {
    const closing = await startGateway(kind);
    const streams = await Promise.all(Array.from({ length: 3 }, () => followLog(closing.url, API_TOKEN)));
    await closing.close();
    await Promise.all(streams.map((stream) => stream.ended));
    expect(closing.gateway.followers.size).toBe(0);
  });
});
