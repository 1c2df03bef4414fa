import { createHash, randomBytes } from "node:crypto";
import { hashToken, principalOf } from "../api/auth.ts";
import type { Principal, Role } from "../api/http.ts";
import type { Gateway } from "../gateway.ts";

const HOURS = 12;
export const SESSION_SECONDS = HOURS * 3600;

/** Stands for the token of the settings, which has no row. Another token there is another id, so that its sessions end with it. */
function settingsTokenId(gateway: Gateway): string {
  const hex = createHash("sha256").update(`homing sessions of ${gateway.config.API_TOKEN}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** Opens a session for whoever has this token; answers its random id, which is stored hashed. Null: no token of ours; "workspace": a workspace's. */
export async function openSession(gateway: Gateway, token: string): Promise<{ id: string } | "workspace" | null> {
  const principal = token ? await principalOf(gateway, token) : null;
  if (!principal) return null;
  if (principal.role === "workspace") return "workspace";
  const id = randomBytes(32).toString("base64url");
  const { query } = gateway.database;
  await query("delete from sessions where expires_at < now()");
  await query(`insert into sessions (id_hash, token_id, expires_at) values ($1, $2, now() + interval '${HOURS} hours')`, [
    hashToken(id),
    principal.tokenId ?? settingsTokenId(gateway),
  ]);
  return { id };
}

/** Whose session it is, as long as it and its token last. */
export async function sessionOf(gateway: Gateway, id: string): Promise<Principal | null> {
  const [row] = await gateway.database.query<{ token_id: string; name: string | null; role: Role | null }>(
    `select s.token_id, t.name, t.role from sessions s left join tokens t
       on t.id = s.token_id and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())
     where s.id_hash = $1 and s.expires_at > now()`,
    [hashToken(id)],
  );
  if (!row) return null;
  if (row.token_id === settingsTokenId(gateway)) return { name: "API_TOKEN", role: "operator", workspaceId: null, tokenId: null };
  if (!row.name || !row.role || row.role === "workspace") return null;
  return { name: row.name, role: row.role, workspaceId: null, tokenId: row.token_id };
}

export async function endSession(gateway: Gateway, id: string): Promise<void> {
  await gateway.database.query("delete from sessions where id_hash = $1", [hashToken(id)]);
}

const MOST_FAILURES = 10;
const MINUTE_MS = 60_000;
/** Addresses that are remembered: an attacker with very many must not fill the memory. */
const MOST_ADDRESSES = 10_000;

/** Ten failed logins a minute and address; what comes after them is not even looked at. */
export class FailedLogins {
  readonly #failures = new Map<string, number[]>();

  isTooMany(address: string, now: number): boolean {
    return this.#recent(address, now).length >= MOST_FAILURES;
  }

  add(address: string, now: number): void {
    const recent = [...this.#recent(address, now), now];
    this.#failures.delete(address);
    this.#failures.set(address, recent);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MOST_ADDRESSES && oldest !== undefined) this.#failures.delete(oldest);
  }

  #recent(address: string, now: number): number[] {
    return (this.#failures.get(address) ?? []).filter((at) => now - at < MINUTE_MS);
  }
}
