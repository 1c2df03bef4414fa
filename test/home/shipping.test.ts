import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Event } from "../../src/events/build.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";

const API_KEY = "the-platforms-x-api-key-0001";
const ACMES_KEY = "acmes-own-x-api-key-0001";

/** A scan as Shiprocket pushes it. */
const scan = (awb: string, id: number, label: string, more: object = {}) => ({
  awb,
  courier_name: "Delhivery Surface",
  current_status: label,
  shipment_status: label,
  shipment_status_id: id,
  current_timestamp: "23 05 2023 11:43:52",
  order_id: `1373900_${awb}`,
  scans: [{ date: "2023-05-23 11:43:52", activity: label }],
  is_return: 0,
  ...more,
});

describe.each(databases)("Parcels come home on the %s database", (kind) => {
  let homing: TestGateway;
  /** Without a credential, but for those that are given. */
  const push = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    homing.callback("shipping/shiprocket", body, { path, headers, signer: null });
  const emittedBy = async (callbackId: string): Promise<Event[]> =>
    (await homing.events()).filter((event) => event.callback_id === callbackId);
  const urlOf = async (adapter: string, workspace: string) => {
    const { body } = await homing.api("GET", `/v1/callback-url?adapter=${adapter}&workspace_id=${workspace}`);
    return new URL(body.url).pathname;
  };
  const ACMES_URL = `/callbacks/shipping/carrier-s/${ACME}`;

  beforeAll(async () => {
    homing = await startGateway(kind, { SHIPPING_SHIPROCKET_SECRETS: API_KEY });
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
    await homing.api("PUT", "/v1/secrets/shipping/shiprocket", { workspace_id: ACME, secrets: [ACMES_KEY] });
  });
  afterAll(() => homing.close());

  it("through its alias, with the token in the URL", async () => {
    const url = await urlOf("shipping/shiprocket", ACME);
    expect(url).toMatch(new RegExp(`^${ACMES_URL}/[0-9a-f]{32}$`));
    expect(url).not.toMatch(/shiprocket|kartrocket|sr|kr/i);
    const { status, body } = await push(url, scan("1001", 18, "IN TRANSIT"));
    expect([status, body.status, body.events]).toEqual([200, "accepted", 1]);
    expect(await emittedBy(body.callback_id)).toMatchObject([
      {
        type: "delivery.sent",
        variant: "shipping.sent",
        workspace_id: ACME,
        workspace_source: "path",
        provider: "shipping",
        dialect: "shiprocket",
        occurred_at: "2023-05-23T06:13:52.000Z",
        data: { message_id: "1001", channel: "shipping", campaign_id: null, contact_id: null },
        provider_data: { status: "IN TRANSIT", carrier: "Delhivery Surface", order_id: "1373900_1001" },
      },
    ]);
    // Support has the shop's order number only.
    const found = await homing.api("GET", "/v1/callbacks?q=1373900_1001");
    expect(found.body.data.map(({ id }: { id: string }) => id)).toEqual([body.callback_id]);
  });

  it("through its alias, with a workspace's own x-api-key", async () => {
    const { body } = await push(ACMES_URL, scan("1002", 18, "IN TRANSIT"), { "x-api-key": ACMES_KEY });
    expect(body).toMatchObject({ status: "accepted", events: 1 });
    expect(await emittedBy(body.callback_id)).toMatchObject([{ workspace_id: ACME, workspace_source: "credential" }]);
    expect(JSON.stringify((await homing.api("GET", `/v1/callbacks/${body.callback_id}`)).body)).not.toContain(ACMES_KEY);
  });

  it("by the platform's x-api-key alone it waits, and somebody's word for the parcel brings it home", async () => {
    const { body } = await push("/callbacks/shipping/carrier-s", scan("1003", 7, "DELIVERED"), { "x-api-key": API_KEY });
    expect(body).toMatchObject({ status: "unmatched", unmatched: 1 });
    const bound = await homing.api("PUT", "/v1/bindings", {
      ...{ provider: "shipping", dialect: "shiprocket", kind: "message", value: "delhivery-surface:1003", workspace_id: BETA },
    });
    expect(bound.body).toMatchObject({ rematched: 1, remaining: 0 });
    expect(await emittedBy(body.callback_id)).toMatchObject([{ workspace_id: BETA, type: "delivery.delivered" }]);
  });

  it("answers its set-up check without credential, and makes nothing of it", async () => {
    const before = (await homing.events()).length;
    for (const body of ["", "{}", '{"awb":"","current_status":"TEST"}']) {
      const answer = await push(ACMES_URL, body);
      expect([answer.status, answer.body]).toEqual([200, { status: "probe" }]);
    }
    await homing.settled();
    expect((await homing.events()).length).toBe(before);
  });

  it("refuses whatever names a parcel without a credential, or with a wrong one", async () => {
    const parcel = scan("1004", 7, "DELIVERED");
    const forged = await push(ACMES_URL, parcel);
    expect([forged.status, forged.body.error.code]).toEqual([401, "token_missing"]);
    for (const key of ["a-guessed-x-api-key-0001", `${API_KEY}.`, API_KEY.toUpperCase()]) {
      const wrong = await push(ACMES_URL, parcel, { "x-api-key": key });
      expect([wrong.status, wrong.body.error.code]).toEqual([401, "token_mismatch"]);
    }
    // Nor is a check with a wrong key one.
    const probing = await push(ACMES_URL, "{}", { "x-api-key": "a-guessed-x-api-key-0001" });
    expect(probing.status).toBe(401);
    const elsewhere = homing.path("shipping/shiprocket", BETA).split("/").at(-1);
    const borrowed = await push(`${ACMES_URL}/${elsewhere}`, parcel);
    expect([borrowed.status, borrowed.body.error.code]).toEqual([401, "token_mismatch"]);
    const found = await homing.api("GET", "/v1/messages/1004");
    expect(found.body.data).toEqual([]);
  });

  it("RTO delivered is failed, returned to its origin, and told once", async () => {
    const url = homing.path("shipping/shiprocket", ACME);
    await push(url, scan("1005", 42, "PICKED UP"));
    expect((await push(url, scan("1005", 21, "UNDELIVERED"))).body).toMatchObject({ status: "ignored", ignored: 1 });
    const initiated = await push(url, scan("1005", 9, "RTO INITIATED"));
    expect(await emittedBy(initiated.body.callback_id)).toMatchObject([
      { type: "delivery.failed", data: { error_code: "returned_to_origin", error_reason: "RTO INITIATED" } },
    ]);
    expect((await push(url, scan("1005", 46, "RTO IN TRANSIT"))).body).toMatchObject({ status: "duplicate" });
    expect((await push(url, scan("1005", 10, "RTO DELIVERED"))).body).toMatchObject({ status: "duplicate" });
    // Where only the last scan was ever seen, it says the same.
    const late = await push(url, scan("1006", 10, "RTO DELIVERED"));
    expect(await emittedBy(late.body.callback_id)).toMatchObject([
      { type: "delivery.failed", data: { error_code: "returned_to_origin" } },
    ]);
    const { body } = await homing.api("GET", "/v1/messages/1005");
    expect(body.data).toMatchObject([{ state: "failed", channel: "shipping", workspace_id: ACME }]);
    expect(body.data[0].events.map((event: Event) => event.type)).toEqual(["delivery.sent", "delivery.failed"]);
  });

  it("a parcel that was lost and found is delivered, in either order", async () => {
    const url = homing.path("shipping/shiprocket", ACME);
    const steps = [
      [12, "LOST"],
      [7, "DELIVERED"],
    ] as const;
    for (const [awb, order] of [
      ["1007", steps],
      ["1008", steps.toReversed()],
    ] as const) {
      for (const [id, label] of order) expect((await push(url, scan(awb, id, label))).body).toMatchObject({ events: 1 });
      expect((await homing.api("GET", `/v1/messages/${awb}`)).body.data).toMatchObject([{ state: "delivered" }]);
    }
  });

  it("the same parcel resent, with more scans around it or at the other door, is a duplicate", async () => {
    const url = homing.path("shipping/shiprocket", ACME);
    const body = scan("1009", 18, "IN TRANSIT");
    const first = await push(url, body);
    expect(first.body).toMatchObject({ status: "accepted", events: 1 });
    const later = { current_timestamp: "24 05 2023 09:00:00", scans: [...body.scans, { date: "2023-05-24 09:00:00" }] };
    for (const again of [body, { ...body, ...later }, scan("1009", 17, "OUT FOR DELIVERY", later), { ...body, awb: 1009 }])
      expect((await push(url, again)).body).toMatchObject({ status: "duplicate", duplicates: 1, events: 0 });
    const otherDoor = await push(ACMES_URL, body, { "x-api-key": ACMES_KEY, "user-agent": "another" });
    expect(otherDoor.body).toMatchObject({ status: "duplicate", duplicates: 1 });
  });

  it("reports in other batches are duplicates, one by one", async () => {
    const report = (shipment_id: string, status: string, event_id: string) => ({
      ...{ version: 1, event_id, shipment_id, status, carrier: "Blue Dart", occurred_at: "2025-11-22T14:30:00+05:30" },
      metadata: { homing_workspace_id: ACME, message_id: `ours-${shipment_id}`, campaign_id: "cmp_1" },
    });
    const send = (...reports: object[]) => homing.callback("shipping/generic", reports.length === 1 ? reports[0] : reports);
    expect((await send(report("2001", "picked_up", "a"), report("2002", "picked_up", "b"))).body).toMatchObject({ events: 2 });
    const mixed = await send(
      report("2002", "in_transit", "c"),
      report("2003", "picked_up", "d"),
      report("2001", "picked_up", "a"),
    );
    expect(mixed.body).toMatchObject({ status: "accepted", events: 1, duplicates: 2 });
    expect((await send(report("2003", "in_transit", "e"))).body).toMatchObject({ status: "duplicate" });
    // Metadata of the first report taught whose parcel it is, and what we call it.
    const { metadata: _, ...bare } = report("2001", "delivered", "f");
    const delivered = await send(bare);
    expect(await emittedBy(delivered.body.callback_id)).toMatchObject([
      { workspace_id: ACME, workspace_source: "lookup", data: { message_id: "ours-2001", campaign_id: "cmp_1" } },
    ]);
  });

  it("another carrier's same number is another parcel", async () => {
    const url = homing.path("shipping/shiprocket", ACME);
    const other = { courier_name: "Xpressbees Surface" };
    expect((await push(url, scan("1010", 7, "DELIVERED"))).body).toMatchObject({ events: 1 });
    expect((await push(url, scan("1010", 7, "DELIVERED", other))).body).toMatchObject({ status: "accepted", events: 1 });
    expect((await push(url, scan("1010", 7, "DELIVERED", other))).body).toMatchObject({ status: "duplicate" });
    // What is told of one carrier's parcel says nothing of the other's.
    const bind = (value: string, workspace_id: string) =>
      homing.api("PUT", "/v1/bindings", { provider: "shipping", dialect: "generic", kind: "message", value, workspace_id });
    await bind("dtdc:1011", ACME);
    await bind("bluedart:1011", BETA);
    const send = (carrier: string | null) =>
      homing.callback("shipping/generic", { version: 1, event_id: "e", shipment_id: "1011", status: "delivered", carrier });
    for (const [carrier, workspace_id] of [
      ["DTDC", ACME],
      ["BlueDart", BETA],
    ] as const) {
      const { body } = await send(carrier);
      expect(await emittedBy(body.callback_id)).toMatchObject([{ workspace_id, workspace_source: "lookup" }]);
    }
    for (const carrier of ["Ekart", null]) expect((await send(carrier)).body).toMatchObject({ status: "unmatched" });
  });

  it("the same number in two workspaces' own accounts is two parcels", async () => {
    const body = scan("1012", 7, "DELIVERED");
    for (const workspace of [ACME, BETA]) {
      const answer = await push(homing.path("shipping/shiprocket", workspace), body);
      expect(await emittedBy(answer.body.callback_id)).toMatchObject([{ workspace_id: workspace }]);
    }
  });

  it("each carrier's token goes into its own header", async () => {
    for (const [adapter, header, body] of [
      ["shipping/delhivery", "x-webhook-token", { Shipment: { AWB: "3001", Status: { StatusType: "DL", Status: "Delivered" } } }],
      ["shipping/clickpost", "webhook_key", { waybill: "3002", cp_id: 4, clickpost_status_code: 8 }],
    ] as const) {
      const token = "7e7cc4c4-273d-49ce-90f1-ecc2b69b4e6c";
      await homing.api("PUT", `/v1/secrets/${adapter}`, { workspace_id: BETA, secrets: [token] });
      const send = (headers: Record<string, string>) =>
        homing.callback(adapter, body, { path: `/callbacks/${adapter}/${BETA}`, headers, signer: null });
      expect((await send({ "x-api-key": token })).body.error.code).toBe("token_missing");
      const { body: receipt } = await send({ [header]: token });
      expect(await emittedBy(receipt.callback_id)).toMatchObject([{ workspace_id: BETA, type: "delivery.delivered" }]);
    }
  });
});
