import { JetStreamApiError, type JetStreamManager, StorageType, type StreamInfo } from "@nats-io/jetstream";
import type { Logger } from "../log.ts";

export const STREAM = "HOMING";
const SUBJECTS = "homing.>";
const DAY_NS = 86_400_000_000_000;
const DUPLICATE_WINDOW_NS = 300_000_000_000;
/** As many servers as can lose one and go on. */
const REPLICAS = 3;
/** For how long a cluster that is coming up may lack a server, before the stream is made without copies. */
const PATIENCE_MS = 30_000;
const NOT_FOUND = 10059;
/** What servers say where there are not enough of them: no suitable peers, insufficient resources, not clustered. */
const TOO_FEW = new Set([10005, 10023, 10074]);

/** Sees to it that the stream is there (CONTRACT §7). What an existing one holds, keeps or copies is never reduced. */
export class Stream {
  readonly #retentionDays: number;
  readonly #log: Logger;
  readonly #now: () => number;
  #tooFewSince: number | undefined;

  constructor(retentionDays: number, log: Logger, now = () => performance.now()) {
    this.#retentionDays = retentionDays;
    this.#log = log;
    this.#now = now;
  }

  /** @param clustered whether the server belongs to a cluster. */
  async ensure(manager: JetStreamManager, clustered: boolean): Promise<void> {
    try {
      await this.#widen(manager, await manager.streams.info(STREAM));
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== NOT_FOUND) throw error;
      await this.#create(manager, clustered);
    }
  }

  async #create(manager: JetStreamManager, clustered: boolean): Promise<void> {
    const create = (replicas: number) =>
      manager.streams.add({
        name: STREAM,
        subjects: [SUBJECTS],
        storage: StorageType.File,
        max_age: this.#retentionDays * DAY_NS,
        duplicate_window: DUPLICATE_WINDOW_NS,
        num_replicas: replicas,
      });
    try {
      await create(clustered ? REPLICAS : 1);
    } catch (error) {
      if (!clustered || !(error instanceof JetStreamApiError) || !TOO_FEW.has(error.code)) throw error;
      this.#tooFewSince ??= this.#now();
      if (this.#now() - this.#tooFewSince < PATIENCE_MS) throw error;
      await create(1);
      this.#log.warn(
        `the cluster has no ${REPLICAS} servers for the stream ${STREAM}: it was made without copies. \`nats stream edit ${STREAM} --replicas=${REPLICAS}\` adds them`,
      );
      return;
    }
    this.#log.info({ stream: STREAM, replicas: clustered ? REPLICAS : 1 }, "the bus's stream was made");
  }

  async #widen(manager: JetStreamManager, { config }: StreamInfo): Promise<void> {
    const takesAll = config.subjects.includes(SUBJECTS) || config.subjects.includes(">");
    const age = this.#retentionDays * DAY_NS;
    const keepsLong = config.max_age === 0 || config.max_age >= age;
    if (takesAll && keepsLong) return;
    await manager.streams.update(STREAM, {
      // A stream's subjects must not overlap.
      ...(!takesAll && { subjects: [...config.subjects.filter((subject) => !subject.startsWith("homing.")), SUBJECTS] }),
      ...(!keepsLong && { max_age: age }),
    });
    this.#log.info({ stream: STREAM, subjects: !takesAll, age: !keepsLong }, "the bus's stream was widened");
  }
}
