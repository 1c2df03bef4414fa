import { Command, CommanderError, Option } from "commander";
import { GatewayAway, GatewayRefused } from "./cli/client.ts";
import { json, WrongUse } from "./cli/print.ts";
import { SettingsError } from "./config.ts";
import { FolderInUse } from "./db/lock.ts";
import { classify } from "./events/classifier.ts";
import type { ServeRole } from "./gateway.ts";

/** 0 yes · 1 no · 2 wrong use · 3 gateway not reached (CONTRACT §8). */
const WRONG_USE = 2;
const NOT_REACHED = 3;
/** The gateway's word for what cannot be meant. */
const INVALID = 422;

const HELP = `
Exit codes: 0 yes, 1 no, 2 wrong use, 3 the gateway was not reached.
These talk to the gateway that "homing serve" started here. HOMING_URL and HOMING_TOKEN name another.

A customer asks what became of something? Any id, e-mail, phone or order number will do:
  homing trace order_20913
`;

/** Runs a command line and sets the process's exit code. */
export async function main(argv: string[]): Promise<void> {
  try {
    await commands().parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USE;
  const told = (message: string, code: number) => {
    process.stderr.write(`${message}\n`);
    return code;
  };
  if (error instanceof SettingsError)
    return told(`These settings must be mended first:\n${error.message.replace(/^/gm, "  ")}`, 1);
  if (error instanceof FolderInUse) return told(error.message, 1);
  if (error instanceof WrongUse) return told(error.message, WRONG_USE);
  if (error instanceof GatewayAway) return told(error.message, NOT_REACHED);
  if (error instanceof GatewayRefused) return told(error.message, error.status === INVALID ? WRONG_USE : 1);
  throw error;
}

function commands(): Command {
  const program = new Command("homing")
    .description("Brings every provider callback home to its workspace.")
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (command) =>
        [
          command.name(),
          ...command.registeredArguments.map(({ name, required }) => (required ? `<${name()}>` : `[${name()}]`)),
        ].join(" "),
    })
    .addHelpText("after", HELP);
  look(program.commandsGroup("Look:"));
  heal(program.commandsGroup("Bring home what waits:"));
  setUp(program.commandsGroup("Set up:"));
  run(program.commandsGroup("Run:"));
  return program;
}

/** A command that prints: as text for people, or as JSON. */
function printing(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description).option("--json", "print JSON");
}

function look(program: Command): void {
  printing(
    program,
    "trace <anything>",
    "tell the whole story of a callback, event, message, reference, e-mail, phone or order; or how an adapter or endpoint fares",
  )
    .addHelpText(
      "after",
      `
Examples:
  homing trace cb_0199…            one callback: what became of it, why, what can be done
  homing trace asha@example.com    everything that came for that person
  homing trace customer:cus_123    a reference, as the provider calls it
  homing trace <adapter>           its last hour: secrets, last good one, refused, waiting
`,
    )
    .action(async (anything: string, options) => (await import("./cli/trace.ts")).trace(anything, options));
  printing(program, "events", "show the log of events, oldest first")
    .option("--follow", "go on as they come; Ctrl-C tells where to go on from")
    .option("--after <cursor>", "begin behind this place")
    .option("--limit <n>", "at most so many")
    .option("--workspace <name or id>", "of this workspace only")
    .option("--type <type>", "of this type only, such as delivery.bounced")
    .option("--name <name>", "of this name only, such as channel_delivery_status")
    .option("--variant <variant>", "of this variant only, such as email.bounced")
    .option("--provider <provider>", "of this provider or adapter only")
    .option("--message <id>", "of this message only")
    .action(async (options) => (await import("./cli/events.ts")).events(options));
  printing(program, "unmatched", "list what has no workspace yet, and why")
    .option("--items", "one by one, not in groups")
    .option("--provider <provider>", "of this provider or adapter only")
    .option("--reason <reason>", "that waits for this reason only, such as no_reference_bound")
    .action(async (options) => (await import("./cli/unmatched.ts")).unmatched(options));
  printing(program, "doctor", "tell what is wrong and what to do; exit code 1 if something is").action(async (options) =>
    (await import("./cli/doctor.ts")).doctor(options),
  );
  program
    .command("classify <name>")
    .description("tell whether an event's name is PASSIVE or ACTIVE; exit code 1 for one that nobody knows")
    .option("--json", "print JSON")
    .action((name: string, options: { json?: boolean }) => {
      const classification = classify(name) ?? "UNKNOWN";
      if (options.json) json({ name, classification });
      else process.stdout.write(`${classification}\n`);
      if (classification === "UNKNOWN") process.exitCode = 1;
    });
}

