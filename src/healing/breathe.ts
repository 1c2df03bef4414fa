import { setImmediate } from "node:timers/promises";

/** Between two pieces of long work: lets others have their turn. The embedded database answers without ever going back to the event loop. */
export async function breathe(): Promise<void> {
  await setImmediate();
}
