import type { Query } from "../db/client.ts";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import type { Credential } from "../inbound/credentials.ts";
import type { Work } from "../inbound/decide.ts";
import { pathIndex, readPath } from "../inbound/path.ts";
import { arrive } from "../inbound/receive.ts";
import { decrypt } from "../keys.ts";

/** A callback as it is kept, with its counts of today. */
export type Stored = {
  id: string;
  adapter: string;
  received_at: Date;
  method: string;
  path: string;
  ip: string | null;
  headers: string;
  body: Uint8Array;
  body_encrypted: boolean;
  verification: string;
  items: string;
  failed: number;
};

/** What it says today. `failed`: it could not be read at all. */
export type Reading = { stored: Stored; works: Work[]; failed: string | null };

const columns = "id, adapter, received_at, method, path, ip, headers, body, body_encrypted, verification, items, failed";

/** Stored callbacks, oldest first. */
export async function readStored(query: Query, ids: string[]): Promise<Stored[]> {
  const from = (table: string) =>
    `select ${columns} from ${table} where id = any(array(select json_array_elements_text($1::text::json)::uuid))`;
  return query<Stored>(`${from("callbacks")} union all ${from("kept_callbacks")} order by id`, [JSON.stringify(ids)]);
}

/**
 * Reads a stored callback again, with today's adapter and as of when it came. It was authentic: it is not verified again, and its body may have
 * been trimmed since.
 * @throws GatewayError `not_replayable` where nobody reads it any more.
 */
export function reread(gateway: Gateway, stored: Stored, by: string): Reading {
  const adapter = gateway.registry.get(stored.adapter);
  if (!adapter) throw new GatewayError("not_replayable", { message: `No adapter ${stored.adapter} is here any more.` });
  const { credential } = JSON.parse(stored.verification) as { credential: Credential };
  const shown = readPath(stored.path, pathIndex(gateway.registry));
  const { workspace = null, token = null } = shown ?? {};
  // What was taken then had a right token or none; the rest is told by the credential.
  const vouchesForPath = token !== null || credential.owner === workspace || adapter.provider.signsUrl === true;
  const { works, failed } = arrive(
    { adapter, workspace, token, shown: stored.path },
    {
      ...{ id: stored.id, method: stored.method, ip: stored.ip, receivedAt: stored.received_at.getTime() },
      body: stored.body_encrypted ? decrypt(gateway.keys.content, stored.body) : bytes(stored.body),
      headers: JSON.parse(stored.headers) as Record<string, string>,
    },
    { ok: true, credential, vouchesForPath },
    gateway,
  );
  return { stored, works: works.map((work) => ({ ...work, replayedBy: by })), failed };
}

/** A driver may give a Uint8Array where adapters expect what a request brings. */
function bytes(body: Uint8Array): Buffer {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
