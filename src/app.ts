import type { MiddlewareHandler } from "hono";
import { bindings } from "./api/bindings.ts";
import { callbackUrls } from "./api/callback-url.ts";
import { callbacks } from "./api/callbacks.ts";
import { events } from "./api/events.ts";
import { health, metrics } from "./api/health.ts";
import { answerError, api, type Env, requestId } from "./api/http.ts";
import { messages } from "./api/messages.ts";
import { secrets } from "./api/secrets.ts";
import { unmatched } from "./api/unmatched.ts";
import { workspaces } from "./api/workspaces.ts";
import { GatewayError } from "./errors.ts";
import type { Gateway } from "./gateway.ts";
import { sameText } from "./provider/signatures.ts";

const MAX_BODY = 5 * 1024 * 1024;

/** Everything but the callbacks' way in: the API of CONTRACT §6. */
export function createApp(gateway: Gateway) {
  const app = api();
  app.use(async function prepare(c, next) {
    c.set("gateway", gateway);
    c.set("requestId", requestId());
    if (Number(c.req.header("content-length") ?? 0) > MAX_BODY) throw new GatewayError("body_too_large");
    await next();
  });
  const authorize: MiddlewareHandler<Env> = async function authorize(c, next) {
    const [, given] = /^Bearer\s+(\S+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
    if (!given || !sameText(given, gateway.config.API_TOKEN)) throw new GatewayError("unauthorized");
    c.set("principal", { name: "API_TOKEN", role: "operator" });
    await next();
  };
  app.use("/v1/*", authorize);
  app.use("/metrics", authorize);
  app.onError(answerError);
  app.notFound((c) => answerError(new GatewayError("not_found"), c));
  return app
    .route("/", health)
    .route("/metrics", metrics)
    .route("/v1/workspaces", workspaces)
    .route("/v1/secrets", secrets)
    .route("/v1/bindings", bindings)
    .route("/v1/callback-url", callbackUrls)
    .route("/v1/events", events)
    .route("/v1/messages", messages)
    .route("/v1/callbacks", callbacks)
    .route("/v1/unmatched", unmatched);
}
