import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { descriptions } from "../../src/api/openapi.ts";
import { policy } from "../../src/api/policy.ts";
import { API_TOKEN, databases } from "../support/gateway.ts";
import { follow } from "../support/stream.ts";
import { until } from "../support/until.ts";
import { ask, sameBut, type Told } from "./support/ask.ts";
import { cases, consoleRoutes, routes, successOf } from "./support/routes.ts";
import { type Holding, item, itemOf, STRAY, startTwoWorkspaces, type TwoWorkspaces } from "./support/two-workspaces.ts";

const behindToken = routes.filter((route) => !cases[route]?.may.includes("everybody"));

describe("the routes", () => {
  it("all have a case here, a rule for who may, and a description", () => {
    expect(Object.keys(cases).sort()).toEqual(routes.toSorted());
    expect(Object.keys(policy).sort()).toEqual(behindToken.toSorted());
    expect(Object.keys(descriptions).sort()).toEqual(routes.filter((route) => route.includes(" /v1/")).toSorted());
  });
});

describe.each(databases)("two workspaces and three roles on the %s database", (kind) => {
  let world: TwoWorkspaces;
  beforeAll(async () => {
    world = await startTwoWorkspaces(kind);
  });
  afterAll(() => world.close());

  const call = (token: string | null, method: string, path: string, body?: unknown) =>
    ask(world.homing.url, token, method, path, body);
  const pairs = () => [
    { mine: world.acme, theirs: world.beta },
    { mine: world.beta, theirs: world.acme },
  ];
  /** What of another's stands in a text. */
  const leaked = async (text: string, theirs: Holding) => (await world.secretsOf(theirs)).filter((word) => text.includes(word));
  /** When every webhook that is owed was sent. */
  const sent = () =>
    until(
      () => world.homing.gateway.database.query("select 1 from dispatches where state in ('pending', 'retrying')"),
      (rows) => rows.length === 0,
    );
  /** All that a call of another's token must leave as it is. */
  const belongings = async ({ workspace }: Holding) => {
    const { query } = world.homing.gateway.database;
    await sent();
    const rowsOf = async (table: string, columns = "*") =>
      (await query(`select ${columns} from ${table} where workspace_id = $1`, [workspace]))
        .map((row) => JSON.stringify(row))
        .sort();
    return {
      endpoints: await rowsOf("endpoints"),
      dispatches: await rowsOf("dispatches"),
      secrets: await rowsOf("secrets"),
      tokens: await rowsOf("tokens"),
      urls: await rowsOf("path_generations"),
      events: await rowsOf("events", "id"),
    };
  };

  it.each(routes)("%s", async (route) => {
    const [method = ""] = route.split(" ");
    const { may = [], about, elsewhere = 404 } = cases[route] ?? {};
    if (!about) return expect(about, `there is no case for ${route}`).toBeDefined();
    for (const { mine, theirs } of pairs()) {
      const as = async (token: string | null, holding = mine, more = "") => {
        const { path, body } = await about(holding);
        return call(token, method, `${path}${more && `${path.includes("?") ? "&" : "?"}${more}`}`, body);
      };
      const success = successOf(route);
      const forall = may.includes("everybody");
      const expected = (role: "support" | "workspace") => (may.includes(role) || forall ? success : 403);
      const stranger = forall ? success : 401;
      const own = await as(mine.token);
      expect({
        nobody: (await as(null)).status,
        "somebody with a wrong token": (await as(`${mine.token}x`)).status,
        "a token in the query": (
          await as(null, mine, `token=${API_TOKEN}&access_token=${API_TOKEN}&authorization=Bearer%20${API_TOKEN}`)
        ).status,
        operator: (await as(API_TOKEN)).status,
        support: (await as(world.support)).status,
        workspace: own.status,
      }).toEqual({
        ...{ nobody: stranger, "somebody with a wrong token": stranger, "a token in the query": stranger },
        ...{ operator: success, support: expected("support"), workspace: expected("workspace") },
      });
      expect(await leaked(own.text, theirs)).toEqual([]);
      if (method === "GET") expect((await call(mine.token, "HEAD", (await about(mine)).path)).status).toBe(own.status);
      if (forall) continue;

      const { path, body } = await about(theirs);
      const before = await belongings(theirs);
      const foreign = await call(mine.token, method, path, body);
      expect(await belongings(theirs)).toEqual(before);
      expect(foreign.status).toBe(may.includes("workspace") ? elsewhere : 403);
      expect(await leaked(foreign.text, theirs)).toEqual([]);
      // It must not even learn that there is one.
      expect(sameBut(foreign)).toEqual(sameBut(await as(mine.token, world.nowhere)));
    }
  });

  it.each([
    ["/v1/tokens/"],
    ["//v1/tokens"],
    ["/v1//tokens"],
    ["/v1/./tokens"],
    ["/v1/events/../tokens"],
    ["/v1/%74okens"],
    ["/V1/tokens"],
    ["/v1/tokens%2F"],
    ["/v1/tokens?"],
    ["/v1/secrets/example#"],
    ["/v1/secrets/%65xample"],
    ["/callbacks/../v1/tokens"],
  ])("no way of writing a path gets past the roles: %s", async (path) => {
    const { hostname, port } = new URL(world.homing.url);
    // As it stands here: fetch would tidy it up.
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    const headers = { authorization: `Bearer ${world.acme.token}` };
    request({ hostname, port, path, headers }, (answer) => resolve(answer.resume().statusCode))
      .on("error", reject)
      .end();
    expect([403, 404]).toContain(await promise);
  });

  it("the console opens to no workspace's token", async () => {
    const { acme, beta } = world;
    for (const route of consoleRoutes) {
      for (const id of [acme.callback, acme.message, acme.endpoint]) {
        const [method = "", pattern = ""] = route.split(" ");
        const path = pattern.replace(/:\w+(\{[^}]*\})?/g, id).replace("*", id);
        const { text } = await call(acme.token, method, path);
        expect([route, await leaked(text.replaceAll(id, ""), acme), await leaked(text, beta)]).toEqual([route, [], []]);
      }
    }
  });

  it.each([
    ["callbacks by e-mail", ({ email }: Holding) => `/v1/callbacks?q=${email}`],
    ["one callback at a time", ({ email }: Holding) => `/v1/callbacks?limit=1&q=${email}`],
    ["callbacks by event", ({ event }: Holding) => `/v1/callbacks?q=${event}`],
    ["callbacks by id", ({ callback }: Holding) => `/v1/callbacks?q=${callback}`],
    ["callbacks by message", ({ mark }: Holding) => `/v1/callbacks?q=${mark}-1`],
    ["callbacks by reference", ({ mark }: Holding) => `/v1/callbacks?reference=message:${mark}-1`],
    ["events by message", ({ message }: Holding) => `/v1/events?message_id=${message}`],
    ["events by the provider's id of a message", ({ mark }: Holding) => `/v1/events?message_id=${mark}-1`],
    ["events by callback", ({ callback }: Holding) => `/v1/events?callback_id=${callback}`],
    ["a message by the provider's id", ({ mark }: Holding) => `/v1/messages/${mark}-1`],
  ])("a workspace finds its own and nothing of another's: %s", async (_, path) => {
    for (const { mine, theirs } of pairs()) {
      expect((await call(mine.token, "GET", path(mine))).text).not.toContain('"data":[]');
      await findsNothing(mine, theirs, path);
    }
  });

  it.each([
    ["callbacks by our id of a message", ({ message }: Holding) => `/v1/callbacks?q=${message}`],
    ["callbacks by contact", ({ mark }: Holding) => `/v1/callbacks?q=${mark}-contact`],
    ["callbacks by workspace", ({ workspace }: Holding) => `/v1/callbacks?q=workspace:${workspace}`],
    ["callbacks by workspace as a reference", ({ workspace }: Holding) => `/v1/callbacks?reference=workspace:${workspace}`],
    ["callbacks before one", ({ callback }: Holding) => `/v1/callbacks?after=${callback}`],
    ["endpoints before one", ({ endpoint }: Holding) => `/v1/endpoints?after=${endpoint}`],
    ["waiting ones", ({ mark }: Holding) => `/v1/callbacks?status=unmatched&q=${mark}-1`],
    ["broken ones", ({ mark }: Holding) => `/v1/callbacks?status=failed&q=${mark}-1`],
    ["refused ones", ({ callback }: Holding) => `/v1/callbacks?status=rejected&after=${callback}`],
  ])("a workspace learns nothing of another's from %s", async (_, path) => {
    for (const { mine, theirs } of pairs()) await findsNothing(mine, theirs, path);
  });

  /** What is another's answers as what is nobody's. */
  async function findsNothing(mine: Holding, theirs: Holding, path: (holding: Holding) => string) {
    // The log's cursor tells the time.
    const timeless = ({ status, text }: Told) => ({ status, text: text.replace(/"next":"[A-Za-z0-9_-]{20,}"/, "") });
    const found = await call(mine.token, "GET", path(theirs));
    expect(await leaked(found.text, theirs)).toEqual([]);
    expect(timeless(found)).toEqual(timeless(await call(mine.token, "GET", path(world.nowhere))));
  }

  it("a list's cursor tells a workspace nothing of another's, nor whether there is one", async () => {
    const { acme, beta, nowhere, homing } = world;
    const [first, last] = [await beta.fresh.dispatch(), await beta.fresh.dispatch()];
    await homing.gateway.database.query(
      "update dispatches set created_at = case when replace(id::text, '-', '') = $1 then timestamptz '2026-12-01' else '2026-12-02' end where replace(id::text, '-', '') in ($1, $2)",
      [first, last].map((id) => id.slice("dsp_".length)),
    );
    const list = (holding: Holding, query: string) =>
      call(holding.token, "GET", `/v1/endpoints/${holding.endpoint}/dispatches?${query}`);
    const theirs = JSON.parse((await list(beta, "limit=2")).text).next as string;
    const nobodys = theirs.replace(/^dsp_\w+/, nowhere.dispatch);
    expect(theirs).toContain(first);
    expect(await list(acme, `after=${theirs}`)).toEqual(await list(acme, `after=${nobodys}`));
    expect(JSON.parse((await list(acme, `after=${theirs}`)).text).data).not.toEqual([]);
  });

  it("a page's end tells nothing of what a neighbour in a batch says", async () => {
    const { acme, beta, homing } = world;
    const email = "shared@everywhere.example";
    await homing.callback("sendgrid", [itemOf(beta, { email }), itemOf(acme, { timestamp: 1795345901 })]);
    await homing.callback("sendgrid", [itemOf(acme, { email })]);
    const { text } = await call(acme.token, "GET", `/v1/callbacks?limit=1&q=${email}`);
    expect(JSON.parse(text)).toMatchObject({ data: [{ events: 1 }], next: null });
  });

  it("a mixed batch shows a workspace its own items alone", async () => {
    for (const { mine, theirs } of pairs()) {
      const { text } = await call(mine.token, "GET", `/v1/callbacks/${world.mixed}`);
      expect(await leaked(text, theirs)).toEqual([]);
      const shown = JSON.parse(text);
      const alone = { events: 1, taught: 0, unmatched: 0, duplicates: 0, ignored: 0, failed: 0 };
      expect(shown).toMatchObject({
        id: world.mixed,
        status: "accepted",
        first_status: "accepted",
        reason: null,
        size: null,
        ...alone,
      });
      expect(shown.items).toMatchObject([{ index: 0, verdict: "event", workspace_id: mine.workspace }]);
      expect(shown.items[0].endpoints).toMatchObject([{ endpoint_id: mine.endpoint }]);
      expect(shown.request).toEqual({
        ...{ method: "POST", path: null, ip: null, headers: {}, body: null, body_encoding: "not shown", hidden: [], removed: [] },
      });
      expect([shown.steps_ms, shown.learned, shown.replays]).toEqual([{}, [], []]);
      const list = JSON.parse((await call(mine.token, "GET", "/v1/callbacks")).text).data;
      expect(list.find((one: { id: string }) => one.id === world.mixed)).toMatchObject({
        status: "accepted",
        size: null,
        ...alone,
      });
    }
    const { body } = await world.homing.api("GET", `/v1/callbacks/${world.mixed}`);
    expect(body).toMatchObject({ status: "failed", events: 2, unmatched: 1, failed: 1, ignored: 1 });
  });

  it("what becomes of the others in a batch changes nothing that a workspace sees", async () => {
    const { acme, beta, homing } = world;
    const lost = { ...itemOf(beta), homing_workspace_id: undefined, sg_message_id: "healed-late.recvd-1" };
    const { body } = await homing.callback("sendgrid", [lost, itemOf(acme, { timestamp: 1795345999 })]);
    const seen = () => call(acme.token, "GET", `/v1/callbacks/${body.callback_id}`);
    await sent();
    const before = await seen();
    await homing.api("PUT", "/v1/bindings", {
      ...{ provider: "sendgrid", kind: "message", value: "healed-late", workspace_id: beta.workspace },
    });
    expect((await homing.api("GET", `/v1/callbacks/${body.callback_id}`)).body).toMatchObject({ status: "accepted", events: 2 });
    expect(await seen()).toEqual(before);
    const theirs = await call(beta.token, "GET", `/v1/callbacks/${body.callback_id}`);
    expect(JSON.parse(theirs.text).items).toMatchObject([{ index: 0, healed: { cause: "binding" } }]);
    expect(await leaked(theirs.text, acme)).toEqual([]);
  });

  it("a callback that is a workspace's own shows what was sent; one that waits or is broken shows nothing", async () => {
    const { acme, homing } = world;
    const { text } = await call(acme.token, "GET", `/v1/callbacks/${acme.callback}`);
    expect(JSON.parse(text)).toMatchObject({
      request: {
        path: "/callbacks/sendgrid",
        body: expect.stringContaining(acme.email),
        headers: { "content-type": "application/json" },
      },
    });
    for (const body of [[item(STRAY)], [`broken ${STRAY}`], "no JSON", []]) {
      const { callback_id } = (await homing.callback("sendgrid", body)).body;
      expect((await call(acme.token, "GET", `/v1/callbacks/${callback_id}`)).status).toBe(404);
    }
    await homing.callback("sendgrid", [itemOf(acme)], { signer: null });
    await homing.gateway.rejections.flush();
    const { body } = await homing.api("GET", "/v1/callbacks?status=rejected");
    expect((await call(world.support, "GET", `/v1/callbacks/${body.data[0].id}`)).status).toBe(200);
    expect((await call(acme.token, "GET", `/v1/callbacks/${body.data[0].id}`)).status).toBe(404);
  });

  it("an item that came home in spite of another workspace's name does not show that name", async () => {
    const { acme, beta, homing } = world;
    const message = { sg_message_id: "contested.recvd-1", timestamp: 1795346000, email: acme.email };
    await homing.callback("sendgrid", [itemOf(acme, { ...message, event: "processed" })]);
    // The first says what cannot be; the second, the same thing told rightly, takes it along.
    const { body } = await homing.callback("sendgrid", [
      { ...itemOf(acme, message), homing_workspace_id: beta.workspace },
      itemOf(acme, message),
    ]);
    const { status, text } = await call(acme.token, "GET", `/v1/callbacks/${body.callback_id}`);
    expect([status, JSON.parse(text).items.length]).toEqual([200, 2]);
    expect(await leaked(text, beta)).toEqual([]);
  });

  it("a customer that two workspaces share shows neither of them the other", async () => {
    const { acme, beta, homing } = world;
    const paid = (id: string, { workspace }: Holding) =>
      homing.callback("stripe", {
        ...{ id: `evt_${id}`, object: "event", created: 1795345198, livemode: true, type: "invoice.paid" },
        data: { object: { id: `in_${id}`, object: "invoice", customer: "cus_of_both", metadata: { workspace_id: workspace } } },
      });
    await paid("first", acme);
    await paid("second", beta);
    const { body } = await paid("third", acme);
    expect(body).toMatchObject({ events: 1 });
    const all = await homing.api("GET", `/v1/callbacks/${body.callback_id}`);
    expect(JSON.stringify(all.body.items)).toContain(beta.workspace);
    const { text } = await call(acme.token, "GET", `/v1/callbacks/${body.callback_id}`);
    expect(await leaked(text, beta)).toEqual([]);
    expect(JSON.parse(text).request.body).toContain("cus_of_both");
  });

  it("a stream brings a workspace its own events alone", async () => {
    const { acme, beta, homing } = world;
    const stream = await follow(homing.url, acme.token);
    await homing.callback("sendgrid", [itemOf(beta, { timestamp: 1795347000 }), itemOf(acme, { timestamp: 1795347000 })]);
    await homing.callback("sendgrid", [itemOf(beta, { timestamp: 1795347001 })]);
    await homing.callback("sendgrid", [itemOf(acme, { timestamp: 1795347001 })]);
    await stream.came(2);
    await stream.stop();
    expect(stream.events.map(({ data }) => data.workspace_id)).toEqual([acme.workspace, acme.workspace]);
    expect(await leaked(stream.text(), beta)).toEqual([]);
  });

  it("support reads no secret and no path token, and removes the bindings alone that support made", async () => {
    const { support, homing, acme } = world;
    const { body: endpoint } = await homing.api("GET", `/v1/endpoints/${acme.endpoint}`);
    const tokens = [...homing.gateway.registry.keys()].map((name) =>
      homing.gateway.credentials.newestPathToken(name, acme.workspace),
    );
    await homing.callback("sendgrid", [itemOf(acme, { timestamp: 1795348000 })], {
      path: homing.path("sendgrid", acme.workspace),
    });
    for (const [route, { may, about }] of Object.entries(cases)) {
      if (!route.startsWith("GET") || !may.includes("support")) continue;
      const { path } = await about(acme);
      const { text } = await call(support, "GET", path);
      expect([acme.secret, acme.token, ...tokens].filter((secret) => text.includes(secret))).toEqual([]);
    }
    expect(endpoint).not.toHaveProperty("secret");

    const { body } = await homing.api("GET", `/v1/bindings?origin=told&provider=stripe&workspace_id=${acme.workspace}`);
    const byOperator = body.data.find((one: { kind: string }) => one.kind === "customer").id as string;
    expect((await call(support, "DELETE", `/v1/bindings/${byOperator}`)).status).toBe(403);
    const learned = (await homing.api("GET", "/v1/bindings?origin=learned")).body.data[0].id as string;
    expect((await call(support, "DELETE", `/v1/bindings/${learned}`)).status).toBe(403);
    const bySupport = await acme.fresh.binding();
    for (const _ of [1, 2]) expect((await call(support, "DELETE", `/v1/bindings/${bySupport}`)).status).toBe(204);
    const left = (await homing.api("GET", "/v1/bindings?limit=500")).body.data.map((one: { id: string }) => one.id);
    expect([byOperator, learned, bySupport].map((id) => left.includes(id))).toEqual([true, true, false]);
  });
});
