import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { settings } from "../src/config.ts";
import { secretsSetting } from "../src/inbound/credentials.ts";
import { channels } from "../src/provider/draft.ts";
import { registry } from "../src/registry.ts";
import { type House, importsOf, type Source, violations } from "./support/boundaries.ts";

const ROOT = join(import.meta.dirname, "..");
const adapters = await registry();
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

const house: House = {
  providers: new Map(
    [...adapters.values()].map(({ providerName }) => [
      providerName,
      [...adapters.values()].flatMap((one) => (one.providerName === providerName && one.dialect ? [one.dialect] : [])),
    ]),
  ),
  channels,
  dependencies: Object.keys(manifest.dependencies),
  devDependencies: Object.keys(manifest.devDependencies),
};

function sourcesOf(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `${folder}/${file.replaceAll("\\", "/")}`)
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

const sources = [...sourcesOf("src"), ...sourcesOf("providers")];

describe("the house", () => {
  it("has files to check", () => {
    expect(sources.map(({ path }) => path)).toEqual(
      expect.arrayContaining(["src/inbound/verify.ts", "providers/example/example.ts"]),
    );
    expect(importsOf(sources.find(({ path }) => path === "src/gateway.ts") as Source)).toContain("src/inbound/credentials.ts");
  });

  it("keeps to who may import, name, read and send what", () => {
    expect(violations(sources, house)).toEqual([]);
  });
});

