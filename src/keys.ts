import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import type { Query } from "./db/client.ts";
import { randomSlice } from "./random.ts";

/** MASTER_KEY, newest first: the first encrypts and derives, all decrypt and verify. */
export type MasterKeys = readonly [Buffer, ...Buffer[]];

const IV_BYTES = 12;
const TAG_BYTES = 16;
const MOST_OWNERS = 10_000;

/** AES-256-GCM with a random nonce: nonce, ciphertext, tag. */
export function encrypt(key: KeyObject, plain: Uint8Array): Buffer {
  const iv = randomSlice(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws where the key is not the one, or a byte was changed. */
export function decrypt(key: KeyObject, sealed: Uint8Array): Buffer {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, IV_BYTES));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
}

function derive(master: Buffer, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync("sha256", master, "", `homing ${purpose}`, 32)));
}

/** Short texts under MASTER_KEY: providers' secrets, data keys. Any of the keys opens. */
export class Vault {
  readonly #keys: KeyObject[];

  constructor(masters: MasterKeys) {
    this.#keys = masters.map((master) => derive(master, "vault"));
  }

  seal(plain: Uint8Array | string): string {
    return encrypt(this.#keys[0] as KeyObject, Buffer.from(plain)).toString("base64");
  }

  /** @throws Error in words where none of the keys opens it. */
  open(sealed: string): Buffer {
    for (const key of this.#keys) {
      try {
        return decrypt(key, Buffer.from(sealed, "base64"));
      } catch {}
    }
    throw new Error("what is stored was encrypted under another MASTER_KEY. Put that one (also) into MASTER_KEY, newest first");
  }

  /** Whether an older key than the newest sealed it. */
  isStale(sealed: string): boolean {
    try {
      decrypt(this.#keys[0] as KeyObject, Buffer.from(sealed, "base64"));
      return false;
    } catch {
      return true;
    }
  }
}

/** Where sealed texts stand: table, key column, column. */
const SEALED = [
  ["secrets", "id", "ciphertext"],
  ["data_keys", "name", "ciphertext"],
  ["endpoints", "id", "secret_ciphertext"],
  ["endpoints", "id", "previous_secret_ciphertext"],
] as const;

/**
 * Seals anew everything that an older MASTER_KEY sealed, so that the old one may go; answers how much that was. (Refused requests' headers are
 * under a data key.) @throws where none of the keys opens it.
 */
export async function rewrap(query: Query, vault: Vault): Promise<number> {
  let rewrapped = 0;
  for (const [table, key, column] of SEALED) {
    const rows = await query<{ id: string; sealed: string }>(
      `select ${key}::text as id, ${column} as sealed from ${table} where ${column} is not null`,
    );
    for (const { id, sealed } of rows.filter((row) => vault.isStale(row.sealed))) {
      await query(`update ${table} set ${column} = $3 where ${key}::text = $1 and ${column} = $2`, [
        ...[id, sealed],
        vault.seal(vault.open(sealed)),
      ]);
      rewrapped += 1;
    }
  }
  return rewrapped;
}

/** How many sealed texts each master key opens, in their order; and how many none of them does. */
export async function sealedUnder(query: Query, masters: MasterKeys): Promise<{ opened: number[]; unreadable: number }> {
  const vaults = masters.map((master) => new Vault([master]));
  const opened = vaults.map(() => 0);
  let unreadable = 0;
  for (const [table, , column] of SEALED) {
    const rows = await query<{ sealed: string }>(`select ${column} as sealed from ${table} where ${column} is not null`);
    for (const { sealed } of rows) {
      const at = vaults.findIndex((vault) => !vault.isStale(sealed));
      if (at < 0) unreadable += 1;
      else opened[at] = (opened[at] ?? 0) + 1;
    }
  }
  return { opened, unreadable };
}

/** Path tokens: 32 hex characters of HMAC-SHA256 over adapter, workspace and generation. */
export class PathTokens {
  readonly #keys: KeyObject[];

  constructor(masters: MasterKeys) {
    this.#keys = masters.map((master) => derive(master, "path token"));
  }

  /** The token that new URLs carry. */
  make(adapter: string, workspace: string, generation: number): string {
    return this.#token(this.#keys[0] as KeyObject, adapter, workspace, generation);
  }

  /** The tokens that are accepted for a generation: one per master key. */
  accepted(adapter: string, workspace: string, generation: number): string[] {
    return this.#keys.map((key) => this.#token(key, adapter, workspace, generation));
  }

  #token(key: KeyObject, adapter: string, workspace: string, generation: number): string {
    return createHmac("sha256", key).update(`${adapter}\n${workspace}\n${generation}`).digest("hex").slice(0, 32);
  }
}

/** Random keys, made once and stored under MASTER_KEY, so that a new MASTER_KEY changes no digest. */
export class DataKeys {
  readonly #guard: string;
  readonly #search: string;
  readonly #owners = new Map<string, string>();
  /** For bodies that carry one-time codes, and for refused headers. */
  readonly content: KeyObject;

  private constructor(keys: { guard: Buffer; search: Buffer; content: Buffer }) {
    this.#guard = keys.guard.toString("hex");
    this.#search = keys.search.toString("hex");
    this.content = createSecretKey(keys.content);
  }

  /** Reads the keys and makes those that are missing. */
  static async load(query: Query, vault: Vault): Promise<DataKeys> {
    const keys: Record<string, Buffer> = {};
    for (const name of ["guard", "search", "content"]) {
      await query("insert into data_keys (name, ciphertext) values ($1, $2) on conflict do nothing", [
        name,
        vault.seal(randomBytes(32)),
      ]);
      const [row] = await query<{ ciphertext: string }>("select ciphertext from data_keys where name = $1", [name]);
      keys[name] = vault.open(row?.ciphertext ?? "");
    }
    return new DataKeys(keys as { guard: Buffer; search: Buffer; content: Buffer });
  }

  /** 16 keyed bytes as a UUID: what the guard knows of an adapter's natural key, or a state's identity. */
  digest(...parts: string[]): string {
    const hex = this.#keyed(this.#guard, parts);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
  }

  /** 8 keyed bytes as a signed number in text: whose a guard entry is. */
  ownerDigest(owner: string): string {
    const known = this.#owners.get(owner);
    if (known) return known;
    const digest = this.#number(this.#guard, ["owner", owner]);
    // There are few owners and many events; a stranger cannot fill this, as owners come from credentials and placed items.
    if (this.#owners.size < MOST_OWNERS) this.#owners.set(owner, digest);
    return digest;
  }

  /** 8 keyed bytes as a signed number in text: a term that support may look for. Case, blanks and phone punctuation do not count. */
  term(value: string): string {
    const folded = value.trim().toLowerCase();
    return this.#number(this.#search, [/^\+?[\d\s().-]{7,20}$/.test(folded) ? folded.replace(/\D/g, "") : folded]);
  }

  #number(key: string, parts: string[]): string {
    return BigInt.asIntN(64, BigInt(`0x${this.#keyed(key, parts).slice(0, 16)}`)).toString();
  }

  // The key's length is fixed and the digest is cut, so that a plain hash over key and text is a sound keyed digest here, at a
  // third of HMAC's price.
  #keyed(key: string, parts: string[]): string {
    return hash("sha256", `${key}${parts.join("\0")}`, "hex");
  }
}
