import { afterEach, describe, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";

const sent = {
  ...{ id: "evt_test", object: "event", created: 1795345198, livemode: false, type: "invoice.sent" },
  data: { object: { id: "in_test", object: "invoice", customer: "cus_test", metadata: { workspace_id: ACME } } },
};

describe("a provider's test mode", () => {
  let homing: TestGateway;
  afterEach(() => homing.close());
  async function send(settings: Record<string, string>) {
    homing = await startGateway("postgres", settings);
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    return homing.callback("stripe", sent);
  }

  it("is marked on its events", async () => {
    expect((await send({})).body).toMatchObject({ status: "accepted", events: 1 });
    expect((await homing.events())[0]?.provider_data).toMatchObject({ test: true });
  });

  it("is ignored, and teaches nothing, where that is asked for", async () => {
    const answer = await send({ IGNORE_TEST_MODE: "true" });
    expect(answer.body).toMatchObject({ status: "ignored", events: 0, ignored: 1 });
    expect((await homing.api("GET", `/v1/callbacks/${answer.body.callback_id}`)).body.items[0]).toMatchObject({
      reason: "test_mode",
    });
    expect((await homing.api("GET", "/v1/bindings?provider=stripe")).body.data).toEqual([]);
  });
});
