import type { AnyProvider } from "../../../src/provider/define.ts";
import { ACME, BETA } from "../../support/fixtures.ts";
import { type DatabaseKind, startGateway, type TestGateway } from "../../support/gateway.ts";

/** A report of the example adapter; it says whose it is only where told to. */
export const report = (id: string, more: object = {}) => ({
  ...{ id, message_id: id, status: "delivered", at: "2026-11-22T10:30:00Z", to: `${id}@example.com` },
  ...more,
});

/** A gateway with two workspaces, and calls that these tests make all the time. */
export type World = Awaited<ReturnType<typeof startWorld>>;

export async function startWorld(kind: DatabaseKind, ...rest: [Record<string, string>?, Parameters<typeof startGateway>[2]?]) {
  const homing = await startGateway(kind, ...rest);
  await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
  await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
  return { homing, ...calls(homing) };
}

/** What these tests do, on a gateway. */
export function calls(homing: TestGateway) {
  const { query } = homing.gateway.database;
  return {
    /** Posts reports; answers the callback's id. */
    async send(...reports: object[]): Promise<string> {
      const { status, body } = await homing.callback("example", { reports });
      if (status !== 200) throw new Error(JSON.stringify(body));
      return body.callback_id;
    },
    trace: async (id: string) => (await homing.api("GET", `/v1/callbacks/${id}`)).body,
    assign: (body: object) => homing.api("POST", "/v1/unmatched/assign", body),
    dismiss: (body: object) => homing.api("POST", "/v1/unmatched/dismiss", body),
    replay: (id: string, body: object = {}) => homing.api("POST", `/v1/callbacks/${id}/replay`, body),
    bind: (value: string, workspace_id = ACME) =>
      homing.api("PUT", "/v1/bindings", { provider: "example", kind: "message", value, workspace_id }),
    audit: async (object: string) => (await homing.api("GET", `/v1/audit?object=${encodeURIComponent(object)}`)).body.data,
    /** The events of some callbacks, in the log's order. */
    async eventsOf(...ids: string[]) {
      return (await homing.events()).filter((event) => ids.includes(event.callback_id ?? ""));
    },
    waiting: async (...ids: string[]) =>
      (
        await query<{ item: number }>(
          `select item from waiting where 'cb_' || replace(callback_id::text, '-', '') = any($1::text[]) order by callback_id, item`,
          [`{${ids.join(",")}}`],
        )
      ).length,
  };
}

export const group = (message: string) => ({ provider: "example", reference: `message:${message}` });

/** Lets an adapter be another for a while, as before or after a change of its code. */
export async function withAdapter<Result>(
  homing: TestGateway,
  change: (provider: AnyProvider) => Partial<AnyProvider>,
  work: () => Promise<Result>,
): Promise<Result> {
  const adapter = homing.gateway.registry.get("example");
  if (!adapter) throw new Error("there is no example adapter");
  const { provider } = adapter;
  adapter.provider = { ...provider, ...change(provider) };
  try {
    return await work();
  } finally {
    adapter.provider = provider;
  }
}
