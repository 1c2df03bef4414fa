import { sqlState } from "../../db/client.ts";
import { GatewayError } from "../../errors.ts";
import { code, html, nothing } from "../html.ts";
import { bare, page } from "../parts/layout.ts";
import type { Visit } from "../visit.ts";

/** What, what it means, and the request's id to tell. */
export async function broken(error: Error, c: Visit): Promise<Response> {
  const known = error instanceof GatewayError ? error : null;
  if (!known) c.var.gateway.log.error({ err: error, request_id: c.var.requestId }, "a page of the console failed");
  const [title, meaning, status] = explain(known, error);
  const body = html`<h1>${title}</h1>
<p class="why">${meaning}</p>
${known && known.status < 500 ? nothing : html`<p class="faint">Request ${code(c.var.requestId)}</p>`}
<p><a class="button" href="/console">Overview</a></p>`;
  // A page around it needs the database, which may be what is broken.
  if (known && known.status < 500 && c.get("principal")) return page(c, { title, section: "none", body, status });
  return bare(c, title, body, status as 500);
}

type Status = 403 | 404 | 409 | 422 | 500 | 503;

function explain(known: GatewayError | null, error: Error): [title: string, meaning: string, status: Status] {
  switch (known?.code) {
    case "not_found":
      return [
        "There is nothing here",
        "It may be past its retention, or the address has a slip in it. Search takes any id.",
        404,
      ];
    case "forbidden":
      return ["This is not yours to do", known.message, 403];
    case "preview_changed":
      return ["It is no longer what the preview showed", `${known.message} Look at it again, then decide.`, 409];
    case "conflict":
      return ["It does not fit what is there", known.message, 409];
    case "overloaded":
      return [
        "It takes too long to read",
        "Something keeps the database busy. Nothing was changed, and callbacks are received as before. Try it again in a minute.",
        503,
      ];
    case "invalid":
      return ["Something in it is not as it should be", Object.values(known.fields ?? {}).join("; ") || known.message, 422];
  }
  const state = sqlState(error);
  if (state && /^(08|53|57|58)/.test(state))
    return [
      "The database does not answer",
      "Callbacks are refused with 503 until it does, and their providers call again. Nothing is lost here.",
      503,
    ];
  return [
    "This page could not be made",
    "Nothing was changed by it, and callbacks are received as before. Tell an operator the request’s id.",
    500,
  ];
}
