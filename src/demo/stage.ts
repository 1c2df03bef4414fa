import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../config.ts";
import { createGateway } from "../gateway.ts";
import { secretsSetting } from "../inbound/credentials.ts";
import { createLogger } from "../log.ts";
import type { Registry } from "../registry.ts";
import { type Signer, signersOf } from "./fixtures.ts";
import type { Scene } from "./scenes.ts";

export type Answer<Body> = { status: number; body: Body };

/** A gateway of our own that listens, known to this side by its address, its operator's token and its providers' secrets alone. */
export type Stage = {
  address: string;
  token: string;
  /** Calls the API as the operator. @throws where it does not answer 2xx. */
  api<Body>(method: "GET" | "PUT", where: string, body?: object): Promise<Body>;
  /** Gives a workspace a secret of its own, with which `deliver` signs its scenes of the way `credential` from then on. */
  giveOwnSecret(scene: Scene): Promise<void>;
  /** Calls as the provider would: the fixture's body, signed now. `altered`: a byte is added after the signing. */
  deliver<Body>(scene: Scene, options?: { altered?: boolean }): Promise<Answer<Body>>;
  /** Ends the gateway and removes its database. */
  close(): Promise<void>;
};

/** What fetch sets by itself, or what was true of the first transport only. */
const NOT_RESENT = new Set(["host", "content-length", "connection", "transfer-encoding", "accept-encoding"]);

/**
 * Opens a gateway on a temporary embedded database and a free port. Nothing of the environment's settings reaches it.
 * @param signal once it is aborted, every further call throws, so that the stage may be closed in peace.
 */
export async function openStage(registry: Registry, signal: AbortSignal): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "homing-demo-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    return await open(registry, signal, folder, remove);
  } catch (error) {
    remove();
    throw error;
  }
}

async function open(registry: Registry, signal: AbortSignal, folder: string, remove: () => void): Promise<Stage> {
  const signing = [...registry.values()].filter((adapter) => adapter.provider.verify.signs).map((adapter) => adapter.name);
  const newSigner = async (adapter: string): Promise<Signer> => (await signersOf(adapter)).newSigner();
  const signers = new Map(
    await Promise.all(signing.map(async (name): Promise<[string, Signer]> => [name, await newSigner(name)])),
  );
  const token = randomBytes(16).toString("hex");
  const config = readConfig(
    {
      ...{ PORT: "0", DATA_DIR: folder, API_TOKEN: token, LOG_LEVEL: "warn" },
      ...Object.fromEntries([...signers].map(([adapter, signer]) => [secretsSetting(adapter), signer.secret])),
    },
    registry.keys(),
  );
  const gateway = await createGateway(config, registry, createLogger(config.LOG_LEVEL));
  const close = async () => {
    await gateway.close();
    remove();
  };
  const address = await gateway.listen().catch(async (error: unknown) => {
    await close();
    throw error;
  });

  const api: Stage["api"] = async (method, where, body) => {
    signal.throwIfAborted();
    const response = await fetch(`${address}${where}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${where} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  };
  const own = new Map<string, Signer>();
  const owner = (scene: Scene) => `${scene.adapter.name} ${scene.workspace.id}`;

  async function urlOf(scene: Scene): Promise<string> {
    const [, , ...segments] = scene.fixture.path.split("/");
    if (scene.way === "credential") return `${address}/callbacks/${scene.adapter.name}/${scene.workspace.id}`;
    if (segments.at(-1) !== "{token}") return `${address}${scene.fixture.path}`;
    const workspace = segments.at(-2) === "_" ? "" : `&workspace_id=${segments.at(-2)}`;
    const { url } = await api<{ url: string }>("GET", `/v1/callback-url?adapter=${scene.adapter.name}${workspace}`);
    return url;
  }

  return {
    ...{ address, token, api, close },
    async giveOwnSecret(scene) {
      if (own.has(owner(scene))) return;
      const signer = await newSigner(scene.adapter.name);
      await api("PUT", `/v1/secrets/${scene.adapter.name}`, { workspace_id: scene.workspace.id, secrets: [signer.secret] });
      own.set(owner(scene), signer);
    },
    async deliver(scene, { altered = false } = {}) {
      signal.throwIfAborted();
      const { fixture } = scene;
      const url = await urlOf(scene);
      const signer = scene.way === "credential" ? own.get(owner(scene)) : signers.get(scene.adapter.name);
      const headers = {
        ...Object.fromEntries(Object.entries(fixture.headers).filter(([name]) => !NOT_RESENT.has(name))),
        ...(fixture.notes.signed !== "no" && signer?.sign({ body: fixture.body, url, now: new Date() })),
      };
      const body = altered ? Buffer.concat([fixture.body, Buffer.from(" ")]) : Buffer.from(fixture.body);
      const response = await fetch(url, { method: fixture.method, headers, body });
      return { status: response.status, body: JSON.parse(await response.text()) };
    },
  };
}
