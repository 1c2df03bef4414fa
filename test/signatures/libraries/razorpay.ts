import { createHmac } from "node:crypto";
import { validateWebhookSignature } from "razorpay/dist/utils/razorpay-utils.js";
import { type CallSigner, header, type Library } from "../support/call.ts";
import { notUtf8 } from "../support/differences.ts";

function signer(secret: string): CallSigner {
  return {
    secret,
    sign: ({ body }) => ({ "x-razorpay-signature": createHmac("sha256", secret).update(body).digest("hex") }),
  };
}

export const razorpay: Library = {
  name: "razorpay",
  adapters: ["razorpay"],
  // Its body has to be text: that is how its customers pass it on.
  accepts: (call) => validateWebhookSignature(call.body.toString(), header(call, "x-razorpay-signature") as string, call.secret),
  signers: [signer("the-calls-own-secret"), signer("a-strangers-secret")],
  differences: [notUtf8],
};
