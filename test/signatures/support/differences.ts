import { isUtf8 } from "node:buffer";
import type { Call, Difference, Signable } from "./call.ts";

/** How a difference's examples are signed: the call's own url and body at the time of the call, unless told. */
export const signable = (call: Call, change: Partial<Signable> = {}): Signable => ({
  ...{ url: call.url, body: call.body, stamp: String(Math.floor(call.now / 1000)), id: "msg_1" },
  ...change,
});

const BROKEN = Buffer.from('{"name":"M\xfcller"}', "latin1");
const REPAIRED = Buffer.from(BROKEN.toString());

/** Libraries that take text decode the body before they verify it. */
export const notUtf8: Difference = {
  name: "a body that is not UTF-8",
  why: "The library decodes it first, and so verifies U+FFFD in the place of what was sent. The signature covers bytes.",
  library: "either",
  fits: ({ body }) => !isUtf8(body),
  examples: (call, signer) => [
    { ...call, body: BROKEN, headers: { ...call.headers, ...signer.sign(signable(call, { body: BROKEN })) } },
    { ...call, body: BROKEN, headers: { ...call.headers, ...signer.sign(signable(call, { body: REPAIRED })) } },
  ],
};

const PLAIN = Buffer.from('{"id":"1"}');
const MARKED = Buffer.concat([Buffer.from("\ufeff"), PLAIN]);

/** Of the libraries that decode, those that drop a byte order mark. */
export const byteOrderMark: Difference = {
  name: "a body with a byte order mark",
  why: "The library drops the mark and verifies the rest. The signature covers bytes.",
  library: "either",
  fits: ({ body }) => body.subarray(0, 3).equals(MARKED.subarray(0, 3)),
  examples: (call, signer) => [
    { ...call, body: MARKED, headers: { ...call.headers, ...signer.sign(signable(call, { body: MARKED })) } },
    { ...call, body: MARKED, headers: { ...call.headers, ...signer.sign(signable(call, { body: PLAIN })) } },
  ],
};

/** Libraries that parse the body as soon as they have verified it. */
export const noJson: Difference = {
  name: "a body that is no JSON",
  why: "The library verifies it and then throws, as it parses in the same breath. What is genuine is kept, and says that it is unreadable.",
  library: "refuses",
  fits: ({ body }) => !isJson(body),
  examples: (call, signer) =>
    ["<html>", '{"id":', " "].map((text) => {
      const body = Buffer.from(text);
      return { ...call, body, headers: { ...call.headers, ...signer.sign(signable(call, { body })) } };
    }),
};

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString());
    return true;
  } catch {
    return false;
  }
}
