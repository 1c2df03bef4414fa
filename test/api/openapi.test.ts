import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeApi, descriptions } from "../../src/api/openapi.ts";
import { policy } from "../../src/api/policy.ts";
import { BUS_ONLY, catalogue } from "../../src/events/catalogue.ts";
import { classifications, classify } from "../../src/events/classifier.ts";
import { channels, statuses } from "../../src/provider/draft.ts";
import { API_TOKEN, databases } from "../support/gateway.ts";
import { ask } from "./support/ask.ts";
import { cases, routes, successOf } from "./support/routes.ts";
import { startTwoWorkspaces, type TwoWorkspaces } from "./support/two-workspaces.ts";
import { undescribed } from "./support/undescribed.ts";

type Operation = {
  operationId: string;
  summary: string;
  "x-roles": string[];
  parameters: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; content?: Record<string, { schema?: any }> }>;
};
const served = "https://homing.example";
// As it is read: undefined members and functions would be gone.
const document = JSON.parse(JSON.stringify(describeApi(served)));
const schemas = document.components.schemas as Record<string, any>;
const operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);
const described = Object.keys(descriptions);
const asDescribed = (route: string) => route.replace(/:(\w+)(\{.+\})?/g, "{$1}");
const operationOf = (route: string) =>
  operations.find(({ method, path }) => asDescribed(route) === `${method.toUpperCase()} ${path}`)?.operation as Operation;
/** Every object within a value. */
function* objectsIn(value: unknown): Generator<Record<string, any>> {
  if (value === null || typeof value !== "object") return;
  if (!Array.isArray(value)) yield value as Record<string, any>;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}

