import { createHmac } from "node:crypto";
import { Cashfree, CFEnvironment } from "cashfree-pg";
import { type Call, type CallSigner, header, type Library } from "../support/call.ts";
import { noJson, notUtf8, signable } from "../support/differences.ts";

const SIGNATURE = "x-webhook-signature";
const STAMP = "x-webhook-timestamp";

const clients = new Map<string, Cashfree>();
function client(secret: string): Cashfree {
  const none = undefined;
  // The last argument: it must not report its errors to the vendor.
  const made = clients.get(secret) ?? new Cashfree(CFEnvironment.SANDBOX, "none", secret, none, none, none, false);
  clients.set(secret, made);
  return made;
}

function signer(secret: string): CallSigner {
  return {
    secret,
    sign: ({ body, stamp }) => {
      // Its docs show milliseconds, captured calls seconds, too.
      const written = /^\d{10}$/.test(stamp) && Number(stamp) % 3 > 0 ? `${stamp}000` : stamp;
      return { [SIGNATURE]: createHmac("sha256", secret).update(written).update(body).digest("base64"), [STAMP]: written };
    },
  };
}

const stampOf = (call: Call) => header(call, STAMP) ?? "";
const signed = (call: Call, { sign }: CallSigner, change: Parameters<typeof signable>[1]) => {
  const what = signable(call, change);
  return { ...call, body: what.body, headers: { ...call.headers, ...sign(what) } };
};

export const cashfree: Library = {
  name: "cashfree-pg",
  adapters: ["cashfree"],
  accepts: (call) => {
    client(call.secret).PGVerifyWebhookSignature(header(call, SIGNATURE) as string, call.body.toString(), stampOf(call));
    return true;
  },
  signers: [signer("the-calls-own-client-secret"), signer("a-strangers-client-secret")],
  spellings: [
    // Nothing stands between the time and the body: a digit can change sides.
    ({ [STAMP]: stamp = "", ...headers }) => ({ ...headers, [STAMP]: stamp.slice(0, -1) }),
  ],
  differences: [
    notUtf8,
    noJson,
    {
      name: "a time that is neither seconds nor milliseconds",
      why: "The library signs whatever stands there. A time that cannot be read cannot be judged.",
      library: "accepts",
      fits: (call) => !/^\d{10}(\d{3})?$/.test(stampOf(call)),
      examples: (call, signer) =>
        ["", "now", "-1", "1746427759.5", "17464277597330"].map((stamp) => signed(call, signer, { stamp })),
    },
    {
      name: "a time that lies more than five minutes ahead",
      why: "The library does not look at the time at all (DESIGN §5.11).",
      library: "accepts",
      fits: (call) => Number(stampOf(call).slice(0, 10)) > Math.floor(call.now / 1000) + 300,
      examples: (call, signer) => [signed(call, signer, { stamp: String(Math.floor(call.now / 1000) + 301) })],
    },
    {
      name: "a body that begins with a digit",
      why: "Nothing stands between the time and the body, so the digit may be one of the time's. Cashfree's bodies are objects.",
      library: "accepts",
      fits: ({ body }) => /^\d/.test(body.subarray(0, 1).toString()),
      examples: (call, signer) => {
        const moved = signed(call, signer, { stamp: "17464277597339", body: Buffer.from("7") });
        return [
          signed(call, signer, { body: Buffer.from("7") }),
          { ...moved, body: Buffer.from("97"), headers: { ...moved.headers, [STAMP]: "1746427759733" } },
        ];
      },
    },
  ],
};
