import type { Config } from "../config.ts";
import type { Database } from "../db/client.ts";
import type { DatabaseClock } from "../db/clock.ts";
import type { Logger } from "../log.ts";
import { busMetrics, type Metrics } from "../metrics.ts";
import { NatsLink } from "./nats.ts";
import { Relay } from "./relay.ts";

type Surroundings = { config: Config; database: Database; databaseClock: DatabaseClock; metrics: Metrics; log: Logger };

/** The relay to the bus of BUS_URL, with its metrics; null where none is set. @throws Error where the URL is none. */
export function openBus({ config, database, databaseClock, metrics, log }: Surroundings): Relay | null {
  if (config.BUS_URL === undefined) return null;
  const link = new NatsLink(config.BUS_URL, config.EVENT_RETENTION_DAYS, log);
  const relay = new Relay({
    ...{ database, link, log },
    now: () => databaseClock.now(),
    done: (outcome) => (outcome === "published" ? counters.published.inc() : counters.skipped.inc({ reason: outcome })),
  });
  const counters = busMetrics(metrics.registry, () => ({
    connected: link.problem === null,
    lagSeconds: relay.status().behind_seconds ?? 0,
  }));
  return relay;
}
