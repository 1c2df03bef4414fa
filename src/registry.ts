import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { AnyProvider } from "./provider/define.ts";

/** One payload language and the provider (folder) that it belongs to. `name` is `provider` or `provider/dialect`. */
export type Adapter = { name: string; providerName: string; dialect: string | null; provider: AnyProvider };
export type Registry = ReadonlyMap<string, Adapter>;

const PROVIDERS = join(import.meta.dirname, "../providers");

/**
 * Loads every adapter: `providers/<x>/<x>.ts` is `x`, every other `.ts` file of the folder the dialect `x/<file>`. Adding a folder is
 * all it takes.
 * @throws where a file does not export an adapter.
 */
export async function registry(folder = PROVIDERS): Promise<Registry> {
  const adapters = new Map<string, Adapter>();
  for (const providerName of readdirSync(folder).sort()) {
    for (const file of readdirSync(join(folder, providerName)).sort()) {
      if (!file.endsWith(".ts")) continue;
      const dialect = file === `${providerName}.ts` ? null : file.slice(0, -".ts".length);
      const name = dialect ? `${providerName}/${dialect}` : providerName;
      const { default: provider } = await import(pathToFileURL(join(folder, providerName, file)).href);
      if (!provider?.verify)
        throw new Error(`providers/${providerName}/${file} exports no adapter (export default defineProvider(…))`);
      adapters.set(name, { name, providerName, dialect, provider });
    }
  }
  return adapters;
}
