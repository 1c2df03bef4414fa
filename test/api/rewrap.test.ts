import { afterAll, describe, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { databases, freshDatabase, MASTER_KEY, startGateway } from "../support/gateway.ts";
import { startReceiver } from "../support/receiver.ts";

const NEW_KEY = Buffer.alloc(32, 9).toString("base64");

describe.each(databases)("another MASTER_KEY (%s)", (kind) => {
  const cleanUp: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const undo of cleanUp.reverse()) await undo();
  });

  it("takes over everything that is stored, and the old one may go", async () => {
    const database = await freshDatabase(kind);
    cleanUp.push(database.remove);
    const there = await startReceiver();
    cleanUp.push(there.close);
    const open = (MASTER_KEYS: string) =>
      startGateway(kind, { MASTER_KEY: MASTER_KEYS, ALLOW_PRIVATE_ENDPOINTS: "true" }, { database });

    let home = await open(MASTER_KEY);
    await home.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme" });
    await home.api("PUT", "/v1/secrets/example", { workspace_id: null, secrets: ["a stored platform secret"] });
    const { body: endpoint } = await home.api("POST", "/v1/endpoints", { workspace_id: ACME, url: there.url, events: ["*"] });
    await home.api("POST", `/v1/endpoints/${endpoint.id}/rotate-secret`);
    await home.close();

    // With both, everything is encrypted anew at the start; asked again, nothing is left to do.
    home = await open(`${NEW_KEY} ${MASTER_KEY}`);
    expect((await home.api("POST", "/v1/secrets/rewrap")).body).toEqual({ rewrapped: 0 });
    await home.close();

    home = await open(NEW_KEY);
    expect((await home.api("GET", "/v1/secrets/example")).body.data).toContainEqual(
      expect.objectContaining({ place: "stored", count: 1 }),
    );
    const { body: tested } = await home.api("POST", `/v1/endpoints/${endpoint.id}/test`);
    expect(tested).toMatchObject({ ok: true, status: 200 });
    expect(there.received.at(-1)?.headers).toMatchObject({
      "x-aegis-signature-previous": expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    await home.close();
  });

  it("alone, without the old one, is refused in words before anything is lost", async () => {
    const database = await freshDatabase(kind);
    cleanUp.push(database.remove);
    await (await startGateway(kind, {}, { database })).close();
    await expect(startGateway(kind, { MASTER_KEY: NEW_KEY }, { database })).rejects.toThrow("another MASTER_KEY");
    await (await startGateway(kind, {}, { database })).close();
  });
});
