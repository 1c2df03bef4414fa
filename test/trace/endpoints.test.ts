import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";
import { startReceiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";

describe.each(databases)("what a trace tells of endpoints, on the %s database", (kind) => {
  let homing: TestGateway;
  let workspace: string;
  beforeAll(async () => {
    homing = await startGateway(kind, { ALLOW_PRIVATE_ENDPOINTS: "true" });
  });
  afterAll(() => homing.close());
  beforeEach(async () => {
    workspace = crypto.randomUUID();
    await homing.api("PUT", `/v1/workspaces/${workspace}`, { name: "A workspace" });
  });

  const create = async (description: string, events: string[], url = "http://127.0.0.1:8443/hook"): Promise<string> => {
    const { body, status } = await homing.api("POST", "/v1/endpoints", { workspace_id: workspace, url, events, description });
    expect(status).toBe(201);
    return body.id;
  };
  const change = (id: string, body: object) => homing.api("PATCH", `/v1/endpoints/${id}`, body);
  /** A delivery that comes home, and how to ask for what became of it. */
  const deliver = async (status = "delivered", workspace_id: string | null = workspace) => {
    const id = crypto.randomUUID();
    const meta = workspace_id && { workspace_id };
    const { body } = await homing.callback("example", { reports: [{ id, message_id: id, status, meta }] });
    return async () => {
      const trace = await homing.api("GET", `/v1/callbacks/${body.callback_id}`);
      return trace.body.items[0].endpoints as { name: string; [field: string]: any }[];
    };
  };
  const told = (stories: { name: string; [field: string]: unknown }[]) =>
    stories.map(({ name, subscribed, filter, reason }) => [name, subscribed, filter, reason]);

  it("each says whether it asked for the event, and by which filter", async () => {
    for (const [name, events] of [
      ["exact", ["contact.*", "delivery.delivered"]],
      ["family", ["delivery.*"]],
      ["all", ["*"]],
      ["other", ["delivery.bounced", "contact.*"]],
    ] as const)
      await create(name, [...events]);
    const stories = await deliver();
    expect(told(await stories())).toEqual([
      ["exact", true, "delivery.delivered", null],
      ["family", true, "delivery.*", null],
      ["all", true, "*", null],
      ["other", false, null, "not_asked_for"],
    ]);
    expect((await stories()).map(({ dispatch_id }) => dispatch_id)).toEqual([
      ...Array(3).fill(expect.stringMatching(/^dsp_/)),
      null,
    ]);
  });

  it("what was asked for then is told, whatever is asked for now", async () => {
    const [first, second, third] = [
      await create("first", ["delivery.*"]),
      await create("second", ["contact.*"]),
      await create("third", ["*"]),
    ];
    const earlier = await deliver();
    await change(first, { events: ["contact.*"] });
    await change(second, { events: ["delivery.delivered"] });
    await change(third, { state: "disabled" });
    const later = await deliver();
    await homing.api("DELETE", `/v1/endpoints/${first}`);
    await change(third, { state: "active" });
    await create("later", ["*"]);
    expect(told(await earlier())).toEqual([
      ["first", true, "delivery.*", null],
      ["second", false, null, "not_asked_for"],
      ["third", true, "*", null],
    ]);
    expect(told(await later())).toEqual([
      ["first", false, null, "not_asked_for"],
      ["second", true, "delivery.delivered", null],
      ["third", false, "*", "switched_off"],
    ]);
    expect((await earlier()).map(({ filters }) => filters)).toEqual([["delivery.*"], ["contact.*"], ["*"]]);
  });

  it("endpoints of other workspaces, and what stays on the bus, are nobody's business", async () => {
    const mine = workspace;
    await create("mine", ["*"]);
    workspace = crypto.randomUUID();
    await homing.api("PUT", `/v1/workspaces/${workspace}`, { name: "Another" });
    await create("theirs", ["*"]);
    expect(told(await (await deliver("delivered", mine))())).toEqual([["mine", true, "*", null]]);
    expect(told(await (await deliver("unheard-of", mine))())).toEqual([]);
    expect(told(await (await deliver("delivered", null))())).toEqual([]);
  });

  it("every call of a webhook is told as it went", async () => {
    let status = 500;
    const there = await startReceiver((_, response) => void response.writeHead(status).end(`said ${status}`));
    await create("slow to learn", ["*"], there.url);
    const stories = await deliver();
    await until(stories, ([story]) => story?.state === "retrying");
    status = 200;
    const [story] = await stories();
    expect((await homing.api("POST", `/v1/dispatches/${story?.dispatch_id}/retry`)).status).toBe(201);
    await until(stories, ([now]) => now?.state === "succeeded");
    expect(await stories()).toMatchObject([
      {
        ...{ name: "slow to learn", subscribed: true, state: "succeeded", next_at: null },
        attempts: [
          { at: expect.stringMatching(/Z$/), status: 500, ms: expect.any(Number), error: "status", response: "said 500" },
          { at: expect.stringMatching(/Z$/), status: 200, ms: expect.any(Number), error: null, response: "said 200" },
        ],
      },
    ]);
    await there.close();
  });

  it("a callback that comes home late tells the endpoints of when it came home", async () => {
    await create("from the start", ["*"]);
    const id = crypto.randomUUID();
    const { body } = await homing.callback("example", { reports: [{ id, message_id: id, status: "delivered" }] });
    await create("made while it waited", ["*"]);
    await homing.api("PUT", "/v1/bindings", { provider: "example", kind: "message", value: id, workspace_id: workspace });
    await create("too late", ["*"]);
    const trace = await homing.api("GET", `/v1/callbacks/${body.callback_id}`);
    expect(told(trace.body.items[0].endpoints)).toEqual([
      ["from the start", true, "*", null],
      ["made while it waited", true, "*", null],
    ]);
  });

  it("an endpoint without a description goes by its host", async () => {
    await homing.api("POST", "/v1/endpoints", { workspace_id: workspace, url: "http://127.0.0.1:8443/hook", events: ["*"] });
    expect(told(await (await deliver())())).toEqual([["127.0.0.1:8443", true, "*", null]]);
  });
});
