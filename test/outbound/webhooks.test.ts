import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId, showId } from "../../src/ids.ts";
import { type Claim, claimDue } from "../../src/outbound/claim.ts";
import { settle } from "../../src/outbound/settle.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";
import { type Received, type Receiver, startReceiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";

const FIRST = "00000000-0000-0000-0000-000000000000";

/** The ten lines of a receiver without a library: the newest or the previous header fits. */
function isGenuine({ headers, body }: Received, secret: string): boolean {
  const expected = createHmac("sha256", secret).update(body).digest("hex");
  return headers["x-aegis-signature"] === expected || headers["x-aegis-signature-previous"] === expected;
}

describe.each(databases)("webhooks (%s)", (kind) => {
  let home: TestGateway;
  const receivers: Receiver[] = [];

  beforeAll(async () => {
    home = await startGateway(kind, { ALLOW_PRIVATE_ENDPOINTS: "true" });
    await home.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    await home.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
  });
  afterAll(async () => {
    await home.close();
    await Promise.all(receivers.map((receiver) => receiver.close()));
  });

  async function receiver(...options: Parameters<typeof startReceiver>): Promise<Receiver> {
    const made = await startReceiver(...options);
    receivers.push(made);
    return made;
  }

  async function subscribe(url: string, events: string[], workspace = ACME, more: object = {}) {
    const { body, status } = await home.api("POST", "/v1/endpoints", { workspace_id: workspace, url, events, ...more });
    expect(status).toBe(201);
    return body as { id: string; secret: string; whsec: string };
  }

  const tell = async (type = "segment.entered", workspace = ACME) => {
    const data: Record<string, object> = {
      "segment.entered": { contact_id: "c1", segment_id: "s1", segment_name: null },
      "campaign.paused": { campaign_id: "k1", paused_by: null },
      "contact.deleted": { contact_id: "c1", deletion_reason: null },
    };
    const { body, status } = await home.api("POST", "/v1/events", { type, workspace_id: workspace, data: data[type] });
    expect(status).toBe(201);
    return body as { id: string; occurred_at: string };
  };
  const dispatchesOf = async (endpoint: string) =>
    (await home.api("GET", `/v1/endpoints/${endpoint}/dispatches`)).body.data as {
      id: string;
      state: string;
      event_id: string;
      attempts: number;
      next_at: string | null;
      last_status: number | null;
      last_error: string | null;
    }[];
  const endpointOf = async (id: string) =>
    (await home.api("GET", `/v1/endpoints/${id}`)).body as {
      state: string;
      state_reason: string | null;
      health: Record<string, any>;
    };
  /** What was to be tried later is due now. */
  const hurry = () =>
    home.gateway.database
      .query("update dispatches set next_at = now() where state = 'retrying'")
      .then(() => home.gateway.sender.wake());

  it("go to those that ask for them, in their workspace, once", async () => {
    const there = await receiver();
    const by = (path: string) => there.received.filter((one) => one.path === `/${path}`).map((one) => JSON.parse(one.body).type);
    const at = (path: string) => new URL(`/${path}`, there.url).href;
    await subscribe(at("exact"), ["segment.entered"]);
    await subscribe(at("family"), ["campaign.*", "segment.*"]);
    await subscribe(at("all"), ["*"]);
    await subscribe(at("other"), ["segment.exited", "delivery.*"]);
    await subscribe(at("beta"), ["*"], BETA);
    const event = await tell("segment.entered");
    await tell("campaign.paused");
    await there.came(5);
    expect([by("exact"), by("family"), by("all"), by("other"), by("beta")].map((types) => types.sort())).toEqual([
      ["segment.entered"],
      ["campaign.paused", "segment.entered"],
      ["campaign.paused", "segment.entered"],
      [],
      [],
    ]);
    const sent = there.received.find((one) => one.path === "/exact") as Received;
    expect(JSON.parse(sent.body)).toEqual({
      ...{ id: event.id, type: "segment.entered", timestamp: event.occurred_at, workspace_id: ACME },
      data: { contact_id: "c1", segment_id: "s1", segment_name: null },
    });
    expect(sent.headers["webhook-id"]).toBe(event.id);
  });

  it("are accepted by the official library and by plain HMAC, before, during and after a rotation", async () => {
    const there = await receiver();
    const { id, secret, whsec } = await subscribe(there.url, ["segment.entered"], BETA);
    await tell("segment.entered", BETA);
    await there.came(1);
    const { body: fresh, status } = await home.api("POST", `/v1/endpoints/${id}/rotate-secret`);
    expect(status).toBe(201);
    await tell("segment.entered", BETA);
    await there.came(2);
    await home.gateway.database.query(
      "update endpoints set previous_secret_until = now() where previous_secret_until is not null",
    );
    await tell("segment.entered", BETA);
    const [before, during, after] = (await there.came(3)) as [Received, Received, Received];
    const library = (received: Received, key: string) => {
      try {
        return Boolean(new Webhook(key).verify(received.body, received.headers as Record<string, string>));
      } catch {
        return false;
      }
    };
    expect([before, during, after].map((one) => [library(one, whsec), isGenuine(one, secret)])).toEqual([
      [true, true],
      [true, true],
      [false, false],
    ]);
    expect([before, during, after].map((one) => [library(one, fresh.whsec), isGenuine(one, fresh.secret)])).toEqual([
      [false, false],
      [true, true],
      [true, true],
    ]);
    expect(JSON.stringify((await home.api("GET", `/v1/endpoints/${id}`)).body)).not.toContain(fresh.secret);
  });

  it("that are not accepted come again on their schedule, and the eighth time never", async () => {
    const there = await receiver((_, response) => void response.writeHead(500).end("out of order"));
    const { id } = await subscribe(there.url, ["contact.deleted"]);
    await tell("contact.deleted");
    await there.came(1);
    const [first] = await until(
      () => dispatchesOf(id),
      ([one]) => one?.state === "retrying",
    );
    expect(first).toMatchObject({ attempts: 1, last_status: 500, last_error: "status" });
    for (let attempt = 2; attempt <= 7; attempt += 1) {
      await hurry();
      await there.came(attempt);
      await until(
        () => dispatchesOf(id),
        ([one]) => one?.attempts === attempt,
      );
    }
    const [dead] = await dispatchesOf(id);
    expect(dead).toMatchObject({ state: "dead", attempts: 7, next_at: null });
    const { body } = await home.api("GET", `/v1/dispatches/${dead?.id}`);
    expect(body.calls).toHaveLength(7);
    expect(body.calls[0]).toMatchObject({ status: 500, error: "status", response: "out of order" });
    expect((await endpointOf(id)).health).toMatchObject({ dead: 1, waiting: 0, success_rate_24h: 0, circuit: "closed" });
    expect((await home.api("POST", `/v1/endpoints/${id}/retry-dead`)).body).toEqual({ retried: 1 });
    await there.came(8);
    await until(
      () => dispatchesOf(id),
      ([one]) => one?.state === "retrying" && one.attempts === 1,
    );
    await home.api("DELETE", `/v1/endpoints/${id}`);
  });

  it("that are told to wait wait, and are then tried for real", async () => {
    let calls = 0;
    const there = await receiver((_, response) => {
      calls += 1;
      if (calls === 1) response.writeHead(429, { "retry-after": "1" });
      response.end();
    });
    const { id } = await subscribe(there.url, ["contact.deleted"]);
    await tell("contact.deleted");
    await there.came(2);
    const [done] = await until(
      () => dispatchesOf(id),
      ([one]) => one?.state === "succeeded",
    );
    expect(done).toMatchObject({ attempts: 2, last_status: 200 });
    await home.api("DELETE", `/v1/endpoints/${id}`);
  });

  it("end for an endpoint that answers 410, and go out when it is switched on again", async () => {
    let gone = true;
    const there = await receiver((_, response) => void response.writeHead(gone ? 410 : 200).end());
    const { id } = await subscribe(there.url, ["contact.deleted"]);
    await tell("contact.deleted");
    await until(
      () => endpointOf(id),
      (one) => one.state === "disabled",
    );
    expect(await endpointOf(id)).toMatchObject({ state: "disabled", state_reason: "It answered 410 Gone" });
    await until(
      () => dispatchesOf(id),
      ([one]) => one?.state === "held",
    );
    const unheard = await tell("contact.deleted");
    expect((await dispatchesOf(id)).some((one) => one.event_id === unheard.id)).toBe(false);
    gone = false;
    await home.api("PATCH", `/v1/endpoints/${id}`, { state: "active" });
    await until(
      () => dispatchesOf(id),
      ([one]) => one?.state === "succeeded",
    );
    expect(there.received).toHaveLength(2);
    await home.api("DELETE", `/v1/endpoints/${id}`);
  });

  it("are held for an endpoint that does not answer, but for the oldest, once a minute", async () => {
    let broken = true;
    const there = await receiver((_, response) => void response.writeHead(broken ? 500 : 200).end());
    const { id } = await subscribe(there.url, ["contact.deleted"]);
    for (let event = 0; event < 12; event += 1) await tell("contact.deleted");
    const open = await until(
      async () => {
        await hurry();
        return endpointOf(id);
      },
      (one) => one.health.circuit === "open",
    );
    expect(open.health.waiting).toBe(12);
    await until(
      () => dispatchesOf(id),
      (all) => all.every((one) => one.state === "held"),
    );
    // New ones are held from the start.
    const late = await tell("contact.deleted");
    expect((await dispatchesOf(id)).find((one) => one.event_id === late.id)?.state).toBe("held");
    const attempts = (await dispatchesOf(id)).map((one) => one.attempts);
    const probe = () => home.gateway.database.query("update endpoints set probe_at = now() where circuit_open_since is not null");
    const calls = there.received.length;
    await probe();
    await there.came(calls + 1);
    // Everything is held still, and the try used up nothing.
    await until(
      () => home.gateway.database.query("select 1 from dispatches where lease is not null"),
      (rows) => rows.length === 0,
    );
    expect((await dispatchesOf(id)).map((one) => one.attempts)).toEqual(attempts);
    expect(there.received.length).toBe(calls + 1);
    broken = false;
    await probe();
    await until(
      () => dispatchesOf(id),
      (all) => all.every((one) => one.state === "succeeded"),
    );
    expect((await endpointOf(id)).health).toMatchObject({ circuit: "closed", waiting: 0 });
    await home.api("DELETE", `/v1/endpoints/${id}`);
  });

  it("that a crashed process had claimed come free when its lease lapses, and its late answer counts for nothing", async () => {
    const there = await receiver();
    const { query } = home.gateway.database;
    const { id } = await subscribe(there.url, ["contact.deleted"]);
    await home.api("PATCH", `/v1/endpoints/${id}`, { state: "disabled" });
    await home.api("PATCH", `/v1/endpoints/${id}`, { state: "active" });
    await home.gateway.sender.stop();
    const event = await tell("contact.deleted");
    const ask = async () => {
      const all = await claimDue(query, { after: FIRST, most: 100, perEndpoint: 20, busy: new Map() });
      return all.find((one) => showId("endpoint", one.endpoint_id) === id);
    };
    const claim = await ask();
    expect(claim).toBeDefined();
    expect(await ask()).toBeUndefined();
    await query("update dispatches set next_at = now() where lease is not null");
    const again = await ask();
    expect(again?.id).toBe(claim?.id);
    expect(again?.lease).not.toBe(claim?.lease);
    const attempt = { ok: true, at: new Date(), ms: 1, status: 200, error: null, response: "", retryAfterMs: null };
    const answer = (one: typeof claim) =>
      settle(query, [
        {
          id: newId(home.gateway.databaseClock.now()),
          ...{ claim: one as Claim, attempt, next: { state: "succeeded" } },
        },
      ]);
    await answer(claim);
    expect((await dispatchesOf(id)).find((one) => one.event_id === event.id)).toMatchObject({ state: "pending", attempts: 0 });
    await answer(again);
    expect((await dispatchesOf(id)).find((one) => one.event_id === event.id)).toMatchObject({ state: "succeeded", attempts: 1 });
  });
});