describe("the description of the API", () => {
  it("is OpenAPI 3.1, by bearer token", () => {
    expect(document).toMatchObject({
      openapi: expect.stringMatching(/^3\.1\.\d$/),
      info: { title: "Homing", version: expect.any(String) },
      servers: [{ url: served }],
      security: [{ bearer: [] }],
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
    });
    expect(Object.keys(document).sort()).toEqual(["components", "info", "openapi", "paths", "security", "servers"]);
  });

  it("holds every route of the app that takes a token and answers JSON", () => {
    const told = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    const asked = routes.filter((route) => route.includes(" /v1/")).map(asDescribed);
    expect(told.sort()).toEqual(asked.sort());
  });

  it("refers to nothing that is not there", () => {
    const referred = [...objectsIn(document)].flatMap((one) => (typeof one.$ref === "string" ? [one.$ref] : []));
    expect(referred.length).toBeGreaterThan(0);
    for (const reference of new Set(referred)) {
      const [, name = ""] = /^#\/components\/schemas\/([A-Za-z0-9._-]+)$/.exec(reference) ?? [];
      expect([reference, schemas[name]]).toEqual([reference, expect.any(Object)]);
    }
  });

  it("names every operation once, and every parameter of its path", () => {
    const names = operations.map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9_]*[a-z0-9]$/);
    for (const { path, operation } of operations) {
      const inPath = operation.parameters.filter((one) => one.in === "path");
      expect(inPath.map((one) => `{${one.name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(inPath.every((one) => one.required)).toBe(true);
      const all = operation.parameters.map((one) => `${one.in} ${one.name}`);
      expect(new Set(all).size).toBe(all.length);
      for (const parameter of operation.parameters) expect(Object.keys(parameter.schema)).not.toEqual([]);
    }
  });

  it("says in a sentence what each does, what it takes, what it answers, and to whom", () => {
    for (const route of described) {
      const operation = operationOf(route);
      expect(operation.summary).toMatch(/^[A-Z].*\.$/);
      expect(operation["x-roles"]).toEqual(["operator", ...(policy[route] ?? [])]);
      expect(Object.hasOwn(operation, "requestBody")).toBe(descriptions[route]?.body !== undefined);
      expect(Object.keys(operation.responses)).toContain(String(successOf(route)));
      expect(operation.responses.default?.content?.["application/json"]?.schema).toEqual({ $ref: "#/components/schemas/Error" });
      for (const response of Object.values(operation.responses)) expect(response.description).not.toBe("");
    }
  });

  it("is made of JSON Schemas: known types, and nothing required that is not there", () => {
    const types = ["string", "number", "integer", "boolean", "object", "array", "null"];
    for (const schema of [...objectsIn(schemas), ...objectsIn(operations)]) {
      if (typeof schema.type === "string" && !("in" in schema)) expect(types).toContain(schema.type);
      if (Array.isArray(schema.required)) expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(schema.required));
      expect(schema).not.toHaveProperty("$defs");
      expect(schema).not.toHaveProperty("$schema");
    }
  });
});

describe.each(databases)("what is told of the API on the %s database", (kind) => {
  let world: TwoWorkspaces;
  beforeAll(async () => {
    world = await startTwoWorkspaces(kind);
  });
  afterAll(() => world.close());

  const answer = async (route: string, path: string, body?: unknown, token = API_TOKEN) => {
    const { status, text } = await ask(world.homing.url, token, route.slice(0, route.indexOf(" ")), path, body);
    expect([status, text]).toEqual([successOf(route), expect.anything()]);
    return text;
  };
  /** A real answer fits the shape that is told of it, and holds nothing that is not told. */
  const fits = (route: string, text: string) => {
    const { answers } = descriptions[route] ?? {};
    if (answers === null) return expect(text).toBe("");
    const value = route.endsWith("/stream") ? text : JSON.parse(text);
    expect(answers?.safeParse(value).error).toBeUndefined();
    const schema = operationOf(route).responses[successOf(route)]?.content?.["application/json"]?.schema;
    if (schema) expect([...new Set(undescribed(value, schema, schemas))]).toEqual([]);
    if (Array.isArray(value.data)) expect(value.data).not.toEqual([]);
  };

  it.each(described)("%s answers as it is described", async (route) => {
    const one = cases[route];
    if (!one) return expect(one, `there is no case for ${route}`).toBeDefined();
    const { path, body } = await one.about(world.acme);
    fits(route, await answer(route, path, body));
  });

  it("every kind of answer of a route fits what is told of it", async () => {
    const { acme, mixed, homing } = world;
    await homing.callback("sendgrid", [], { signer: null });
    await homing.gateway.rejections.flush();
    const rejected = JSON.parse(await answer("GET /v1/callbacks", "/v1/callbacks?status=rejected"));
    const trace = "GET /v1/callbacks/:id";
    fits("GET /v1/callbacks", JSON.stringify(rejected));
    fits(trace, await answer(trace, `/v1/callbacks/${rejected.data[0].id}`));
    fits(trace, await answer(trace, `/v1/callbacks/${mixed}`));
    fits(trace, await answer(trace, `/v1/callbacks/${mixed}`, undefined, acme.token));
    fits("GET /v1/callbacks", await answer("GET /v1/callbacks", "/v1/callbacks", undefined, acme.token));
    fits("GET /v1/unmatched", await answer("GET /v1/unmatched", "/v1/unmatched?group=reference"));
    fits("GET /v1/bindings", await answer("GET /v1/bindings", "/v1/bindings?origin=learned"));
    const many = { bindings: [{ provider: "stripe", kind: "customer", value: "cus_many", workspace_id: acme.workspace }] };
    fits("PUT /v1/bindings", await answer("PUT /v1/bindings", "/v1/bindings", many));
  });

  it("a refusal fits what is told of refusals", async () => {
    for (const [method, path, token] of [
      ["GET", "/v1/nothing", API_TOKEN],
      ["GET", "/v1/tokens", "nobody's"],
      ["GET", "/v1/tokens", world.acme.token],
      ["GET", "/v1/events?limit=all", API_TOKEN],
    ] as const) {
      const { text } = await ask(world.homing.url, token, method, path);
      const { error } = JSON.parse(text);
      expect(undescribed({ error }, schemas.Error, schemas)).toEqual([]);
      expect(error).toMatchObject({
        code: expect.any(String),
        message: expect.any(String),
        request_id: expect.stringMatching(/^req_/),
      });
    }
  });

  it("/openapi.json and /docs are for everybody, and of one house", async () => {
    const { url } = world.homing;
    const response = await fetch(`${url}/openapi.json`);
    expect(await response.json()).toEqual({ ...document, servers: [{ url }] });
    const docs = await fetch(`${url}/docs`);
    const [page, policyOfPage] = [await docs.text(), docs.headers.get("content-security-policy") ?? ""];
    for (const { operation } of operations) expect(page).toContain(operation.summary.replaceAll("'", "&#39;"));
    // No script, no frame, no form, no handler; the one style stands within, and nothing else is fetched.
    expect(policyOfPage).toMatch(/default-src 'none'.*style-src 'unsafe-inline'/);
    expect(page).not.toMatch(/<(script|link|img|iframe|object|embed|form|base|svg|video|audio|source)\b/i);
    expect(page).not.toMatch(/\s(src|srcset|style|on\w+)\s*=/i);
    expect(page).not.toMatch(/url\(|@import/i);
    expect([...page.matchAll(/href="([^"]*)"/g)].map(([, to]) => to)).toEqual(["/openapi.json"]);
  });

  it("/v1/catalogue is the classifier and the tables", async () => {
    const told = JSON.parse(await answer("GET /v1/catalogue", "/v1/catalogue"));
    expect(told.events.map((one: { type: string }) => one.type)).toEqual(Object.keys(catalogue));
    for (const { type, name, classification, data } of told.events) {
      expect([type, classify(name), classify(type)]).toEqual([type, classification, "PASSIVE"]);
      expect(Object.keys(data.properties)).toEqual(Object.keys(catalogue[type as keyof typeof catalogue].shape));
    }
    expect(told.classes).toEqual([...classifications].map(([name, classification]) => ({ name, classification })));
    expect(told.channels).toEqual(channels);
    expect(told.statuses).toEqual(
      statuses.map((status) => ({ status, type: BUS_ONLY.has(status) ? null : expect.stringMatching(`^delivery.${status}$`) })),
    );
    for (const { status, type } of told.statuses) if (type) expect(catalogue).toHaveProperty([`delivery.${status}`]);
    const { registry } = world.homing.gateway;
    expect(told.adapters.map((one: { adapter: string }) => one.adapter)).toEqual([...registry.keys()]);
    for (const one of told.adapters)
      expect(one).toMatchObject({
        title: expect.stringMatching(/./),
        docs: expect.stringMatching(/^https:/),
        signs: expect.any(Boolean),
      });
  });
});
