import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer } from "../../src/trace/find.ts";
import { read, Visitor } from "../console/support/visitor.ts";
import { report, startWorld, type World, withAdapter } from "../healing/support/world.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import { API_TOKEN, databases } from "../support/gateway.ts";

const known = { meta: { workspace_id: ACME } };
/** What was told of a mail to that person. */
const mail = (message: string, to: string, status: string, at: string, more: object = known) =>
  report(`${message}-${status}-${to}`, { message_id: message, to, status, at, ...more });

describe.each(databases)("asked by people, on the %s database", (kind) => {
  let world: World;
  let visitor: Visitor;
  beforeAll(async () => {
    world = await startWorld(kind, { CONSOLE_TIME_ZONE: "Asia/Kolkata" });
    visitor = await new Visitor(world.homing.url).login(API_TOKEN);
  });
  afterAll(() => world.homing.close());

  const find = async (q: string) => (await world.homing.api<Answer>("GET", `/v1/trace?${new URLSearchParams({ q })}`)).body;
  const search = (q: string) => visitor.get(`/console/search?${new URLSearchParams({ q })}`);

  it("an adapter's first callback is known at once, and its last good one is not left out", async () => {
    await world.send(report("first-of-all", known));
    const { tale } = await find("example");
    expect(tale?.headline).toBe("Example Mail sent 1 callback in the last hour");
    expect(tale?.explanation).toMatch(/^The last good one came at \d\d:\d\d\./);
  });

  it("delivered? by e-mail: the only message is the answer", async () => {
    await world.send(mail("m1", "asha@example.com", "delivered", "2026-11-22T10:30:00Z"));
    await world.send(mail("m1", "asha@example.com", "opened", "2026-11-22T10:33:00Z"));
    // A repeat tells of the same.
    await world.send(mail("m1", "asha@example.com", "opened", "2026-11-22T10:33:00Z"));
    expect((await find("asha@example.com")).tale).toMatchObject({
      kind: "message",
      headline: expect.stringMatching(/^Yes, it was delivered at /),
    });
    const { status, headers } = await search("Asha@Example.com");
    expect([status, headers.location]).toEqual([303, "/console/messages/m1"]);
    const page = read((await visitor.get("/console/messages/m1")).text);
    expect(page).toMatch(/Opened, repeated ?Example Mail sent the same again\. Nobody was told twice\..*none, on purpose/);
    expect(page).toContain("3 callbacks told this story; none failed or is unmatched.");
    const opened = (await find("m1")).tale?.steps.find((step) => step.name === "Opened")?.lines.join(" ");
    expect(opened).toContain("Example Mail sent the same again. Nobody was told twice. Last at ");
  });

  it("several messages, newest first, then the callbacks; others of the same batch are left out", async () => {
    const to = "ravi@example.com";
    await world.send(
      mail("m2", "somebody@example.com", "delivered", "2026-11-20T10:30:00Z"),
      mail("m2", to, "delivered", "2026-11-20T10:31:00Z"),
      mail("m3", to, "hard_bounce", "2026-11-21T10:30:00Z"),
    );
    const { tale, others } = await find(to);
    expect(tale).toBeNull();
    expect(others.map(({ kind: what, id }) => [what, id]).slice(0, 2)).toEqual([
      ["message", "m3"],
      ["message", "m2"],
    ]);
    expect(others.map((one) => one.kind)).toEqual(["message", "message", "callback"]);
    const { text, status } = await search(to);
    const words = read(text);
    expect(status).toBe(200);
    expect(words).toMatch(
      /2 messages .*E-mail to r•••@example\.com.*bounced at .*E-mail to r•••@example\.com.*Yes, it was delivered.*1 callback/,
    );
    expect(words).not.toContain("s•••@example.com");
    // The same id went to somebody else, too: the link leads to the right one.
    const link = /href="(\/console\/messages\/m2\?of=\d)"/.exec(text)?.[1] ?? "";
    expect(read((await visitor.get(link)).text)).toContain("r•••@example.com");
  });

  it("a callback that tells of no message stands beside the message", async () => {
    const to = "meera@example.com";
    await world.send(mail("m4", to, "delivered", "2026-11-22T10:30:00Z"));
    const lost = await world.send(mail("m5", to, "delivered", "2026-11-22T10:40:00Z", {}));
    const { others } = await find(to);
    expect(others.map((one) => one.kind)).toEqual(["message", "callback", "callback"]);
    expect((await search(to)).status).toBe(200);
    await world.bind("m5", BETA);
    await world.homing.settled();
    // Come home, it tells of another one.
    expect((await find(to)).others.filter((one) => one.kind === "message").map((one) => one.id)).toEqual(["m5", "m4"]);
    expect(lost).toMatch(/^cb_/);
  });

  it("an order number leads to its message; another reference to its callback", async () => {
    const draft = (key: string) => ({
      ...{ key, occurredAt: null, channel: "commerce" as const, status: "sent" as const, data: { message_id: `shop-${key}` } },
      metadata: [{ where: "meta", fields: known.meta }],
      references: [{ kind: "customer", value: `cus_${key}`, learn: "forever" as const }],
      searchable: [`#${key}`],
    });
    for (const key of ["1001", "1002"])
      await withAdapter(
        world.homing,
        () => ({ events: () => [draft(key)] }),
        () => world.send({}),
      );
    expect((await search("#1001")).headers.location).toBe("/console/messages/shop-1001");
    expect((await find("#1001")).tale).toMatchObject({ kind: "message", id: "shop-1001" });
    for (const asked of ["cus_1002", "customer:cus_1002"]) {
      expect((await find(asked)).tale).toMatchObject({ kind: "callback" });
    }
  });

  it("what waits for the same is drawn, and the drawing is told", async () => {
    const callback = await world.send(report("wait1", { message_id: "drawn" }));
    await world.send(report("wait2", { message_id: "drawn" }));
    await world.homing.gateway.database.query(
      "update waiting set received_at = now() - interval '2 hours' where callback_id = (select callback_id from waiting order by id desc limit 1)",
    );
    const { text } = await visitor.get(`/console/callbacks/${callback}`);
    expect(read(text)).toMatch(/Also waiting 2 events of this message, with this one, in steps of 5 minutes:/);
    expect(text).toMatch(/role="img" aria-label="message drawn: 2 events wait, the first since [^"]*, the last since [^"]*"/);
    await world.homing.gateway.database.query(
      "update waiting set received_at = now() - interval '10 hours' where refs @> '{example message:drawn}'",
    );
    expect(read((await visitor.get(`/console/callbacks/${callback}`)).text)).toContain("in steps of an hour:");
  });

  it("a command to be pasted does nothing but what it says", async () => {
    const value = "x'; rm -rf $(HOME) #";
    const callback = await world.send(report("evil1", { message_id: value }));
    await world.send(report("evil2", { message_id: value }));
    const { tale } = await find(callback);
    expect(tale?.offers).toContainEqual({
      label: "Assign the 2 events",
      text: `homing assign example 'message:x'\\''; rm -rf $(HOME) #' --workspace <name or id>`,
    });
  });

  it("a binding by its value, of whatever kind its adapter knows; and by a kind that it does not", async () => {
    for (const [provider, kind, value] of [
      ["razorpay", "virtual_account", "va_of_asha"],
      ["example", "parcel", "p_of_asha"],
    ]) {
      const binding = { ...{ provider, kind, value }, workspace_id: ACME };
      expect((await world.homing.api("PUT", "/v1/bindings", binding)).status).toBeLessThan(300);
    }
    const found = async (q: string) => (await find(q)).others.map(({ kind: what, told }) => [what, told]);
    expect(await found("va_of_asha")).toEqual([["binding", expect.stringContaining("va_of_asha")]]);
    expect(await found("parcel:p_of_asha")).toEqual([["binding", expect.stringContaining("p_of_asha")]]);
  });
});
