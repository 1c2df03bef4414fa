import { verify } from "../../../src/inbound/verify.ts";
import type { Adapter } from "../../../src/registry.ts";
import { Door, GATEWAY } from "../../conformance/subject.ts";
import type { Fixture } from "../../support/fixtures.ts";

/** One request as it reaches whoever verifies it, and with which secret and by which clock he does. */
export type Call = {
  secret: string;
  /** What its provider has registered. */
  url: string;
  /** Names as they were sent. A header that came twice is joined by ", ", as Node does. */
  headers: Record<string, string>;
  body: Buffer;
  /** In milliseconds. */
  now: number;
};

/** What is signed: the time as text, so that it may be an odd one. */
export type Signable = { url: string; body: Buffer; stamp: string; id: string };

/** Signs as the provider does, without any of the gateway's code. */
export type CallSigner = { secret: string; sign(what: Signable): Record<string, string> };

/** Where the library and the gateway say otherwise, and why that is right. */
export type Difference = {
  name: string;
  why: string;
  /** What the library says of such a call; the gateway says the opposite. `either`: it depends on what was signed. */
  library: "accepts" | "refuses" | "either";
  /** Whether a call is of that kind, seen from the call alone. */
  fits(call: Call): boolean;
  /** Calls of that kind, each of which the two do judge differently. */
  examples(call: Call, signer: CallSigner): Call[];
};

/** What a provider publishes for its customers to verify with, and how it differs from the gateway. */
export type Library = {
  /** The package. */
  name: string;
  /** Whose callbacks it verifies. */
  adapters: string[];
  accepts(call: Call): boolean | Promise<boolean>;
  /** The calls' own signer, and a stranger under whose secret nothing is verified. */
  signers: [own: CallSigner, stranger: CallSigner];
  /** Further things that may become of this provider's headers; the second ones are of another call. */
  spellings?: ((headers: Record<string, string>, other: Record<string, string>) => Record<string, string>)[];
  differences: Difference[];
  /** It takes long: the ordinary suite compares fewer copies. */
  slow?: true;
};

export function callOf(fixture: Fixture, secret: string): Call {
  const { headers, body, path, now } = fixture;
  return { secret, url: GATEWAY + path, headers, body, now: now.getTime() };
}

/** The gateway's own verdict, through its real way in. */
export function gateway(adapter: Adapter, fixture: Fixture): (call: Call) => boolean {
  const doors = new Map<string, Door>();
  const nobody = { secret: "", sign: () => ({}) };
  return ({ secret, url, headers, body, now }) => {
    const door =
      doors.get(secret) ??
      new Door({ adapter, verify, fixtures: [], signer: nobody, stranger: nobody, answer: () => "" }, [secret]);
    doors.set(secret, door);
    return door.judge({ ...fixture, now: new Date(now) }, { url, headers: asReceived(headers), body }).ok;
  };
}

/** Header names as Node gives them. */
export function asReceived(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

export function header(call: Call, name: string): string | undefined {
  return asReceived(call.headers)[name];
}
