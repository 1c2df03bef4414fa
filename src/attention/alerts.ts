import type { Database } from "../db/client.ts";
import { newId } from "../ids.ts";
import type { Logger } from "../log.ts";
import type { Courier } from "../outbound/attempt.ts";
import { signatureHeaders, webhookBody } from "../outbound/sign.ts";
import type { JsonObject } from "../provider/draft.ts";
import { attention } from "./attention.ts";
import type { Attention } from "./types.ts";

export type AlertOptions = {
  database: Database;
  databaseClock: { now(): number };
  url: string;
  /** Null: the alerts are not signed. */
  secret: string | null;
  courier: Courier;
  log: Logger;
};

const EVERY_MS = 30_000;
/** A try that another process began is left to it for so long. */
const TRY_SECONDS = 60;
/** What was gone for so long and comes again is told again. */
const GONE_MINUTES = 30;

/** What makes two looks see the same thing. */
function keyOf({ kind, adapter, cause, link }: Attention): string {
  return JSON.stringify([
    kind,
    adapter,
    kind === "endpoint_failing" && "id" in link ? link.id : null,
    cause.word ?? cause.field ?? null,
    cause.variant ?? null,
  ]);
}

/**
 * Tells ALERT_URL what needs attention: each thing once for as long as it lasts, signed as webhooks are, tried again until it is accepted.
 * Several processes share the work.
 */
export class Alerts {
  readonly #options: AlertOptions;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | null = null;

  constructor(options: AlertOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#round ??= this.look()
        .catch((error: unknown) => this.#options.log.warn({ err: error }, "what needs attention could not be told"))
        .finally(() => (this.#round = null));
    }, EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
  }

  /** One look: notes what is there, tells what is new. */
  async look(): Promise<void> {
    const { query } = this.#options.database;
    const found = new Map((await attention(query)).map((one) => [keyOf(one), one]));
    await query(
      `insert into alerts (key) select json_array_elements_text($1::text::json) order by 1 on conflict (key) do update set seen_at = now()`,
      [JSON.stringify([...found.keys()])],
    );
    await query(`delete from alerts where seen_at < now() - interval '${GONE_MINUTES} minutes'`);
    const untold = await query<{ key: string }>("select key from alerts where told_at is null");
    for (const { key } of untold) {
      const one = found.get(key);
      if (one && (await this.#claim(key)) && (await this.#tell(one)))
        await query("update alerts set told_at = now() where key = $1", [key]);
    }
  }

  /** Each just before it is told: what is behind a slow one in the row must not seem tried long ago. */
  async #claim(key: string): Promise<boolean> {
    const mine = await this.#options.database.query(
      `update alerts set tried_at = now() where key = $1 and told_at is null
         and (tried_at is null or tried_at < now() - interval '${TRY_SECONDS} seconds') returning key`,
      [key],
    );
    return mine.length > 0;
  }

  async #tell({ kind, ...facts }: Attention): Promise<boolean> {
    const { courier, databaseClock, secret, url, log } = this.#options;
    const id = `alert_${newId(databaseClock.now()).replaceAll("-", "")}`;
    const timestamp = new Date(databaseClock.now()).toISOString();
    const body = webhookBody({
      ...{ id, type: `attention.${kind}`, timestamp, workspace_id: "__org__" },
      data: { kind, ...facts } as unknown as JsonObject,
    });
    const headers = secret ? signatureHeaders(id, body, { newest: secret, previous: null }, null, databaseClock.now()) : {};
    const { ok, status, error } = await courier.post(url, headers, body);
    log[ok ? "info" : "warn"]({ alert: kind, adapter: facts.adapter, status, error }, "alert");
    return ok;
  }
}
