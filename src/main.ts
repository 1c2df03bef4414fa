import { Command, CommanderError } from "commander";
import { SettingsError } from "./config.ts";
import { FolderInUse } from "./db/lock.ts";
import { classify } from "./events/classifier.ts";

/** 0 yes · 1 no · 2 wrong use · 3 gateway not reached (CONTRACT §8). */
const WRONG_USE = 2;

/** Runs a command line and sets the process's exit code. */
export async function main(argv: string[]): Promise<void> {
  const program = new Command("homing")
    .description("Brings every provider callback home to its workspace.")
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  program
    .command("serve")
    .description("receive callbacks and answer the API")
    .action(async () => (await import("./cli/serve.ts")).serve());
  program
    .command("demo")
    .description("try it: a gateway on a temporary database, with signed callbacks of every adapter")
    .option("--once", "end when all was shown; exit code 0 only if all went as printed")
    .action(async (options: { once?: boolean }) => (await import("./cli/demo.ts")).demo(options));
  program
    .command("migrate")
    .description("bring the database's schema up to date, and end")
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => (await import("./cli/serve.ts")).migrateOnly(options));
  program
    .command("classify <name>")
    .description("whether an event's name is PASSIVE or ACTIVE; exit code 1 for one that nobody knows")
    .option("--json", "print JSON")
    .action((name: string, options: { json?: boolean }) => {
      const classification = classify(name) ?? "UNKNOWN";
      process.stdout.write(options.json ? `${JSON.stringify({ name, classification })}\n` : `${classification}\n`);
      if (classification === "UNKNOWN") process.exitCode = 1;
    });
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : WRONG_USE;
    } else if (error instanceof SettingsError) {
      process.stderr.write(`These settings must be mended first:\n${error.message.replace(/^/gm, "  ")}\n`);
      process.exitCode = 1;
    } else if (error instanceof FolderInUse) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 1;
    } else {
      throw error;
    }
  }
}
