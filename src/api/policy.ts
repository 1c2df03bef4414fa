import type { Role } from "./http.ts";

const all: Role[] = ["support", "workspace"];
const support: Role[] = ["support"];
const workspace: Role[] = ["workspace"];
const operatorOnly: Role[] = [];

/**
 * Who, beside the operator, may call what (CONTRACT §6). A workspace sees its own only: each handler that is open to it keeps to `scope` and
 * `own`. A route that is not listed here is the operator's; a test keeps the list equal to the routes.
 */
export const policy: Readonly<Record<string, Role[]>> = {
  "GET /v1/workspaces": support,
  "GET /v1/workspaces/:id": support,
  "PUT /v1/workspaces/:id": operatorOnly,
  "DELETE /v1/workspaces/:id": operatorOnly,
  "GET /v1/secrets/:provider": operatorOnly,
  "GET /v1/secrets/:provider/:dialect": operatorOnly,
  "PUT /v1/secrets/:provider": workspace,
  "PUT /v1/secrets/:provider/:dialect": workspace,
  "POST /v1/secrets/rewrap": operatorOnly,
  "GET /v1/bindings": support,
  "PUT /v1/bindings": operatorOnly,
  "DELETE /v1/bindings/:id": support,
  "GET /v1/callback-url": workspace,
  "POST /v1/callback-url/rotate": workspace,
  "GET /v1/events": all,
  "GET /v1/events/stream": all,
  "POST /v1/events": workspace,
  "GET /v1/messages/:id{.+}": all,
  "GET /v1/callbacks": all,
  "GET /v1/callbacks/:id": all,
  "POST /v1/callbacks/:id/assign": support,
  "POST /v1/callbacks/:id/replay": support,
  "GET /v1/unmatched": support,
  "POST /v1/unmatched/assign": support,
  "POST /v1/unmatched/dismiss": support,
  "POST /v1/replays": support,
  "GET /v1/replays/:id": support,
  "DELETE /v1/replays/:id": support,
  "POST /v1/endpoints": workspace,
  "GET /v1/endpoints": all,
  "GET /v1/endpoints/:id": all,
  "PATCH /v1/endpoints/:id": workspace,
  "DELETE /v1/endpoints/:id": workspace,
  "POST /v1/endpoints/:id/rotate-secret": workspace,
  "POST /v1/endpoints/:id/test": workspace,
  "POST /v1/endpoints/:id/retry-dead": all,
  "GET /v1/endpoints/:id/dispatches": all,
  "GET /v1/dispatches/:id": all,
  "POST /v1/dispatches/:id/retry": all,
  "DELETE /v1/dispatches/:id": workspace,
  "POST /v1/tokens": operatorOnly,
  "GET /v1/tokens": support,
  "DELETE /v1/tokens/:id": operatorOnly,
  "GET /v1/audit": support,
  "GET /v1/catalogue": all,
  "GET /v1/trace": support,
  "GET /v1/doctor": support,
  "GET /metrics": support,
};

/** Whether a role may call a route, named by its method and pattern. */
export function may(role: Role, method: string, pattern: string): boolean {
  return role === "operator" || (policy[`${method} ${pattern}`]?.includes(role) ?? false);
}
