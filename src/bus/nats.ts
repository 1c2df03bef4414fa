import { JetStreamApiError, type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "../log.ts";
import { type BusAddress, readBusUrl } from "./address.ts";
import { pause } from "./bell.ts";
import { type Bus, type BusMessage, type Link, TooLarge } from "./link.ts";
import { STREAM, Stream } from "./stream.ts";

const CONNECT_TIMEOUT_MS = 5000;
const ANSWER_TIMEOUT_MS = 5000;
const PING_EVERY_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
/** More than the one header that a message has. */
const HEADER_BYTES = 256;
/** "message size exceeds maximum allowed": the stream's own limit. */
const MESSAGE_TOO_LARGE = 10054;

/**
 * The way to NATS JetStream. A connection that breaks, and one on which anything goes wrong (a server that does not answer, JetStream "not
 * enabled" while a cluster chooses its leader), is replaced by a new one, to any of the servers. It is not the driver that reconnects: it would
 * send then what it had kept meanwhile, when others may have gone on.
 */
export class NatsLink implements Link {
  readonly #address: BusAddress;
  readonly #stream: Stream;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  readonly #stopped: Promise<void>;
  /** Other servers of the cluster, as the last connection named them. */
  #discovered: string[] = [];
  #current: { bus: Bus; giveUp: () => void } | null = null;
  #next = Promise.withResolvers<Bus>();
  #failures = 0;
  #lostAt = performance.now();
  #running: Promise<void> | undefined;
  problem: string | null = "not connected yet";

  /** @throws Error where the URL is none. */
  constructor(url: string, retentionDays: number, log: Logger) {
    this.#address = readBusUrl(url);
    this.#stream = new Stream(retentionDays, log);
    this.#log = log;
    this.#stopped = new Promise((resolve) => this.#stopping.signal.addEventListener("abort", () => resolve()));
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async ready(signal: AbortSignal): Promise<Bus> {
    if (this.#current) return this.#current.bus;
    const { promise, reject } = Promise.withResolvers<never>();
    const aborted = () => reject(signal.reason);
    signal.addEventListener("abort", aborted);
    if (signal.aborted) aborted();
    try {
      return await Promise.race([this.#next.promise, promise]);
    } finally {
      signal.removeEventListener("abort", aborted);
    }
  }

  failed(bus: Bus, error: unknown): void {
    if (this.#current?.bus !== bus) return;
    this.#current.giveUp();
    this.#lose(error);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const connecting = this.#connect();
        const connection = await Promise.race([connecting, this.#stopped]);
        if (connection) await this.#use(connection);
        else connecting.then((late) => late.close()).catch(() => {});
      } catch (error) {
        this.#lose(error);
      }
      await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures) * (0.75 + Math.random() / 2), signal);
      this.#failures += 1;
    }
  }

  async #connect(): Promise<NatsConnection> {
    const { servers, ...credentials } = this.#address;
    return connect({
      ...credentials,
      servers: [...new Set([...servers, ...this.#discovered])],
      name: "homing",
      reconnect: false,
      timeout: CONNECT_TIMEOUT_MS,
      pingInterval: PING_EVERY_MS,
      noAsyncTraces: true,
    });
  }

  /** Until it breaks, or is given up. */
  async #use(connection: NatsConnection): Promise<void> {
    try {
      const closed = connection.closed().then((reason) => reason ?? new Error("the connection was closed"));
      const { promise: givenUp, resolve: giveUp } = Promise.withResolvers<void>();
      const bus = await this.#prepare(connection);
      if (connection.isClosed() || this.#stopping.signal.aborted) return;
      this.#current = { bus, giveUp };
      this.problem = null;
      this.#log.info({ server: connection.getServer(), after_seconds: this.#secondsAway() }, "the bus is connected");
      this.#next.resolve(bus);
      this.#next = Promise.withResolvers();
      const broken = await Promise.race([closed, givenUp, this.#stopped]);
      if (broken && this.#current) this.#lose(broken);
    } finally {
      this.#current = null;
      await connection.close();
    }
  }

  async #prepare(connection: NatsConnection): Promise<Bus> {
    const { info } = connection;
    this.#discovered = info?.connect_urls ?? [];
    const options = { timeout: ANSWER_TIMEOUT_MS };
    const manager = await jetstreamManager(connection, { ...options, checkAPI: false });
    await this.#stream.ensure(manager, info?.cluster !== undefined);
    return new NatsBus(jetstream(connection, options), manager, info?.max_payload ?? Number.POSITIVE_INFINITY, () => {
      this.#failures = 0;
    });
  }

  #lose(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const wasConnected = this.#current !== null;
    this.#current = null;
    if (wasConnected) this.#lostAt = performance.now();
    // Once for each way in which it fails, not for every try.
    if (this.problem !== message && !this.#stopping.signal.aborted)
      this.#log.warn({ problem: message }, "the bus is not reached: events wait in the log");
    this.problem = message;
  }

  #secondsAway(): number {
    return Math.round((performance.now() - this.#lostAt) / 100) / 10;
  }
}

class NatsBus implements Bus {
  readonly #stream: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #maxBytes: number;
  readonly #acknowledged: () => void;

  constructor(stream: JetStreamClient, manager: JetStreamManager, maxPayload: number, acknowledged: () => void) {
    this.#stream = stream;
    this.#manager = manager;
    this.#maxBytes = maxPayload - HEADER_BYTES;
    this.#acknowledged = acknowledged;
  }

  async publish({ id, subject, body }: BusMessage): Promise<{ duplicate: boolean }> {
    const bytes = Buffer.from(body);
    if (bytes.byteLength > this.#maxBytes) throw new TooLarge();
    try {
      const { duplicate } = await this.#stream.publish(subject, bytes, { msgID: id, expect: { streamName: STREAM } });
      this.#acknowledged();
      return { duplicate };
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === MESSAGE_TOO_LARGE) throw new TooLarge();
      throw error;
    }
  }

  async last(subject: string): Promise<string | null> {
    const message = await this.#manager.streams.getMessage(STREAM, { last_by_subj: subject });
    return message?.header.get("Nats-Msg-Id") || null;
  }
}
