import { type BlockList, isIP } from "node:net";

/** Who calls: the nearest address that is no proxy which we trust. Of IPv6 the network, since one caller has very many addresses there. */
export function callerOf(remote: string | undefined, forwarded: string | undefined, trusted: BlockList): string {
  const hops = [...(forwarded?.split(",").map((hop) => hop.trim()) ?? []), remote ?? ""].reverse();
  for (const hop of hops) {
    const address = hop.startsWith("::ffff:") ? hop.slice(7) : hop;
    const family = isIP(address);
    if (family === 0) break;
    if (trusted.check(address, family === 6 ? "ipv6" : "ipv4")) continue;
    return family === 6 ? address.split(":").slice(0, 4).join(":") : address;
  }
  return "unknown";
}
