import { randomBytes, randomUUID } from "node:crypto";
import { newId, showId } from "../../../src/ids.ts";
import { ACME, BETA } from "../../support/fixtures.ts";
import { type DatabaseKind, startGateway, type TestGateway } from "../../support/gateway.ts";
import { startReceiver } from "../../support/receiver.ts";

/** What a workspace has. Its `mark` stands in every text of its own, so that whoever sees that word sees too much. */
export type Holding = {
  workspace: string;
  mark: string;
  token: string;
  /** One of its secrets at a provider; the other adapter takes static tokens. */
  secret: string;
  endpoint: string;
  dispatch: string;
  event: string;
  callback: string;
  message: string;
  email: string;
  /** Made anew for each call that uses something up. */
  fresh: Record<"workspace" | "endpoint" | "dispatch" | "binding" | "token" | "waiting" | "replay", () => Promise<string>>;
};

export type TwoWorkspaces = {
  homing: TestGateway;
  acme: Holding;
  beta: Holding;
  /** Ids and names that look right and belong to nobody. */
  nowhere: Holding;
  support: string;
  /** One batch with an item of each, one that is nobody's, and one that is broken. */
  mixed: string;
  /** Everything that only this holding's workspace, or nobody, may see: words that stand in no answer to another's token. */
  secretsOf(holding: Holding): Promise<string[]>;
  close(): Promise<void>;
};

/** Stands in what waits and what is broken: no workspace sees it. */
export const STRAY = "straymark";
const NOBODY = "00000000-0000-4000-8000-000000000bad";

/** An item of SendGrid's event webhook, full of the mark. */
export const item = (mark: string, more: object = {}) => ({
  ...{ event: "delivered", timestamp: 1795345000, email: `asha@${mark}.example`, response: `250 ${mark}` },
  ...{ sg_message_id: `${mark}-1.recvd-5f54b5d587-pczjm-1-67BADEEA-6.0`, sg_event_id: `${mark}-id` },
  ...more,
});
/** The same, saying whose it is. */
export const itemOf = ({ mark, workspace }: Pick<Holding, "mark" | "workspace">, more: object = {}) =>
  item(mark, {
    homing_workspace_id: workspace,
    ...{ message_id: `${mark}-message`, campaign_id: `${mark}-campaign`, contact_id: `${mark}-contact` },
    ...more,
  });

