import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ACME, BETA } from "../support/fixtures.ts";
import { databases } from "../support/gateway.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { group, report, startWorld, type World } from "./support/world.ts";

const GONE = "00000000-0000-4000-8000-000000000bad";
const CLOSED = "11111111-1111-4111-8111-111111111111";
const at = (minute: number) => ({ at: `2026-11-22T10:${String(minute).padStart(2, "0")}:00Z` });

describe.each(databases)("assigning by hand on the %s database", (kind) => {
  let world: World;
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver();
    world = await startWorld(kind, { ALLOW_PRIVATE_ENDPOINTS: "true" });
    await world.homing.api("PUT", `/v1/workspaces/${CLOSED}`, { name: "Closed Ltd" });
    await world.homing.api("DELETE", `/v1/workspaces/${CLOSED}`);
  });
  afterAll(async () => {
    await world.homing.close();
    await receiver.close();
  });

  it("by reference: a preview, then all of it in the order in which it happened, and a binding for what comes later", async () => {
    const { send, assign, eventsOf, trace, audit, homing } = world;
    const lost = (id: string, minute: number, status = "delivered") =>
      send(report(id, { message_id: "m-order", status, ...at(minute) }));
    const ids = [await lost("o3", 33), await lost("o1", 31, "opened"), await lost("o2", 32)];
    const asked = { ...group("m-order"), workspace_id: ACME };

    const { status, body: preview } = await assign({ ...asked, dry_run: true });
    expect(status).toBe(201);
    expect(preview).toMatchObject({
      ...{ emitted: 3, remaining: 0, left: 0, already_emitted: 0, bindings_made: 1, exact: true, endpoints: 0, webhooks: 0 },
      by_kind: { "email.delivered": 2, "email.opened": 1 },
      events: [
        { id: null, variant: "email.opened", workspace_id: ACME, workspace_source: "assigned", callback_id: ids[1] },
        { id: null, variant: "email.delivered" },
        { id: null, variant: "email.delivered" },
      ],
    });
    expect(await eventsOf(...ids)).toEqual([]);

    const done = await assign({ ...asked, preview: preview.preview });
    expect([done.status, done.body]).toMatchObject([
      201,
      { emitted: 3, remaining: 0, left: 0, bindings_made: 1, preview: preview.preview },
    ]);
    const events = await eventsOf(...ids);
    expect(done.body.events).toEqual(events);
    expect(events.map((event) => [event.callback_id, event.workspace_id, event.workspace_source])).toEqual([
      [ids[1], ACME, "assigned"],
      [ids[2], ACME, "assigned"],
      [ids[0], ACME, "assigned"],
    ]);
    expect(await trace(ids[1] as string)).toMatchObject({
      ...{ status: "accepted", reason: null, first_status: "unmatched", events: 1, unmatched: 0 },
      items: [
        {
          ...{ verdict: "event", first_verdict: "waiting", healed: { cause: "assigned", by: "API_TOKEN" } },
          explanation: `A person gave it to ${ACME}, and it was emitted once.`,
        },
      ],
    });
    expect(await audit(ids[1] as string)).toMatchObject([
      {
        ...{ token: "API_TOKEN", action: "item.assigned" },
        before: { index: 0, verdict: "waiting", reason: "no_reference_bound" },
        after: { index: 0, verdict: "event", workspace_id: ACME, event_id: events[0]?.id },
      },
    ]);
    const { body: bindings } = await homing.api("GET", "/v1/bindings?provider=example&kind=message&value=m-order");
    expect(bindings.data).toMatchObject([{ origin: "told", workspace_id: ACME }]);
    expect(await audit(bindings.data[0].id)).toMatchObject([{ action: "binding.added" }]);
    const later = await send(report("o4", { message_id: "m-order" }));
    expect(await eventsOf(later)).toMatchObject([{ workspace_source: "lookup" }]);
    // It may be asked for again: nothing waits any more.
    expect((await assign(asked)).body.error).toMatchObject({
      code: "conflict",
      message: expect.stringContaining("Nothing waits"),
    });
  });

  it("a preview reads only and locks nothing", async () => {
    const { send, assign, waiting, homing } = world;
    const id = await send(report("quiet"));
    const { database } = homing.gateway;
    const transactions = vi.spyOn(database, "transaction");
    const statements = vi.spyOn(database, "query");
    const hot = vi.spyOn(database, "hot");
    try {
      await assign({ ...group("quiet"), workspace_id: ACME, dry_run: true });
      await homing.api("POST", `/v1/callbacks/${id}/assign`, { workspace_id: ACME, dry_run: true });
      await homing.api("POST", "/v1/unmatched/dismiss", { ...group("quiet"), dry_run: true });
      const sent = [...statements.mock.calls, ...hot.mock.calls].map(([statement]) => statement);
      // What timers do meanwhile, claiming and counting, is not the preview's.
      const own = sent.filter((statement) => !/skip locked|into minutes/.test(statement));
      expect(own.filter((statement) => /for update|^\s*(insert|update|delete)/i.test(statement))).toEqual([]);
      expect(transactions.mock.calls).toEqual([]);
    } finally {
      vi.restoreAllMocks();
    }
    expect(await waiting(id)).toBe(1);
  });

  it("a preview that no longer holds: nothing happens, and the sentence says how many more came", async () => {
    const { send, assign, eventsOf, homing } = world;
    const first = await send(report("f1", { message_id: "m-fresh" }));
    const asked = { ...group("m-fresh"), workspace_id: ACME };
    const { preview } = (await assign({ ...asked, dry_run: true })).body;
    const more = [await send(report("f2", { message_id: "m-fresh" })), await send(report("f3", { message_id: "m-fresh" }))];
    const refused = await assign({ ...asked, preview });
    expect([refused.status, refused.body.error]).toMatchObject([
      409,
      { code: "preview_changed", message: expect.stringContaining("2 more came meanwhile") },
    ]);
    expect(await eventsOf(first, ...more)).toEqual([]);
    expect((await homing.api("GET", "/v1/bindings?provider=example&kind=message&value=m-fresh")).body.data).toEqual([]);

    const again = (await assign({ ...asked, dry_run: true })).body.preview;
    for (const other of [{ workspace_id: BETA }, { bind: false }, { bind: false, limit: 1 }])
      expect((await assign({ ...asked, ...other, preview: again })).body.error.code).toBe("preview_changed");
    await assign({ items: [{ callback_id: first, index: 0 }], workspace_id: ACME });
    expect((await assign({ ...asked, preview: again })).body.error).toMatchObject({
      code: "preview_changed",
      message: expect.stringContaining("1 of them do not wait any more"),
    });
    expect((await assign({ ...asked, preview: "made up" })).status).toBe(422);
    expect((await assign({ ...asked, preview: (await assign({ ...asked, dry_run: true })).body.preview })).body).toMatchObject({
      emitted: 2,
    });
  });

  it("an endpoint that was added meanwhile changes what the preview said, too", async () => {
    const { send, assign, homing } = world;
    await send(report("hooked"));
    const asked = { ...group("hooked"), workspace_id: ACME };
    const { preview } = (await assign({ ...asked, dry_run: true })).body;
    const { body: endpoint } = await homing.api("POST", "/v1/endpoints", {
      ...{ workspace_id: ACME, url: receiver.url, events: ["delivery.*"] },
    });
    expect((await assign({ ...asked, preview })).body.error.code).toBe("preview_changed");
    expect((await assign({ ...asked, dry_run: true })).body).toMatchObject({ endpoints: 1, webhooks: 1 });
    await homing.api("DELETE", `/v1/endpoints/${endpoint.id}`);
  });

  it("only the oldest one, without a binding; then the rest", async () => {
    const { send, assign, eventsOf, waiting, homing } = world;
    const ids: string[] = [];
    for (const [id, minute] of [
      ["old2", 12],
      ["old1", 11],
      ["old3", 13],
    ] as const)
      ids.push(await send(report(id, { message_id: "m-old", ...at(minute) })));
    const asked = { ...group("m-old"), workspace_id: ACME, bind: false };
    const look = (await assign({ ...asked, limit: 1, dry_run: true })).body;
    expect(look).toMatchObject({ emitted: 1, remaining: 2, bindings_made: 0, events: [{ callback_id: ids[1] }] });
    expect((await assign({ ...asked, limit: 1, preview: look.preview })).body).toMatchObject({ emitted: 1, remaining: 2 });
    expect(await eventsOf(...ids)).toMatchObject([{ callback_id: ids[1], workspace_source: "assigned" }]);
    expect((await homing.api("GET", "/v1/bindings?provider=example&kind=message&value=m-old")).body.data).toEqual([]);
    // A resend of what went out stays a repeat, and does not wait anew.
    const again = await homing.callback("example", { reports: [report("old1", { message_id: "m-old", ...at(11) })] });
    expect(again.body).toMatchObject({ status: "duplicate", duplicates: 1 });
    expect((await assign(asked)).body).toMatchObject({ emitted: 2, remaining: 0 });
    expect((await eventsOf(...ids)).map((event) => event.callback_id)).toEqual([ids[1], ids[0], ids[2]]);
    expect(await waiting(...ids)).toBe(0);
    // Nobody said whose the reference is.
    expect(await waiting(await send(report("old4", { message_id: "m-old" })))).toBe(1);
  });

  it("a conflict is left by reference, and decided one by one", async () => {
    const { send, assign, bind, eventsOf, waiting, trace } = world;
    const free = await send(report("c1", { message_id: "m-conflict" }));
    await bind("m-other", BETA);
    const conflict = await send(report("c2", { message_id: "m-other", meta: { workspace_id: ACME } }));
    expect((await trace(conflict)).items[0]).toMatchObject({ verdict: "waiting", reason: "workspace_conflict" });
    for (const bindIt of [true, false]) {
      const asked = { ...group("m-other"), workspace_id: BETA, bind: bindIt };
      expect((await assign({ ...asked, dry_run: true })).body).toMatchObject({ emitted: 0, left: 1, remaining: 1 });
      expect((await assign(asked)).body).toMatchObject({ emitted: 0, left: 1, remaining: 1, events: [] });
    }
    expect((await trace(conflict)).items[0]).toMatchObject({ verdict: "waiting", reason: "workspace_conflict" });
    expect((await assign({ items: [{ callback_id: conflict, index: 0 }], workspace_id: BETA })).body).toMatchObject({
      emitted: 1,
    });
    expect(await eventsOf(conflict)).toMatchObject([{ workspace_id: BETA, workspace_source: "assigned" }]);
    expect(await waiting(free, conflict)).toBe(1);
    // What was decided of one teaches nothing of others.
    expect(await waiting(await send(report("c3", { message_id: "m-other", meta: { workspace_id: ACME } })))).toBe(1);
  });

  it("what names another workspace is left by reference", async () => {
    const { send, assign, eventsOf } = world;
    const named = await send(report("n1", { message_id: "m-named", meta: { workspace_id: GONE } }));
    const free = await send(report("n2", { message_id: "m-named" }));
    expect((await assign({ ...group("m-named"), workspace_id: ACME, bind: false })).body).toMatchObject({
      ...{ emitted: 1, left: 1, remaining: 1 },
    });
    expect(await eventsOf(named, free)).toMatchObject([{ callback_id: free }]);
    const refused = await assign({ provider: "example", reference: `workspace:${GONE}`, workspace_id: ACME });
    expect([refused.status, refused.body.error.message]).toEqual([409, expect.stringContaining(`workspace ${GONE}`)]);
    expect((await assign({ items: [{ callback_id: named, index: 0 }], workspace_id: ACME })).body).toMatchObject({ emitted: 1 });
  });

  it("what is told another workspace's already is refused, also in the preview", async () => {
    const { send, assign, bind, eventsOf, homing } = world;
    const id = await send(report("t1", { message_id: "m-told", meta: { workspace_id: CLOSED } }));
    await bind("m-told", BETA);
    for (const dry_run of [true, false]) {
      const refused = await assign({ ...group("m-told"), workspace_id: ACME, dry_run });
      expect([refused.status, refused.body.error.code]).toEqual([409, "conflict"]);
    }
    expect(await eventsOf(id)).toEqual([]);
    const { body } = await homing.api("GET", "/v1/bindings?provider=example&kind=message&value=m-told");
    expect(body.data).toMatchObject([{ workspace_id: BETA }]);
  });

  it("a workspace that is not registered or closed is told in words", async () => {
    const { send, assign } = world;
    await send(report("w1"));
    const to = (workspace_id: string) => assign({ ...group("w1"), workspace_id });
    const unknown = await to(GONE);
    expect([unknown.status, unknown.body.error.fields]).toEqual([422, { workspace_id: "is not registered here" }]);
    expect([(await to(CLOSED)).status, (await to(CLOSED)).body.error.message]).toEqual([
      409,
      expect.stringContaining("Closed Ltd is closed"),
    ]);
    expect((await to("nobody")).status).toBe(422);
    expect((await to("__org__")).body).toMatchObject({ emitted: 1 });
  });

  it("the one waiting item of a callback; several have to be named", async () => {
    const { send, eventsOf, homing, assign } = world;
    const one = await send(report("one"), report("known", { meta: { workspace_id: ACME } }));
    const to = (id: string, body: object = { workspace_id: BETA }) => homing.api("POST", `/v1/callbacks/${id}/assign`, body);
    const look = await to(one, { workspace_id: BETA, dry_run: true });
    expect(look.body).toMatchObject({ emitted: 1, bindings_made: 0 });
    expect((await to(one, { workspace_id: BETA, preview: look.body.preview })).body).toMatchObject({ emitted: 1, remaining: 0 });
    expect((await eventsOf(one)).map((event) => event.workspace_id).sort()).toEqual([BETA, ACME].sort());
    expect((await to(one)).body.error).toMatchObject({
      code: "conflict",
      message: expect.stringContaining("Nothing of this callback"),
    });

    const two = await send(report("two-a"), report("two-b"), report("two-c", { status: "???" }));
    const several = await to(two);
    expect([several.status, several.body.error]).toMatchObject([
      409,
      { code: "choose_items", message: expect.stringContaining("2 items of this callback wait: 0, 1") },
    ]);
    const items = [0, 1].map((index) => ({ callback_id: two, index }));
    expect((await assign({ items, workspace_id: BETA })).body).toMatchObject({ emitted: 2, remaining: 0 });
    expect((await assign({ items, workspace_id: BETA })).status).toBe(409);
    expect((await to("cb_00000000000000000000000000000000")).status).toBe(404);
  });

  it("says what is wrong with a call", async () => {
    const { assign, dismiss } = world;
    const wrong = async (body: object) => (await assign({ workspace_id: ACME, ...body })).status;
    const items = [{ callback_id: "cb_00000000000000000000000000000000", index: 0 }];
    for (const body of [
      {},
      { provider: "example" },
      { reference: "message:1" },
      { ...group("x"), items },
      { provider: "nobody", reference: "message:1" },
      { provider: "example", reference: "message" },
      { provider: "example", reference: "default:*" },
      { items: [] },
      { items: [{ callback_id: "what", index: 0 }] },
      { items: [{ ...items[0], index: -1 }] },
      { items, bind: true },
      { ...group("x"), limit: 1 },
      { ...group("x"), bind: false, limit: 0 },
    ])
      expect([body, await wrong(body)]).toEqual([body, 422]);
    expect((await dismiss({})).status).toBe(422);
    expect((await dismiss(group("never-heard-of"))).status).toBe(409);
    // Nothing waits for it, so that nobody may bind it by this way.
    expect((await assign({ ...group("never-heard-of"), workspace_id: ACME })).status).toBe(409);
  });

  it("what the workspace has already is not emitted again", async () => {
    const { send, assign, eventsOf, trace } = world;
    await send(report("again", { message_id: "m-again", meta: { workspace_id: ACME } }));
    // What it taught is forgotten; a resend that says less cannot be placed any more.
    await world.homing.gateway.database.query("delete from bindings where value like 'm-again%'");
    const waits = await send(report("again", { message_id: "m-again" }));
    const asked = { ...group("m-again"), workspace_id: ACME };
    expect((await assign({ ...asked, dry_run: true })).body).toMatchObject({ emitted: 0, already_emitted: 1, remaining: 0 });
    expect((await assign(asked)).body).toMatchObject({ emitted: 0, already_emitted: 1, remaining: 0 });
    expect(await eventsOf(waits)).toEqual([]);
    expect(await trace(waits)).toMatchObject({ status: "duplicate", duplicates: 1, unmatched: 0 });
  });

  it("more than a thousand: counted by kind, about; and all of them in order, in several slices", async () => {
    const { send, assign, homing, waiting } = world;
    const { body: endpoint } = await homing.api("POST", "/v1/endpoints", {
      ...{ workspace_id: BETA, url: receiver.url, events: ["delivery.opened"] },
    });
    const many = Array.from({ length: 1200 }, (_, number) =>
      report(`many-${number}`, {
        message_id: "m-many",
        status: number % 3 === 0 ? "opened" : "delivered",
        // Not in the order in which they come.
        at: new Date(Date.UTC(2026, 10, 22) + ((number * 7919) % 1200) * 1000).toISOString(),
      }),
    );
    const ids = [await send(...many.slice(0, 700)), await send(...many.slice(700))];
    const conflict = await send(report("many-named", { message_id: "m-many", meta: { workspace_id: GONE } }));
    const asked = { ...group("m-many"), workspace_id: BETA };
    const { body: preview } = await assign({ ...asked, dry_run: true });
    expect(preview).toMatchObject({
      ...{ emitted: 1200, left: 1, remaining: 1, exact: false, endpoints: 1, webhooks: 400, bindings_made: 1 },
      by_kind: { "email.delivered": 800, "email.opened": 400 },
      told_by_kind: {
        "email.delivered": { endpoints: [], webhooks: 0 },
        "email.opened": { endpoints: [{ id: endpoint.id, name: new URL(receiver.url).host }], webhooks: 400 },
      },
    });
    expect(preview.events).toHaveLength(50);
    const { body: done } = await assign({ ...asked, preview: preview.preview });
    expect(done.emitted + done.remaining).toBe(1201);
    await homing.settled();
    const events = (await homing.events()).filter((event) => ids.includes(event.callback_id ?? ""));
    expect(events).toHaveLength(1200);
    expect(events.map((event) => event.occurred_at)).toEqual(events.map((event) => event.occurred_at).sort());
    expect(await waiting(...ids, conflict)).toBe(1);
    // As many webhooks as the preview said.
    const came = await receiver.came(preview.webhooks);
    expect(new Set(came.map((webhook) => JSON.parse(webhook.body).id)).size).toBe(400);
    const owed = await homing.api("GET", `/v1/endpoints/${endpoint.id}/dispatches?limit=500`);
    expect(owed.body.data).toHaveLength(400);
    await homing.api("DELETE", `/v1/endpoints/${endpoint.id}`);
  });
});
