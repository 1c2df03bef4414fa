import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { firstIdOf, readId } from "../../src/ids.ts";
import { ACME } from "../support/fixtures.ts";
import { databases, freshDatabase, startGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { calls, report, startWorld, type World, withAdapter } from "./support/world.ts";

const known = { meta: { workspace_id: ACME } };
const broken = () => ({
  events: () => {
    throw new Error("a bug");
  },
});
const COUNTS = { looked_at: 0, added: 0, changed: 0, gone: 0, unchanged: 0, waiting: 0, failed: 0, still_rejected: 0 };

/** A moment's ids, one after the other, some time before now. */
const idAt = (base: number, number: number) => firstIdOf(base + number);

/** Copies a callback `count` times, each a millisecond younger, with its own number in place of TEMPLATE. */
async function copy({ homing }: Pick<World, "homing">, template: string, count: number, base: number): Promise<void> {
  const { query } = homing.gateway.database;
  const columns = await query<{ name: string }>(
    "select attname::text as name from pg_attribute where attrelid = 'callbacks'::regclass and attnum > 0 and not attisdropped and attgenerated = ''",
  );
  const value = (name: string) =>
    name === "id"
      ? `(lpad(to_hex($2::bigint + n), 12, '0') || '0000000000000000' || lpad(to_hex(n), 4, '0'))::uuid`
      : name === "body"
        ? "convert_to(replace(convert_from(body, 'UTF8'), 'TEMPLATE', 'copy-' || n), 'UTF8')"
        : name;
  await query(
    `insert into callbacks (${columns.map(({ name }) => name).join(", ")}) select ${columns.map(({ name }) => value(name)).join(", ")}
     from callbacks, generate_series(1, $3::int) n where callbacks.id = $1 order by n`,
    [readId("callback", template), base, count],
  );
}

const start = (homing: World["homing"], filter: object, dry_run = false) =>
  homing.api("POST", "/v1/replays", { filter, dry_run });
const ended = (homing: World["homing"], id: string) =>
  until(
    () => homing.api("GET", `/v1/replays/${id}`),
    ({ body }) => body.state !== "running",
  ).then(({ body }) => body);

describe.each(databases)("replaying many on the %s database", (kind) => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld(kind);
  });
  afterAll(() => world.homing.close());

  it("as GET /v1/callbacks finds them, oldest first; each trace and the audit tell of it", async () => {
    const { homing, send, trace, audit } = world;
    const ids = await withAdapter(homing, broken, async () => {
      const sent: string[] = [];
      for (const id of ["a", "b", "c"]) sent.push(await send(report(`many-${id}`, { ...known, message_id: "m-many" })));
      return sent;
    });
    const other = await send(report("many-other", { status: "???" }));
    const look = await start(homing, { status: "failed", provider: "example" }, true);
    expect([look.status, look.body]).toMatchObject([
      202,
      { id: expect.stringMatching(/^rpl_[0-9a-f]{32}$/), dry_run: true, started_by: "API_TOKEN", filter: { status: "failed" } },
    ]);
    expect(await ended(homing, look.body.id)).toMatchObject({ ...COUNTS, state: "done", looked_at: 3, added: 3, error: null });
    expect(await trace(ids[0] as string)).toMatchObject({ status: "failed", replays: [] });

    const { body } = await start(homing, { status: "failed", provider: "example" });
    const done = await ended(homing, body.id);
    expect(done).toMatchObject({ ...COUNTS, state: "done", looked_at: 3, added: 3, ended_at: expect.any(String) });
    const events = (await homing.events()).filter((event) => ids.includes(event.callback_id ?? ""));
    expect(events.map((event) => event.callback_id)).toEqual(ids);
    expect(await trace(ids[1] as string)).toMatchObject({
      ...{ status: "accepted", events: 1, failed: 0 },
      replays: [{ by: "API_TOKEN", added: 1, replay_id: body.id }],
    });
    expect((await trace(other)).replays).toEqual([]);
    expect(await audit(body.id)).toMatchObject([{ action: "replay.started", after: { dry_run: false } }]);
    expect(await audit(ids[1] as string)).toMatchObject([{ action: "callback.replayed", after: { replay: body.id } }]);
    const again = await start(homing, { reference: "message:m-many", since: "1h" });
    expect(await ended(homing, again.body.id)).toMatchObject({ ...COUNTS, looked_at: 3, unchanged: 3 });
    const one = await start(homing, { q: other });
    expect(await ended(homing, one.body.id)).toMatchObject({ ...COUNTS, looked_at: 1, unchanged: 1 });
    const person = await start(homing, { q: "many-a@example.com" });
    expect(person.body.filter).toEqual({ q: "…" });
    expect(await ended(homing, person.body.id)).toMatchObject({ looked_at: 1 });
    expect(
      JSON.stringify(
        await homing.gateway.database
          .query("select * from replays where filter like '%q%'", [])
          .then((rows) =>
            rows.map((row) => JSON.stringify(row, (_, value) => (typeof value === "bigint" ? String(value) : value))),
          ),
      ),
    ).not.toContain("many-a@");
  });

  it("what is otherwise today is told in the trace, and emits nothing", async () => {
    const { homing, send, trace } = world;
    const id = await send(report("told-1", { ...known, message_id: "m-told-only" }));
    const none = () => ({ events: () => [] });
    await withAdapter(homing, none, async () => {
      const { body } = await start(homing, { reference: "message:m-told-only" });
      expect(await ended(homing, body.id)).toMatchObject({ ...COUNTS, looked_at: 1, gone: 1 });
      expect((await trace(id)).replays).toMatchObject([{ gone: 1, replay_id: body.id }]);
    });
  });

  it("refuses what would take everything, and what is no filter", async () => {
    const { homing } = world;
    for (const filter of [{}, { workspace: ACME }, { status: "lost" }, { reference: "message" }])
      expect([filter, (await start(homing, filter)).status]).toEqual([filter, 422]);
    expect((await homing.api("GET", "/v1/replays/rpl_00000000000000000000000000000000")).status).toBe(404);
    expect((await homing.api("DELETE", "/v1/replays/what")).status).toBe(404);
  });

  it("stops where it is told to; what it emitted stays", async () => {
    const { homing, audit } = world;
    // Nobody works on it here.
    await homing.gateway.replayer.stop();
    const { body } = await start(homing, { status: "failed" });
    for (const _ of [1, 2]) expect((await homing.api("DELETE", `/v1/replays/${body.id}`)).status).toBe(204);
    expect((await homing.api("GET", `/v1/replays/${body.id}`)).body).toMatchObject({ ...COUNTS, state: "cancelled" });
    expect((await audit(body.id)).map((one: { action: string }) => one.action)).toEqual(["replay.cancelled", "replay.started"]);
  });
});

