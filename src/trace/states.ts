/**
 * Every state of CONSOLE §3 in words: its shape, its word, the answer in one sentence, why, and what can be done. The console and
 * `homing trace` say the same. Reason codes stand under Facts only.
 */

export * from "./states/callback.ts";
export * from "./states/dispatch.ts";
export * from "./states/refused.ts";
export { type Known, type Offer, type Shape, type State, small, WAYS } from "./states/state.ts";
export * from "./states/waiting.ts";
