import { setTimeout as pause } from "node:timers/promises";
import { call } from "./client.ts";
import { json, many, note, progress, say, table, WrongUse } from "./print.ts";

type Outcome = {
  added: unknown[];
  changed: { event_id: string; before: unknown; after: unknown }[];
  gone: unknown[];
  unchanged: number;
};
/** A replay of many. Counts that a gateway does not tell are not shown. */
type Replay = { id: string; state: string; error?: string | null; [count: string]: unknown };
type Options = { filter?: string; dryRun?: boolean; status?: string; cancel?: string; json?: boolean };

const EVERY_MS = 500;
const FILTERS = ["status", "provider", "workspace_id", "reference", "since", "q"];
const COUNTS = ["looked_at", "added", "changed", "gone", "unchanged", "waiting", "failed", "still_rejected"];

/** `homing replay`: has stored callbacks processed again. What is new is emitted; what differs is only told. */
export async function replay(callback: string | undefined, options: Options): Promise<void> {
  const given = [callback, options.filter, options.status, options.cancel].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw new WrongUse("Name one callback (cb_…), or --filter status=failed,provider=…,since=7d; or --status, --cancel <rpl_…>.");
  if (options.cancel) {
    await call("DELETE", `/v1/replays/${encodeURIComponent(options.cancel)}`);
    return options.json ? json({ cancelled: options.cancel }) : say("It stops. What it has emitted stays emitted.");
  }
  if (options.status) return watch(await call<Replay>("GET", `/v1/replays/${encodeURIComponent(options.status)}`), options);
  if (callback) return one(callback, options);
  const filter = readFilter(options.filter as string);
  await watch(await call<Replay>("POST", "/v1/replays", { filter, dry_run: options.dryRun === true }), options);
}

function readFilter(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(",").map((part) => {
      const at = part.indexOf("=");
      const name = part.slice(0, at).trim();
      if (at < 1 || !FILTERS.includes(name))
        throw new WrongUse(`"${part}" is no filter: write one of ${FILTERS.map((one) => `${one}=…`).join(", ")}.`);
      return [name, part.slice(at + 1).trim()];
    }),
  );
}

async function one(callback: string, { dryRun = false, json: asJson }: Options): Promise<void> {
  const outcome = await call<Outcome>("POST", `/v1/callbacks/${encodeURIComponent(callback)}/replay`, { dry_run: dryRun });
  if (asJson) return json(outcome);
  const [added, changed, gone] = [outcome.added.length, outcome.changed.length, outcome.gone.length];
  if (added + changed + gone === 0) return say(`Nothing comes of it that was not there before; ${outcome.unchanged} unchanged.`);
  if (added > 0)
    say(
      dryRun
        ? `${many(added, "event")} would be emitted. Nothing was done.`
        : `${many(added, "event was", "events were")} emitted.`,
      { style: "green" },
    );
  if (changed > 0)
    say(
      `${many(changed, "event")} would read differently today: ${outcome.changed.map((event) => event.event_id).join(", ")}. They stay as they were told.`,
    );
  if (gone > 0) say(`${many(gone, "event")} would not come of it today. They stay as they were told.`);
  if (outcome.unchanged > 0) say(`${outcome.unchanged} unchanged.`);
}

/** Waits for the end and shows how far it is. Ctrl-C ends the watching, not the work. */
async function watch(replay: Replay, { json: asJson }: Options): Promise<void> {
  const stop = new AbortController();
  const interrupted = () => stop.abort();
  process.once("SIGINT", interrupted);
  let now = replay;
  try {
    while (now.state === "running") {
      progress(
        `${now.id}: ${
          countsOf(now)
            .map(([name, count]) => `${count} ${name}`)
            .join(", ") || "begins"
        } …`,
      );
      await pause(EVERY_MS, undefined, { signal: stop.signal });
      now = await call<Replay>("GET", `/v1/replays/${now.id}`);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    progress("");
    note(`It goes on without us. Look: homing replay --status ${now.id}. Stop it: homing replay --cancel ${now.id}.`);
    return;
  } finally {
    process.off("SIGINT", interrupted);
  }
  progress("");
  if (now.state !== "done") process.exitCode = 1;
  if (asJson) return json(now);
  say(ended(now), { style: now.state === "done" ? "green" : "red" });
  const counts = countsOf(now);
  if (counts.length > 0)
    table(
      counts.map(([name]) => name),
      [counts.map(([, count]) => String(count))],
      { numbers: counts.map((_, at) => at) },
    );
}

function ended({ id, state, error, dry_run }: Replay): string {
  if (state === "done") return `${id} is done.${dry_run ? " Nothing was changed: it only looked." : ""}`;
  if (state === "cancelled") return `${id} was stopped. What it has emitted stays emitted.`;
  return `${id} could not go on${error ? `: ${error}` : "."}`;
}

function countsOf(replay: Replay): [name: string, count: number][] {
  const counts = { ...replay, ...(replay.counts as object | undefined) } as Record<string, unknown>;
  return COUNTS.flatMap((name): [string, number][] =>
    typeof counts[name] === "number" ? [[name.replace("_", " "), counts[name]]] : [],
  );
}
