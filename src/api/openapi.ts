import { html } from "hono/html";
import { z } from "zod";
import { auditQuery } from "./audit.ts";
import { bindingQuery, bindingsBody } from "./bindings.ts";
import { rotateBody, urlQuery } from "./callback-url.ts";
import { query as callbackQuery } from "./callbacks.ts";
import { dispatchQuery } from "./dispatches.ts";
import { changed, created, endpointQuery } from "./endpoints.ts";
import { filter as eventQuery, told } from "./events.ts";
import { listQuery } from "./fields.ts";
import { assignBody, assignOneBody, dismissBody, replayBody, replaysBody } from "./healing.ts";
import { api } from "./http.ts";
import { policy } from "./policy.ts";
import { secretsBody } from "./secrets.ts";
import * as shapes from "./shapes.ts";
import { tokenBody } from "./tokens.ts";
import { traceQuery } from "./trace.ts";
import { unmatchedQuery } from "./unmatched.ts";
import { workspaceBody, workspaceQuery } from "./workspaces.ts";

type Description = {
  does: string;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** What it answers when all is well; null: 204 with nothing. */
  answers: z.ZodType | null;
  status?: 200 | 201 | 202;
};

/** Every call of CONTRACT §6 in a sentence, with the schemas that its handler checks. A test keeps it equal to the routes. */
export const descriptions: Readonly<Record<string, Description>> = {
  "GET /v1/workspaces": { does: "List workspaces.", query: workspaceQuery, answers: shapes.listOf(shapes.workspace) },
  "GET /v1/workspaces/:id": { does: "One workspace.", answers: shapes.workspace },
  "PUT /v1/workspaces/:id": {
    does: "Register a workspace, rename it, or open it again. What waits for it comes home.",
    body: workspaceBody,
    answers: shapes.workspace.extend(shapes.healed.shape),
  },
  "DELETE /v1/workspaces/:id": { does: "Close a workspace: its tokens end, its endpoints stop, its events wait.", answers: null },
  "GET /v1/secrets/:provider": {
    does: "How many secrets of an adapter we hold, and how old they are.",
    answers: shapes.secretCounts,
  },
  "GET /v1/secrets/:provider/:dialect": { does: "The same for a dialect.", answers: shapes.secretCounts },
  "PUT /v1/secrets/:provider": {
    does: "Set an adapter's secrets, newest first; they are never shown again.",
    body: secretsBody,
    answers: shapes.secretCounts,
  },
  "PUT /v1/secrets/:provider/:dialect": { does: "The same for a dialect.", body: secretsBody, answers: shapes.secretCounts },
  "POST /v1/secrets/rewrap": {
    does: "Encrypt everything anew under the newest MASTER_KEY, so that older ones may go.",
    answers: z.object({ rewrapped: z.number().int() }),
    status: 201,
  },
  "GET /v1/bindings": { does: "Whose references are.", query: bindingQuery, answers: shapes.listOf(shapes.binding) },
  "PUT /v1/bindings": {
    does: "Say whose a reference is. What waited for that comes home.",
    body: bindingsBody,
    answers: z.union([
      shapes.binding.extend(shapes.healed.shape),
      z.object({ data: z.array(shapes.binding), ...shapes.healed.shape }),
    ]),
  },
  "DELETE /v1/bindings/:id": { does: "Forget whose a reference is.", answers: null },
  "GET /v1/callback-url": { does: "The URL to enter at a provider, with its token.", query: urlQuery, answers: shapes.url },
  "POST /v1/callback-url/rotate": {
    does: "A new token for a URL; the old one is taken for a while.",
    body: rotateBody,
    answers: shapes.url,
    status: 201,
  },
  "GET /v1/events": {
    does: "The log, oldest first and without gaps. Follow `next` for ever: it is never null.",
    query: eventQuery,
    answers: shapes.listOf(shapes.event),
  },
  "GET /v1/events/stream": {
    does: "The log as server-sent events; resumes from Last-Event-ID.",
    query: eventQuery,
    answers: z.string(),
  },
  "POST /v1/events": {
    does: "Tell an event of the platform's own. The same idempotency_key and body answers 200 with the first one.",
    body: told,
    answers: shapes.event,
    status: 201,
  },
  "GET /v1/messages/:id{.+}": {
    does: "What became of a message, by our id or the provider's.",
    answers: z.object({ data: z.array(shapes.message) }),
  },
  "GET /v1/callbacks": { does: "What came, newest first.", query: callbackQuery, answers: shapes.listOf(shapes.callback) },
  "GET /v1/callbacks/:id": { does: "The whole story of one callback: its trace.", answers: shapes.trace },
  "POST /v1/callbacks/:id/assign": {
    does: "Give the one waiting item of a callback to a workspace. What is emitted is never taken back.",
    body: assignOneBody,
    answers: shapes.assigned,
    status: 201,
  },
  "POST /v1/callbacks/:id/replay": {
    does: "Read a callback again: what is new is emitted, what differs only told. A refused one is verified first.",
    body: replayBody,
    answers: shapes.replayed,
    status: 201,
  },
  "POST /v1/unmatched/assign": {
    does: "Give what waits to a workspace, by reference or by items. Look first: dry_run answers a preview, which may be sent back.",
    body: assignBody,
    answers: shapes.assigned,
    status: 201,
  },
  "POST /v1/unmatched/dismiss": {
    does: "Put what waits aside: it is kept, and told to nobody.",
    body: dismissBody,
    answers: shapes.dismissed,
    status: 201,
  },
  "POST /v1/replays": {
    does: "Read many callbacks again, oldest first, in the background.",
    body: replaysBody,
    answers: shapes.replay,
    status: 202,
  },
  "GET /v1/replays/:id": { does: "How far a replay of many has come.", answers: shapes.replay },
  "DELETE /v1/replays/:id": { does: "Stop a replay of many; what it has emitted stays emitted.", answers: null },
  "GET /v1/unmatched": {
    does: "What has no workspace yet, item by item or grouped.",
    query: unmatchedQuery,
    answers: shapes.listOf(z.union([shapes.waitingItem, shapes.waitingGroup])),
  },
  "POST /v1/endpoints": {
    does: "A new endpoint. Its secret is shown now and never again.",
    body: created,
    answers: shapes.newSecret,
    status: 201,
  },
  "GET /v1/endpoints": {
    does: "List endpoints with their health.",
    query: endpointQuery,
    answers: shapes.listOf(shapes.endpoint),
  },
  "GET /v1/endpoints/:id": { does: "One endpoint with its health.", answers: shapes.endpoint },
  "PATCH /v1/endpoints/:id": {
    does: "Change an endpoint, switch it off or on. Holds at once.",
    body: changed,
    answers: shapes.endpoint,
  },
  "DELETE /v1/endpoints/:id": { does: "Delete an endpoint; what is owed to it is cancelled.", answers: null },
  "POST /v1/endpoints/:id/rotate-secret": {
    does: "A new secret; both sign for 24 hours.",
    answers: shapes.rotatedSecret,
    status: 201,
  },
  "POST /v1/endpoints/:id/test": { does: "Send it an endpoint.test now.", answers: shapes.test, status: 201 },
  "POST /v1/endpoints/:id/retry-dead": {
    does: "Try everything again that was given up.",
    answers: z.object({ retried: z.number().int() }),
    status: 201,
  },
  "GET /v1/endpoints/:id/dispatches": {
    does: "What is owed to an endpoint, newest first.",
    query: dispatchQuery,
    answers: shapes.listOf(shapes.dispatch),
  },
  "GET /v1/dispatches/:id": { does: "One dispatch with its calls.", answers: shapes.dispatchWithCalls },
  "POST /v1/dispatches/:id/retry": { does: "Try a dispatch now.", answers: shapes.dispatch, status: 201 },
  "DELETE /v1/dispatches/:id": { does: "Remove a dispatch that is settled.", answers: null },
  "POST /v1/tokens": {
    does: "A new token for a role. It is shown now and never again.",
    body: tokenBody,
    answers: shapes.token.extend({ token: z.string() }),
    status: 201,
  },
  "GET /v1/tokens": { does: "List tokens, never their values.", query: listQuery, answers: shapes.listOf(shapes.token) },
  "DELETE /v1/tokens/:id": { does: "Revoke a token; its sessions and streams end.", answers: null },
  "GET /v1/audit": { does: "Every change by a person or token.", query: auditQuery, answers: shapes.listOf(shapes.auditEntry) },
  "GET /v1/trace": {
    does: "The whole story of whatever `q` names, in sentences: any id, reference, e-mail, phone, order or payment number, an adapter's or endpoint's name.",
    query: traceQuery,
    answers: shapes.tale,
  },
  "GET /v1/doctor": { does: "What is wrong and what to do, in sentences.", answers: shapes.findings },
  "GET /v1/catalogue": { does: "Every event, every name's class, every adapter.", answers: shapes.catalogue },
};

