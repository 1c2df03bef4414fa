import { setTimeout as pause } from "node:timers/promises";
import type { Event } from "../events/build.ts";
import { maskPerson } from "../trace/names.ts";
import { call, GatewayAway, GatewayRefused, open, withQuery } from "./client.ts";
import { workspaceOf } from "./named.ts";
import { json, line, note, paint, printable, say, when } from "./print.ts";

type Options = {
  follow?: boolean;
  after?: string;
  limit?: string;
  workspace?: string;
  type?: string;
  name?: string;
  variant?: string;
  provider?: string;
  message?: string;
  json?: boolean;
};

/** Between two tries to reach the gateway again: soon at first, then less often. */
const AGAIN_MS = [500, 1000, 2000, 5000, 10_000];

/** `homing events`: the log, oldest first. `--follow` goes on for ever; Ctrl-C tells where to go on from. */
export async function events({
  workspace,
  after,
  limit,
  type,
  name,
  variant,
  provider,
  message,
  ...options
}: Options): Promise<void> {
  const workspace_id = workspace ? await workspaceOf(workspace) : undefined;
  const filter = { workspace_id, type, name, variant, provider, message_id: message };
  if (options.follow) return follow(filter, after, options.json === true);
  const page = await call<{ data: Event[]; next: string }>("GET", withQuery("/v1/events", { ...filter, after, limit }));
  if (options.json) return json(page);
  for (const event of page.data) show(event);
  if (page.data.length === 0) say(after ? "Nothing came since." : "The log has nothing of that.");
  else note(`Oldest first. Go on with --after ${page.next}, or follow it: homing events --follow`);
}

function show(event: Event): void {
  const { recipient } = event.provider_data;
  const about =
    typeof recipient === "string"
      ? maskPerson(recipient)
      : [event.data.message_id, event.data.contact_id].find((one) => typeof one === "string");
  const from = [event.provider, event.dialect].filter(Boolean).join("/") || "our own";
  const told = (event.variant ?? event.type ?? event.name).padEnd(22);
  line(
    `${paint("dim", when(event.occurred_at).padEnd(15))} ${paint("bold", told)} ${event.workspace_id}  ${from}${typeof about === "string" ? `  ${printable(about)}` : ""}  ${paint("dim", event.id)}`,
  );
}

/** Follows the stream, and goes on behind the last event where it breaks off. */
async function follow(filter: Record<string, string | undefined>, after: string | undefined, asJson: boolean): Promise<void> {
  const stop = new AbortController();
  const interrupted = () => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupted);
  let cursor = after;
  let failures = 0;
  let known = false;
  const reader = { seen: (id: string) => (cursor = id), event: (event: Event) => (asJson ? json(event) : show(event)) };
  try {
    while (!stop.signal.aborted) {
      try {
        const path = withQuery("/v1/events/stream", filter);
        const response = await open(
          path,
          { accept: "text/event-stream", ...(cursor && { "last-event-id": cursor }) },
          stop.signal,
        );
        if (!known) note("Following the log. Ctrl-C ends it.");
        else if (failures > 0) note("The gateway is back.");
        known = true;
        failures = 0;
        await readStream(response, reader);
        if (!stop.signal.aborted) await pause(AGAIN_MS[0], undefined, { signal: stop.signal });
      } catch (error) {
        if (stop.signal.aborted) break;
        // What is wrong from the first stays wrong; so does what the gateway refuses for a reason of ours.
        if (!known || (error instanceof GatewayRefused && error.status < 500)) throw error;
        if (failures === 0)
          note(
            error instanceof GatewayAway
              ? "The gateway does not answer. Trying again until it does …"
              : "The stream broke off. Going on …",
          );
        await pause(AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)], undefined, { signal: stop.signal }).catch(() => {});
        failures += 1;
      }
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupted);
  }
  note(cursor ? `Go on where this ended: homing events --follow --after ${cursor}` : "Nothing came.");
}

/** Reads server-sent events. A block with an id and nothing else tells where we stand. */
async function readStream(response: Response, reader: { seen(id: string): void; event(event: Event): void }): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body ?? []) {
    const blocks = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string) =>
        block
          .split("\n")
          .find((one) => one.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trim();
      const [id, data] = [field("id"), field("data")];
      if (data) reader.event(JSON.parse(data) as Event);
      if (id) reader.seen(id);
    }
  }
}