describe.each(databases)("replaying 10,000 on the %s database", (kind) => {
  const MANY = 10_000;
  const FAILED = 60;
  const database = { settings: {} as Record<string, string>, remove: async () => {} };
  let world: World;
  const base = Date.now() - 3_600_000;

  beforeAll(async () => {
    Object.assign(database, await freshDatabase(kind));
    world = await startWorld(kind, {}, { database });
    const dull = await world.send(report("TEMPLATE-dull", { status: "???" }));
    const failed = await withAdapter(world.homing, broken, () => world.send(report("TEMPLATE-failed", known)));
    await copy(world, dull, MANY - FAILED, base);
    await copy(world, failed, FAILED, base + 100_000);
  });
  afterAll(async () => {
    await world.homing.close();
    await database.remove();
  });

  it("has a slice in memory at a time, stops and goes on, also in another process; nothing is lost or counted twice", async () => {
    const since = new Date(base).toISOString();
    const { homing } = world;
    const { body } = await start(homing, { since, provider: "example" });
    const watched = vi.spyOn(homing.gateway.database, "query");
    await until(
      () => homing.api("GET", `/v1/replays/${body.id}`),
      (answer) => answer.body.looked_at > 0,
    );
    const rows = await Promise.all(watched.mock.results.map(({ value }) => value as Promise<unknown[]>));
    expect(Math.max(...rows.map((found) => found.length))).toBeLessThanOrEqual(100);
    vi.restoreAllMocks();
    await homing.close();

    const next = await startGateway(kind, {}, { database, signers: homing.signers });
    world = { homing: next, ...calls(next) };
    const { body: halfway } = await next.api("GET", `/v1/replays/${body.id}`);
    expect(halfway.state).toBe("running");
    expect(halfway.looked_at).toBeLessThan(MANY);
    const done = await ended(next, body.id);
    // With both templates.
    expect(done).toMatchObject({
      ...COUNTS,
      state: "done",
      looked_at: MANY + 2,
      added: FAILED + 1,
      unchanged: MANY - FAILED + 1,
    });
    const events = await next.events();
    expect(new Set(events.map((event) => event.provider_data.message_id)).size).toBe(FAILED + 1);
    expect(events).toHaveLength(FAILED + 1);
    expect((await next.api("GET", "/v1/callbacks?status=failed")).body.data).toEqual([]);
  });

  it("of several processes one works on each; who loses it writes nothing more", async () => {
    const { homing } = world;
    const { query } = homing.gateway.database;
    const emitted = (await homing.events()).length;
    await query("update callbacks set failed = 1, events = 0, items = '[]' where id >= $1 and id < $2", [
      idAt(base, 100_000),
      idAt(base, 200_000),
    ]);
    await query("delete from healed");
    await query("delete from event_keys");
    const took = vi.spyOn(homing.gateway.database, "transaction");
    const { body } = await start(homing, { status: "failed" });
    await until(
      () => query<{ added: number }>("select added from replays where state = 'running' and added > 0"),
      (rows) => rows.length > 0,
    );
    // Another process takes it over: as after a pause that was longer than the lease.
    const thief = "00000000-0000-4000-8000-000000000bad";
    const [stolen] = await query<{ added: number; looked_at: number; position: string }>(
      "update replays set lease = $1, lease_until = now() + interval '1 hour' where state = 'running' returning added, looked_at, position",
      [thief],
    );
    await until(
      () => Promise.allSettled(took.mock.results.map(({ value }) => value as Promise<unknown>)),
      (results) => results.some((result) => result.status === "rejected"),
    );
    vi.restoreAllMocks();
    const [after] = await query<{ added: number; looked_at: number; position: string }>(
      "select added, looked_at, position from replays where lease = $1",
      [thief],
    );
    expect(after).toEqual(stolen);
    expect((await homing.events()).length - emitted).toBe(stolen?.added);
    // The thief is gone: what it held goes on once its lease is over.
    await query("update replays set lease_until = now() - interval '1 second' where lease = $1", [thief]);
    homing.gateway.replayer.wake();
    expect(await ended(homing, body.id)).toMatchObject({ state: "done", looked_at: FAILED, added: FAILED });
    expect((await homing.events()).length - emitted).toBe(FAILED);
  });
});
