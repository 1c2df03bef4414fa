import { Bell } from "../bus/bell.ts";
import type { Database } from "../db/client.ts";
import type { Event } from "../events/build.ts";
import { newId, showId } from "../ids.ts";
import type { Vault } from "../keys.ts";
import type { Logger } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Attempt, Courier } from "./attempt.ts";
import { type Claim, claimDue, claimProbes, release } from "./claim.ts";
import { next, PROBE_EVERY_MS } from "./schedule.ts";
import { mend, settle, type Tried, tidy } from "./settle.ts";
import { signatureHeaders, webhookBody } from "./sign.ts";

export type SenderOptions = {
  database: Database;
  databaseClock: { now(): number };
  vault: Vault;
  courier: Courier;
  retentionDays: number;
  log: Logger;
  metrics: Metrics;
};

/** Attempts under way in one process, and of them at one endpoint: a dead or slow one never has them all. */
const MOST_IN_FLIGHT = 400;
const MOST_PER_ENDPOINT = 20;
const POLL_MS = 250;
const PROBES_MS = 1000;
const MEND_MS = 5000;
const TIDY_MS = 60_000;
const FIRST = "00000000-0000-0000-0000-000000000000";

type Target = {
  id: string;
  url: string;
  signature_header: string | null;
  secret_ciphertext: string;
  previous_secret_ciphertext: string | null;
};

