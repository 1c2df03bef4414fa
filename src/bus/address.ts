/** Where the bus is, and how one shows who one is. */
export type BusAddress = { servers: string[]; user?: string; pass?: string; token?: string };

const DEFAULT_PORT = 4222;

/**
 * Reads BUS_URL: one server or several, separated by commas, with `user:password@` or `token@` before the first that needs it.
 * @throws Error, in words that tell nothing of the password.
 */
export function readBusUrl(text: string): BusAddress {
  const urls = text.split(",").map((part) => part.trim().replace(/^(?!nats:\/\/)/, "nats://"));
  // URL knows hosts and ports of its own kind only.
  const parsed = urls.map((url) => URL.parse(url.replace("nats://", "http://")));
  if (!parsed.every((url): url is URL => url !== null && url.pathname === "/" && url.search + url.hash === ""))
    throw new Error("BUS_URL: must be nats://host:port, several separated by commas");
  const [named] = parsed.filter((url) => url.username !== "");
  const user = decodeURIComponent(named?.username ?? "");
  const pass = decodeURIComponent(named?.password ?? "");
  return {
    servers: parsed.map(
      (url, index) => `${url.hostname}:${url.port || (/:80\/?$/.test(urls[index] as string) ? 80 : DEFAULT_PORT)}`,
    ),
    ...(pass ? { user, pass } : user ? { token: user } : {}),
  };
}
