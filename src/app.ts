import { audit } from "./api/audit.ts";
import { authorize } from "./api/auth.ts";
import { bindings } from "./api/bindings.ts";
import { callbackUrls } from "./api/callback-url.ts";
import { callbacks } from "./api/callbacks.ts";
import { catalogue } from "./api/catalogue.ts";
import { dispatches, endpointDispatches } from "./api/dispatches.ts";
import { doctor } from "./api/doctor.ts";
import { endpoints } from "./api/endpoints.ts";
import { events } from "./api/events.ts";
import { callbackActions, replays, unmatchedActions } from "./api/healing.ts";
import { health, metrics } from "./api/health.ts";
import { answerError, api, requestId } from "./api/http.ts";
import { messages } from "./api/messages.ts";
import { openapi } from "./api/openapi.ts";
import { secrets } from "./api/secrets.ts";
import { eventStream } from "./api/stream.ts";
import { tokens } from "./api/tokens.ts";
import { traces } from "./api/trace.ts";
import { unmatched } from "./api/unmatched.ts";
import { workspaces } from "./api/workspaces.ts";
import { createConsole } from "./console/console.ts";
import { GatewayError } from "./errors.ts";
import type { Gateway } from "./gateway.ts";

const MAX_BODY = 5 * 1024 * 1024;

/** Everything but the callbacks' way in: the API of CONTRACT §6, and the console. */
export function createApp(gateway: Gateway) {
  const app = api();
  app.use(async function prepare(c, next) {
    c.set("gateway", gateway);
    c.set("requestId", requestId());
    if (Number(c.req.header("content-length") ?? 0) > MAX_BODY) throw new GatewayError("body_too_large");
    await next();
  });
  app.onError(answerError);
  app.notFound((c) => answerError(new GatewayError("not_found"), c));
  // A process that only sends has no more to answer.
  if (gateway.role === "worker") return app.route("/", health).use("/metrics", authorize).route("/metrics", metrics);
  app.use("/v1/*", authorize);
  app.use("/metrics", authorize);
  return app
    .route("/", health)
    .route("/metrics", metrics)
    .route("/v1/workspaces", workspaces)
    .route("/v1/secrets", secrets)
    .route("/v1/bindings", bindings)
    .route("/v1/callback-url", callbackUrls)
    .route("/v1/events", eventStream)
    .route("/v1/events", events)
    .route("/v1/messages", messages)
    .route("/v1/callbacks", callbacks)
    .route("/v1/callbacks", callbackActions)
    .route("/v1/unmatched", unmatched)
    .route("/v1/unmatched", unmatchedActions)
    .route("/v1/replays", replays)
    .route("/v1/endpoints", endpoints)
    .route("/v1/endpoints", endpointDispatches)
    .route("/v1/dispatches", dispatches)
    .route("/v1/tokens", tokens)
    .route("/v1/audit", audit)
    .route("/v1/catalogue", catalogue)
    .route("/v1/trace", traces)
    .route("/v1/doctor", doctor)
    .route("/console", createConsole())
    .route("/", openapi);
}
