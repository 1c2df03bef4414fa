import { type Outcome, play } from "../demo/play.ts";
import { readScenes } from "../demo/scenes.ts";
import { createScreen, type Screen } from "../demo/screen.ts";
import { openStage, type Stage } from "../demo/stage.ts";
import { type Registry, registry } from "../registry.ts";

/** `homing demo`, until it has shown all or is told to stop. */
export async function demo({ once = false }: { once?: boolean }): Promise<void> {
  const { stdout } = process;
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const colours = Boolean(stdout.isTTY && stdout.hasColors());
  const screen = createScreen((text) => stdout.write(text), { colours, columns: stdout.columns });
  process.exitCode = await runDemo(await registry(), screen, { once, signal: stop.signal });
}

/**
 * Shows the gateway at work on a throw-away database; without `once` it then stays up, to be tried, until it is told to stop.
 * @returns the exit code: 0 only if all went as printed.
 */
export async function runDemo(
  adapters: Registry,
  screen: Screen,
  { once, signal }: { once: boolean; signal: AbortSignal },
): Promise<number> {
  const started = performance.now();
  screen.text("Homing brings every provider callback home to its workspace.", "bold");
  screen.text("Starting a gateway of its own, on a temporary database and a free port …");
  const stage = await openStage(adapters, signal);
  try {
    screen.text(`It listens on ${stage.address}.`);
    const outcome = await play(stage, adapters, readScenes(adapters), screen);
    conclude(screen, outcome, adapters.size, (performance.now() - started) / 1000);
    if (!once) {
      invite(screen, stage, outcome);
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      screen.gap();
    }
    return outcome.mismatches.length > 0 ? 1 : 0;
  } catch (error) {
    if (!signal.aborted) throw error;
    screen.gap();
    return 1;
  } finally {
    await stage.close();
  }
}

/** Whether all went as printed; if not, each thing that did not. */
function conclude(screen: Screen, { mismatches, callbacks, events }: Outcome, adapters: number, seconds: number): void {
  screen.gap();
  if (mismatches.length === 0) {
    const told = `All went as printed: ${callbacks} callbacks of ${adapters} adapters, ${events} events in the log, ${seconds.toFixed(1)} s.`;
    screen.text(told, "green");
    return;
  }
  screen.text(
    `Not all went as it should: ${mismatches.length} ${mismatches.length === 1 ? "thing differs" : "things differ"}.`,
    "red",
  );
  for (const mismatch of mismatches) screen.text(`- ${mismatch}`, "red");
}

/** What to try while it stays up. */
function invite(screen: Screen, stage: Stage, { healed, message }: Outcome): void {
  const ask = (where: string) => screen.literal(`curl -H "Authorization: Bearer $TOKEN" ${stage.address}${where}`);
  screen.section("Try it yourself: the gateway stays up");
  screen.text("In a browser, the console for support; log in with the operator's token (made for this run, gone with it):");
  screen.literal(`${stage.address}/console`);
  screen.literal(stage.token);
  screen.text("In another terminal, first the same token:");
  screen.literal(`TOKEN=${stage.token}`);
  screen.text("What happened, oldest first; `next` is where to read on:");
  ask("/v1/events");
  if (healed) {
    screen.text("The whole story of the callback that waited, as data and in sentences:");
    ask(`/v1/callbacks/${healed}`);
    screen.literal(`HOMING_URL=${stage.address} HOMING_TOKEN=$TOKEN npx homing trace ${healed}`);
  }
  if (message) {
    screen.text("Was it delivered? One message, by its id:");
    ask(`/v1/messages/${encodeURIComponent(message)}`);
  }
  screen.gap();
  screen.text("Ctrl-C ends it and removes its database.");
}
