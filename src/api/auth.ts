import { createHash } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { sameText } from "../provider/signatures.ts";
import type { Env, Principal, Role } from "./http.ts";
import { may } from "./policy.ts";

/** Tokens are stored as this: whoever reads the table cannot call. They are long and random, so that a plain hash is enough. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** Whose token it is; null: nobody's, or no longer. */
export async function principalOf(gateway: Gateway, token: string): Promise<Principal | null> {
  if (sameText(token, gateway.config.API_TOKEN)) return { name: "API_TOKEN", role: "operator", workspaceId: null, tokenId: null };
  const [row] = await gateway.database.query<{ id: string; name: string; role: Role; workspace_id: string | null }>(
    "select id, name, role, workspace_id from tokens where token_hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())",
    [hashToken(token)],
  );
  return row ? { name: row.name, role: row.role, workspaceId: row.workspace_id, tokenId: row.id } : null;
}

/** Lets in who has a token, to what its role may do (CONTRACT §6). What no rule names is the operator's alone. */
export const authorize: MiddlewareHandler<Env> = async function authorize(c, next) {
  const [, given] = /^Bearer\s+(\S+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
  const principal = given ? await principalOf(c.var.gateway, given) : null;
  if (!principal) throw new GatewayError("unauthorized");
  c.set("principal", principal);
  // All that fit the path, whichever of them will answer.
  const handlers = matchedRoutes(c).filter((one) => one.method !== "ALL");
  if (!handlers.every(({ method, path }) => may(principal.role, method, path))) throw new GatewayError("forbidden");
  await next();
};