function heal(program: Command): void {
  const choosing = (command: Command) =>
    command
      .option("--callback <id>", "one callback's item instead of a reference")
      .option("--index <n>", "which item of that callback, from 0 on")
      .option("--dry-run", "look only")
      .option("--yes", "do it without asking");
  choosing(
    printing(
      program,
      "assign [adapter] [reference]",
      "say whose waiting events are: shows what would happen, asks, then emits them",
    ),
  )
    .requiredOption("--workspace <name or id>", "whose they are")
    .option("--limit <n>", "only so many, the oldest first, without a binding")
    .option("--no-bind", "these only: what comes later waits again")
    .addHelpText(
      "after",
      `
Examples:
  homing assign <adapter> customer:cus_123 --workspace "Acme Books"
  homing assign --callback cb_0199… --workspace "Acme Books"
What is emitted is never taken back. Look first: --limit 1, then the rest.
`,
    )
    .action(async (adapter, reference, options) => (await import("./cli/assign.ts")).assign(adapter, reference, options));
  choosing(printing(program, "dismiss [adapter] [reference]", "put waiting events aside; their callbacks are kept")).action(
    async (adapter, reference, options) => (await import("./cli/assign.ts")).dismiss(adapter, reference, options),
  );
  printing(program, "bind [adapter] [reference] [workspace]", "say whose a reference is; what waited for it comes home")
    .option("--replace", "even where it is another workspace's")
    .option("--list", "list bindings; an adapter and a reference narrow it")
    .option("--workspace <name or id>", "with --list: of this workspace only")
    .option("--origin <origin>", "with --list: told, learned or ambiguous")
    .option("--remove <id>", "forget a binding (bnd_…)")
    .action(async (adapter, reference, workspace, options) =>
      (await import("./cli/bind.ts")).bind(adapter, reference, workspace, options),
    );
  printing(program, "replay [callback]", "process stored callbacks again: what is new is emitted, what differs is only told")
    .option("--filter <filter>", "many of them: status=failed,provider=…,since=7d (also workspace_id, reference, q)")
    .option("--dry-run", "look only")
    .option("--status <id>", "how far a replay is (rpl_…)")
    .option("--cancel <id>", "stop a replay (rpl_…)")
    .action(async (callback, options) => (await import("./cli/replay.ts")).replay(callback, options));
}

function setUp(program: Command): void {
  const owner = "of this workspace, not of the platform";
  const url = printing(program, "url <adapter>", "print the URL to enter at a provider")
    .option("--workspace <name or id>", owner)
    .action(async (adapter, options) => (await import("./cli/url.ts")).url(adapter, options));
  printing(url, "rotate <adapter>", "put a new token into it; the old one is taken for a while")
    .option("--workspace <name or id>", owner)
    .option("--keep-old <hours>", "how long the old one is taken", "24")
    .action(async (adapter, options, command: Command) =>
      (await import("./cli/url.ts")).rotate(adapter, { ...command.optsWithGlobals(), ...options }),
    );
  const secrets = printing(program, "secrets <adapter>", "how many secrets of a provider are held, and how old they are")
    .option("--set", "store new ones: from stdin, one a line, newest first, or typed unseen")
    .option("--workspace <name or id>", owner)
    .action(async (adapter, options) => (await import("./cli/secrets.ts")).secrets(adapter, options));
  printing(secrets, "rewrap", "encrypt everything anew under the newest MASTER_KEY, so that older ones may go").action(
    async (options, command: Command) => (await import("./cli/secrets.ts")).rewrap({ ...command.optsWithGlobals(), ...options }),
  );
  const endpoints = printing(program, "endpoints", "list where webhooks go, and how that fares")
    .option("--workspace <name or id>", "of this workspace only")
    .action(async (options) => (await import("./cli/endpoints.ts")).endpoints(options));
  printing(endpoints, "add", "a new endpoint; its secret is shown once")
    .option("--workspace <name or id>", "whose it is")
    .requiredOption("--url <url>", "where webhooks go: https://…")
    .requiredOption("--events <types>", "what it asks for, with commas: delivery.*,contact.created")
    .option("--description <text>", "how people call it")
    .option("--header <name>", "the name of the signature's header")
    .action(async (options, command: Command) =>
      (await import("./cli/endpoints.ts")).add({ ...command.optsWithGlobals(), ...options }),
    );
  const one = [
    ["test", "endpoint", "send it a test now; exit code 1 where it is not accepted"],
    ["rotate", "endpoint", "a new secret; both sign for 24 hours"],
    ["enable", "endpoint", "switch it on"],
    ["disable", "endpoint", "switch it off"],
    ["dead", "endpoint", "list what was given up"],
    ["retry", "id", "try again what was given up, or one dispatch (ep_… or dsp_…)"],
  ] as const;
  for (const [name, argument, description] of one) {
    printing(endpoints, `${name} <${argument}>`, description).action(async (given: string, options: object, command: Command) =>
      (await import("./cli/endpoints.ts"))[name](given, { ...command.optsWithGlobals(), ...options }),
    );
  }
}

function run(program: Command): void {
  program
    .command("serve")
    .description("receive callbacks, answer the API, send what is owed")
    .addOption(
      new Option("--role <role>", "do a part of it: receive and answer, or send")
        .choices(["web", "worker", "all"])
        .default("all"),
    )
    .action(async (options: { role: ServeRole }) => (await import("./cli/serve.ts")).serve(options));
  program
    .command("demo")
    .description("try it: a gateway on a temporary database, with signed callbacks of every adapter")
    .option("--once", "end when all was shown; exit code 0 only if all went as printed")
    .action(async (options: { once?: boolean }) => (await import("./cli/demo.ts")).demo(options));
  printing(program, "migrate", "bring the database's schema up to date, and end").action(async (options: { json?: boolean }) =>
    (await import("./cli/serve.ts")).migrateOnly(options),
  );
}
