import { z } from "zod";
import { type Assignment, assign, itemOf, previewAssign } from "../healing/assign.ts";
import { dismiss, previewDismiss } from "../healing/dismiss.ts";
import { replayOne } from "../healing/replay.ts";
import { cancelReplays, readReplays, startReplays } from "../healing/replays.ts";
import { MOST_ITEMS, type Selection } from "../healing/selection.ts";
import { query } from "./callbacks.ts";
import { workspaceField } from "./fields.ts";
import { api, type Call, readBody } from "./http.ts";

/** By reference, or by items; not both. */
const selected = {
  provider: z.string().optional(),
  dialect: z.string().nullish(),
  reference: z
    .string()
    .max(400)
    .regex(/^[a-z][a-z0-9_]*:./, "must be kind:value")
    .optional(),
  items: z
    .array(z.object({ callback_id: z.string(), index: z.number().int().min(0).max(1_000_000) }))
    .min(1)
    .max(MOST_ITEMS)
    .optional(),
};
const agreed = { dry_run: z.boolean().default(false), preview: z.string().max(100).nullish() };
const given = {
  ...agreed,
  workspace_id: workspaceField,
  bind: z.boolean().optional(),
  limit: z.number().int().min(1).max(1_000_000).optional(),
};

function isOneOfBoth(body: { [field in keyof typeof selected]?: unknown }): boolean {
  return body.items !== undefined
    ? body.provider === undefined && body.reference === undefined
    : body.provider !== undefined && body.reference !== undefined;
}
const ONE_OF_BOTH = { path: ["reference"], message: "either provider and reference, or items" };

export const assignBody = z.object({ ...selected, ...given }).refine(isOneOfBoth, ONE_OF_BOTH);
export const dismissBody = z.object({ ...selected, ...agreed }).refine(isOneOfBoth, ONE_OF_BOTH);
export const assignOneBody = z.object({ ...agreed, workspace_id: workspaceField });
export const replayBody = z.object({ dry_run: z.boolean().default(false) });
export const replaysBody = z.object({
  filter: z.strictObject(query.omit({ after: true, limit: true }).shape),
  dry_run: z.boolean().default(false),
});

function selectionOf({ provider = "", dialect, reference = "", items }: z.infer<typeof dismissBody>): Selection {
  return items ? { items } : { provider, dialect, reference };
}

async function answerAssign(c: Call, assignment: Assignment, dryRun: boolean) {
  const { gateway, principal } = c.var;
  return c.json(dryRun ? await previewAssign(gateway, assignment) : await assign(gateway, principal, assignment), 201);
}

/** Gives what waits to a workspace, or puts it aside. */
export const unmatchedActions = api()
  .post("/assign", async (c) => {
    const { dry_run, workspace_id, bind, limit, preview, ...body } = await readBody(c, assignBody);
    const assignment = { ...selectionOf({ ...body, dry_run }), workspace_id, bind, limit, preview: preview ?? undefined };
    return answerAssign(c, assignment, dry_run);
  })
  .post("/dismiss", async (c) => {
    const { gateway, principal } = c.var;
    const body = await readBody(c, dismissBody);
    const selection = { ...selectionOf(body), preview: body.preview ?? undefined };
    return c.json(body.dry_run ? await previewDismiss(gateway, selection) : await dismiss(gateway, principal, selection), 201);
  });

/** The same for the one waiting item of a callback; and reading it again. */
export const callbackActions = api()
  .post("/:id/assign", async (c) => {
    const { dry_run, workspace_id, preview } = await readBody(c, assignOneBody);
    const items = await itemOf(c.var.gateway, c.req.param("id"));
    return answerAssign(c, { ...items, workspace_id, preview: preview ?? undefined }, dry_run);
  })
  .post("/:id/replay", async (c) => {
    const { dry_run } = await readBody(c, replayBody);
    return c.json(await replayOne(c.var.gateway, c.var.principal, c.req.param("id"), { dryRun: dry_run }), 201);
  });

/** Reading many again, in the background. */
export const replays = api()
  .post("/", async (c) => {
    const { filter, dry_run } = await readBody(c, replaysBody);
    return c.json(await startReplays(c.var.gateway, c.var.principal, filter, { dryRun: dry_run }), 202);
  })
  .get("/:id", async (c) => c.json(await readReplays(c.var.gateway, c.req.param("id"))))
  .delete("/:id", async (c) => {
    await cancelReplays(c.var.gateway, c.var.principal, c.req.param("id"));
    return c.body(null, 204);
  });
