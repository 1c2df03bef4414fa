import { generateKeyPairSync, sign } from "node:crypto";
import { EventWebhook } from "@sendgrid/eventwebhook";
import { type Call, type CallSigner, header, type Library } from "../support/call.ts";
import { notUtf8, signable } from "../support/differences.ts";

const SIGNATURE = "x-twilio-email-event-webhook-signature";
const STAMP = "x-twilio-email-event-webhook-timestamp";
const webhook = new EventWebhook();
const keys = new Map<string, ReturnType<EventWebhook["convertPublicKeyToECDSA"]>>();

function keyOf(secret: string): ReturnType<EventWebhook["convertPublicKeyToECDSA"]> {
  const key = keys.get(secret) ?? webhook.convertPublicKeyToECDSA(secret);
  keys.set(secret, key);
  return key;
}

function signer(): CallSigner {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return {
    secret: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
    sign: ({ body, stamp }) => ({
      [SIGNATURE]: sign("sha256", Buffer.concat([Buffer.from(stamp), body]), privateKey).toString("base64"),
      [STAMP]: stamp,
    }),
  };
}

const signatureOf = (call: Call) => header(call, SIGNATURE) ?? "";
const respelled = (to: (signature: Buffer) => string) => (headers: Record<string, string>) => ({
  ...headers,
  [SIGNATURE]: to(Buffer.from(headers[SIGNATURE] ?? "", "base64")),
});
const spelled = (call: Call, to: (signature: Buffer) => string) => ({ ...call, headers: respelled(to)(call.headers) });

/** The same two numbers, the sequence's length in the long form. */
function longForm(der: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x30, 0x81]), der.subarray(1)]);
}

function isStrictDer(signature: Buffer): boolean {
  const number = (at: number) => {
    const length = signature[at + 1] ?? 0;
    const digits = signature.subarray(at + 2, at + 2 + length);
    const minimal = length > 0 && (digits[0] as number) < 0x80 && (digits[0] !== 0 || (digits[1] ?? 0) >= 0x80);
    return signature[at] === 2 && digits.length === length && minimal ? at + 2 + length : -1;
  };
  const second = number(2);
  return signature[0] === 0x30 && signature[1] === signature.length - 2 && second > 0 && number(second) === signature.length;
}

export const sendgrid: Library = {
  name: "@sendgrid/eventwebhook",
  adapters: ["sendgrid", "sendgrid/inbound-parse"],
  accepts: (call) => webhook.verifySignature(keyOf(call.secret), call.body, signatureOf(call), header(call, STAMP) as string),
  signers: [signer(), signer()],
  spellings: [
    respelled((signature) => longForm(signature).toString("base64")),
    respelled((signature) => Buffer.concat([signature, Buffer.alloc(1)]).toString("base64")),
    // Nothing stands between the time and the body: a digit can change sides.
    ({ [STAMP]: stamp = "", ...headers }) => ({ ...headers, [STAMP]: stamp.slice(0, -1) }),
  ],
  // Its arithmetic is JavaScript's: 3 ms a signature.
  slow: true,
  differences: [
    notUtf8,
    {
      name: "a signature in another base64",
      why: "The library decodes what it can. A signature counts in its canonical spelling only.",
      library: "accepts",
      fits: (call) => Buffer.from(signatureOf(call), "base64").toString("base64") !== signatureOf(call),
      examples: (call) => [
        spelled(call, (signature) => ` ${signature.toString("base64")}`),
        spelled(call, (signature) => `${signature.toString("base64")}!`),
        spelled(call, (signature) => `${signature.toString("base64").slice(0, 8)}\n${signature.toString("base64").slice(8)}`),
      ],
    },
    {
      name: "a signature in another DER",
      why: "The library reads numbers and lengths in any form. OpenSSL, which verifies here, reads the one that DER allows.",
      library: "accepts",
      fits: (call) => !isStrictDer(Buffer.from(signatureOf(call), "base64")),
      examples: (call) => [spelled(call, (signature) => longForm(signature).toString("base64"))],
    },
    {
      name: "a time that is not written as digits",
      why: "The library signs whatever stands there. A time that cannot be read cannot be judged.",
      library: "accepts",
      fits: (call) => !/^\d{10}(\d{3})?$/.test(header(call, STAMP) ?? ""),
      examples: (call, { sign }) =>
        ["", "now", "-1", "1795345200.5", " 1795345200", "17953452000000"].map((stamp) => ({
          ...call,
          headers: { ...call.headers, ...sign(signable(call, { stamp })) },
        })),
    },
    {
      name: "a body that begins with a digit",
      why: "Nothing stands between the time and the body, so the digit may be one of the time's. No body of SendGrid's begins so.",
      library: "accepts",
      fits: ({ body }) => /^\d/.test(body.subarray(0, 1).toString()),
      examples: (call, { sign }) => {
        const body = Buffer.concat([Buffer.from("7"), call.body]);
        return [{ ...call, body, headers: { ...call.headers, ...sign(signable(call, { body })) } }];
      },
    },
    {
      name: "a time that lies more than five minutes ahead",
      why: "The library does not look at the time at all (DESIGN §5.11).",
      library: "accepts",
      fits: (call) => Number((header(call, STAMP) ?? "").slice(0, 10)) > Math.floor(call.now / 1000) + 300,
      examples: (call, { sign }) => [
        { ...call, headers: { ...call.headers, ...sign(signable(call, { stamp: String(Math.floor(call.now / 1000) + 301) })) } },
      ],
    },
  ],
};