/** Two workspaces that both have one of everything, at providers that they share. */
export async function startTwoWorkspaces(kind: DatabaseKind): Promise<TwoWorkspaces> {
  const receiver = await startReceiver();
  const homing = await startGateway(kind, { ALLOW_PRIVATE_ENDPOINTS: "true" });
  const { query } = homing.gateway.database;
  const made = async (path: string, body: object, method = "POST") => {
    const answer = await homing.api(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const newToken = async (mark: string, role: string, workspace_id?: string): Promise<{ id: string; token: string }> =>
    (await made("/v1/tokens", { name: `${mark} token`, role, workspace_id })) as { id: string; token: string };

  async function settle(mark: string, workspace: string): Promise<Holding> {
    await made(`/v1/workspaces/${workspace}`, { name: `${mark} Ltd` }, "PUT");
    const endpoint = async () =>
      (
        await made("/v1/endpoints", {
          ...{ workspace_id: workspace, url: `${receiver.url}/${mark}`, events: ["delivery.*"], description: `${mark} hook` },
        })
      ).id as string;
    const [first, { token }] = [await endpoint(), await newToken(mark, "workspace", workspace)];
    const { body } = await homing.callback("sendgrid", [itemOf({ mark, workspace })]);
    const [event] = (await homing.events()).filter((one) => one.callback_id === body.callback_id);
    const secret = `${mark}-${randomBytes(24).toString("hex")}`;
    await made("/v1/secrets/shipping/delhivery", { workspace_id: workspace, secrets: [secret] }, "PUT");
    await made(
      "/v1/bindings",
      { provider: "stripe", kind: "customer", value: `${mark}-customer`, workspace_id: workspace },
      "PUT",
    );
    const [owed] = await query<{ id: string }>("select id from dispatches where workspace_id = $1", [workspace]);
    return {
      ...{ workspace, mark, token, secret, endpoint: first, dispatch: showId("dispatch", owed?.id as string) },
      ...{ event: event?.id as string, callback: body.callback_id, message: `${mark}-message`, email: `asha@${mark}.example` },
      fresh: {
        endpoint,
        workspace: async () => (await made(`/v1/workspaces/${randomUUID()}`, { name: `${mark} branch` }, "PUT")).id,
        token: async () => (await newToken(mark, "workspace", workspace)).id,
        replay: async () => (await made("/v1/replays", { filter: { q: `${mark}-message` } })).id,
        /** A callback with one item that nobody has told the workspace of. */
        async waiting() {
          const lost = item(mark, { sg_message_id: `${mark}${randomUUID()}.recvd-1` });
          return (await homing.callback("sendgrid", [lost])).body.callback_id;
        },
        async dispatch() {
          const [row] = await query<{ id: string }>(
            `insert into dispatches (endpoint_id, event_id, workspace_id, type, state, next_at, settled_at)
             select endpoint_id, event_id, workspace_id, type, 'dead', null, now() from dispatches where id = $1 returning id`,
            [owed?.id],
          );
          return showId("dispatch", row?.id as string);
        },
        async binding() {
          const id = newId(homing.gateway.databaseClock.now());
          const value = `${mark}-${id}`;
          await query(
            `insert into bindings (id, reference, adapter, kind, value, workspace_id, origin, told_by)
             values ($1, $2, 'stripe', 'invoice', $3, $4, 'told', 'support')`,
            [id, `stripe invoice:${value}`, value, workspace],
          );
          return showId("binding", id);
        },
      },
    };
  }

  const acme = await settle("acmemark", ACME);
  const beta = await settle("betamark", BETA);
  const later = { timestamp: 1795345777 };
  const mixed = await homing.callback("sendgrid", [
    item(STRAY),
    itemOf(beta, later),
    `broken ${STRAY}`,
    itemOf(acme, later),
    { event: "deferred", email: `quiet@${STRAY}.example` },
  ]);
  // Just before that one, so that "before this" means the same of both.
  const other = (id: string) => `${id.slice(0, -6)}000000`;
  const never = (id: string) => async () => id;
  return {
    ...{ homing, acme, beta, support: (await newToken("support", "support")).token, mixed: mixed.body.callback_id },
    nowhere: {
      ...{ workspace: NOBODY, mark: "nomark", token: "homing_of-nobody-00000000000000000000000000", secret: "s".repeat(32) },
      ...{
        endpoint: other(beta.endpoint),
        dispatch: other(beta.dispatch),
        event: other(beta.event),
        callback: other(beta.callback),
      },
      ...{ message: "nomark-message", email: "asha@nomark.example" },
      fresh: {
        workspace: never(NOBODY),
        endpoint: never(other(beta.endpoint)),
        dispatch: never(other(beta.dispatch)),
        binding: never(other(showId("binding", newId(0)))),
        token: never(other(showId("token", newId(0)))),
        waiting: never(other(beta.callback)),
        replay: never(other(showId("replay", newId(0)))),
      },
    },
    async secretsOf({ workspace, mark, token, secret, callback }) {
      const rows = await query<{ kind: "endpoint"; id: string }>(
        `select 'endpoint' as kind, id from endpoints where workspace_id = $1 union all select 'dispatch', id from dispatches where workspace_id = $1
         union all select 'event', id from events where workspace_id = $1 union all select 'token', id from tokens where workspace_id = $1
         union all select 'binding', id from bindings where workspace_id = $1`,
        [workspace],
      );
      const pathTokens = [...homing.gateway.registry.keys()].map((adapter) =>
        homing.gateway.credentials.newestPathToken(adapter, workspace),
      );
      const ids = rows.flatMap(({ kind, id }) => [showId(kind, id), id]);
      return [STRAY, mark, workspace, workspace.replaceAll("-", ""), token, secret, callback, ...pathTokens, ...ids];
    },
    async close() {
      await homing.close();
      await receiver.close();
    },
  };
}
