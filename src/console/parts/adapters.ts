import type { Registry } from "../../registry.ts";
import { providerName } from "../../trace/names.ts";
import type { Html } from "../html.ts";
import { choose } from "./filters.ts";

/** A provider's name; of dialects that share one, which of them it is. */
export function adapterName(registry: Registry, adapter: string): string {
  const name = providerName(registry, adapter);
  const one = registry.get(adapter);
  const isShared = [...registry.keys()].some((other) => other !== adapter && providerName(registry, other) === name);
  if (!one?.dialect || !isShared) return name;
  return one.provider.title === name ? `${name} (${one.dialect})` : one.provider.title;
}

/** The choice of a provider, in a form of filters. */
export function chooseProvider(registry: Registry, chosen: string | undefined): Html {
  const names = [...registry.keys()].map((adapter): [string, string] => [adapter, adapterName(registry, adapter)]);
  // Whoever comes by a link may ask for a whole family, of which no adapter has the name alone.
  if (chosen && !registry.has(chosen)) names.push([chosen, chosen]);
  const sorted = names.toSorted(([, a], [, b]) => a.localeCompare(b, "en"));
  return choose("provider", "Provider", "All providers", Object.fromEntries(sorted), chosen);
}
