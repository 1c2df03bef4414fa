import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newSigner } from "../../providers/stripe/fixtures/sign.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";

let sequence = 0;
const event = (type: string, object: Record<string, unknown>, more: object = {}) => {
  sequence += 1;
  return {
    id: `evt_${sequence}`,
    object: "event",
    api_version: "2026-10-28.endive",
    created: 1795345198 + sequence,
    livemode: true,
    type,
    data: { object },
    ...more,
  };
};
const invoice = (id: string, more: object) => ({
  id,
  object: "invoice",
  amount_due: 9900,
  currency: "usd",
  attempt_count: 1,
  next_payment_attempt: null,
  metadata: {},
  ...more,
});

describe.each(databases)("Stripe comes home on the %s database", (kind) => {
  let homing: TestGateway;
  const send = (body: object) => homing.callback("stripe", body);
  const emittedBy = async (callbackId: string) => (await homing.events()).filter((one) => one.callback_id === callbackId);
  const bind = (value: string, workspace_id: string, bindingKind = "customer") =>
    homing.api("PUT", "/v1/bindings", { provider: "stripe", kind: bindingKind, value, workspace_id });
  beforeAll(async () => {
    homing = await startGateway(kind);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
  });
  afterAll(() => homing.close());

  it("reads both API shapes, and expanded and plain customers", async () => {
    const basil = await send(
      event(
        "invoice.paid",
        invoice("in_basil", {
          customer: "cus_basil",
          parent: { subscription_details: { subscription: "sub_basil", metadata: { workspace_id: ACME } } },
        }),
      ),
    );
    expect(basil.body).toMatchObject({ events: 1 });
    // What that taught brings home what carries no metadata at all: by subscription, before Basil, and by an expanded customer.
    const before = await send(
      event(
        "invoice.payment_failed",
        invoice("in_before", { subscription: "sub_basil", customer: null, subscription_details: { metadata: {} } }),
      ),
    );
    expect(before.body).toMatchObject({ status: "accepted", events: 1 });
    const expanded = await send(
      event("invoice.sent", invoice("in_expanded", { customer: { id: "cus_basil", object: "customer", deleted: true } })),
    );
    expect(expanded.body).toMatchObject({ status: "accepted", events: 1 });
    expect((await emittedBy(expanded.body.callback_id))[0]).toMatchObject({ workspace_id: ACME, workspace_source: "lookup" });
  });

  it("any of several v1 signatures may fit", async () => {
    const other = newSigner();
    const body = Buffer.from(JSON.stringify(event("invoice.sent", invoice("in_rolled", { metadata: { workspace_id: ACME } }))));
    const now = new Date();
    const [ours, theirs] = [homing.signers.get("stripe"), other].map(
      (signer) => signer?.sign({ body, url: "", now })["stripe-signature"] ?? "",
    );
    const rolled = `${theirs},${ours?.split(",").find((part) => part.startsWith("v1="))}`;
    const answer = await homing.callback("stripe", body, { signer: null, headers: { "stripe-signature": rolled } });
    expect(answer.body).toMatchObject({ status: "accepted", events: 1 });
  });

  it("a renewal is not a plan change; another price is", async () => {
    const items = (price: string, start: number) => ({
      data: [{ id: "si_1", current_period_start: start, price: { id: price, lookup_key: null } }],
    });
    const subscription = (price: string) => ({
      id: "sub_plan",
      object: "subscription",
      customer: "cus_plan",
      metadata: { workspace_id: ACME },
      items: items(price, 2),
    });
    const updated = (price: string, old: string) =>
      event(
        "customer.subscription.updated",
        {},
        { data: { object: subscription(price), previous_attributes: { items: items(old, 1) } } },
      );
    expect((await send(updated("price_Basic", "price_Basic"))).body).toMatchObject({ events: 0 });
    const changed = await send(updated("price_Pro", "price_Basic"));
    expect((await emittedBy(changed.body.callback_id))[0]).toMatchObject({
      type: "billing.plan_changed",
      data: { old_plan: "price_Basic", new_plan: "price_Pro" },
    });
  });

  it("does not believe the metadata of a connected account", async () => {
    const answer = await send(
      event(
        "payment_intent.succeeded",
        { id: "pi_connect", object: "payment_intent", customer: null, metadata: { workspace_id: ACME } },
        { account: "acct_merchant" },
      ),
    );
    expect(answer.body).toMatchObject({ status: "unmatched" });
    await bind("acct_merchant", BETA, "account");
    expect((await emittedBy(answer.body.callback_id))[0]).toMatchObject({ workspace_id: BETA, workspace_source: "lookup" });
  });

  it("a binding added later emits the waiting event, with its own time", async () => {
    const waiting = await send(event("invoice.paid", invoice("in_waits", { customer: "cus_later" }), { created: 1795000000 }));
    expect(waiting.body).toMatchObject({ status: "unmatched" });
    expect((await bind("cus_later", ACME)).body).toMatchObject({ rematched: 1, remaining: 0 });
    expect((await emittedBy(waiting.body.callback_id))[0]).toMatchObject({
      occurred_at: new Date(1795000000_000).toISOString(),
      workspace_id: ACME,
    });
  });

  it("what was waiting comes home in the order in which it happened", async () => {
    for (const at of [3, 1, 2])
      await send(event("invoice.sent", invoice(`in_order_${at}`, { customer: "cus_order" }), { created: 1795000000 + at }));
    await bind("cus_order", BETA);
    const ids = (await homing.events(`&workspace_id=${BETA}`))
      .map((one) => String(one.data.message_id))
      .filter((id) => id.startsWith("in_order"));
    expect(ids).toEqual(["in_order_1", "in_order_2", "in_order_3"]);
  });

  it("a customer whom two brands share becomes ambiguous, and never contradicts metadata", async () => {
    const paid = (id: string, workspace?: string) =>
      send(
        event("invoice.paid", invoice(id, { customer: "cus_shared", metadata: workspace ? { workspace_id: workspace } : {} })),
      );
    expect((await paid("in_s1", ACME)).body).toMatchObject({ events: 1 });
    expect((await paid("in_s2", BETA)).body).toMatchObject({ events: 1 });
    const binding = await homing.api("GET", "/v1/bindings?provider=stripe&value=cus_shared");
    expect(binding.body.data).toMatchObject([{ origin: "ambiguous" }]);
    const silent = await paid("in_s3");
    expect((await homing.api("GET", `/v1/callbacks/${silent.body.callback_id}`)).body.reason).toBe("reference_ambiguous");
    expect((await paid("in_s4", ACME)).body).toMatchObject({ events: 1 });
  });

  it("a workspace's own secret with another's customer teaches nothing and uses up nobody's key", async () => {
    await bind("cus_of_beta", BETA);
    const own = newSigner();
    await homing.api("PUT", "/v1/secrets/stripe", { workspace_id: ACME, secrets: [own.secret] });
    const body = event("invoice.paid", invoice("in_forged", { customer: "cus_of_beta", subscription: "sub_forged" }));
    const forged = await homing.callback("stripe", body, { path: `/callbacks/stripe/${ACME}`, signer: own });
    expect(forged.body).toMatchObject({ events: 1 });
    expect((await emittedBy(forged.body.callback_id))[0]).toMatchObject({ workspace_id: ACME, workspace_source: "credential" });
    expect((await homing.api("GET", "/v1/bindings?provider=stripe&value=sub_forged")).body.data).toEqual([]);
    const genuine = await send(body);
    expect(genuine.body).toMatchObject({ events: 1, duplicates: 0 });
    expect((await emittedBy(genuine.body.callback_id))[0]).toMatchObject({ workspace_id: BETA });
    // Its metadata may not name somebody else either.
    const lying = event("invoice.paid", invoice("in_lying", { customer: null, metadata: { workspace_id: BETA } }));
    const answer = await homing.callback("stripe", lying, { path: `/callbacks/stripe/${ACME}`, signer: own });
    expect(answer.body).toMatchObject({ status: "unmatched" });
  });

  it("told replaces learned; told against told needs replace; a deleted contradiction heals", async () => {
    await send(
      event(
        "invoice.paid",
        invoice("in_t1", { customer: "cus_told", subscription: "sub_told", metadata: { workspace_id: ACME } }),
      ),
    );
    const replaced = await bind("sub_told", BETA, "subscription");
    expect(replaced.body).toMatchObject({ origin: "told", workspace_id: BETA });
    expect((await bind("sub_told", ACME, "subscription")).status).toBe(409);
    const conflict = await send(
      event("invoice.paid", invoice("in_t2", { subscription: "sub_told", metadata: { workspace_id: ACME } })),
    );
    expect(conflict.body).toMatchObject({ status: "unmatched" });
    expect((await homing.api("DELETE", `/v1/bindings/${replaced.body.id}`)).status).toBe(204);
    expect((await emittedBy(conflict.body.callback_id))[0]).toMatchObject({ workspace_id: ACME });
  });

  it("a closed workspace's events wait until it is opened again", async () => {
    const GAMMA = "aaaaaaaa-0000-4000-8000-00000000000a";
    await homing.api("PUT", `/v1/workspaces/${GAMMA}`, { name: "Gamma" });
    expect((await homing.api("DELETE", `/v1/workspaces/${GAMMA}`)).status).toBe(204);
    const answer = await send(event("invoice.paid", invoice("in_closed", { metadata: { workspace_id: GAMMA } })));
    expect((await homing.api("GET", `/v1/callbacks/${answer.body.callback_id}`)).body.reason).toBe("workspace_closed");
    expect((await homing.api("PUT", `/v1/workspaces/${GAMMA}`, { name: "Gamma" })).body).toMatchObject({ rematched: 1 });
  });

  it("a default binding answers last and never objects", async () => {
    const lost = await send(event("invoice.paid", invoice("in_default", { customer: "cus_nobody" })));
    expect(lost.body).toMatchObject({ status: "unmatched" });
    const fallback = await homing.api("PUT", "/v1/bindings", {
      provider: "stripe",
      kind: "default",
      value: "*",
      workspace_id: "__org__",
    });
    expect(fallback.body.rematched).toBeGreaterThan(0);
    expect((await emittedBy(lost.body.callback_id))[0]).toMatchObject({ workspace_id: "__org__", workspace_source: "lookup" });
    const named = await send(event("invoice.paid", invoice("in_named", { metadata: { workspace_id: ACME } })));
    expect((await emittedBy(named.body.callback_id))[0]).toMatchObject({ workspace_id: ACME });
    await homing.api("DELETE", `/v1/bindings/${fallback.body.id}`);
  });
});
