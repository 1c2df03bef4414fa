import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { databases } from "../support/gateway.ts";
import { group, report, startWorld, type World } from "./support/world.ts";

describe.each(databases)("putting aside on the %s database", (kind) => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld(kind);
  });
  afterAll(() => world.homing.close());

  it("by reference: it leaves the queue, the callback says so, and who did it stands in the audit", async () => {
    const { send, dismiss, trace, audit, eventsOf, waiting, homing } = world;
    const ids = [await send(report("d1", { message_id: "m-junk" })), await send(report("d2", { message_id: "m-junk" }))];
    const { body: look } = await dismiss({ ...group("m-junk"), dry_run: true });
    expect(look).toMatchObject({ dismissed: 2, remaining: 0, emitted: 0, events: [] });
    expect(await waiting(...ids)).toBe(2);
    const done = await dismiss({ ...group("m-junk"), preview: look.preview });
    expect([done.status, done.body]).toMatchObject([201, { dismissed: 2, remaining: 0, emitted: 0, events: [] }]);
    expect(await waiting(...ids)).toBe(0);
    expect(await eventsOf(...ids)).toEqual([]);
    const shown = await trace(ids[0] as string);
    expect(shown).toMatchObject({
      ...{ status: "dismissed", reason: null, first_status: "unmatched", unmatched: 0, dismissed: 1, events: 0 },
      items: [{ verdict: "dismissed", first_verdict: "waiting", healed: { cause: "dismissed", by: "API_TOKEN" } }],
    });
    // Why it waited still stands.
    expect(shown.items[0].ways.map((way: { way: string }) => way.way)).toContain("lookup");
    expect(await audit(ids[0] as string)).toMatchObject([
      {
        ...{ token: "API_TOKEN", action: "item.dismissed" },
        before: { index: 0, verdict: "waiting", reason: "no_reference_bound" },
        after: { index: 0, verdict: "dismissed" },
      },
    ]);
    const listed = (await homing.api("GET", "/v1/callbacks?status=dismissed&provider=example")).body.data;
    expect(listed.map((one: { id: string }) => one.id)).toEqual(ids.toReversed());
  });

  it("by items, conflicts too; what is left of its callback counts on", async () => {
    const { send, dismiss, trace } = world;
    const id = await send(report("i1"), report("i2"), report("i3", { meta: { workspace_id: ACME } }));
    const first = { items: [{ callback_id: id, index: 0 }] };
    expect((await dismiss(first)).body).toMatchObject({ dismissed: 1, remaining: 0 });
    expect(await trace(id)).toMatchObject({ status: "unmatched", reason: "no_reference_bound", unmatched: 1, dismissed: 1 });
    expect((await dismiss(first)).body.error.code).toBe("conflict");
    await dismiss({ items: [{ callback_id: id, index: 1 }] });
    expect(await trace(id)).toMatchObject({ status: "accepted", events: 1, unmatched: 0, dismissed: 2 });
  });

  it("nothing happens where more came meanwhile", async () => {
    const { send, dismiss, waiting } = world;
    const ids = [await send(report("p1", { message_id: "m-more" }))];
    const { preview } = (await dismiss({ ...group("m-more"), dry_run: true })).body;
    ids.push(await send(report("p2", { message_id: "m-more" })));
    expect((await dismiss({ ...group("m-more"), preview })).body.error).toMatchObject({
      code: "preview_changed",
      message: expect.stringContaining("1 more came meanwhile"),
    });
    expect(await waiting(...ids)).toBe(2);
  });

  it("a resend does not wait anew, and a binding brings nothing back; a resend that says whose it is comes home", async () => {
    const { send, dismiss, bind, homing, trace, eventsOf } = world;
    const id = await send(report("r1", { message_id: "m-aside" }));
    await dismiss(group("m-aside"));
    const resend = await homing.callback("example", { reports: [report("r1", { message_id: "m-aside" })] });
    expect(resend.body).toMatchObject({ status: "duplicate", unmatched: 0, duplicates: 1 });
    expect((await trace(resend.body.callback_id)).items[0]).toMatchObject({ verdict: "duplicate", first_callback_id: id });
    expect((await bind("m-aside")).body).toMatchObject({ rematched: 0, remaining: 0 });
    await homing.settled();
    expect(await eventsOf(id)).toEqual([]);
    expect((await trace(id)).status).toBe("dismissed");

    const known = await send(report("r1", { message_id: "m-aside" }));
    expect(await eventsOf(known)).toMatchObject([{ workspace_id: ACME, workspace_source: "lookup" }]);
    expect((await trace(id)).status).toBe("dismissed");
    expect((await homing.callback("example", { reports: [report("r1", { message_id: "m-aside" })] })).body.status).toBe(
      "duplicate",
    );
  });

  it("what names an unregistered workspace is put aside by that name", async () => {
    const { send, dismiss, trace } = world;
    const nobody = "22222222-2222-4222-8222-222222222222";
    const id = await send(report("u1", { meta: { workspace_id: nobody } }));
    expect((await dismiss({ provider: "stripe", reference: `workspace:${nobody}` })).status).toBe(409);
    expect((await dismiss({ provider: "example", reference: `workspace:${nobody}` })).body).toMatchObject({ dismissed: 1 });
    expect((await trace(id)).status).toBe("dismissed");
  });

  it("many, in slices", async () => {
    const { send, dismiss, trace } = world;
    const id = await send(...Array.from({ length: 450 }, (_, number) => report(`s${number}`, { message_id: "m-slices" })));
    expect((await dismiss(group("m-slices"))).body).toMatchObject({ dismissed: 450, remaining: 0 });
    expect(await trace(id)).toMatchObject({ status: "dismissed", dismissed: 450, unmatched: 0 });
  });
});
