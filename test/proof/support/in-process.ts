import { createApp } from "../../../src/app.ts";
import { readConfig } from "../../../src/config.ts";
import { createGateway, type Gateway } from "../../../src/gateway.ts";
import type { CommitOptions } from "../../../src/inbound/commit.ts";
import { secretsSetting } from "../../../src/inbound/credentials.ts";
import { pathIndex, readPath } from "../../../src/inbound/path.ts";
import { arrive } from "../../../src/inbound/receive.ts";
import type { Arrival } from "../../../src/inbound/record.ts";
import { verify } from "../../../src/inbound/verify.ts";
import { silent } from "../../../src/log.ts";
import { registry } from "../../../src/registry.ts";
import { API_TOKEN, MASTER_KEY } from "../../support/gateway.ts";
import { newSigner } from "./process.ts";
import { bodyOf, type Report } from "./reports.ts";

/** A gateway in this process that does not listen, so that nothing sweeps and every step is ours. */
export type InProcess = {
  gateway: Gateway;
  api(method: string, path: string, body?: unknown): Promise<Response>;
  /** A verified callback, as it comes to the commit. */
  arrival(reports: Report[]): Arrival;
  commitOptions(database?: Partial<Gateway["database"]>): CommitOptions;
};

const adapters = await registry();

export async function openGateway(settings: Record<string, string>): Promise<InProcess> {
  const signer = newSigner();
  const environment = { API_TOKEN, MASTER_KEY, ...settings, [secretsSetting("example")]: signer.secret };
  const gateway = await createGateway(readConfig(environment, adapters.keys()), adapters, silent);
  const path = readPath("/callbacks/example", pathIndex(adapters));
  if (!path) throw new Error("the example adapter has no path");
  return {
    gateway,
    api: async (method, where, body) =>
      createApp(gateway).request(where, {
        method,
        headers: { authorization: `Bearer ${API_TOKEN}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    arrival(reports) {
      const body = Buffer.from(bodyOf(reports));
      const headers = signer.sign({ body, url: "", now: new Date() });
      const receivedAt = gateway.clock();
      const verification = verify(path, { body, headers, url: "" }, gateway.credentials, receivedAt);
      if (!verification.ok) throw new Error(verification.code);
      return arrive(path, { body, headers, ip: null, receivedAt, method: "POST" }, verification, gateway);
    },
    commitOptions: (database = {}) => ({
      database: { ...gateway.database, ...database },
      epoch: gateway.epoch,
      keys: gateway.keys,
      now: () => gateway.databaseClock.now(),
      ignoreTestMode: false,
    }),
  };
}
