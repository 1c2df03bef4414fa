import { createHmac } from "node:crypto";
import { WebhooksHelper } from "square";
import { type CallSigner, header, type Library } from "../support/call.ts";
import { notUtf8, signable } from "../support/differences.ts";

const SIGNATURE = "x-square-hmacsha256-signature";

function signer(secret: string): CallSigner {
  return {
    secret,
    sign: ({ url, body }) => ({ [SIGNATURE]: createHmac("sha256", secret).update(url).update(body).digest("base64") }),
  };
}

export const square: Library = {
  name: "square",
  adapters: ["pos/square"],
  accepts: (call) =>
    WebhooksHelper.verifySignature({
      requestBody: call.body.toString(),
      signatureHeader: header(call, SIGNATURE) as string,
      signatureKey: call.secret,
      notificationUrl: call.url,
    }),
  signers: [signer("the-calls-own-key"), signer("a-strangers-key")],
  differences: [
    notUtf8,
    {
      name: "a body that does not begin with a brace",
      why: "Nothing stands between the URL and the body, so its beginning may be the URL's end. Square's bodies are objects.",
      library: "accepts",
      fits: ({ body }) => !/^[{\s]/.test(body.subarray(0, 1).toString()),
      examples: (call, { sign }) => {
        const to = (body: string, url = call.url) => ({
          ...call,
          body: Buffer.from(body),
          headers: sign({ ...signable(call), url, body: Buffer.from(body) }),
        });
        const moved = to("{}", `${call.url}/7b0f3c52-6f5e-4b1c-9d0e-0f6a2f9d1c11`);
        return [to(""), to("[]"), { ...moved, body: Buffer.from("/7b0f3c52-6f5e-4b1c-9d0e-0f6a2f9d1c11{}") }];
      },
    },
  ],
};
