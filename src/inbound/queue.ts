import { sqlState } from "../db/client.ts";
import { GatewayError } from "../errors.ts";
import { type CommitOptions, type Committed, commit } from "./commit.ts";
import type { Arrival, Receipt } from "./record.ts";
import { storable } from "./translate.ts";

/** What one flush takes, whichever comes first; a larger callback goes alone. */
const FLUSH = { callbacks: 200, drafts: 5000, bytes: 8 * 1024 * 1024 };
/** What may wait; beyond it a provider is told to come again. */
const WAITING = { callbacks: 10_000, bytes: 64 * 1024 * 1024 };
const IN_FLIGHT = 2;

type Entry = { arrival: Arrival; bytes: number; resolve: (receipt: Receipt) => void; reject: (error: unknown) => void };

/** Gathers callbacks into flushes: while two are under way the next one fills. */
export class CommitQueue {
  readonly #options: CommitOptions;
  readonly #committed: (result: Committed) => void;
  readonly #write: typeof commit;
  #entries: Entry[] = [];
  #bytes = 0;
  #inFlight = 0;
  #scheduled = false;

  /** @param committed told after each commit, when the providers have their answers. */
  constructor(options: CommitOptions, committed: (result: Committed) => void, write = commit) {
    this.#options = options;
    this.#committed = committed;
    this.#write = write;
  }

  get size(): number {
    return this.#entries.length;
  }

  /**
   * Resolves when the callback is durably stored.
   * @throws GatewayError `overloaded` (not queued) or `database_unavailable` (not stored).
   */
  submit(arrival: Arrival): Promise<Receipt> {
    const bytes = arrival.body.byteLength;
    const full = this.#entries.length >= WAITING.callbacks || this.#bytes + bytes > WAITING.bytes;
    // An empty queue takes anything that the body limit let through.
    if (full && this.#entries.length > 0) throw new GatewayError("overloaded");
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>();
    this.#entries.push({ arrival, bytes, resolve, reject });
    this.#bytes += bytes;
    this.#schedule();
    return promise;
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drain(): Promise<void> {
    while (this.#entries.length > 0 || this.#inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= IN_FLIGHT || this.#entries.length === 0) return;
    this.#scheduled = true;
    // What the event loop has already read joins this flush.
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#inFlight >= IN_FLIGHT) return;
      const batch = this.#take();
      this.#inFlight += 1;
      void this.#flush(batch).finally(() => {
        this.#inFlight -= 1;
        this.#schedule();
      });
      this.#schedule();
    });
  }

  #take(): Entry[] {
    let drafts = 0;
    let bytes = 0;
    let count = 0;
    for (const { arrival, bytes: size } of this.#entries) {
      drafts += arrival.works.length;
      bytes += size;
      if (count > 0 && (count >= FLUSH.callbacks || drafts > FLUSH.drafts || bytes > FLUSH.bytes)) break;
      count += 1;
    }
    const batch = this.#entries.splice(0, count);
    for (const entry of batch) this.#bytes -= entry.bytes;
    return batch;
  }

  async #flush(batch: Entry[]): Promise<void> {
    try {
      this.#answer(
        batch,
        await this.#write(
          batch.map((entry) => entry.arrival),
          this.#options,
        ),
      );
    } catch (error) {
      if (isUnavailable(error)) {
        const refused = new GatewayError("database_unavailable", { cause: error });
        for (const entry of batch) entry.reject(refused);
        return;
      }
      const [only] = batch;
      if (batch.length > 1) {
        // Something in it cannot be stored: halved until it stands alone, so that it takes no neighbour with it.
        const middle = batch.length >> 1;
        await this.#flush(batch.slice(0, middle));
        await this.#flush(batch.slice(middle));
      } else if (only && only.arrival.failed !== NOT_STORABLE) {
        await this.#flush([{ ...only, arrival: bare(only.arrival) }]);
      } else {
        for (const entry of batch) entry.reject(new GatewayError("database_unavailable", { cause: error }));
      }
    }
  }

  #answer(batch: Entry[], result: Committed): void {
    batch.forEach((entry, index) => {
      entry.resolve(result.receipts[index] as Receipt);
    });
    this.#committed(result);
  }
}

const NOT_STORABLE = "not_storable";

/** The callback alone, byte for byte, for a replay once the reason is mended: none of its items could be stored as they are. */
function bare(arrival: Arrival): Arrival {
  return { ...arrival, works: [], failed: NOT_STORABLE, headers: storable(arrival.headers) };
}

/** Whether the database cannot be written now, in contrast to refusing these rows. */
function isUnavailable(error: unknown): boolean {
  if (error instanceof GatewayError) return true;
  const state = sqlState(error);
  if (state) return /^(08|25|28|3D|53|57|58|XX)/.test(state);
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return /^(E[A-Z]+|CONNECT|CONNECTION_)/.test(String(code ?? "")) || /clos(ed|ing)/i.test(String(message ?? ""));
}
