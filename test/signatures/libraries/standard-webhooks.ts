import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
// The package's other modules are its API's client.
import { Webhook as SvixWebhook } from "svix/dist/webhook.js";
import { type Call, type CallSigner, type Difference, header, type Library, type Signable } from "../support/call.ts";
import { noJson, notUtf8, signable } from "../support/differences.ts";

type Prefix = "webhook" | "svix";

function signer(prefix: Prefix, phrase: string): CallSigner {
  const secret = `whsec_${Buffer.from(phrase).toString("base64")}`;
  return {
    secret,
    sign: (what) => ({
      [`${prefix}-id`]: what.id,
      [`${prefix}-timestamp`]: what.stamp,
      [`${prefix}-signature`]: `v1,${mac(secret, what)}`,
    }),
  };
}

function mac(secret: string, { id, stamp, body }: Pick<Signable, "id" | "stamp" | "body">): string {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  return createHmac("sha256", key).update(`${id}.${stamp}.`).update(body).digest("base64");
}

const NONE = `v1,${Buffer.alloc(32).toString("base64")}`;

function library(prefix: Prefix, about: Pick<Library, "name" | "adapters" | "accepts">, more: Difference[] = []): Library {
  const [ID, STAMP, SIGNATURE] = [`${prefix}-id`, `${prefix}-timestamp`, `${prefix}-signature`] as const;
  const respelled = (to: (value: string) => string) => (headers: Record<string, string>) => ({
    ...headers,
    [SIGNATURE]: to(headers[SIGNATURE] ?? ""),
  });
  const signaturesOf = (call: Call) => (header(call, SIGNATURE) ?? "").split(" ");
  return {
    ...about,
    signers: [signer(prefix, "the key of the calls, 32 bytes ..."), signer(prefix, "the key of a stranger, not theirs.")],
    spellings: [
      respelled((value) => `${NONE} ${value}`),
      respelled((value) => `${value} ${NONE} v1a,none`),
      respelled((value) => value.replace("v1,", "v2,")),
      respelled((value) => value.replace("v1,", "")),
      respelled((value) => `${value},v1`),
      ({ [SIGNATURE]: _, ...headers }, other) => ({ ...headers, [SIGNATURE]: `${other[SIGNATURE]} ${headers[SIGNATURE]}` }),
      // What stands between the two points can change sides.
      ({ [ID]: id = "", [STAMP]: stamp = "", ...headers }) => ({ ...headers, [ID]: `${id}.${stamp}`, [STAMP]: stamp }),
      (headers) =>
        Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.replace(/^(svix|webhook)-/, "webhook-"), value])),
    ],
    // Their hash is written in JavaScript.
    slow: true,
    differences: [
      notUtf8,
      noJson,
      {
        name: "a time that is not written as plain digits",
        why: "The library takes the digits in front, and signs those instead of the text that it was sent.",
        library: "either",
        fits: (call) => !/^(0|[1-9]\d{0,11})$/.test(header(call, STAMP) ?? ""),
        examples: (call, { sign }) => {
          const what = signable(call);
          return [
            ...[`0${what.stamp}`, ` ${what.stamp}`, `${what.stamp}.5`].map((stamp) => ({
              ...call,
              headers: { ...call.headers, ...sign(what), [STAMP]: stamp },
            })),
            { ...call, headers: { ...call.headers, ...sign({ ...what, stamp: `0${what.stamp}` }) } },
          ];
        },
      },
      {
        name: "something behind a second comma",
        why: "The library does not look at it. A signature counts in its canonical spelling only.",
        library: "accepts",
        fits: (call) => signaturesOf(call).some((signature) => signature.split(",").length > 2),
        examples: (call) =>
          [",", ",junk"].map((junk) => ({ ...call, headers: respelled((value) => value + junk)(call.headers) })),
      },
      {
        name: "a signature behind twenty others",
        why: "The gateway looks at twenty, so that a long header costs nothing. A sender has one for each secret that lives.",
        library: "accepts",
        fits: (call) => signaturesOf(call).length > 20,
        examples: (call) => [{ ...call, headers: respelled((value) => `${NONE} `.repeat(20) + value)(call.headers) }],
      },
      ...more,
    ],
  };
}

export const standardwebhooks = library("webhook", {
  name: "standardwebhooks",
  adapters: ["pos/generic", "shipping/generic"],
  accepts: (call) => {
    new Webhook(call.secret).verify(call.body, call.headers);
    return true;
  },
});

export const svix = library(
  "svix",
  {
    name: "svix",
    adapters: ["clerk"],
    accepts: (call) => {
      new SvixWebhook(call.secret).verify(call.body, call.headers);
      return true;
    },
  },
  [
    {
      name: "headers without Svix's name",
      why: "The library takes `webhook-…` for each that is missing. Clerk sends `svix-…`, and one set of names is enough to be sure of.",
      library: "accepts",
      fits: (call) => ["id", "timestamp", "signature"].some((name) => header(call, `svix-${name}`) === undefined),
      examples: (call) =>
        ["id", "timestamp", "signature"].map((one) => {
          const { [`svix-${one}`]: value = "", ...headers } = call.headers;
          return { ...call, headers: { ...headers, [`webhook-${one}`]: value } };
        }),
    },
  ],
);
