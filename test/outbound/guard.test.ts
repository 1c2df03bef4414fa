import { describe, expect, it } from "vitest";
import { type Address, AddressRefused, checkUrl, dialable, kindOf } from "../../src/outbound/guard.ts";

const found =
  (...addresses: string[]) =>
  async (): Promise<Address[]> =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

/** Whether this URL would be dialled, its name leading to these addresses. */
async function dials(url: string, { resolve = found("93.184.216.34"), allowPrivate = false } = {}): Promise<boolean> {
  try {
    await dialable(checkUrl(url, allowPrivate), allowPrivate, resolve);
    return true;
  } catch (error) {
    if (error instanceof AddressRefused) return false;
    throw error;
  }
}

const hostile = [
  // Schemes, user info, ports.
  "http://example.com/",
  "ftp://example.com/",
  "file:///etc/passwd",
  "gopher://example.com/",
  "javascript:alert(1)",
  "https://user@example.com/",
  "https://user:pass@example.com/",
  "https://example.com:22/",
  "https://example.com:80/",
  "https://example.com:1023/",
  "https://example.com:0/",
  "https://example.com:65536/",
  "https://example.com/#fragment",
  "https://",
  "//example.com/",
  "example.com",
  "",
  // This machine, in every spelling that a parser knows.
  "https://127.0.0.1/",
  "https://127.1/",
  "https://127.0.1/",
  "https://2130706433/",
  "https://0x7f000001/",
  "https://0x7f.0.0.1/",
  "https://0177.0.0.1/",
  "https://017700000001/",
  "https://127.255.255.254/",
  "https://127.0.0.1./",
  "https://１２７.0.0.1/",
  "https://127。0。0。1/",
  "https://%31%32%37.0.0.1/",
  "https://0.0.0.0/",
  "https://0/",
  "https://[::1]/",
  "https://[0:0:0:0:0:0:0:1]/",
  "https://[::]/",
  "https://[::ffff:127.0.0.1]/",
  "https://[::ffff:7f00:1]/",
  "https://[::127.0.0.1]/",
  // Networks of our own.
  "https://10.0.0.1/",
  "https://10.255.255.255/",
  "https://172.16.0.1/",
  "https://172.31.255.255/",
  "https://192.168.0.1/",
  "https://3232235521/",
  "https://[fc00::1]/",
  "https://[fd12:3456:789a::1]/",
  "https://[::ffff:10.0.0.1]/",
  // Link-local and the clouds' metadata.
  "https://169.254.0.1/",
  "https://169.254.169.254/latest/meta-data/",
  "https://0xa9fea9fe/",
  "https://2852039166/",
  "https://[fe80::1]/",
  "https://[fe80::1%25eth0]/",
  "https://[fd00:ec2::254]/",
  "https://[::ffff:169.254.169.254]/",
  "https://168.63.129.16/",
  // Carriers' NAT, benchmarks, documentation, multicast, reserved.
  "https://100.64.0.1/",
  "https://100.127.255.255/",
  "https://100.100.100.200/",
  "https://192.0.0.1/",
  "https://192.0.2.1/",
  "https://192.88.99.1/",
  "https://198.18.0.1/",
  "https://198.51.100.1/",
  "https://203.0.113.1/",
  "https://224.0.0.1/",
  "https://239.255.255.250/",
  "https://240.0.0.1/",
  "https://255.255.255.255/",
  "https://[ff02::1]/",
  "https://[2001:db8::1]/",
  "https://[100::1]/",
  "https://[fec0::1]/",
  // Addresses inside addresses.
  "https://[64:ff9b::7f00:1]/",
  "https://[64:ff9b::a9fe:a9fe]/",
  "https://[64:ff9b:1::1]/",
  "https://[2002:7f00:1::]/",
  "https://[2002:a00:1::1]/",
  "https://[2001::7f00:1]/",
  "https://[::ffff:0:127.0.0.1]/",
];

describe("the address guard", () => {
  it.each(hostile)("refuses %s", async (url) => {
    expect(await dials(url)).toBe(false);
  });

  it("knows more than 60 hostile forms", () => {
    expect(new Set(hostile).size).toBeGreaterThan(60);
  });

  it.each([
    "https://example.com/",
    "https://example.com:443/a?b=c",
    "https://example.com:1024/",
    "https://example.com:65535/",
    "https://93.184.216.34/",
    "https://[2606:4700::1111]/",
    "https://xn--bcher-kva.example/",
    "https://bücher.example/",
    "https://a_b.example.com./",
  ])("lets %s pass", async (url) => {
    expect(await dials(url)).toBe(true);
  });

  it.each([["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], ["::1"], ["fd00::1"], ["0.0.0.0"], ["93.184.216.34", "127.0.0.1"]])(
    "refuses a name that leads to %s",
    async (...addresses) => {
      expect(await dials("https://harmless.example/", { resolve: found(...addresses) })).toBe(false);
    },
  );

  it("lets private networks pass where that is allowed, there also by http, and nothing else", async () => {
    const allowPrivate = true;
    for (const url of [
      "http://127.0.0.1:9000/",
      "http://[::1]:9000/",
      "https://10.0.0.1/",
      "http://192.168.1.2/",
      "https://[fd12::1]/",
    ])
      expect([url, await dials(url, { allowPrivate })]).toEqual([url, true]);
    for (const url of [
      "http://93.184.216.34:8080/",
      "http://example.com:8080/",
      "http://169.254.169.254:8080/",
      "https://0.0.0.0/",
      "https://[fd00:ec2::254]/",
      "http://u@127.0.0.1:9000/",
    ])
      expect([url, await dials(url, { allowPrivate })]).toEqual([url, false]);
    expect(await dials("http://localhost:9000/", { allowPrivate, resolve: found("127.0.0.1", "::1") })).toBe(true);
  });

  it("takes what is no address for nothing that is dialled", () => {
    for (const text of ["", "example.com", "1.2.3", "1.2.3.4.5", "fe80::1%eth0", "::g"]) expect(kindOf(text)).toBe("never");
  });
});
