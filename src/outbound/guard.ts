import { Resolver, lookup as systemLookup } from "node:dns/promises";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** One address of a host, as it will be dialled. */
export type Address = { address: string; family: 4 | 6 };
/** Finds a host's addresses. @throws where there are none. */
export type Resolve = (host: string) => Promise<Address[]>;

/** A webhook's address is not one that we dial. `message` says why, in words for its owner. */
export class AddressRefused extends Error {}

/** Space for global unicast; everything else of IPv6 is reserved, local or translated (RFC 4291 §2.4). */
const GLOBAL_UNICAST_6 = ipaddr.parseCIDR("2000::/3") as [ipaddr.IPv6, number];
/** Special-purpose networks that the library's classes do not name (IANA special-purpose registries). */
const SPECIAL_4 = ["192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15"].map(
  (net) => ipaddr.parseCIDR(net) as [ipaddr.IPv4, number],
);
const SPECIAL_6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"].map(
  (net) => ipaddr.parseCIDR(net) as [ipaddr.IPv6, number],
);
/** Clouds' metadata services that lie in other networks than link-local. */
const METADATA = new Set(["fd00:ec2::254", "168.63.129.16"]);
const PRIVATE = new Set(["loopback", "private", "uniqueLocal"]);

/** What an address is: reached by everybody, private to us (loopback and private networks), or nothing that is ever dialled. */
export function kindOf(address: string): "public" | "private" | "never" {
  if (!isIP(address) || address.includes("%")) return "never";
  const parsed = ipaddr.parse(address);
  if (METADATA.has(parsed.toString())) return "never";
  if (parsed instanceof ipaddr.IPv6) {
    const range = parsed.range();
    if (PRIVATE.has(range)) return "private";
    const reserved = range !== "unicast" || !parsed.match(GLOBAL_UNICAST_6) || SPECIAL_6.some((net) => parsed.match(net));
    return reserved ? "never" : "public";
  }
  const range = parsed.range();
  if (PRIVATE.has(range)) return "private";
  return range !== "unicast" || SPECIAL_4.some((net) => parsed.match(net)) ? "never" : "public";
}

/**
 * Judges what stands in a webhook's URL: its scheme, port, user info, and its host where that is an address.
 * @throws AddressRefused in words.
 */
export function checkUrl(text: string, allowPrivate: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url) throw new AddressRefused("is not a URL such as https://example.com/webhooks");
  if (url.protocol !== "https:" && !(allowPrivate && url.protocol === "http:"))
    throw new AddressRefused("must begin with https://");
  if (url.username || url.password) throw new AddressRefused("must not contain a user name or password");
  if (url.hash) throw new AddressRefused("must not contain a #fragment");
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  if (port !== 443 && port < 1024 && !(port === 80 && url.protocol === "http:"))
    throw new AddressRefused("must use port 443 or one from 1024 to 65535");
  const host = hostOf(url);
  if (isIP(host)) checkAddress(host, url, allowPrivate);
  else if (!/^(?=.{1,253}\.?$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?$/.test(host))
    throw new AddressRefused("has a host that is no name");
  return url;
}

/** Without the brackets of IPv6. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/** @throws AddressRefused unless the address may be dialled for this URL. */
export function checkAddress(address: string, url: URL, allowPrivate: boolean): void {
  const kind = kindOf(address);
  if (kind === "never" || (kind === "private" && !allowPrivate))
    throw new AddressRefused("leads to an address that is not on the public internet");
  if (url.protocol === "http:" && kind !== "private")
    throw new AddressRefused("must begin with https:// outside of private networks");
}

/**
 * Finds the addresses of a URL's host that may be dialled. Nothing is asked twice: what is answered here is what is dialled, so that a
 * name cannot change its mind between check and use.
 * @throws AddressRefused where one of them, or the URL itself, is refused; what the resolver throws where there is none.
 */
export async function dialable(url: URL, allowPrivate: boolean, resolve: Resolve): Promise<Address[]> {
  const host = hostOf(url);
  const family = isIP(host);
  const addresses = family ? [{ address: host, family: family as 4 | 6 }] : await resolve(host);
  // One refused address refuses the name: who answers with both a public and a private one has the private one in mind.
  for (const { address } of addresses) checkAddress(address, url, allowPrivate);
  return addresses;
}

const RESOLVE_TIMEOUT_MS = 2000;

/**
 * By DNS, in the background and not on the few threads of the system's resolver, where one dead name would delay all others; the system's
 * (hosts file) only for names that DNS does not know.
 */
export async function resolveHost(host: string): Promise<Address[]> {
  const resolver = new Resolver({ timeout: RESOLVE_TIMEOUT_MS, tries: 2 });
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const found: Address[] = [
    ...(four.status === "fulfilled" ? four.value.map((address) => ({ address, family: 4 as const })) : []),
    ...(six.status === "fulfilled" ? six.value.map((address) => ({ address, family: 6 as const })) : []),
  ];
  if (found.length > 0) return found;
  const known = await systemLookup(host, { all: true });
  return known.map(({ address, family }) => ({ address, family: family as 4 | 6 }));
}
