import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Event } from "../../src/events/build.ts";
import { ACME, BETA, signersOf } from "../support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";

const at = (adapter: string, workspace: string) => `/callbacks/${adapter}/${workspace}`;

describe.each(databases)("Points of sale come home on the %s database", (kind) => {
  let homing: TestGateway;
  beforeAll(async () => {
    homing = await startGateway(kind);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
  });
  afterAll(() => homing.close());

  const told = async (answer: { body: { callback_id: string } }): Promise<Event[]> =>
    (await homing.events()).filter((event) => event.callback_id === answer.body.callback_id);
  const trace = async (answer: { body: { callback_id: string } }) =>
    (await homing.api("GET", `/v1/callbacks/${answer.body.callback_id}`)).body;

  describe("Square", () => {
    let number = 0;
    const event = (type: string, id: string, object: object, more: object = {}) => ({
      ...{ merchant_id: `M-${kind}`, type, event_id: `sq-${kind}-${++number}`, created_at: "2026-03-01T10:00:00Z" },
      data: { type: "any", id, object },
      ...more,
    });
    const paid = (id: string, more: object = {}) => event("payment.updated", id, { payment: { id, status: "COMPLETED" } }, more);
    const signer = () => homing.signers.get("pos/square") as NonNullable<ReturnType<typeof homing.signers.get>>;
    /** Signed for one path, sent to another. */
    const astray = (body: object, signedFor: string, path: string) =>
      homing.callback("pos/square", body, {
        path,
        signer: { secret: "", sign: (call) => signer().sign({ ...call, url: `${homing.url}${signedFor}` }) },
      });

    it("its URL names the workspace and needs no token, because the signature covers it", async () => {
      const answer = await homing.callback("pos/square", paid("pay_url"), { path: at("pos/square", ACME) });
      expect(answer.body).toMatchObject({ status: "accepted", events: 1 });
      expect(await told(answer)).toMatchObject([
        { workspace_id: ACME, workspace_source: "path", variant: "pos.delivered", data: { message_id: "pay_url" } },
      ]);
      const withToken = await homing.callback("pos/square", paid("pay_token"), { path: homing.path("pos/square", BETA) });
      expect(await told(withToken)).toMatchObject([{ workspace_id: BETA, workspace_source: "path" }]);
    });

    it("a changed path breaks the signature, whatever it is changed to", async () => {
      const acme = at("pos/square", ACME);
      for (const path of [
        at("pos/square", BETA),
        "/callbacks/pos/square",
        homing.path("pos/square", ACME),
        at("pos/square", "_"),
      ]) {
        const answer = await astray(paid("pay_astray"), acme, path);
        expect([path, answer.status, answer.body.error?.code]).toEqual([path, 401, "signature_mismatch"]);
      }
      const wrongToken = await homing.callback("pos/square", paid("pay_astray"), { path: `${acme}/${"0".repeat(32)}` });
      expect([wrongToken.status, wrongToken.body.error.code]).toEqual([401, "token_mismatch"]);
      expect((await homing.events()).filter(({ data }) => data.message_id === "pay_astray")).toEqual([]);
    });

    it("one URL for many sellers waits until it is told whose each is; then another's URL is a conflict", async () => {
      const seller = { merchant_id: `SELLER-${kind}` };
      const waiting = await homing.callback("pos/square", paid("pay_seller", seller));
      expect(waiting.body).toMatchObject({ status: "unmatched" });
      const groups = await homing.api("GET", "/v1/unmatched?group=reference&provider=pos");
      expect(groups.body.data).toMatchObject([{ provider: "pos", dialect: "square", reason: "no_reference_bound" }]);
      const bound = await homing.api("PUT", "/v1/bindings", {
        ...{ provider: "pos", dialect: "square", kind: "merchant", value: seller.merchant_id, workspace_id: ACME },
      });
      expect(bound.body).toMatchObject({ rematched: 1, remaining: 0 });
      expect(await told(waiting)).toMatchObject([{ workspace_id: ACME, workspace_source: "lookup" }]);

      // Every subscription of an application gets every seller's events: one of two URLs is the wrong one.
      const body = paid("pay_twice", seller);
      const right = await homing.callback("pos/square", body, { path: at("pos/square", ACME) });
      const wrong = await homing.callback("pos/square", body, { path: at("pos/square", BETA) });
      expect([right.body.status, wrong.body.status]).toEqual(["accepted", "unmatched"]);
      expect((await trace(wrong)).reason).toBe("workspace_conflict");
    });

    it("learns of no URL whose merchant it is: a merchant of two workspaces contradicts neither", async () => {
      const shared = { merchant_id: `SHARED-${kind}` };
      for (const workspace of [ACME, BETA, ACME]) {
        const answer = await homing.callback("pos/square", paid(`pay_${workspace}`, shared), {
          path: at("pos/square", workspace),
        });
        expect(await told(answer)).toMatchObject([{ workspace_id: workspace }]);
      }
      expect((await homing.api("GET", "/v1/bindings?provider=pos&origin=learned")).body.data).toEqual([]);
    });

    it("a resend is told once, by whatever headers; the older signature is never shown", async () => {
      const body = paid("pay_again");
      const path = at("pos/square", ACME);
      const first = await homing.callback("pos/square", body, { path });
      const headers = { "square-retry-number": "1", "x-square-signature": "2jmj7l5rSw0yVb/vlWAYkK/YBwk=" };
      const again = await homing.callback("pos/square", body, { path, headers });
      expect([first.body.status, again.body.status]).toEqual(["accepted", "duplicate"]);
      expect(JSON.stringify(await trace(again))).not.toContain(headers["x-square-signature"]);
    });

    it("a customer's changes are told with old and new, a merge once for each that went, and nothing of these afterwards", async () => {
      const send = (body: object) => homing.callback("pos/square", body, { path: at("pos/square", ACME) });
      const profile = (updated_at: string, more: object) => ({
        customer: { created_at: "2026-03-01T09:00:00Z", updated_at, given_name: "Amelia", ...more },
      });
      const known = { email_address: "old@example.com", phone_number: "+12125554240" };
      const created = await send(event("customer.created", "cust_a", profile("2026-03-01T09:00:00Z", known)));
      expect(await told(created)).toMatchObject([
        { type: "contact.created", data: { contact_id: "cust_a", email: "old@example.com", phone: "+12125554240" } },
      ]);
      // The phone is left out, so it is gone; the first name is as it was.
      const updated = await send(
        event("customer.updated", "cust_a", profile("2026-03-01T10:00:00Z", { email_address: "new@example.com" })),
      );
      expect(await told(updated)).toMatchObject([
        {
          type: "contact.updated",
          data: {
            contact_id: "cust_a",
            changes: { email: { old: "old@example.com", new: "new@example.com" }, phone: { old: "+12125554240", new: null } },
          },
        },
      ]);
      expect(Object.keys((await told(updated))[0]?.data.changes as object).sort()).toEqual(["email", "phone"]);
      const late = await send(event("customer.updated", "cust_a", profile("2026-03-01T09:30:00Z", known)));
      expect([late.body.status, (await trace(late)).items[0].reason]).toEqual(["ignored", "older_than_state"]);

      const context = { event_context: { merge: { from_customer_ids: ["cust_a", "cust_b"], to_customer_id: "cust_c" } } };
      const when = { created_at: "2026-03-02T10:00:00Z" };
      const ofA = await send(event("customer.deleted", "cust_a", { ...profile("2026-03-01T10:00:00Z", {}), ...context }, when));
      const ofB = await send(event("customer.deleted", "cust_b", { ...profile("2026-03-01T10:00:00Z", {}), ...context }, when));
      const ofC = await send(
        event("customer.created", "cust_c", { ...profile("2026-03-02T10:00:00Z", known), ...context }, when),
      );
      expect([ofA.body, ofB.body, ofC.body]).toMatchObject([{ events: 2 }, { events: 0, duplicates: 2 }, { events: 1 }]);
      expect((await told(ofA)).map(({ type, data }) => [type, data])).toEqual([
        ["contact.merged", { surviving_id: "cust_c", merged_id: "cust_a", merge_source: "square" }],
        ["contact.merged", { surviving_id: "cust_c", merged_id: "cust_b", merge_source: "square" }],
      ]);
      for (const id of ["cust_a", "cust_b"]) {
        const after = await send(event("customer.updated", id, profile("2026-03-03T10:00:00Z", known)));
        expect([after.body.status, (await trace(after)).items[0].reason]).toEqual(["ignored", "older_than_state"]);
      }
    });
  });

  describe("Petpooja", () => {
    const order = (restID: string, orderID: string, status: string) => ({ restID, orderID, status, cancel_reason: "" });
    const send = (workspace: string, body: object) =>
      homing.callback("pos/petpooja", body, { path: homing.path("pos/petpooja", workspace), signer: null });

    it("the same order id at two restaurants of two workspaces is two orders", async () => {
      const acme = await send(ACME, order("rest-a", "ORD-1", "10"));
      const beta = await send(BETA, order("rest-b", "ORD-1", "-1"));
      expect(await told(acme)).toMatchObject([
        { workspace_id: ACME, variant: "pos.delivered", provider_data: { clock: "received" } },
      ]);
      expect(await told(beta)).toMatchObject([{ workspace_id: BETA, variant: "pos.failed" }]);
      const { data } = (await homing.api("GET", "/v1/messages/ORD-1")).body;
      expect(data.map((one: any) => [one.workspace_id, one.state]).sort()).toEqual(
        [
          [ACME, "delivered"],
          [BETA, "failed"],
        ].sort(),
      );
    });

    it("even the same restaurant and order in two workspaces do not touch each other", async () => {
      for (const workspace of [ACME, BETA]) {
        const answer = await send(workspace, order("rest-shared", "ORD-2", "1"));
        expect(await told(answer)).toMatchObject([{ workspace_id: workspace }]);
        expect((await send(workspace, order("rest-shared", "ORD-2", "1"))).body).toMatchObject({ status: "duplicate" });
      }
      expect((await homing.api("GET", "/v1/bindings?provider=pos&origin=learned")).body.data).toEqual([]);
    });

    it("nothing is believed without a token, and a token is its workspace's alone", async () => {
      const body = order("rest-a", "ORD-3", "10");
      const none = await homing.callback("pos/petpooja", body, { path: at("pos/petpooja", ACME), signer: null });
      expect([none.status, none.body.error.code]).toEqual([401, "token_missing"]);
      const token = homing.path("pos/petpooja", ACME).split("/").at(-1);
      const borrowed = await homing.callback("pos/petpooja", body, {
        path: `${at("pos/petpooja", BETA)}/${token}`,
        signer: null,
      });
      expect([borrowed.status, borrowed.body.error.code]).toEqual([401, "token_mismatch"]);
    });

    it("by the platform's URL an order waits for its restaurant, which brings all of its orders home", async () => {
      const first = await send("_", order("rest-c", "ORD-4", "1"));
      const other = await send("_", order("rest-c", "ORD-5", "-1"));
      expect([first.body.status, other.body.status]).toEqual(["unmatched", "unmatched"]);
      const bound = await homing.api("PUT", "/v1/bindings", {
        ...{ provider: "pos", dialect: "petpooja", kind: "store", value: "rest-c", workspace_id: BETA },
      });
      expect(bound.body).toMatchObject({ rematched: 2, remaining: 0 });
      expect(await told(first)).toMatchObject([{ workspace_id: BETA, workspace_source: "lookup" }]);
    });
  });

  describe("UrbanPiper", () => {
    const update = (new_state: string, more: object = {}) => ({ order_id: 4013123, store_id: "STORE-17", new_state, ...more });
    const send = (workspace: string, body: object) =>
      homing.callback("pos/urbanpiper", body, { path: homing.path("pos/urbanpiper", workspace), signer: null });

    it("the same store and order of two workspaces do not touch each other, and a late state lowers nothing", async () => {
      for (const workspace of [ACME, BETA]) {
        for (const [state, time] of [
          ["Acknowledged", 1775910000000],
          ["Completed", 1775911267],
          ["Dispatched", "2026-04-11T12:20:00Z"],
        ] as const) {
          const answer = await send(workspace, update(state, { timestamp: time }));
          expect(await told(answer)).toMatchObject([{ workspace_id: workspace, data: { message_id: "4013123" } }]);
        }
      }
      const { data } = (await homing.api("GET", "/v1/messages/4013123")).body;
      expect(data.map((one: any) => [one.state, one.state_at])).toEqual([
        ["delivered", "2026-04-11T12:41:07.000Z"],
        ["delivered", "2026-04-11T12:41:07.000Z"],
      ]);
    });

    it("a static token of the workspace's own in a registered header vouches for it", async () => {
      const secret = `static-token-of-acme-${kind}`;
      await homing.api("PUT", "/v1/secrets/pos/urbanpiper", { workspace_id: ACME, secrets: [secret] });
      const { fixtureSigner } = await signersOf("pos/urbanpiper");
      const signer = { ...fixtureSigner, sign: () => ({ "x-callback-token": secret }) };
      const body = update("Acknowledged", { order_id: 5 });
      const answer = await homing.callback("pos/urbanpiper", body, { path: at("pos/urbanpiper", ACME), signer });
      expect(await told(answer)).toMatchObject([{ workspace_id: ACME, workspace_source: "credential" }]);
      expect(JSON.stringify(await trace(answer))).not.toContain(secret);
      const elsewhere = await homing.callback("pos/urbanpiper", body, { path: at("pos/urbanpiper", BETA), signer });
      expect([elsewhere.status, elsewhere.body.error.code]).toEqual([401, "token_mismatch"]);
    });

    it("the codes of a handover are never shown", async () => {
      const answer = await send(ACME, {
        ...{ order_id: 4013123, store: { ref_id: "STORE-17" } },
        delivery_info: { current_state: "at-store", order_return_otp: "44117", bag_return_otp: 99120 },
      });
      expect(answer.body).toMatchObject({ status: "ignored" });
      const shown = await trace(answer);
      expect(shown.request.body).toContain("at-store");
      expect(shown.request.body).not.toMatch(/44117|99120/);
    });
  });

  describe("generic", () => {
    const event = (more: object) => ({ version: 1, occurred_at: "2026-07-20T18:45:10+05:30", store_id: "S1", ...more });
    const send = (
      body: object,
      path = "/callbacks/pos/generic",
      signer?: Awaited<ReturnType<typeof signersOf>>["fixtureSigner"],
    ) => homing.callback("pos/generic", body, { path, ...(signer && { signer }) });

    it("two shops that choose the same ids, each with its own secret, do not touch each other", async () => {
      const { newSigner } = await signersOf("pos/generic");
      const body = event({ event: "receipt.status", event_id: "1", receipt_id: "R-1", status: "delivered" });
      for (const workspace of [ACME, BETA]) {
        const signer = newSigner();
        await homing.api("PUT", "/v1/secrets/pos/generic", { workspace_id: workspace, secrets: [signer.secret] });
        const answer = await send(body, at("pos/generic", workspace), signer);
        expect(await told(answer)).toMatchObject([
          { workspace_id: workspace, workspace_source: "credential", data: { message_id: "R-1" } },
        ]);
        expect((await send(body, at("pos/generic", workspace), signer)).body).toMatchObject({ status: "duplicate" });
        const named = { ...body, event_id: "2", metadata: { workspace_id: workspace === ACME ? BETA : ACME } };
        const foreign = await send(named, at("pos/generic", workspace), signer);
        expect((await trace(foreign)).reason).toBe("workspace_conflict");
      }
    });

    it("what its sender echoes places it and brings our ids along", async () => {
      const metadata = { homing_workspace_id: BETA, message_id: "m_7", campaign_id: "monsoon" };
      const answer = await send(event({ event: "order.status", event_id: "3", order_id: "O-7", status: "ready", metadata }));
      expect(await told(answer)).toMatchObject([
        { workspace_id: BETA, workspace_source: "metadata", data: { message_id: "m_7", campaign_id: "monsoon" } },
      ]);
    });

    it("two stores that number their events alike under one secret both wait", async () => {
      const body = event({ event: "order.status", event_id: "4", order_id: "O-8", status: "ready" });
      const answers = [await send(body), await send({ ...body, store_id: "S2" }), await send(body)];
      expect(answers.map((answer) => answer.body.status)).toEqual(["unmatched", "unmatched", "duplicate"]);
    });

    it("a customer's changes are told with old and new; what is left out has not changed", async () => {
      const customer = (event_id: string, event_name: string, hour: string, who: object, more: object = {}) =>
        send(
          event({
            event: event_name,
            event_id,
            occurred_at: `2026-07-20T${hour}:00:00Z`,
            customer: { id: "C-1", ...who },
            ...more,
          }),
          homing.path("pos/generic", ACME),
        );
      await customer("c1", "customer.created", "10", { email: "old@example.in", phone: "+911", name: "Asha" });
      const updated = await customer("c2", "customer.updated", "11", { email: "new@example.in", phone: "" });
      expect((await told(updated)).map(({ data }) => data.changes)).toEqual([
        { email: { old: "old@example.in", new: "new@example.in" }, phone: { old: "+911", new: null } },
      ]);
      const merged = await customer("c3", "customer.merged", "12", {}, { merged_customer_ids: ["C-2", "C-3"] });
      expect((await told(merged)).map(({ data }) => data.merged_id)).toEqual(["C-2", "C-3"]);
      const deleted = await customer("c4", "customer.deleted", "13", {}, { reason: "asked" });
      expect(await told(deleted)).toMatchObject([{ type: "contact.deleted", data: { deletion_reason: "asked" } }]);
      const late = await customer("c5", "customer.updated", "14", { name: "Asha Rao" });
      expect((await trace(late)).items[0].reason).toBe("older_than_state");
    });
  });
});
