import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newSigner } from "../../providers/example/fixtures/sign.ts";
import { readId, timeOf } from "../../src/ids.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import { databases } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { report, startWorld, type World } from "./support/world.ts";

const known = { meta: { workspace_id: ACME } };
const HOUR = 3_600_000;

describe.each(databases)("replaying what was refused, on the %s database", (kind) => {
  let world: World;
  // This machine's clock is two days behind the database's; it goes on with every look.
  let now = Date.now() - 48 * HOUR;
  beforeAll(async () => {
    world = await startWorld(kind, {}, { clock: () => ++now });
  });
  afterAll(() => world.homing.close());
  // The sample takes 20 a minute of one caller.
  beforeEach(() => {
    now += 60_000;
  });

  /** Posts what is refused; answers its id in the sample. */
  async function refuse(body: unknown, options: Parameters<World["homing"]["callback"]>[2] & { adapter?: string } = {}) {
    const { adapter = "example", ...rest } = options;
    const answer = await world.homing.callback(adapter, body, rest);
    expect(answer.status).not.toBe(200);
    await world.homing.gateway.rejections.flush();
    const { body: sample } = await world.homing.api("GET", "/v1/callbacks?status=rejected&limit=1");
    return { id: sample.data[0].id as string, code: answer.body.error.code };
  }
  const sampled = async (id: string) =>
    (await world.homing.api("GET", "/v1/callbacks?status=rejected&limit=500")).body.data.some(
      (one: { id: string }) => one.id === id,
    );
  const setSecrets = (secrets: string[], adapter = "example", workspace_id: string | null = null) =>
    world.homing.api("PUT", `/v1/secrets/${adapter}`, { workspace_id, secrets });

  it("a forged one cannot be brought in; an honest one can, once the right secret is added, and once only", async () => {
    const { replay, trace, eventsOf, audit, homing } = world;
    const signer = newSigner();
    const honest = await refuse({ reports: [report("honest", known), report("honest-lost")] }, { signer });
    const forged = await refuse(
      { reports: [report("forged", known)] },
      { signer: null, headers: { "x-example-signature": "0".repeat(64) } },
    );
    const bare = await refuse({ reports: [report("bare", known)] }, { signer: null });
    expect([honest.code, forged.code, bare.code]).toEqual(["signature_mismatch", "signature_mismatch", "signature_missing"]);
    for (const { id } of [honest, forged, bare]) {
      for (const dry_run of [true, false]) {
        const refused = await replay(id, { dry_run });
        expect([refused.status, refused.body.error.code]).toEqual([409, "still_rejected"]);
        expect(refused.body.error.message).toMatch(/^It is refused today, too\. /);
      }
    }

    await setSecrets([signer.secret]);
    const { received_at } = await trace(honest.id);
    now += 3 * HOUR;
    const look = await replay(honest.id, { dry_run: true });
    expect(look.body).toMatchObject({
      callback_id: honest.id,
      status: "unmatched",
      added: [{ id: null, workspace_id: ACME }],
      waiting: 1,
    });
    expect(await sampled(honest.id)).toBe(true);
    const { status, body } = await replay(honest.id);
    const events = await eventsOf(honest.id);
    expect([status, body]).toMatchObject([
      201,
      { callback_id: honest.id, status: "unmatched", added: events, waiting: 1, changed: [], gone: [], unchanged: 0 },
    ]);
    expect(events).toMatchObject([{ workspace_id: ACME, received_at, callback_id: honest.id }]);
    expect(await trace(honest.id)).toMatchObject({
      ...{ id: honest.id, received_at, status: "unmatched", first_status: "unmatched", events: 1, unmatched: 1 },
      verification: { ok: true, credential: { owner: "platform", place: "stored" } },
      request: { method: "POST", path: "/callbacks/example" },
      replays: [{ by: "API_TOKEN", added: 1 }],
    });
    expect(await audit(honest.id)).toMatchObject([
      {
        ...{ action: "callback.brought_in", token: "API_TOKEN" },
        before: { status: "rejected", reason: "signature_mismatch" },
        after: { status: "unmatched", events: 1 },
      },
    ]);
    // It has left the sample: from now on it is a callback as any other.
    expect(await sampled(honest.id)).toBe(false);
    expect((await replay(honest.id)).body).toMatchObject({ added: [], unchanged: 2 });
    expect(await eventsOf(honest.id)).toHaveLength(1);
    const resend = await homing.callback("example", { reports: [report("honest", known)] }, { signer });
    expect(resend.body.status).toBe("duplicate");

    for (const { id } of [forged, bare]) {
      expect((await replay(id)).body.error.code).toBe("still_rejected");
      expect(await sampled(id)).toBe(true);
    }
    expect((await homing.events()).map((event) => event.provider_data.message_id)).not.toContain("forged");
    await setSecrets([]);
  });

  it("two at once bring it in once", async () => {
    const { replay, eventsOf } = world;
    const signer = newSigner();
    const { id } = await refuse({ reports: [report("rush", known)] }, { signer });
    await setSecrets([signer.secret]);
    const answers = await Promise.all(Array.from({ length: 5 }, () => replay(id)));
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => ![201, 404].includes(status))).toEqual([]);
    expect(await eventsOf(id)).toHaveLength(1);
    await setSecrets([]);
  });

  it("the URL's workspace and token count as they did: what nothing vouched for then, nothing vouches for now", async () => {
    const { replay, eventsOf, homing, trace } = world;
    const signer = newSigner();
    const path = homing.path("example", BETA);
    const right = await refuse({ reports: [report("by-token")] }, { signer, path });
    const wrong = await refuse({ reports: [report("by-wrong-token")] }, { signer, path: `${path.slice(0, -4)}0000` });
    const own = await refuse({ reports: [report("by-own-secret")] }, { signer: newSigner(), path: `/callbacks/example/${BETA}` });
    // Rotated since: as of when it came, its token was right.
    now += HOUR;
    await homing.api("POST", "/v1/callback-url/rotate", { adapter: "example", workspace_id: BETA, keep_old_hours: 0 });
    await setSecrets([signer.secret]);
    expect((await replay(right.id)).body).toMatchObject({ status: "accepted" });
    expect(await eventsOf(right.id)).toMatchObject([{ workspace_id: BETA, workspace_source: "path" }]);
    const shown = await trace(right.id);
    expect(shown.request.path).toBe(`/callbacks/example/${BETA}/…`);
    expect(JSON.stringify(shown)).not.toContain(path.slice(-32));
    expect((await replay(wrong.id)).body.error.code).toBe("still_rejected");
    expect((await replay(own.id)).body.error.code).toBe("still_rejected");
    await setSecrets([]);
  });

  it("time is judged as of when it came", async () => {
    const { replay, homing } = world;
    const stripe = homing.signers.get("stripe");
    const sent = {
      ...{ id: "evt_late", object: "event", created: 1795345198, livemode: true, type: "invoice.paid" },
      data: { object: { id: "in_late", object: "invoice", customer: "cus_late", metadata: { workspace_id: ACME } } },
    };
    const { newSigner: newStripe } = await import("../../providers/stripe/fixtures/sign.ts");
    const other = newStripe();
    expect(stripe?.secret).not.toBe(other.secret);
    const fresh = await refuse(sent, { adapter: "stripe", signer: other });
    const old = await refuse(sent, { adapter: "stripe", signer: other, now: new Date(now - HOUR) });
    await setSecrets([other.secret], "stripe");
    now += 24 * HOUR;
    expect((await replay(old.id)).body.error.code).toBe("still_rejected");
    expect((await replay(fresh.id)).body.callback_id).toBe(fresh.id);
  });

  it("what was never read, and what is too long, cannot be brought in", async () => {
    const { replay, homing } = world;
    const signer = newSigner();
    await setSecrets([signer.secret]);
    const cases = [
      await refuse({}, { path: "/callbacks/nobody" }),
      await refuse({}, { headers: { "content-encoding": "gzip" } }),
      await refuse({ reports: [report("long", { ...known, reason: "x".repeat(20_000) })] }, { signer: newSigner() }),
    ];
    await fetch(`${homing.url}/callbacks/example`);
    await homing.gateway.rejections.flush();
    const { body: sample } = await homing.api("GET", "/v1/callbacks?status=rejected&limit=1");
    expect(sample.data[0].reason).toBe("method_not_allowed");
    for (const id of [...cases.map((one) => one.id), sample.data[0].id as string]) {
      const refused = await replay(id);
      expect([refused.status, refused.body.error.code]).toEqual([409, "not_replayable"]);
    }
    const probe = await homing.callback("shipping/shiprocket", {}, { signer: null });
    expect(probe.body.status).toBe("probe");
    await homing.gateway.rejections.flush();
    const { body: probes } = await homing.api("GET", "/v1/callbacks?status=rejected&provider=shipping&limit=1");
    expect((await replay(probes.data[0].id)).body.error).toMatchObject({
      code: "not_replayable",
      message: expect.stringContaining("set up"),
    });
    await setSecrets([]);
  });

  it("one of the time before its address was kept verifies without a token", async () => {
    const { replay, homing } = world;
    const signer = newSigner();
    const { id } = await refuse({ reports: [report("before", known)] }, { signer });
    const { encrypt } = await import("../../src/keys.ts");
    const { unseal } = await import("../../src/inbound/rejections.ts");
    const { query } = homing.gateway.database;
    const of = "where 'cb_' || replace(id::text, '-', '') = $1";
    const [row] = await query<{ sealed: string }>(`select headers_ciphertext as sealed from rejections ${of}`, [id]);
    const { headers } = unseal(row?.sealed as string, homing.gateway.keys);
    const sealed = encrypt(homing.gateway.keys.content, Buffer.from(JSON.stringify(headers))).toString("base64");
    await query(`update rejections set headers_ciphertext = $2 ${of}`, [id, sealed]);
    await setSecrets([signer.secret]);
    expect((await replay(id)).body).toMatchObject({ status: "accepted" });
    await setSecrets([]);
  });

  it("all of a provider at once, in the background; forged ones stay", async () => {
    const { homing, eventsOf } = world;
    const signer = newSigner();
    const honest: string[] = [];
    for (const id of ["bulk-1", "bulk-2", "bulk-3"]) honest.push((await refuse({ reports: [report(id, known)] }, { signer })).id);
    const forged = await refuse({ reports: [report("bulk-forged", known)] }, { signer: newSigner() });
    await setSecrets([signer.secret]);
    const since = new Date(timeOf(readId("callback", honest[0] as string) as string)).toISOString();
    const start = (dry_run: boolean) =>
      homing.api("POST", "/v1/replays", { filter: { status: "rejected", provider: "example", since }, dry_run });
    const done = (id: string) =>
      until(
        () => homing.api("GET", `/v1/replays/${id}`),
        ({ body }) => body.state !== "running",
      );
    for (const dry_run of [true, false]) {
      const { body } = await done((await start(dry_run)).body.id);
      expect(body).toMatchObject({ state: "done", looked_at: 4, added: 3, still_rejected: 1, failed: 0 });
    }
    expect((await eventsOf(...honest)).map((event) => event.callback_id)).toEqual(honest);
    expect(await sampled(forged.id)).toBe(true);
    expect((await homing.api("POST", "/v1/replays", { filter: { status: "rejected", q: "bulk-1" } })).status).toBe(422);
    await setSecrets([]);
  });
});
