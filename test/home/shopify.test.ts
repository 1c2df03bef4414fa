import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME, BETA } from "../support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";

const parcel = (id: number, more = "") =>
  `{"id":${id},"fulfillment_id":5023478841612345678,"status":"delivered","happened_at":"2026-07-12T15:02:11+05:30","updated_at":"2026-07-12T15:02:11+05:30","order_id":820982911946154508${more}}`;
const headers = (shop: string, topic = "fulfillment_events/create") => ({
  "x-shopify-topic": topic,
  "x-shopify-shop-domain": shop,
});

describe.each(databases)("Shopify comes home on the %s database", (kind) => {
  let homing: TestGateway;
  beforeAll(async () => {
    homing = await startGateway(kind);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
  });
  afterAll(() => homing.close());

  it("ids beyond 2^53 come out exact, by a path with its token", async () => {
    const answer = await homing.callback("shopify", parcel(1), {
      path: homing.path("shopify", ACME),
      headers: headers("acme.myshopify.com"),
    });
    expect(answer.body).toMatchObject({ status: "accepted", events: 1 });
    const [event] = await homing.events();
    expect(event).toMatchObject({ workspace_id: ACME, workspace_source: "path", data: { message_id: "5023478841612345678" } });
    expect(JSON.stringify(event)).toContain("820982911946154508");
  });

  it("a URL without its token proves nothing: it waits, and the trace calls it a hint", async () => {
    const answer = await homing.callback("shopify", parcel(2), {
      path: `/callbacks/shopify/${ACME}`,
      headers: headers("fresh.myshopify.com"),
    });
    expect(answer.body).toMatchObject({ status: "unmatched" });
    const trace = await homing.api("GET", `/v1/callbacks/${answer.body.callback_id}`);
    expect(trace.body.reason).toBe("no_reference_bound");
    const path = trace.body.items[0].ways.find((way: { way: string }) => way.way === "path");
    expect(path.explanation).toMatch(/hint/);
    expect(path.answer).toBeNull();
  });

  it("a wrong token is refused, whether or not the workspace exists", async () => {
    for (const workspace of [ACME, "00000000-0000-4000-8000-000000000bad"]) {
      const answer = await homing.callback("shopify", parcel(3), { path: `/callbacks/shopify/${workspace}/${"0".repeat(32)}` });
      expect([answer.status, answer.body.error.code]).toEqual([401, "token_mismatch"]);
    }
  });

  it("another workspace's path for a remembered shop is a conflict; the corrected resend is emitted", async () => {
    const shop = headers("remembered.myshopify.com");
    await homing.callback("shopify", parcel(4), { path: homing.path("shopify", ACME), headers: shop });
    const wrong = await homing.callback("shopify", parcel(5), { path: homing.path("shopify", BETA), headers: shop });
    expect(wrong.body).toMatchObject({ status: "unmatched" });
    expect((await homing.api("GET", `/v1/callbacks/${wrong.body.callback_id}`)).body.reason).toBe("workspace_conflict");

    const corrected = await homing.callback("shopify", parcel(5), { path: homing.path("shopify", ACME), headers: shop });
    expect(corrected.body).toMatchObject({ status: "accepted", events: 1 });
    const [event, ...more] = (await homing.events()).filter((one) => one.callback_id === corrected.body.callback_id);
    expect([event?.workspace_id, more]).toEqual([ACME, []]);
    const first = await homing.api("GET", `/v1/callbacks/${wrong.body.callback_id}`);
    expect(first.body).toMatchObject({
      status: "accepted",
      items: [{ verdict: "event", event_id: event?.id, healed: { cause: "resend" } }],
    });
    expect((await homing.api("GET", "/v1/unmatched?reason=workspace_conflict")).body.data).toEqual([]);
  });

  it("an update's body under the topic customers/delete is topic_mismatch, readable in the trace", async () => {
    const update =
      '{"id":706405506930370084,"email":"bob@biller.com","first_name":"Bob","updated_at":"2026-07-01T09:00:00+05:30","state":"enabled"}';
    const answer = await homing.callback("shopify", update, {
      path: homing.path("shopify", ACME),
      headers: headers("acme.myshopify.com", "customers/delete"),
    });
    expect(answer.body).toMatchObject({ status: "failed", failed: 1, events: 0 });
    const trace = await homing.api("GET", `/v1/callbacks/${answer.body.callback_id}`);
    expect(trace.body).toMatchObject({ reason: "topic_mismatch", request: { body: update } });
  });

  it("a contact's changes are told with old and new, a repeat is nothing, after its deletion nothing more", async () => {
    const customer = (email: string, at: string) =>
      `{"id":9007199254740993,"created_at":"2026-07-01T09:00:00Z","updated_at":"${at}","first_name":"Bob","last_name":"B","state":"enabled","email":"${email}","phone":null,"admin_graphql_api_id":"gid://shopify/Customer/9007199254740993"}`;
    const send = (topic: string, body: string) =>
      homing.callback("shopify", body, { path: homing.path("shopify", ACME), headers: headers("acme.myshopify.com", topic) });
    await send("customers/create", customer("old@example.com", "2026-07-01T09:00:00Z"));
    const updated = await send("customers/update", customer("new@example.com", "2026-07-02T09:00:00Z"));
    const [event] = (await homing.events()).filter((one) => one.callback_id === updated.body.callback_id);
    expect(event).toMatchObject({
      type: "contact.updated",
      data: { contact_id: "9007199254740993", changes: { email: { old: "old@example.com", new: "new@example.com" } } },
    });
    expect((await send("customers/update", customer("new@example.com", "2026-07-03T09:00:00Z"))).body).toMatchObject({
      status: "ignored",
    });
    const gone = '{"id":9007199254740993,"tax_exemptions":[],"admin_graphql_api_id":"gid://shopify/Customer/9007199254740993"}';
    expect((await send("customers/delete", gone)).body).toMatchObject({ status: "accepted", events: 1 });
    expect((await send("customers/update", customer("late@example.com", "2026-07-04T09:00:00Z"))).body).toMatchObject({
      status: "ignored",
    });
  });

  it("a compliance topic finds its workspace by a told shop alone, and comes home when it is told", async () => {
    const redact =
      '{"shop_id":954889,"shop_domain":"acme.myshopify.com","customer":{"id":191167,"email":"john@example.com","phone":null},"orders_to_redact":[1]}';
    const answer = await homing.callback("shopify", redact, { headers: headers("acme.myshopify.com", "customers/redact") });
    expect(answer.body).toMatchObject({ status: "unmatched" });
    const bound = await homing.api("PUT", "/v1/bindings", {
      provider: "shopify",
      kind: "shop",
      value: "acme.myshopify.com",
      workspace_id: ACME,
    });
    expect(bound.body).toMatchObject({ rematched: 1, remaining: 0 });
    const [event] = (await homing.events()).filter((one) => one.callback_id === answer.body.callback_id);
    expect(event).toMatchObject({ type: "contact.deleted", workspace_id: ACME, workspace_source: "lookup" });
  });
});
