import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Endpoint, endpointFares } from "../../src/trace/fares.ts";
import { plain } from "../../src/trace/sentence.ts";
import { ACME } from "../support/fixtures.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import { read, Visitor } from "./support/visitor.ts";

const failure = (at: string) => ({ at, status: 503, error: null, dispatch_id: "dsp_1" });
const endpoint = (health: Partial<Endpoint["health"]>, more: Partial<Endpoint> = {}): Endpoint => ({
  ...{ id: "ep_1", workspace_id: ACME, url: "https://erp.example/hook", events: ["*"], description: "ERP" },
  ...{ signature_header: "X-Aegis-Signature", state: "active", state_reason: null, created_at: null, ...more },
  health: {
    ...{ success_rate_24h: 1, last_success_at: "2026-11-22T10:20:00.000Z", last_failures: [], waiting: 0, dead: 0 },
    ...{ circuit: "closed", ...health },
  },
});

describe("the word of an endpoint holds beside its share", () => {
  const late = [failure("2026-11-22T10:25:00.000Z")];
  const early = [failure("2026-11-22T10:00:00.000Z")];
  it.each([
    ["Accepts all", endpoint({}), "ERP accepted all of the last 24 hours’ attempts"],
    [
      "Accepts most",
      endpoint({ success_rate_24h: 0.992, last_failures: early }),
      "ERP accepted 99.2 % of the last 24 hours’ attempts",
    ],
    [
      "Accepts some",
      endpoint({ success_rate_24h: 0.25, last_failures: early }),
      "ERP accepted 25 % of the last 24 hours’ attempts",
    ],
    [
      "Trying again",
      endpoint({ success_rate_24h: 0.25, last_failures: late, waiting: 2 }),
      "ERP did not accept the last one; we try again",
    ],
    [
      "Last one not accepted",
      endpoint({ success_rate_24h: 0.9, last_failures: late, dead: 1 }),
      "ERP did not accept the last one",
    ],
    [
      "Does not answer",
      endpoint({ success_rate_24h: 0, circuit: "open", waiting: 9 }),
      "ERP does not answer; we try one at a time",
    ],
    ["Switched off", endpoint({}, { state: "disabled" }), "ERP is switched off"],
    ["Nothing sent", endpoint({ success_rate_24h: null }), "Nothing was sent to ERP in the last 24 hours"],
  ])("%s", (word, one, headline) => {
    const state = endpointFares(one);
    expect([state.word, plain(state.headline)]).toEqual([word, headline]);
  });
});

describe.each(databases)("the page of an endpoint (%s)", (kind) => {
  let homing: TestGateway;
  let receiver: Receiver;
  let desk: Visitor;

  beforeAll(async () => {
    receiver = await startReceiver();
    homing = await startGateway(kind, { ALLOW_PRIVATE_ENDPOINTS: "true" });
    await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    const { body } = await homing.api("POST", "/v1/tokens", { name: "Desk 2", role: "support" });
    desk = await new Visitor(homing.url).login(body.token);
  });
  afterAll(async () => {
    await homing.close();
    await receiver.close();
  });

  it("tells who tried one again, and who tried all", async () => {
    const { body } = await homing.api("POST", "/v1/endpoints", { workspace_id: ACME, url: receiver.url, events: ["*"] });
    for (const id of ["r1", "r2"])
      await homing.callback("example", {
        reports: [{ id, message_id: id, status: "delivered", at: "2026-11-22T10:00:00Z", meta: { workspace_id: ACME } }],
      });
    await receiver.came(2);
    const { query } = homing.gateway.database;
    const all = () => query<{ id: string; state: string }>("select id, state from dispatches order by id");
    const [one] = await until(all, (rows) => rows.length === 2 && rows.every((row) => row.state === "succeeded"));
    await query("update dispatches set state = 'dead', settled_at = now()");
    const page = `/console/endpoints/${body.id}`;
    const { status, headers } = await desk.post(`/console/dispatches/dsp_${one?.id.replaceAll("-", "")}/retry`);
    expect([status, headers.location]).toEqual([303, page]);
    expect((await desk.post(`${page}/retry-dead`)).status).toBe(303);
    expect(read((await desk.get(page)).text)).toMatch(
      /Who did what \S+ Desk 2 tried again what was given up \S+ Desk 2 tried delivery\.delivered again \S+ Operator made it/,
    );
  });
});
