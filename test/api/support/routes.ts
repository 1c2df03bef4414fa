import { createApp } from "../../../src/app.ts";
import type { Gateway } from "../../../src/gateway.ts";
import type { Holding } from "./two-workspaces.ts";

/** Every route that the app has, as `METHOD /pattern`. Nothing of a gateway is needed to list them. */
const all = new Set(
  createApp({ role: "all" } as Gateway)
    .routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`),
);
const isOfConsole = (route: string) => / \/console(\/|$)/.test(route);

/** The API's. */
export const routes = [...all].filter((route) => !isOfConsole(route));
/** The console's, which takes a session and no token. */
export const consoleRoutes = [...all].filter(isOfConsole);

export type Ask = { path: string; body?: unknown };
type Case = {
  /** Who may, beside the operator, as CONTRACT §6 says it. */
  may: ("support" | "workspace" | "everybody")[];
  /** The call about what a workspace has. */
  about(holding: Holding): Ask | Promise<Ask>;
  /** What a workspace's token gets where it asks about another's; 404 unless told. What it gets is nothing in any case. */
  elsewhere?: 200 | 204;
  /** What it answers when all is well, where that is not what its method answers. */
  succeeds?: 202;
};

const told = ({ workspace, mark }: Holding, id: string) => ({
  ...{ type: "segment.entered", workspace_id: workspace, idempotency_key: id },
  data: { contact_id: `${mark}-contact`, segment_id: `${mark}-segment` },
});

/** One call of every route. A route that is missing here fails the tests that go through all of them. */
export const cases: Readonly<Record<string, Case>> = {
  "GET /healthz": { may: ["everybody"], about: () => ({ path: "/healthz" }) },
  "GET /readyz": { may: ["everybody"], about: () => ({ path: "/readyz" }) },
  "GET /openapi.json": { may: ["everybody"], about: () => ({ path: "/openapi.json" }) },
  "GET /docs": { may: ["everybody"], about: () => ({ path: "/docs" }) },
  "GET /metrics": { may: ["support"], about: () => ({ path: "/metrics" }) },

  "GET /v1/workspaces": { may: ["support"], about: () => ({ path: "/v1/workspaces" }) },
  "GET /v1/workspaces/:id": { may: ["support"], about: ({ workspace }) => ({ path: `/v1/workspaces/${workspace}` }) },
  "PUT /v1/workspaces/:id": {
    may: [],
    about: ({ workspace, mark }) => ({ path: `/v1/workspaces/${workspace}`, body: { name: `${mark} Ltd` } }),
  },
  "DELETE /v1/workspaces/:id": {
    may: [],
    about: async ({ fresh }) => ({ path: `/v1/workspaces/${await fresh.workspace()}` }),
  },

  "GET /v1/secrets/:provider": { may: [], about: () => ({ path: "/v1/secrets/example" }) },
  "GET /v1/secrets/:provider/:dialect": { may: [], about: () => ({ path: "/v1/secrets/shipping/delhivery" }) },
  "PUT /v1/secrets/:provider": {
    may: ["workspace"],
    about: ({ workspace, secret }) => ({ path: "/v1/secrets/example", body: { workspace_id: workspace, secrets: [secret] } }),
  },
  "PUT /v1/secrets/:provider/:dialect": {
    may: ["workspace"],
    about: ({ workspace, secret }) => ({
      path: "/v1/secrets/shipping/delhivery",
      body: { workspace_id: workspace, secrets: [secret] },
    }),
  },
  "POST /v1/secrets/rewrap": { may: [], about: () => ({ path: "/v1/secrets/rewrap" }) },

  "GET /v1/bindings": { may: ["support"], about: ({ workspace }) => ({ path: `/v1/bindings?workspace_id=${workspace}` }) },
  "PUT /v1/bindings": {
    may: [],
    about: ({ workspace, mark }) => ({
      path: "/v1/bindings",
      body: { provider: "stripe", kind: "customer", value: `${mark}-customer`, workspace_id: workspace },
    }),
  },
  "DELETE /v1/bindings/:id": {
    may: ["support"],
    about: async ({ fresh }) => ({ path: `/v1/bindings/${await fresh.binding()}` }),
  },

  "GET /v1/callback-url": {
    may: ["workspace"],
    about: ({ workspace }) => ({ path: `/v1/callback-url?adapter=example&workspace_id=${workspace}` }),
  },
  "POST /v1/callback-url/rotate": {
    may: ["workspace"],
    about: ({ workspace }) => ({
      path: "/v1/callback-url/rotate",
      body: { adapter: "example", workspace_id: workspace, keep_old_hours: 1 },
    }),
  },

  "GET /v1/events": {
    may: ["support", "workspace"],
    about: ({ workspace }) => ({ path: `/v1/events?workspace_id=${workspace}` }),
  },
  "GET /v1/events/stream": {
    may: ["support", "workspace"],
    about: ({ workspace }) => ({ path: `/v1/events/stream?workspace_id=${workspace}` }),
  },
  "POST /v1/events": {
    may: ["workspace"],
    about: (holding) => ({ path: "/v1/events", body: told(holding, crypto.randomUUID()) }),
  },
  "GET /v1/messages/:id{.+}": {
    may: ["support", "workspace"],
    about: ({ message }) => ({ path: `/v1/messages/${message}` }),
    elsewhere: 200,
  },

  "GET /v1/callbacks": {
    may: ["support", "workspace"],
    about: ({ workspace }) => ({ path: `/v1/callbacks?workspace_id=${workspace}` }),
  },
  "GET /v1/callbacks/:id": { may: ["support", "workspace"], about: ({ callback }) => ({ path: `/v1/callbacks/${callback}` }) },
  "POST /v1/callbacks/:id/assign": {
    may: ["support"],
    about: async ({ workspace, fresh }) => ({
      path: `/v1/callbacks/${await fresh.waiting()}/assign`,
      body: { workspace_id: workspace },
    }),
  },
  "POST /v1/callbacks/:id/replay": {
    may: ["support"],
    about: ({ callback }) => ({ path: `/v1/callbacks/${callback}/replay`, body: {} }),
  },
  "POST /v1/replays": {
    may: ["support"],
    about: ({ message }) => ({ path: "/v1/replays", body: { filter: { q: message } } }),
    succeeds: 202,
  },
  "GET /v1/replays/:id": {
    may: ["support"],
    about: async ({ fresh }) => ({ path: `/v1/replays/${await fresh.replay()}` }),
  },
  "DELETE /v1/replays/:id": {
    may: ["support"],
    about: async ({ fresh }) => ({ path: `/v1/replays/${await fresh.replay()}` }),
  },
  "POST /v1/unmatched/assign": {
    may: ["support"],
    about: async ({ workspace, fresh }) => ({
      path: "/v1/unmatched/assign",
      body: { items: [{ callback_id: await fresh.waiting(), index: 0 }], workspace_id: workspace },
    }),
  },
  "POST /v1/unmatched/dismiss": {
    may: ["support"],
    about: async ({ fresh }) => ({
      path: "/v1/unmatched/dismiss",
      body: { items: [{ callback_id: await fresh.waiting(), index: 0 }] },
    }),
  },
  "GET /v1/unmatched": { may: ["support"], about: () => ({ path: "/v1/unmatched" }) },

  "POST /v1/endpoints": {
    may: ["workspace"],
    about: ({ workspace, mark }) => ({
      path: "/v1/endpoints",
      body: { workspace_id: workspace, url: `http://127.0.0.1:8443/${mark}`, events: ["billing.*"] },
    }),
  },
  "GET /v1/endpoints": {
    may: ["support", "workspace"],
    about: ({ workspace }) => ({ path: `/v1/endpoints?workspace_id=${workspace}` }),
  },
  "GET /v1/endpoints/:id": { may: ["support", "workspace"], about: ({ endpoint }) => ({ path: `/v1/endpoints/${endpoint}` }) },
  "PATCH /v1/endpoints/:id": {
    may: ["workspace"],
    about: ({ endpoint, mark }) => ({ path: `/v1/endpoints/${endpoint}`, body: { description: `${mark} hook` } }),
  },
  "DELETE /v1/endpoints/:id": {
    may: ["workspace"],
    about: async ({ fresh }) => ({ path: `/v1/endpoints/${await fresh.endpoint()}` }),
    elsewhere: 204,
  },
  "POST /v1/endpoints/:id/rotate-secret": {
    may: ["workspace"],
    about: ({ endpoint }) => ({ path: `/v1/endpoints/${endpoint}/rotate-secret` }),
  },
  "POST /v1/endpoints/:id/test": { may: ["workspace"], about: ({ endpoint }) => ({ path: `/v1/endpoints/${endpoint}/test` }) },
  "POST /v1/endpoints/:id/retry-dead": {
    may: ["support", "workspace"],
    about: ({ endpoint }) => ({ path: `/v1/endpoints/${endpoint}/retry-dead` }),
  },
  "GET /v1/endpoints/:id/dispatches": {
    may: ["support", "workspace"],
    about: ({ endpoint }) => ({ path: `/v1/endpoints/${endpoint}/dispatches` }),
  },
  "GET /v1/dispatches/:id": { may: ["support", "workspace"], about: ({ dispatch }) => ({ path: `/v1/dispatches/${dispatch}` }) },
  "POST /v1/dispatches/:id/retry": {
    may: ["support", "workspace"],
    about: async ({ fresh }) => ({ path: `/v1/dispatches/${await fresh.dispatch()}/retry` }),
  },
  "DELETE /v1/dispatches/:id": {
    may: ["workspace"],
    about: async ({ fresh }) => ({ path: `/v1/dispatches/${await fresh.dispatch()}` }),
    elsewhere: 204,
  },

  "POST /v1/tokens": {
    may: [],
    about: ({ workspace, mark }) => ({
      path: "/v1/tokens",
      body: { name: `${mark} token`, role: "workspace", workspace_id: workspace },
    }),
  },
  "GET /v1/tokens": { may: ["support"], about: () => ({ path: "/v1/tokens" }) },
  "DELETE /v1/tokens/:id": { may: [], about: async ({ fresh }) => ({ path: `/v1/tokens/${await fresh.token()}` }) },
  "GET /v1/audit": { may: ["support"], about: () => ({ path: "/v1/audit" }) },
  "GET /v1/trace": { may: ["support"], about: ({ message }) => ({ path: `/v1/trace?q=${message}` }) },
  "GET /v1/doctor": { may: ["support"], about: () => ({ path: "/v1/doctor" }) },
  "GET /v1/catalogue": { may: ["support", "workspace"], about: () => ({ path: "/v1/catalogue" }), elsewhere: 200 },
};

const successes: Readonly<Record<string, number>> = { GET: 200, PUT: 200, PATCH: 200, POST: 201, DELETE: 204 };

/** What a call of a route answers when all is well. */
export function successOf(route: string): number {
  return cases[route]?.succeeds ?? successes[route.slice(0, route.indexOf(" "))] ?? 0;
}
