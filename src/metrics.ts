import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Everything that is counted, for `/metrics`. */
export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    callbacks: new Counter({
      name: "homing_callbacks_total",
      help: "Authentic callbacks by outcome",
      labelNames: ["adapter", "status"],
      registers,
    }),
    rejected: new Counter({
      name: "homing_rejected_total",
      help: "Refused requests by reason",
      labelNames: ["adapter", "code"],
      registers,
    }),
    items: new Counter({
      name: "homing_items_total",
      help: "Items of callbacks by verdict",
      labelNames: ["adapter", "verdict"],
      registers,
    }),
    unknownWords: new Counter({
      name: "homing_unknown_words_total",
      help: "Items with a word that no rule knows",
      labelNames: ["adapter"],
      registers,
    }),
    latency: new Histogram({
      name: "homing_callback_seconds",
      help: "From a callback's first byte to its answer",
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
      registers,
    }),
    queued: new Gauge({ name: "homing_queued_callbacks", help: "Callbacks that wait for a flush", registers }),
    waiting: new Gauge({ name: "homing_waiting_events", help: "Events that have no workspace yet", registers }),
    attempts: new Counter({
      name: "homing_webhook_attempts_total",
      help: "Tries of webhooks by what came of them",
      labelNames: ["outcome"],
      registers,
    }),
    dispatches: new Gauge({
      name: "homing_dispatches",
      help: "Webhooks that are owed or were given up, by state",
      labelNames: ["state"],
      registers,
    }),
    attention: new Gauge({
      name: "homing_attention",
      help: "What needs attention now, by its kind: how many things it is about",
      labelNames: ["kind", "adapter"],
      registers,
    }),
    logHeldBack: new Gauge({
      name: "log_held_back_seconds",
      help: "Age of the oldest open writing transaction: readers of the log stop there",
      registers,
    }),
  };
}

/** Of the bus, where there is one: elsewhere "not connected" would be a false alarm. `look` is asked when somebody reads them. */
export function busMetrics(registry: Registry, look: () => { connected: boolean; lagSeconds: number }) {
  const registers = [registry];
  new Gauge({
    name: "homing_bus_connected",
    help: "Whether this process reaches the bus",
    registers,
    collect() {
      this.set(look().connected ? 1 : 0);
    },
  });
  new Gauge({
    name: "homing_bus_lag_seconds",
    help: "Age of the oldest event that the bus does not have; 0 where another process relays",
    registers,
    collect() {
      this.set(look().lagSeconds);
    },
  });
  return {
    published: new Counter({ name: "homing_bus_published_total", help: "Events that the bus has taken", registers }),
    skipped: new Counter({
      name: "homing_bus_skipped_total",
      help: "Events that did not go out anew: the bus had them, or they are larger than it takes",
      labelNames: ["reason"],
      registers,
    }),
  };
}
