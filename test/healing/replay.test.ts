import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AnyProvider, CallbackRequest } from "../../src/provider/define.ts";
import type { DeliveryDraft } from "../../src/provider/draft.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import { databases } from "../support/gateway.ts";
import { group, report, startWorld, type World, withAdapter } from "./support/world.ts";

const known = { meta: { workspace_id: ACME } };
const broken = () => ({
  events: () => {
    throw new Error("a bug");
  },
});

describe.each(databases)("replaying one on the %s database", (kind) => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld(kind);
  });
  afterAll(() => world.homing.close());

  it("what was emitted is unchanged, however often it is replayed", async () => {
    const { send, replay, trace, eventsOf, audit } = world;
    const id = await send(report("same-1", known), report("same-2", { ...known, status: "???" }), report("same-3"));
    for (const dry_run of [true, false, false]) {
      const { status, body } = await replay(id, { dry_run });
      expect([status, body]).toEqual([
        201,
        {
          ...{ callback_id: id, status: "unmatched", reason: "no_reference_bound", added: [], changed: [], gone: [] },
          ...{ unchanged: 3, waiting: 0, taught: 0, failed: 0 },
        },
      ]);
    }
    expect(await eventsOf(id)).toHaveLength(1);
    const shown = await trace(id);
    expect(shown).toMatchObject({ status: "unmatched", events: 1, unmatched: 1, ignored: 1 });
    const noted = { at: expect.any(String), by: "API_TOKEN", added: 0, changed: 0, gone: 0, unchanged: 3 };
    expect(shown.replays).toEqual([noted, noted]);
    expect(await audit(id)).toMatchObject([{ action: "callback.replayed", token: "API_TOKEN" }, {}]);
  });

  it("a failed one that reads now is accepted, and what it emits carries its id and its time", async () => {
    const { send, replay, trace, eventsOf, audit, homing } = world;
    const id = await withAdapter(homing, broken, () =>
      send(report("mend-1", known), report("mend-2"), report("mend-3", { ...known, status: "???" })),
    );
    const before = await trace(id);
    expect(before).toMatchObject({ status: "failed", reason: "adapter_error", failed: 1, items: [] });
    // Still broken: nothing comes of it.
    expect((await withAdapter(homing, broken, () => replay(id))).body).toMatchObject({ status: "failed", failed: 1, added: [] });

    const look = await replay(id, { dry_run: true });
    expect(look.body).toMatchObject({ status: "failed", added: [{ id: null, callback_id: id }], waiting: 1, failed: 0 });
    expect((await trace(id)).status).toBe("failed");
    const { body } = await replay(id);
    const events = await eventsOf(id);
    expect(body).toMatchObject({ status: "unmatched", added: events, waiting: 1, unchanged: 0, failed: 0 });
    expect(events).toMatchObject([{ workspace_id: ACME, received_at: before.received_at, callback_id: id }]);
    expect(await trace(id)).toMatchObject({
      ...{ id, status: "unmatched", reason: "no_reference_bound", first_status: "failed" },
      ...{ failed: 0, events: 1, unmatched: 1, ignored: 1 },
      items: [
        { index: 0, verdict: "event", event_id: events[0]?.id, healed: { cause: "replay", by: "API_TOKEN" } },
        { index: 1, verdict: "waiting", reason: "no_reference_bound" },
        { index: 2, verdict: "ignored", reason: "unknown_word" },
      ],
      replays: [{ added: 0 }, { added: 1, changed: 0, gone: 0, by: "API_TOKEN" }],
    });
    expect((await audit(id))[0]).toMatchObject({
      before: { now: { status: "failed", failed: 1 } },
      after: { now: { status: "unmatched", events: 1, unmatched: 1, failed: 0 }, events: [events[0]?.id] },
    });
    // It is found by what it says now, and heals as any other.
    const found = (await homing.api("GET", "/v1/callbacks?reference=message:mend-2")).body.data;
    expect(found.map((one: { id: string }) => one.id)).toEqual([id]);
    expect((await world.assign({ ...group("mend-2"), workspace_id: BETA })).body).toMatchObject({ emitted: 1 });
    expect(await trace(id)).toMatchObject({
      ...{ status: "accepted", reason: null, events: 2, unmatched: 0, ignored: 1 },
      items: [{ verdict: "event" }, { verdict: "event", healed: { cause: "assigned" } }, { verdict: "ignored" }],
    });
    expect((await replay(id)).body).toMatchObject({ status: "accepted", added: [], changed: [], unchanged: 3 });
  });

  it("an item that could not be read, or had an unknown word, is an event at its own place", async () => {
    const { send, replay, trace, eventsOf } = world;
    const narrow = (provider: AnyProvider) => ({
      events: (payload: { reports: { status: string }[] }, request: CallbackRequest) =>
        payload.reports.flatMap((one) =>
          one.status === "opened"
            ? [{ ignored: "unknown_word", word: "opened" }]
            : one.status === "soft_bounce"
              ? [{ failed: "unreadable_item" }]
              : provider.events({ reports: [one] }, request),
        ),
    });
    const id = await withAdapter(world.homing, narrow, () =>
      send(
        report("place-0", { ...known, status: "opened" }),
        report("place-1", known),
        report("place-2", { ...known, status: "soft_bounce" }),
      ),
    );
    expect(await trace(id)).toMatchObject({ status: "failed", reason: "unreadable_item", events: 1, ignored: 1, failed: 1 });
    expect((await replay(id)).body).toMatchObject({
      ...{ status: "accepted", reason: null, unchanged: 1 },
      added: [{ variant: "email.opened" }, { variant: "email.bounced" }],
    });
    expect(await trace(id)).toMatchObject({
      ...{ events: 3, ignored: 0, failed: 0 },
      items: [
        { index: 0, verdict: "event", first_verdict: "ignored", explanation: expect.stringContaining("emitted once") },
        { index: 1, verdict: "event" },
        { index: 2, verdict: "event", first_verdict: "failed" },
      ],
    });
    expect(await eventsOf(id)).toHaveLength(3);
  });

  it("more items than there were stand behind the others; what could not be read is told by them", async () => {
    const { send, replay, trace } = world;
    const folded = (provider: AnyProvider) => ({
      events: (payload: { reports: object[] }, request: CallbackRequest) => [
        { failed: "unreadable_item" },
        ...provider.events({ reports: payload.reports.slice(2) }, request),
      ],
    });
    const id = await withAdapter(world.homing, folded, () =>
      send(report("behind-0", known), report("behind-1", known), report("behind-2", known)),
    );
    expect(await trace(id)).toMatchObject({ status: "failed", events: 1, failed: 1 });
    expect((await replay(id)).body).toMatchObject({ status: "accepted", added: [{}, {}], unchanged: expect.any(Number) });
    expect(await trace(id)).toMatchObject({
      ...{ status: "accepted", events: 3, failed: 0, ignored: 1 },
      items: [
        { index: 0, verdict: "ignored", reason: "read_since", first_verdict: "failed" },
        { index: 1, verdict: "event" },
        { index: 2, verdict: "event", healed: { cause: "replay" } },
        { index: 3, verdict: "event", healed: { cause: "replay" } },
      ],
    });
    expect((await replay(id)).body).toMatchObject({ added: [], changed: [], gone: [] });
    expect(await trace(id)).toMatchObject({ events: 3, failed: 0, ignored: 1 });
  });

  it("what would be otherwise today, or not at all, is only told", async () => {
    const { send, replay, eventsOf, trace, homing } = world;
    const id = await send(report("other-1", { ...known, status: "rejected", reason: "no" }), report("other-2", known));
    const before = await eventsOf(id);
    const changed = (provider: AnyProvider) => ({
      events: (payload: unknown, request: CallbackRequest) => {
        const [first] = provider.events(payload, request) as [DeliveryDraft];
        return [{ ...first, data: { ...first.data, error_reason: "because" } }];
      },
    });
    const { body } = await withAdapter(homing, changed, () => replay(id));
    expect(body).toMatchObject({ added: [], unchanged: 0, status: "accepted" });
    expect(body.changed).toEqual([
      {
        event_id: before[0]?.id,
        before: before[0],
        after: { ...before[0], data: { ...before[0]?.data, error_reason: "because" } },
      },
    ]);
    expect(body.gone).toEqual([{ event_id: before[1]?.id, event: before[1] }]);
    expect(await eventsOf(id)).toEqual(before);
    expect((await trace(id)).replays).toMatchObject([{ added: 0, changed: 1, gone: 1, unchanged: 0 }]);
    expect((await withAdapter(homing, broken, () => replay(id))).body).toMatchObject({
      gone: [{}, {}],
      failed: 1,
      status: "accepted",
    });
  });

  it("one key that is an event of two workspaces is two events", async () => {
    const { send, replay, eventsOf } = world;
    const id = await send(
      report("shared-key", { message_id: "m-shared-1", meta: { workspace_id: ACME } }),
      report("shared-key", { message_id: "m-shared-2", meta: { workspace_id: BETA } }),
    );
    expect(await eventsOf(id)).toHaveLength(2);
    expect((await replay(id)).body).toMatchObject({ added: [], changed: [], gone: [], unchanged: 2 });
  });

  it("a binding that was told anew since is told as a change, and emits nothing", async () => {
    const { send, replay, bind, eventsOf, homing } = world;
    await bind("m-moved", ACME);
    const id = await send(report("moved", { message_id: "m-moved" }));
    await homing.api("PUT", "/v1/bindings", {
      ...{ provider: "example", kind: "message", value: "m-moved" },
      workspace_id: BETA,
      replace: true,
    });
    expect((await replay(id)).body).toMatchObject({
      ...{ added: [], unchanged: 0 },
      changed: [{ before: { workspace_id: ACME }, after: { workspace_id: BETA } }],
    });
    expect(await eventsOf(id)).toMatchObject([{ workspace_id: ACME }]);
    // Where nothing says whose it is any more, it is whose it was.
    await homing.gateway.database.query("delete from bindings where value = 'm-moved'");
    expect((await replay(id)).body).toMatchObject({ added: [], changed: [], gone: [], unchanged: 1 });
  });

  it("keys that an adapter makes otherwise since then make no second event, and nothing waits twice", async () => {
    const { send, replay, dismiss, eventsOf, waiting, homing } = world;
    const id = await send(report("key-1", known), report("key-2"), report("key-3", { message_id: "m-key-3" }));
    await dismiss(group("m-key-3"));
    const rekeyed = (provider: AnyProvider) => ({
      events: (payload: unknown, request: CallbackRequest) =>
        provider
          .events(payload, request)
          .map((outcome) => ({ ...outcome, ...("key" in outcome && { key: `new ${outcome.key}` }) })),
    });
    const { body } = await withAdapter(homing, rekeyed, () => replay(id));
    expect(body).toMatchObject({ added: [], changed: [], gone: [], unchanged: 3, waiting: 0 });
    expect([(await eventsOf(id)).length, await waiting(id)]).toEqual([1, 1]);
  });

  it("what waits, waits for what it says today", async () => {
    const { send, replay, bind, eventsOf, homing, trace } = world;
    const id = await send(report("refs-1", { message_id: "m-refs" }));
    const wider = (provider: AnyProvider) => ({
      events: (payload: unknown, request: CallbackRequest) =>
        provider.events(payload, request).map((outcome) => ({ ...outcome, references: [{ kind: "order", value: "o-refs" }] })),
    });
    expect((await withAdapter(homing, wider, () => replay(id))).body).toMatchObject({ added: [], unchanged: 1 });
    expect((await bind("m-refs")).body).toMatchObject({ rematched: 0 });
    await homing.api("PUT", "/v1/bindings", { provider: "example", kind: "order", value: "o-refs", workspace_id: BETA });
    expect(await eventsOf(id)).toMatchObject([{ workspace_id: BETA }]);
    expect(await trace(id)).toMatchObject({ status: "accepted", items: [{ healed: { cause: "binding", by: "API_TOKEN" } }] });
  });

  it("what waits and could be placed by what it says today is emitted", async () => {
    const { send, replay, bind, eventsOf, homing, trace, waiting } = world;
    await bind("o-today", BETA);
    const id = await send(report("today-1", { message_id: "m-today" }));
    const wider = (provider: AnyProvider) => ({
      events: (payload: unknown, request: CallbackRequest) =>
        provider.events(payload, request).map((outcome) => ({ ...outcome, references: [{ kind: "message", value: "o-today" }] })),
    });
    expect((await withAdapter(homing, wider, () => replay(id))).body).toMatchObject({
      status: "accepted",
      added: [{ workspace_id: BETA }],
    });
    expect(await eventsOf(id)).toHaveLength(1);
    expect(await waiting(id)).toBe(0);
    expect(await trace(id)).toMatchObject({
      ...{ events: 1, unmatched: 0, reason: null },
      items: [{ verdict: "event", first_verdict: "waiting", healed: { cause: "replay", by: "API_TOKEN" } }],
    });
  });

  it("what was put aside does not wait anew; where it is clear by now whose it is, it comes home", async () => {
    const { send, replay, dismiss, bind, trace, waiting } = world;
    const id = await send(report("aside-1", { message_id: "m-replayed" }));
    await dismiss(group("m-replayed"));
    expect((await replay(id)).body).toMatchObject({ status: "dismissed", added: [], unchanged: 1, waiting: 0 });
    expect(await waiting(id)).toBe(0);
    await bind("m-replayed");
    expect((await replay(id)).body).toMatchObject({ status: "accepted", added: [{ workspace_id: ACME }] });
    expect(await trace(id)).toMatchObject({
      events: 1,
      dismissed: 0,
      items: [{ verdict: "event", healed: { cause: "replay" } }],
    });
  });

  it("teaches as of when it came: what that was good for may be over", async () => {
    const { send, replay, homing, trace } = world;
    const id = await withAdapter(homing, broken, () => send(report("old-lesson", known)));
    const fresh = await withAdapter(homing, broken, () => send(report("new-lesson", known)));
    const { query } = homing.gateway.database;
    await query(
      `update callbacks set received_at = received_at - interval '31 days' where 'cb_' || replace(id::text, '-', '') = $1`,
      [id],
    );
    for (const one of [id, fresh]) expect((await replay(one)).body).toMatchObject({ status: "accepted", added: [{}] });
    const rows = await query<{ value: string }>("select value from bindings where kind = 'message' and value like '%-lesson'");
    expect(rows).toEqual([{ value: "new-lesson" }]);
    expect((await trace(fresh)).learned.length).toBeGreaterThan(0);
  });

  it("what the guard has forgotten is not emitted again", async () => {
    const { send, replay, eventsOf, homing } = world;
    const id = await send(report("ancient-1", known), report("ancient-2", known));
    const { query } = homing.gateway.database;
    const of = `'cb_' || replace(id::text, '-', '') = $1`;
    await query(`update callbacks set received_at = received_at - interval '200 days', items = '[]', failed = 1 where ${of}`, [
      id,
    ]);
    await query(`delete from event_keys where callback_id = (select id from callbacks where ${of})`, [id]);
    expect((await replay(id)).body).toMatchObject({ added: [] });
    expect(await eventsOf(id)).toHaveLength(2);
  });

  it("what the database does not take is told in words, and stays as it was", async () => {
    const { send, replay, trace, homing } = world;
    await homing.gateway.database.query(
      "alter table events add constraint no_poison check (message_id is distinct from 'poison')",
    );
    const id = await send(report("poison", known));
    expect(await trace(id)).toMatchObject({ status: "failed", reason: "not_storable" });
    const refused = await replay(id);
    expect([refused.status, refused.body.error.code]).toEqual([409, "not_replayable"]);
    expect(await trace(id)).toMatchObject({ status: "failed", replays: [] });
    await homing.gateway.database.query("alter table events drop constraint no_poison");
    expect((await replay(id)).body).toMatchObject({ status: "accepted", added: [{}] });
  });

  it("two replays of one at the same time count once", async () => {
    const { send, replay, trace, eventsOf, homing } = world;
    const id = await withAdapter(homing, broken, () =>
      send(report("twice-1", known), report("twice-2", { status: "???" }), report("twice-3")),
    );
    const answers = await Promise.all(Array.from({ length: 5 }, () => replay(id)));
    expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201, 201, 201]);
    expect(answers.reduce((sum, { body }) => sum + body.added.length, 0)).toBe(1);
    expect(await eventsOf(id)).toHaveLength(1);
    expect(await trace(id)).toMatchObject({ failed: 0, events: 1, unmatched: 1, ignored: 1, status: "unmatched" });
    // Where the guard has nothing to say, the callback's own lock does.
    const dull = await withAdapter(homing, broken, () => send(report("twice-4", { status: "???" })));
    await Promise.all(Array.from({ length: 8 }, () => replay(dull)));
    expect(await trace(dull)).toMatchObject({ failed: 0, ignored: 1, status: "ignored", items: [{}] });
  });

  it("404 for what never came", async () => {
    for (const id of ["cb_00000000000000000000000000000000", "what"]) expect((await world.replay(id)).status).toBe(404);
  });
});