const json = (schema: object) => ({ content: { "application/json": { schema } } });
type Components = Record<string, object>;

/** A schema as it is told; what has a name in it goes among the components, once. */
function schemaOf(schema: z.ZodType, io: "input" | "output", components: Components): object {
  const { $schema: _, $defs, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  const told = JSON.parse(JSON.stringify({ rest, $defs }).replaceAll("#/$defs/", "#/components/schemas/"));
  Object.assign(components, told.$defs);
  return told.rest;
}

function operation(key: string, { does, query, body, answers, status = 200 }: Description, components: Components) {
  const [method = "", path = ""] = key.split(" ");
  const properties = query
    ? ((schemaOf(query, "input", components) as { properties?: Record<string, object> }).properties ?? {})
    : {};
  const names = [...path.matchAll(/:(\w+)/g)].map((match) => match[1] as string);
  return {
    summary: does,
    tags: [path.split("/")[2] ?? ""],
    "x-roles": ["operator", ...(policy[key] ?? [])],
    parameters: [
      ...names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
      ...Object.entries(properties).map(([name, schema]) => ({ name, in: "query", required: false, schema })),
    ],
    ...(body && { requestBody: { required: true, ...json(schemaOf(body, "input", components)) } }),
    responses: {
      ...(answers
        ? {
            [status]: {
              description: "Done.",
              ...(path.endsWith("/stream")
                ? { content: { "text/event-stream": {} } }
                : json(schemaOf(answers, "output", components))),
            },
          }
        : { 204: { description: "Done." } }),
      default: { description: "Refused: see error.code.", ...json(schemaOf(shapes.error, "output", components)) },
    },
    operationId: `${method.toLowerCase()} ${path}`.replace(/[^a-z0-9]+/gi, "_").replace(/_$/, ""),
  };
}

let described: ReturnType<typeof describe> | undefined;

/** The API's description (OpenAPI 3.1), from the schemas that the handlers check. */
export function describeApi(serverUrl: string) {
  described ??= describe();
  return { ...described, servers: [{ url: serverUrl }] };
}

/** Takes its time, and anybody may ask: once for all. */
function describe() {
  const paths: Record<string, Record<string, object>> = {};
  const schemas: Components = {};
  for (const [key, description] of Object.entries(descriptions)) {
    const [method = "", pattern = ""] = key.split(" ");
    const path = pattern.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}");
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(key, description, schemas) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Homing", version: "1", description: "Brings every provider callback home to its workspace." },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas,
    },
  };
}

const style = `body{font:15px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1C1E23;background:#F7F7F4}
code,summary{font-family:ui-monospace,monospace}summary{cursor:pointer;padding:.3rem 0}pre{overflow:auto;background:#fff;border:1px solid #E5E5DF;padding:.75rem}
@media (prefers-color-scheme:dark){body{color:#ECEDEF;background:#111316}pre{background:#191C20;border-color:#2A2E34}}`;

/** The same for people: one page, nothing from elsewhere. */
export const openapi = api()
  .get("/openapi.json", (c) => c.json(describeApi(c.var.gateway.publicUrl())))
  .get("/docs", (c) => {
    const { paths } = describeApi(c.var.gateway.publicUrl());
    c.header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'");
    return c.html(
      html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Homing API</title>
<style>${style}</style></head><body><h1>Homing API</h1>
<p>Send <code>Authorization: Bearer &lt;token&gt;</code>. The machine-readable description is <a href="/openapi.json">/openapi.json</a>.</p>
${Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(
    ([method, described]) =>
      html`<details><summary>${method.toUpperCase()} ${path}</summary><p>${(described as { summary: string }).summary}</p><pre>${JSON.stringify(described, null, 2)}</pre></details>`,
  ),
)}</body></html>`,
    );
  });
