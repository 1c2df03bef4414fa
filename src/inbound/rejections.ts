import type { Database } from "../db/client.ts";
import type { DatabaseClock } from "../db/clock.ts";
import type { ErrorCode } from "../errors.ts";
import { newId } from "../ids.ts";
import { type DataKeys, decrypt, encrypt } from "../keys.ts";
import type { Logger } from "../log.ts";
import type { JsonObject } from "../provider/draft.ts";

const RING = 200;
const LONGEST_BODY = 16 * 1024;
const PER_PREFIX_AND_MINUTE = 20;
const PER_ADAPTER_AND_DAY = 1000;
const WRITE_EVERY_MS = 1000;

/** What is kept of a refused request. */
export type Rejection = {
  adapter: string | null;
  receivedAt: number;
  method: string;
  /** Tokens hidden. */
  path: string;
  /** As it was called, but for the query. Kept encrypted: a replay verifies with it. */
  target: string;
  ip: string | null;
  code: ErrorCode | "probe";
  headers: Readonly<Record<string, string | undefined>>;
  /** Null where it was not read, or is too long to keep. */
  body: Uint8Array | null;
  size: number;
  verification: JsonObject;
};
type Kept = Rejection & { id: string };

/** A bounded sample of what was refused: kept in memory on the request's way, written by a timer. */
export class Rejections {
  readonly #database: Database;
  readonly #clock: DatabaseClock;
  readonly #keys: DataKeys;
  readonly #log: Logger;
  readonly #unwritten = new Map<string, Kept[]>();
  readonly #perPrefix = new Map<string, number>();
  readonly #perDay = new Map<string, number>();
  #minute = 0;
  #day = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(database: Database, clock: DatabaseClock, keys: DataKeys, log: Logger) {
    this.#database = database;
    this.#clock = clock;
    this.#keys = keys;
    this.#log = log;
  }

  /** Takes one into the sample, if its bounds allow it. No statement. */
  add(rejection: Rejection): void {
    const adapter = rejection.adapter ?? "";
    this.#turn(rejection.receivedAt);
    const prefix = `${adapter} ${prefixOf(rejection.ip)}`;
    const ofPrefix = this.#perPrefix.get(prefix) ?? 0;
    const ofDay = this.#perDay.get(adapter) ?? 0;
    const ring = this.#unwritten.get(adapter) ?? [];
    if (ofPrefix >= PER_PREFIX_AND_MINUTE || ofDay >= PER_ADAPTER_AND_DAY || ring.length >= RING) return;
    this.#perPrefix.set(prefix, ofPrefix + 1);
    this.#perDay.set(adapter, ofDay + 1);
    ring.push({
      ...rejection,
      id: newId(this.#clock.now()),
      body: rejection.body && rejection.body.byteLength <= LONGEST_BODY ? rejection.body : null,
    });
    this.#unwritten.set(adapter, ring);
  }

  #turn(now: number): void {
    const minute = Math.floor(now / 60_000);
    if (minute !== this.#minute) this.#perPrefix.clear();
    this.#minute = minute;
    const day = Math.floor(now / 86_400_000);
    if (day !== this.#day) this.#perDay.clear();
    this.#day = day;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.flush().catch((error: unknown) =>
        this.#log.warn({ err: error }, "the sample of refused requests could not be written"),
      );
    }, WRITE_EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush().catch(() => {});
  }

  /** Writes what is new, in one statement. What cannot be written stays for the next time. */
  async flush(): Promise<void> {
    const rows = [...this.#unwritten.values()].flat();
    if (rows.length === 0) return;
    const json = rows.map((row) => ({
      id: row.id,
      adapter: row.adapter,
      received_at: new Date(row.receivedAt),
      method: row.method,
      path: row.path,
      ip: row.ip,
      code: row.code,
      headers_ciphertext: seal(row, this.#keys).toString("base64"),
      header_names: Object.keys(row.headers),
      // Nobody vouches for it, and it may carry what its adapter hides.
      body: row.body && encrypt(this.#keys.content, row.body).toString("base64"),
      size: row.size,
      verification: row.verification,
    }));
    await this.#database.query(
      `insert into rejections (id, adapter, received_at, method, path, ip, code, headers_ciphertext, header_names, body, size, verification)
       select id, adapter, received_at, method, path, ip, code, headers_ciphertext, header_names, decode(body, 'base64'), size, verification::text
       from json_to_recordset($1::text::json) as r(id uuid, adapter text, received_at timestamptz, method text, path text, ip text, code text,
         headers_ciphertext text, header_names text[], body text, size int, verification json)
       on conflict (id) do nothing`,
      [JSON.stringify(json)],
    );
    const written = new Set(rows.map((row) => row.id));
    for (const [adapter, ring] of this.#unwritten)
      this.#unwritten.set(
        adapter,
        ring.filter((row) => !written.has(row.id)),
      );
  }
}

/** IPv4 /24 or IPv6 /64: one caller, roughly. */
function prefixOf(ip: string | null): string {
  if (!ip) return "";
  return ip.includes(":") ? ip.split(":").slice(0, 4).join(":") : ip.split(".").slice(0, 3).join(".");
}

type Sealed = { headers: Readonly<Record<string, string | undefined>>; target: string | null };

/** What verifies a refused request, and is shown to nobody. */
function seal({ headers, target }: Rejection, keys: DataKeys): Buffer {
  return encrypt(keys.content, Buffer.from(JSON.stringify({ headers, target })));
}

/** What `seal` closed. What was kept before there was a target has its headers alone. */
export function unseal(sealed: string, keys: DataKeys): Sealed {
  const opened = JSON.parse(decrypt(keys.content, Buffer.from(sealed, "base64")).toString()) as Sealed | Sealed["headers"];
  return typeof opened.headers === "object" ? (opened as Sealed) : { headers: opened as Sealed["headers"], target: null };
}