describe("the checker of the house", () => {
  const planted: [what: string, path: string, text: string, seen: string][] = [
    [
      "an adapter that imports the core",
      "providers/acme/acme.ts",
      'import { resolve } from "../../src/inbound/resolve.ts";',
      "src/inbound/resolve.ts",
    ],
    [
      "an adapter that imports another",
      "providers/acme/acme.ts",
      'import other from "../example/example.ts";',
      "providers/example/example.ts",
    ],
    [
      "an adapter that imports a node module",
      "providers/acme/acme.ts",
      'import { createHmac } from "node:crypto";',
      "node:crypto",
    ],
    ["an adapter that imports by a side effect", "providers/acme/parts/a.ts", 'import "node:fs";', "node:fs"],
    ["an adapter that imports later", "providers/acme/acme.ts", 'const { get } = await import("node:http");', "node:http"],
    ["an adapter that imports what it computes", "providers/acme/acme.ts", "await import(name);", "imports ?"],
    [
      "an adapter that exports another's",
      "providers/acme/acme.ts",
      'export { default } from "../example/example.ts";',
      "providers/example/example.ts",
    ],
    [
      "an adapter that takes over many lines",
      "providers/acme/acme.ts",
      'import {\n  a,\n  type B,\n} from "pino";',
      "imports pino",
    ],
    ["an adapter that uses the gateway's packages", "providers/acme/acme.ts", 'import { Hono } from "hono/tiny";', "hono/tiny"],
    ["an adapter that uses a package of development", "providers/acme/acme.ts", 'import fc from "fast-check";', "fast-check"],
    [
      "an adapter that reads its fixtures",
      "providers/acme/acme.ts",
      'import { fixtureSigner } from "./fixtures/sign.ts";',
      "fixtures/sign.ts",
    ],
    ["an adapter that asks the clock", "providers/acme/acme.ts", "const now = Date.now();", "Date.now"],
    ["an adapter that makes a time", "providers/acme/acme.ts", "const now = new Date();", "new Date()"],
    ["an adapter that calls out", "providers/acme/acme.ts", "await fetch(url);", "fetch("],
    ["an adapter that reads the environment", "providers/acme/acme.ts", "process.env.ACME", "process."],
    [
      "a signer of fixtures that is our verifier",
      "providers/acme/fixtures/sign.ts",
      'import { hmac } from "#provider";',
      "#provider",
    ],
    [
      "a signer of fixtures that asks the adapter",
      "providers/acme/fixtures/sign.ts",
      'import acme from "../acme.ts";',
      "providers/acme/acme.ts",
    ],
    [
      "an adapter's language that knows the core",
      "src/provider/time.ts",
      'import { ORG } from "../inbound/resolve.ts";',
      "src/inbound/resolve.ts",
    ],
    ["an adapter's language with a package", "src/provider/decode.ts", 'import { parse } from "lossless-json";', "lossless-json"],
    [
      "a core that imports an adapter",
      "src/gateway.ts",
      'import example from "../providers/example/example.ts";',
      "providers/example",
    ],
    ["a core that imports what it computes", "src/gateway.ts", 'await import("../providers/" + name);', "imports ?"],
    ["a core that leans on a command", "src/gateway.ts", 'import { serve } from "./cli/serve.ts";', "outside the gateway"],
    [
      "a core that leans on the demo",
      "src/inbound/verify.ts",
      'import { fixtures } from "../demo/fixtures.ts";',
      "outside the gateway",
    ],
    ["a core that names a provider", "src/inbound/decide.ts", "// ACME sends it twice", "names the provider acme"],
    ["a core that names a dialect", "src/inbound/decide.ts", "if (dialect === 'quickship')", "names the provider quickship"],
    ["a core that names the template", "src/inbound/decide.ts", 'if (adapter === "example")', "names the provider example"],
    ["an inbound that sends", "src/inbound/commit.ts", 'import { attempt } from "../outbound/attempt.ts";', "reaches outbound"],
    ["a core that reads the environment", "src/app.ts", "const port = process.env.PORT;", "reads the environment"],
    ["a core that reads the environment by a name", "src/app.ts", 'process["env"]', "reads the environment"],
    ["a core that takes the environment apart", "src/app.ts", "const { env } = process;", "reads the environment"],
    ["a core that imports the environment", "src/app.ts", 'import { env } from "node:process";', "reads the environment"],
    ["a core that hands the environment over", "src/gateway.ts", "readConfig(process.env, [])", "reads the environment"],
    ["a command that reads the environment", "src/cli/serve.ts", "process.env.HOMING_URL", "reads the environment"],
    ["a core that sends", "src/bus/relay.ts", "await fetch(url)", "sends requests"],
    ["a core that sends by node", "src/bus/relay.ts", 'import { request } from "node:http";', "sends requests"],
    ["a core that sends by another module", "src/bus/relay.ts", 'import https from "node:https";', "may send requests"],
    ["a second queue", "src/inbound/heal.ts", "for update\n  SKIP LOCKED", "skip locked"],
  ];
  const around: Source[] = [
    { path: "src/api/http.ts", text: 'import { Hono } from "hono"; import { pino } from "pino";' },
    { path: "test/x.test.ts", text: 'import fc from "fast-check";' },
  ];
  const imagined: House = {
    ...house,
    providers: new Map([
      ["acme", ["quickship", "email", "generic"]],
      ["example", []],
      ["shipping", []],
    ]),
  };

  it.each(planted)("sees %s", (_, path, text, seen) => {
    const found = violations([...around, { path, text }], imagined);
    expect(found).toEqual([expect.stringContaining(seen)]);
    expect(found[0]).toContain(path);
  });

  it.each([
    [
      "an adapter's own parts, zod and the language",
      "providers/acme/acme.ts",
      'import { z } from "zod";\nimport { hmac } from "#provider";\nimport { a } from "./parts/a.ts";',
    ],
    ["its own vendor's SDK", "providers/acme/acme.ts", 'import Sdk from "acme-sdk/webhooks";'],
    ["a signer with node:crypto", "providers/acme/fixtures/sign.ts", 'import { createHmac } from "node:crypto";'],
    [
      "a dialect that is named as a channel is",
      "src/events/lattice.ts",
      'channel === "email" || channel === "shipping" || kind === "generic"',
    ],
    ["an English word", "src/errors.ts", "// for example, the examples"],
    ["handing the environment over from a command", "src/cli/serve.ts", "readConfig(process.env, adapters.keys())"],
    ["the one that reads it", "src/config.ts", "process.env.PORT"],
    ["the one that sends", "src/outbound/attempt.ts", "await fetch(url)"],
    ["a command that talks to the gateway", "src/cli/trace.ts", "await fetch(url)"],
    ["the demo, which plays the providers", "src/demo/stage.ts", "await fetch(url)"],
    ["a command that is loaded when it is called", "src/main.ts", 'await import("./cli/serve.ts")'],
    ["the one queue", "src/outbound/claim.ts", "for update skip locked"],
    [
      "a method that happens to be called so",
      "src/gateway.ts",
      "getRequestListener(createApp(gateway).fetch); app.fetch(request)",
    ],
    ["a server", "src/gateway.ts", 'import { createServer, type Server } from "node:http";'],
    ["fan-out", "src/inbound/write.ts", 'import { fanOut } from "../outbound/fan-out.ts";'],
    ["the registry, which finds adapters by looking", "src/registry.ts", "await import(file)"],
  ])("lets pass: %s", (_, path, text) => {
    expect(violations([...around, { path, text }], { ...imagined, dependencies: [...house.dependencies, "acme-sdk"] })).toEqual(
      [],
    );
  });
});

/** What may be set, as lines `NAME=default`; an empty value means unset. */
describe(".env.example", () => {
  const lines = readFileSync(join(ROOT, ".env.example"), "utf8").split("\n");
  const shown = lines
    .filter((line) => /^\w+=/.test(line))
    .map((line): [string, string] => [line.split("=", 1)[0] ?? "", line.slice(line.indexOf("=") + 1)]);

  it("tells every setting, and every adapter's secrets, once", () => {
    const expected = [...Object.keys(settings.shape), ...[...adapters.keys()].map(secretsSetting)];
    expect(shown.map(([name]) => name).sort()).toEqual(expected.sort());
  });

  it("tells the defaults as they are", () => {
    const defaults = Object.entries(settings.parse({})).map(([name, value]) => [name, String(value)]);
    expect(Object.fromEntries(shown)).toMatchObject(Object.fromEntries(defaults));
  });
});