/** Sends what is owed: claims, tries, writes what came of it. Several processes share the work. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #stopping = new AbortController();
  readonly #busy = new Map<string, number>();
  readonly #underWay = new Set<Promise<void>>();
  #inFlight = 0;
  #done: Tried[] = [];
  #writing: Promise<void> | undefined;
  #after = FIRST;
  readonly #bell = new Bell();
  #rounds: Promise<void> | undefined;
  #timers: NodeJS.Timeout[] = [];

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  start(): void {
    const { query } = this.#options.database;
    this.#rounds = this.#run();
    this.#timers = [
      this.#every(PROBES_MS, async () => this.#take(await claimProbes(query, PROBE_EVERY_MS))),
      this.#every(MEND_MS, () => mend(query)),
      this.#every(TIDY_MS, () => tidy(query, this.#options.retentionDays)),
    ];
  }

  /** There may be something to send: looks at once. */
  wake(): void {
    this.#bell.ring();
  }

  /** Takes nothing new; breaks off what is under way and gives it back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#rounds;
    await Promise.all(this.#underWay);
    await this.#writing;
    this.#options.courier.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const claimed = await this.#round().catch((error: unknown) => {
        this.#options.log.warn({ err: error }, "webhooks that are due could not be claimed");
        return 0;
      });
      if (claimed === 0) await this.#bell.wait(this.#stopping.signal, POLL_MS);
    }
  }

  async #round(): Promise<number> {
    const most = MOST_IN_FLIGHT - this.#inFlight;
    if (most <= 0) return 0;
    const claims = await claimDue(this.#options.database.query, {
      ...{ after: this.#after, most, perEndpoint: MOST_PER_ENDPOINT, busy: this.#busy },
    });
    // Round and round over the endpoints, so that the first ones do not take all.
    const wrapped = this.#after === FIRST;
    this.#after =
      claims.length === most
        ? (claims
            .map((one) => one.endpoint_id)
            .sort()
            .at(-1) as string)
        : FIRST;
    await this.#take(claims);
    return claims.length > 0 || wrapped ? claims.length : 1;
  }

  async #take(claims: Claim[]): Promise<void> {
    if (claims.length === 0) return;
    const { query } = this.#options.database;
    const [targets, events] = await Promise.all([
      query<Target>(
        `select id, url, signature_header, secret_ciphertext, case when previous_secret_until > now() then previous_secret_ciphertext end as previous_secret_ciphertext
         from endpoints where id = any(array(select json_array_elements_text($1::text::json)::uuid))`,
        [JSON.stringify([...new Set(claims.map((one) => one.endpoint_id))])],
      ),
      query<{ id: string; body: string }>(
        "select id, body from events where id = any(array(select json_array_elements_text($1::text::json)::uuid))",
        [JSON.stringify([...new Set(claims.map((one) => one.event_id))])],
      ),
    ]);
    const target = new Map(targets.map((one) => [one.id, one]));
    const body = new Map(events.map((one) => [one.id, one.body]));
    for (const claim of claims) {
      const work = this.#try(claim, target.get(claim.endpoint_id), body.get(claim.event_id)).finally(() =>
        this.#underWay.delete(work),
      );
      this.#underWay.add(work);
    }
  }

  async #try(claim: Claim, target: Target | undefined, stored: string | undefined): Promise<void> {
    this.#inFlight += 1;
    this.#busy.set(claim.endpoint_id, (this.#busy.get(claim.endpoint_id) ?? 0) + 1);
    try {
      const attempt = await this.#post(target, stored);
      if (attempt.error === "aborted") return await release(this.#options.database.query, [claim]);
      // Without its event, which is past its retention, there is nothing to try again.
      const follows =
        attempt.error === "event_expired"
          ? { state: "dead" as const }
          : next(attempt, claim.attempts, claim.probe, Math.random());
      const id = newId(this.#options.databaseClock.now());
      this.#tell(claim, attempt, follows.state);
      this.#done.push({ id, claim, attempt, next: follows });
      await this.#write();
    } catch (error) {
      this.#options.log.error({ err: error, dispatch: showId("dispatch", claim.id) }, "a webhook could not be tried");
    } finally {
      this.#inFlight -= 1;
      const busy = (this.#busy.get(claim.endpoint_id) ?? 1) - 1;
      if (busy > 0) this.#busy.set(claim.endpoint_id, busy);
      else this.#busy.delete(claim.endpoint_id);
      this.wake();
    }
  }

  async #post(target: Target | undefined, stored: string | undefined): Promise<Attempt> {
    if (!target || stored === undefined) {
      const at = new Date(this.#options.databaseClock.now());
      return { ok: false, at, ms: 0, status: null, error: "event_expired", response: null, retryAfterMs: null };
    }
    const event = JSON.parse(stored) as Event;
    const body = webhookBody({
      ...{
        id: event.id,
        type: event.type as string,
        timestamp: event.occurred_at,
        workspace_id: event.workspace_id,
        data: event.data,
      },
    });
    const { vault, courier, databaseClock } = this.#options;
    const secrets = openSecrets(vault, target);
    const headers = signatureHeaders(event.id, body, secrets, target.signature_header, databaseClock.now());
    return courier.post(target.url, headers, body, this.#stopping.signal);
  }

  /** Everything that is there when the last write has returned goes into the next one. Never throws. */
  #write(): Promise<void> {
    this.#writing ??= (async () => {
      await Promise.resolve();
      while (this.#done.length > 0) {
        const tried = this.#done;
        this.#done = [];
        // What could not be noted is tried again when its lease lapses.
        await settle(this.#options.database.query, tried).catch((error: unknown) =>
          this.#options.log.error({ err: error, attempts: tried.length }, "attempts could not be noted"),
        );
      }
      this.#writing = undefined;
    })();
    return this.#writing;
  }

  #tell(claim: Claim, attempt: Attempt, state: string): void {
    const { log, metrics } = this.#options;
    metrics.attempts.inc({ outcome: attempt.ok ? "accepted" : (attempt.error ?? "status") });
    log.info(
      {
        ...{ dispatch: showId("dispatch", claim.id), endpoint: showId("endpoint", claim.endpoint_id) },
        ...{ event: showId("event", claim.event_id), attempt: claim.attempts + 1, probe: claim.probe },
        ...{ status: attempt.status, error: attempt.error, ms: attempt.ms, state },
      },
      "webhook attempt",
    );
  }

  #every(ms: number, work: () => Promise<unknown>): NodeJS.Timeout {
    return setInterval(() => {
      work().catch((error: unknown) => this.#options.log.warn({ err: error }, "webhooks could not be looked after"));
    }, ms).unref();
  }
}

/** An endpoint's secrets in the clear, the previous one only while it lives. */
export function openSecrets(
  vault: Vault,
  stored: { secret_ciphertext: string; previous_secret_ciphertext: string | null },
): { newest: string; previous: string | null } {
  const open = (sealed: string) => vault.open(sealed).toString("utf8");
  return {
    newest: open(stored.secret_ciphertext),
    previous: stored.previous_secret_ciphertext ? open(stored.previous_secret_ciphertext) : null,
  };
}
