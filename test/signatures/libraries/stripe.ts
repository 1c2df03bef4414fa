import { createHmac } from "node:crypto";
import Stripe from "stripe";
import { type Call, type CallSigner, header, type Library } from "../support/call.ts";
import { byteOrderMark, notUtf8, signable } from "../support/differences.ts";

const { signature } = new Stripe("sk_test_none").webhooks;

function signer(secret: string): CallSigner {
  return { secret, sign: (what) => ({ "stripe-signature": `t=${what.stamp},v1=${mac(secret, what)}` }) };
}

function mac(secret: string, { stamp, body }: { stamp: string; body: Buffer }): string {
  return createHmac("sha256", secret).update(`${stamp}.`).update(body).digest("hex");
}

const NONE = "0".repeat(64);
const respelled =
  (to: (value: string, other: string) => string) => (headers: Record<string, string>, other: Record<string, string>) => ({
    ...headers,
    "stripe-signature": to(headers["stripe-signature"] ?? "", other["stripe-signature"] ?? ""),
  });

const partsOf = (call: Call) => (header(call, "stripe-signature") ?? "").split(",");
const timesOf = (call: Call) => partsOf(call).filter((part) => /^t(=|$)/.test(part));
const v1sOf = (call: Call) => partsOf(call).filter((part) => /^v1(=|$)/.test(part));
/** Signed as it should be, with something else in front or behind. */
const around =
  (before: string, after: string) =>
  (call: Call, { secret }: CallSigner) => {
    const what = signable(call);
    return { ...call, headers: { "stripe-signature": `${before}t=${what.stamp},v1=${mac(secret, what)}${after}` } };
  };

export const stripe: Library = {
  name: "stripe",
  adapters: ["stripe"],
  accepts: (call) =>
    signature?.verifyHeader(call.body, header(call, "stripe-signature") ?? "", call.secret, 300, undefined, call.now) ?? false,
  signers: [signer("whsec_of_the_calls"), signer("whsec_of_a_stranger")],
  spellings: [
    respelled((value) => value.split(",").reverse().join(",")),
    respelled((value) => value.replace("v1=", "v0=")),
    respelled((value) => value.replace("v1=", `v1=${NONE},v1=`)),
    respelled((value) => `${value},v1=${NONE},v0=none`),
    respelled((value) => value.replace("v1=", "v1=,v1=")),
    respelled((value) => value.replace(",", ", ")),
    respelled((value, other) => `${value},${other}`),
    respelled((value) => value.replace("t=", "t=1,t=")),
    respelled((value) => value.replace("=", "==")),
  ],
  differences: [
    notUtf8,
    byteOrderMark,
    {
      name: "a time that lies more than five minutes ahead",
      why: "The library has no upper bound: what is signed for next year would verify until then (DESIGN §5.11).",
      library: "accepts",
      fits: (call) => timesOf(call).some((time) => Number(time.slice(2)) > Math.floor(call.now / 1000) + 300),
      examples: (call, { sign }) => {
        const seconds = Math.floor(call.now / 1000);
        return [seconds + 301, seconds + 86_400].map((time) => ({
          ...call,
          headers: sign(signable(call, { stamp: String(time) })),
        }));
      },
    },
    {
      name: "a time that is not written as plain digits",
      why: "The library takes the digits in front, and signs those instead of the text that it was sent.",
      library: "either",
      fits: (call) => timesOf(call).some((time) => !/^t=(0|[1-9]\d{0,11})$/.test(time)),
      examples: (call, { secret, sign }) => {
        const what = signable(call);
        return [
          ...["0", "+", " "].map((mark) => ({
            ...call,
            headers: { "stripe-signature": `t=${mark}${what.stamp},v1=${mac(secret, what)}` },
          })),
          { ...call, headers: { "stripe-signature": `t=${what.stamp}.5,v1=${mac(secret, what)}` } },
          { ...call, headers: sign(signable(call, { stamp: `0${what.stamp}` })) },
        ];
      },
    },
    {
      name: "several times",
      why: "The library takes the last, the gateway the first. Stripe sends one.",
      library: "either",
      fits: (call) => timesOf(call).length > 1,
      examples: (call, signer) => [around("t=1,", "")(call, signer), around("", ",t=1")(call, signer)],
    },
    {
      name: "a v1 that is empty or not ASCII beside the right one",
      why: "The library throws at it before it has looked at the others. One that does not fit is no reason to refuse one that does.",
      library: "refuses",
      fits: (call) => v1sOf(call).some((part) => !/^v1=[\x20-\x7e]+$/.test(part)),
      examples: (call, signer) => [around("", ",v1=")(call, signer), around(`v1=${"é".repeat(64)},`, "")(call, signer)],
    },
    {
      name: "something behind a second equals sign",
      why: "The library does not look at it. A signature counts in its canonical spelling only.",
      library: "accepts",
      fits: (call) => [...timesOf(call), ...v1sOf(call)].some((part) => part.split("=").length > 2),
      examples: (call, signer) => [around("", "=")(call, signer), around("", "=junk")(call, signer)],
    },
    {
      name: "a signature behind twenty other parts",
      why: "The gateway looks at twenty, so that a long header costs nothing. Stripe sends one for each secret that lives.",
      library: "accepts",
      fits: (call) => partsOf(call).length > 20,
      examples: (call, signer) => [around("v0=x,".repeat(20), "")(call, signer)],
    },
  ],
};
