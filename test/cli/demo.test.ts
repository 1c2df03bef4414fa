import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runDemo } from "../../src/cli/demo.ts";
import { wrap } from "../../src/cli/table.ts";
import { createScreen } from "../../src/demo/screen.ts";
import type { Outcome } from "../../src/provider/draft.ts";
import { type Adapter, registry } from "../../src/registry.ts";
import { homing } from "./support/run.ts";

const adapters = await registry();
const titles = [...adapters.values()].map(({ provider }) => provider.title.replace(/ \(.*/, ""));
/** A machine on which five of these run at once is slow. */
const SLOW_MS = 120_000;

/** `homing demo` as people start it; the settings of some other gateway lie around. */
class Command {
  readonly folder = mkdtempSync(join(tmpdir(), "homing-test-"));
  readonly #child: ChildProcess;
  readonly #closed: Promise<number | null>;
  #waiting: { text: string; seen: () => void } | null = null;
  stdout = "";
  stderr = "";

  constructor(...options: string[]) {
    const settings = { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none", PORT: "1", API_TOKEN: "short", MASTER_KEY: "none" };
    this.#child = spawn(process.execPath, [join(import.meta.dirname, "../../bin/homing.js"), "demo", ...options], {
      env: { PATH: process.env.PATH, TMPDIR: this.folder, ...settings },
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      if (this.#waiting && this.stdout.includes(this.#waiting.text)) this.#waiting.seen();
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.#closed = new Promise((resolve) => this.#child.once("close", resolve));
  }

  /** Resolves once it has printed that. @throws where it ends before. */
  async printed(text: string): Promise<void> {
    const seen = new Promise<"seen">((resolve) => {
      this.#waiting = { text, seen: () => resolve("seen") };
      if (this.stdout.includes(text)) resolve("seen");
    });
    const ended = await Promise.race([seen, this.#closed]);
    if (ended !== "seen") throw new Error(`it ended before it printed "${text}":\n${this.stdout}${this.stderr}`);
  }

  stop(): void {
    this.#child.kill("SIGTERM");
  }

  /** The exit code, once it has ended. */
  ended(): Promise<number | null> {
    return this.#closed;
  }

  async remove(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe("homing demo --once", () => {
  let command: Command;
  let code: number | null;
  beforeAll(async () => {
    command = new Command("--once");
    code = await command.ended();
  }, SLOW_MS);
  afterAll(() => command.remove());

  it("ends with 0, whatever the environment says", () => {
    expect(command.stderr).toBe("");
    expect(command.stdout).toContain("All went as printed");
    expect(code).toBe(0);
  });

  it.each(titles)("shows %s", (title) => {
    expect(command.stdout).toContain(`  ${title} `);
  });

  it("shows the four ways, and one that waited and came home", () => {
    for (const way of ["By the credential", "By the path", "By metadata", "By look-up"]) expect(command.stdout).toContain(way);
    const [, story = ""] = command.stdout.split("One that nobody can place yet");
    expect(story).toMatch(/It waits .*no_reference_bound, 1 waiting/);
    expect(story).toContain("We do not know whose this is yet.");
    expect(story).toContain("PUT /v1/bindings");
    expect(story).toMatch(/It is home +\S+ .* of Beta, dated 20\d\d-/);
  });

  it("prints plain lines that fit a page, and no address that is gone", () => {
    for (const line of command.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
    expect(command.stdout).not.toContain("\u001b");
    expect(command.stdout).not.toContain("curl");
  });

  it("leaves nothing behind", () => {
    expect(readdirSync(command.folder)).toEqual([]);
  });
});

describe("homing demo", () => {
  it(
    "stays up with commands that work, until it is told to stop, and then removes its database",
    async () => {
      const command = new Command();
      try {
        await command.printed("Ctrl-C ends it");
        expect(readdirSync(command.folder)).toEqual([expect.stringMatching(/^homing-demo-/)]);
        const [, token] = /^ +TOKEN=(\S+)$/m.exec(command.stdout) ?? [];
        const urls = [...command.stdout.matchAll(/^ +curl -H "Authorization: Bearer \$TOKEN" (\S+)$/gm)].map(
          ([, url]) => `${url}`,
        );
        const answers = await Promise.all(urls.map((url) => fetch(url, { headers: { authorization: `Bearer ${token}` } })));
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
        const [events, trace, message] = (await Promise.all(answers.map((answer) => answer.json()))) as Record<string, unknown>[];
        expect(events).toMatchObject({ data: expect.arrayContaining([expect.objectContaining({ workspace_source: "lookup" })]) });
        expect(trace).toMatchObject({ first_status: "unmatched", status: "accepted", items: [{ healed: { cause: "binding" } }] });
        expect(message).toMatchObject({ data: expect.arrayContaining([expect.objectContaining({ state: expect.any(String) })]) });

        const [, console = ""] = /^ +(http\S+\/console)$/m.exec(command.stdout) ?? [];
        expect((await fetch(console)).status).toBe(200);
        const [, url = "", callback = ""] =
          /^ +HOMING_URL=(\S+) HOMING_TOKEN=\$TOKEN npx homing trace (\S+)$/m.exec(command.stdout) ?? [];
        const told = await homing(url, ["trace", callback], { token: `${token}` });
        expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining("It waited, and came home at ") });

        command.stop();
        expect(await command.ended()).toBe(0);
        expect(command.stderr).toBe("");
        expect(readdirSync(command.folder)).toEqual([]);
      } finally {
        await command.remove();
      }
    },
    SLOW_MS,
  );

  it(
    "ends in peace when it is told to stop in the middle, with 1 for what it did not show",
    async () => {
      const stop = new AbortController();
      let printed = "";
      const screen = createScreen(
        (text) => {
          printed += text;
          if (text.includes("By metadata")) stop.abort();
        },
        { colours: false },
      );
      expect(await runDemo(adapters, screen, { once: false, signal: stop.signal })).toBe(1);
      expect(printed).not.toContain("All went as printed");
      const [, address = ""] = /It listens on (\S+)\.\n/.exec(printed) ?? [];
      await expect(fetch(`${address}/healthz`)).rejects.toThrow();
    },
    SLOW_MS,
  );

  it(
    "says what is not as the fixtures tell, line by line, with exit code 1",
    async () => {
      const example = adapters.get("example") as Adapter;
      const bounceIsDelivery = (item: Outcome): Outcome =>
        "status" in item && item.status === "bounced" ? { ...item, status: "delivered" } : item;
      const wrong: Adapter = {
        ...example,
        provider: { ...example.provider, events: (...given) => example.provider.events(...given).map(bounceIsDelivery) },
      };
      const razorpay = adapters.get("razorpay") as Adapter;
      const forgetful: Adapter = {
        ...razorpay,
        provider: {
          ...razorpay.provider,
          events: (...given) =>
            razorpay.provider.events(...given).map((item) => ("metadata" in item ? { ...item, metadata: [] } : item)),
        },
      };
      const planted = new Map([
        ...adapters,
        ["example", wrong],
        ["razorpay", forgetful],
        ["example/new", { ...example, name: "example/new" }],
      ]);
      let printed = "";
      const screen = createScreen((text) => (printed += text), { colours: false });
      const code = await runDemo(planted, screen, { once: true, signal: new AbortController().signal });
      expect(code).toBe(1);
      const lines = printed.replaceAll(/\n(?!-)/g, " ");
      expect(lines).toContain('- Example Mail (reports), event 2: variant: "email.delivered" instead of "email.bounced"');
      expect(lines).toContain("- Razorpay (refund-created): events counted in the answer: 0 instead of 1");
      expect(lines).toContain('- example/new: none of its fixtures is marked "# demo: …", so it is not shown');
      expect(lines).not.toContain("All went as printed");
      expect(lines).not.toMatch(/^- (Twilio|Shopify)/m);
    },
    SLOW_MS,
  );
});

describe("a table's cell", () => {
  it.each([
    ["keeps what fits", "a b", 3, ["a b"]],
    ["breaks at blanks", "one two three", 8, ["one two", "three"]],
    ["breaks an id where it has a joint", "data.object.metadata.key", 15, ["data.object.", "metadata.key"]],
    ["breaks what has no joint", "abcdefgh", 3, ["abc", "def", "gh"]],
    ["holds no control character", "a\u001b[31mb\nc", 20, ["a [31mb c"]],
  ])("%s", (_, text, width, lines) => {
    expect(wrap(text, width)).toEqual(lines);
  });
});
