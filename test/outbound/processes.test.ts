import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { freshDatabase, startGateway, type TestGateway } from "../support/gateway.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";

const EVENTS = 60;

describe("several processes on one database", () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let web: TestGateway;
  const workers: TestGateway[] = [];
  let there: Receiver;

  beforeAll(async () => {
    database = await freshDatabase("postgres");
    const settings = { ALLOW_PRIVATE_ENDPOINTS: "true" };
    web = await startGateway("postgres", settings, { database, role: "web" });
    for (let index = 0; index < 2; index += 1) {
      workers.push(await startGateway("postgres", settings, { database, signers: web.signers, role: "worker" }));
    }
    there = await startReceiver();
    await web.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    await web.api("POST", "/v1/endpoints", { workspace_id: ACME, url: there.url, events: ["*"] });
  });
  afterAll(async () => {
    await there.close();
    for (const gateway of [web, ...workers]) await gateway.close();
    await database.remove();
  });

  it("send what another one has received, each webhook once", async () => {
    const data = { contact_id: "c", segment_id: "s", segment_name: null };
    const told = await Promise.all(
      Array.from({ length: EVENTS }, async () => {
        const { body } = await web.api("POST", "/v1/events", { type: "segment.entered", workspace_id: ACME, data });
        return body.id as string;
      }),
    );
    const received = await there.came(EVENTS);
    expect(received.map(({ headers }) => headers["webhook-id"]).sort()).toEqual(told.sort());
  });

  it("answer what their role is for", async () => {
    const [worker] = workers as [TestGateway];
    for (const path of ["/healthz", "/readyz"]) expect((await fetch(worker.url + path)).status).toBe(200);
    expect((await worker.api("GET", "/v1/events")).status).toBe(404);
    expect((await worker.callback("example", { reports: [] })).status).toBe(404);
    expect((await fetch(`${worker.url}/metrics`)).status).toBe(401);
    expect((await web.callback("example", { reports: [] })).status).toBe(200);
  });
});
