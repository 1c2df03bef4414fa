import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The workspace that fixtures name, and a second one. */
export const ACME = "7b0f3c52-6f5e-4b1c-9d0e-0f6a2f9d1c11";
export const BETA = "3f0c1e2a-7b54-4d1e-9c7a-5a2f6b8d9e01";

/** How a provider signs, written without our verifier (`providers/<x>/fixtures/sign.ts`). */
export type Signer = {
  /** As it is given to the gateway. */
  secret: string;
  sign(request: { body: Uint8Array; url: string; now: Date }): Record<string, string>;
};

/** One callback as it was sent: `fixtures/<name>.http`. */
export type Fixture = {
  file: string;
  name: string;
  /** `provider` or `provider/dialect`. */
  adapter: string;
  /** The `# key: value` lines on top. */
  notes: Record<string, string>;
  method: string;
  /** May hold `{token}`, the path token of the workspace before it. */
  path: string;
  headers: Record<string, string>;
  body: Buffer;
  /** When it arrived: `# now:`. */
  now: Date;
};

const PROVIDERS = join(import.meta.dirname, "../../providers");

/** Notes and head are lines that end with LF; after the first empty line every byte is the body's. */
export function parseFixture(file: string, bytes: Buffer): Fixture {
  const headEnd = bytes.indexOf("\n\n");
  if (headEnd < 0) throw new Error(`${file}: no empty line between head and body`);
  const lines = bytes.subarray(0, headEnd).toString("latin1").split("\n");
  const notes = Object.fromEntries(lines.filter((line) => line.startsWith("#")).map((line) => entry(line.slice(1), file)));
  const [request = "", ...headerLines] = lines.filter((line) => !line.startsWith("#"));
  const [method = "", path = ""] = request.split(" ");
  const adapter = notes.adapter ?? "";
  if (!adapter || !notes.now || !notes.source) throw new Error(`${file}: the notes adapter, now and source are required`);
  return {
    file,
    name: file.slice(file.lastIndexOf("/") + 1, -".http".length),
    adapter,
    notes,
    method,
    path,
    headers: Object.fromEntries(headerLines.map((line) => entry(line, file)).map(([name, value]) => [name.toLowerCase(), value])),
    body: bytes.subarray(headEnd + 2),
    now: new Date(notes.now),
  };
}

function entry(line: string, file: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon < 0) throw new Error(`${file}: no colon in "${line}"`);
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

/** Every fixture of every provider, or of one. */
export function fixtures(provider?: string): Fixture[] {
  return readdirSync(PROVIDERS)
    .filter((folder) => !provider || folder === provider)
    .flatMap((folder) => {
      const directory = join(PROVIDERS, folder, "fixtures");
      const files = readdirSync(directory)
        .filter((file) => file.endsWith(".http"))
        .sort();
      return files.map((file) => parseFixture(join(directory, file), readFileSync(join(directory, file))));
    });
}

/** Where an adapter's signer stands: `fixtures/<dialect>.sign.ts` where its dialect signs in its own way, else `fixtures/sign.ts`. */
export function signerFile(adapter: string): string {
  const [folder = "", dialect] = adapter.split("/");
  const own = join(PROVIDERS, folder, `fixtures/${dialect}.sign.ts`);
  return dialect && existsSync(own) ? own : join(PROVIDERS, folder, "fixtures/sign.ts");
}

/** The signers of an adapter. */
export async function signersOf(adapter: string): Promise<{ fixtureSigner: Signer; newSigner: () => Signer }> {
  return import(pathToFileURL(signerFile(adapter)).href);
}
