import { newSigner } from "../../../providers/example/fixtures/sign.ts";
import { ACME, BETA } from "../../support/fixtures.ts";
import { type DatabaseKind, startGateway, type TestGateway } from "../../support/gateway.ts";
import { type Receiver, startReceiver } from "../../support/receiver.ts";
import { until } from "../../support/until.ts";

/** Markup where a provider may write what it likes. */
export const EVIL = `<script>alert("x")</script><img src=x onerror=alert(1)>'"&`;
const UNKNOWN = "99999999-9999-4999-8999-999999999999";

export type Filled = {
  homing: TestGateway;
  receiver: Receiver;
  /** A callback of each state, by its name. */
  callbacks: Record<string, string>;
  /** A token of each role. */
  tokens: { support: string; workspace: string; supportId: string };
  endpoint: string;
  message: string;
  close(): Promise<void>;
};

const report = (id: string, more: object = {}) => ({
  reports: [
    {
      id,
      message_id: id,
      status: "delivered",
      at: "2026-11-22T10:30:00Z",
      to: `${id}@example.com`,
      meta: { workspace_id: ACME },
      ...more,
    },
  ],
});

/** A gateway to which all has happened that a callback can meet. */
export async function fill(kind: DatabaseKind): Promise<Filled> {
  const receiver = await startReceiver();
  const homing = await startGateway(kind, { ALLOW_PRIVATE_ENDPOINTS: "true", CONSOLE_TIME_ZONE: "Asia/Kolkata" });
  const callbacks: Record<string, string> = {};
  await homing.api("PUT", `/v1/workspaces/${ACME}`, { name: `Acme ${EVIL}` });
  await homing.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta" });
  const endpoint = await homing.api("POST", "/v1/endpoints", {
    workspace_id: ACME,
    url: receiver.url,
    events: ["delivery.*"],
    description: `Desk ${EVIL}`,
  });
  await homing.api("POST", "/v1/endpoints", {
    workspace_id: ACME,
    url: receiver.url,
    events: ["contact.*"],
    description: "CRM sync",
  });
  const support = await homing.api("POST", "/v1/tokens", { name: `Desk ${EVIL}`, role: "support" });
  const workspace = await homing.api("POST", "/v1/tokens", { name: "Acme's own", role: "workspace", workspace_id: ACME });
  const send = async (name: string, body: unknown, options?: Parameters<TestGateway["callback"]>[2]) => {
    const answer = await homing.callback("example", body, options);
    callbacks[name] = answer.body.callback_id;
    return answer;
  };
  await send("accepted", report("m1", { to: `"${EVIL}"@example.com`, message_id: "m1" }));
  await send("duplicate", report("m1", { to: `"${EVIL}"@example.com`, message_id: "m1" }));
  await send(
    "opened",
    report("m1-opened", { message_id: "m1", status: "opened", to: `"${EVIL}"@example.com`, at: "2026-11-22T10:33:00Z" }),
  );
  await send("no_reference_bound", report(`lost ${EVIL}`, { meta: null }));
  await send("second", report("lost2", { message_id: `lost ${EVIL}`, meta: null }));
  await send("unknown_workspace", report("u1", { meta: { workspace_id: UNKNOWN } }));
  await send("new_word", report("w1", { status: `teleported ${EVIL}` }));
  await send("failed", { reports: "none" });
  await send("batch", { reports: [...report("b1").reports, ...report("b2").reports, { broken: true }] });
  // The message is Acme's by what was learned, and Beta's by what it says.
  await send("workspace_conflict", report("m1-again", { message_id: "m1", meta: { workspace_id: BETA } }));
  await homing.api("PUT", "/v1/workspaces/11111111-1111-4111-8111-111111111111", { name: "Closed one" });
  await homing.api("DELETE", "/v1/workspaces/11111111-1111-4111-8111-111111111111");
  await send("workspace_closed", report("c1", { meta: { workspace_id: "11111111-1111-4111-8111-111111111111" } }));
  await homing.callback("example", report("r1"), { signer: newSigner() });
  await homing.callback("example", report("r2"), { signer: null, headers: { "x-evil": EVIL } });
  await homing.callback("nobody", report("r3"));
  await homing.settled();
  await homing.gateway.rejections.flush();
  const { body } = await homing.api("GET", "/v1/callbacks?status=rejected");
  for (const one of body.data) callbacks[one.reason] = one.id;
  await receiver.came(2);
  await until(
    () => homing.api("GET", `/v1/callbacks/${callbacks.accepted}`),
    ({ body: trace }) => trace.items[0].endpoints.some((one: { state: string }) => one.state === "succeeded"),
  );
  return {
    ...{ homing, receiver, callbacks, message: "m1", endpoint: endpoint.body.id },
    tokens: { support: support.body.token, supportId: support.body.id, workspace: workspace.body.token },
    async close() {
      await homing.close();
      await receiver.close();
    },
  };
}

/** Every page that there is, each in the states that change it. */
export function pagesOf({ callbacks, endpoint, message }: Filled): string[] {
  return [
    "/console",
    "/console/unmatched",
    `/console/unmatched?${new URLSearchParams({ adapter: "example", reference: `message:lost ${EVIL}` })}`,
    `/console/unmatched?${new URLSearchParams({ adapter: "example", reference: `message:lost ${EVIL}`, workspace: BETA })}`,
    `/console/unmatched?${new URLSearchParams({ adapter: "example", reference: `message:lost ${EVIL}`, workspace: EVIL })}`,
    `/console/unmatched?${new URLSearchParams({ adapter: "example", reference: `workspace:${UNKNOWN}` })}`,
    `/console/unmatched?callback=${callbacks.workspace_conflict}&item=0&workspace=Beta`,
    "/console/callbacks",
    "/console/callbacks?status=rejected",
    "/console/callbacks?status=failed&provider=stripe",
    "/console/callbacks?status=nonsense",
    ...Object.values(callbacks).map((id) => `/console/callbacks/${id}`),
    `/console/callbacks/${callbacks.batch}?item=1&all`,
    `/console/callbacks/${callbacks.new_word}/body`,
    `/console/callbacks/${callbacks.failed}/replay`,
    `/console/callbacks/${callbacks.signature_mismatch}/replay`,
    "/console/callbacks/cb_nothing",
    "/console/messages",
    `/console/messages/${message}`,
    "/console/endpoints",
    `/console/endpoints/${endpoint}`,
    "/console/bindings",
    "/console/workspaces",
    `/console/workspaces/${ACME}`,
    "/console/workspaces/__org__",
    "/console/audit",
    "/console/search",
    `/console/search?${new URLSearchParams({ q: EVIL })}`,
    "/console/search?q=m1",
    "/console/search?q=nothing-like-this",
    "/console/zone",
    "/console/nowhere",
  ];
}
