import { channels, statuses } from "../provider/draft.ts";
import { catalogueTypes, DELIVERY_NAME } from "./catalogue.ts";

export type Classification = "PASSIVE" | "ACTIVE";

const variants = channels.flatMap((channel) => statuses.map((status) => `${channel}.${status}`));

/**
 * Every name that we know and its class. Passive: what a provider or the platform did; it never counts as an active user. Active: what
 * a person did in a product, listed so that nobody has to guess.
 */
export const classifications: ReadonlyMap<string, Classification> = new Map<string, Classification>([
  [DELIVERY_NAME, "PASSIVE"],
  ...variants.map((variant) => [variant, "PASSIVE"] as const),
  ...catalogueTypes.map((type) => [type, "PASSIVE"] as const),
  ...(
    ["page_view", "order_placed", "purchase", "app_opened", "product_viewed", "add_to_cart", "search", "login", "signup"] as const
  ).map((name) => [name, "ACTIVE"] as const),
]);

/** The class of a name; null for one that nobody knows. */
export function classify(name: string): Classification | null {
  return classifications.get(name) ?? null;
}
