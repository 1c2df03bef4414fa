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
    logHeldBack: new Gauge({
      name: "log_held_back_seconds",
      help: "Age of the oldest open writing transaction: readers of the log stop there",
      registers,
    }),
  };
}
