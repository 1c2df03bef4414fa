import type { Query } from "../db/client.ts";
import type { PathTokens, Vault } from "../keys.ts";
import type { Key } from "../provider/signatures.ts";
import type { Adapter, Registry } from "../registry.ts";

/** A secret that may verify a callback, ready for use. */
export type Credential = {
  owner: "platform" | (string & {});
  place: "environment" | "stored" | "path";
  /** 0 is the newest of its owner. */
  position: number;
  /** When it was stored; null for the environment's. */
  since: string | null;
  /** For static tokens: the text itself. */
  text: string;
  key: Key | null;
};

const MOST_PER_OWNER = 10;

/** The name of the setting with an adapter's platform-wide secrets: `shop/north` → `SHOP_NORTH_SECRETS`. */
export function secretsSetting(adapter: string): string {
  return `${adapter.toUpperCase().replace(/[^A-Z0-9]/g, "_")}_SECRETS`;
}

/** Makes the key of a secret. @throws Error in words where it is malformed. */
export function keyOf(adapter: Adapter, secret: string): Key | null {
  const { verify } = adapter.provider;
  if (verify.signs) return verify.key(secret);
  if (secret.length < 16) throw new Error("a static token needs 16 characters or more");
  return null;
}

/** Every secret and path token in memory, so that an unauthenticated caller never waits for, or causes, a statement. */
export class Credentials {
  readonly #registry: Registry;
  readonly #vault: Vault;
  readonly #tokens: PathTokens;
  readonly #environment = new Map<string, Credential[]>();
  /** By adapter, then owner. */
  #stored = new Map<string, Map<string, Credential[]>>();
  /** By adapter and workspace: the generations whose tokens are accepted, newest first. */
  #generations = new Map<string, { generation: number; validUntil: number | null }[]>();
  #version = "";

  /**
   * @param environment secrets by adapter, newest first.
   * @throws Error that names the setting where a secret is malformed.
   */
  constructor(registry: Registry, vault: Vault, tokens: PathTokens, environment: ReadonlyMap<string, string[]>) {
    this.#registry = registry;
    this.#vault = vault;
    this.#tokens = tokens;
    for (const [name, secrets] of environment) {
      const adapter = registry.get(name);
      if (!adapter) continue;
      this.#environment.set(
        name,
        secrets.map((text, position) => ({
          owner: "platform",
          place: "environment",
          position,
          since: null,
          text,
          key: environmentKey(adapter, text),
        })),
      );
    }
  }

  /** Reads what is stored, if it changed since the last time. */
  async refresh(query: Query): Promise<void> {
    const [row] = await query<{ version: string }>(
      `select concat_ws(' ', (select count(*) from secrets), (select max(id::text) from secrets),
         (select count(*) from path_generations), (select max(created_at) from path_generations)) as version`,
    );
    if (!row || row.version === this.#version) return;
    const stored = new Map<string, Map<string, Credential[]>>();
    const rows = await query<{
      adapter: string;
      workspace_id: string | null;
      position: number;
      ciphertext: string;
      created_at: Date;
    }>("select adapter, workspace_id, position, ciphertext, created_at from secrets order by adapter, workspace_id, position");
    for (const secret of rows) {
      const adapter = this.#registry.get(secret.adapter);
      if (!adapter) continue;
      const owner = secret.workspace_id ?? "platform";
      const text = this.#vault.open(secret.ciphertext).toString();
      const owners = stored.get(secret.adapter) ?? new Map<string, Credential[]>();
      const credential: Credential = {
        owner,
        place: "stored",
        position: secret.position,
        since: secret.created_at.toISOString(),
        text,
        key: keyOf(adapter, text),
      };
      owners.set(owner, [...(owners.get(owner) ?? []), credential]);
      stored.set(secret.adapter, owners);
    }
    const generations = new Map<string, { generation: number; validUntil: number | null }[]>();
    const rotated = await query<{ adapter: string; workspace_id: string; generation: number; valid_until: Date | null }>(
      "select adapter, workspace_id, generation, valid_until from path_generations order by generation desc",
    );
    for (const one of rotated) {
      const name = `${one.adapter} ${one.workspace_id}`;
      generations.set(name, [
        ...(generations.get(name) ?? []),
        { generation: one.generation, validUntil: one.valid_until?.getTime() ?? null },
      ]);
    }
    this.#stored = stored;
    this.#generations = generations;
    this.#version = row.version;
  }

  /** Whether any owner has a secret for this adapter. */
  isConfigured(adapter: string): boolean {
    return (this.#environment.get(adapter)?.length ?? 0) + (this.#stored.get(adapter)?.size ?? 0) > 0;
  }

  /** The secrets to try, in order: with a workspace in the path its own, then the platform's. At most 10 of each owner. */
  candidates(adapter: string, workspace: string | null): Credential[] {
    const stored = this.#stored.get(adapter);
    const own = workspace && workspace !== "_" ? (stored?.get(workspace) ?? []) : [];
    const platform = [...(this.#environment.get(adapter) ?? []), ...(stored?.get("platform") ?? [])];
    return [...own.slice(0, MOST_PER_OWNER), ...platform.slice(0, MOST_PER_OWNER)];
  }

  /** The path tokens that are accepted now. */
  pathTokens(adapter: string, workspace: string, now: number): string[] {
    const rotated = this.#generations.get(`${adapter} ${workspace}`) ?? [{ generation: 0, validUntil: null }];
    return rotated
      .filter(({ validUntil }) => validUntil === null || validUntil > now)
      .flatMap(({ generation }) => this.#tokens.accepted(adapter, workspace, generation));
  }

  /** The path token that a new URL carries. */
  newestPathToken(adapter: string, workspace: string): string {
    const [newest] = this.#generations.get(`${adapter} ${workspace}`) ?? [];
    return this.#tokens.make(adapter, workspace, newest?.generation ?? 0);
  }
}

function environmentKey(adapter: Adapter, text: string): Key | null {
  try {
    return keyOf(adapter, text);
  } catch (error) {
    throw new Error(`${secretsSetting(adapter.name)}: ${(error as Error).message}`);
  }
}
