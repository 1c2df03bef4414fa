import "@shopify/shopify-api/adapters/node";
import { createHmac } from "node:crypto";
import { ApiVersion, LogSeverity, shopifyApi } from "@shopify/shopify-api";
import { type Call, type CallSigner, header, type Library } from "../support/call.ts";
import { notUtf8 } from "../support/differences.ts";

const HMAC = "x-shopify-hmac-sha256";
/** Of its preview "Events", all of whose headers lack the `x-`. */
const PREVIEW_HMAC = "shopify-hmac-sha256";
/** Which the library asks for, and nothing signs. */
const unsigned = ["topic", "shop-domain", "api-version", "webhook-id"];

const apps = new Map<string, ReturnType<typeof appOf>>();
function appOf(apiSecretKey: string) {
  return shopifyApi({
    ...{ apiKey: "none", apiSecretKey, hostName: "gateway.example", isEmbeddedApp: false, apiVersion: ApiVersion.July26 },
    logger: { level: LogSeverity.Error },
  });
}

function signer(secret: string): CallSigner {
  return { secret, sign: ({ body }) => ({ [HMAC]: createHmac("sha256", secret).update(body).digest("base64") }) };
}

function asPreview(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.replace("x-shopify-", "shopify-"), value]));
}

function asked(call: Call): string[] {
  return header(call, PREVIEW_HMAC)
    ? [...unsigned, "event-id"].map((name) => `shopify-${name}`)
    : unsigned.map((name) => `x-shopify-${name}`);
}

const without = (call: Call, name: string) => {
  const { [name]: _, ...headers } = call.headers;
  return { ...call, headers };
};

export const shopify: Library = {
  name: "@shopify/shopify-api",
  adapters: ["shopify"],
  async accepts({ secret, body, headers }) {
    const app = apps.get(secret) ?? appOf(secret);
    apps.set(secret, app);
    const rawRequest = { method: "POST", url: "/", headers: { ...headers } };
    return (await app.webhooks.validate({ rawBody: body.toString(), rawRequest, rawResponse: {} })).valid;
  },
  signers: [signer("the-calls-own-client-secret"), signer("a-strangers-client-secret")],
  spellings: [asPreview, (headers) => ({ ...headers, ...asPreview(headers) })],
  // It awaits the platform's cryptography: 0.1 ms a signature.
  slow: true,
  differences: [
    notUtf8,
    {
      name: "a header that nothing signs is missing",
      why: "The library wants topic, shop, API version and id to be there. Nothing signs them, so they prove nothing.",
      library: "refuses",
      fits: (call) => asked(call).some((name) => !header(call, name)),
      examples: (call) => asked(call).map((name) => without(call, name)),
    },
    {
      name: "both signatures, the usual one and that of the preview",
      why: "The library looks at the preview's, the gateway at the usual one. Shopify sends one of them.",
      library: "either",
      fits: (call) => header(call, PREVIEW_HMAC) !== undefined && header(call, HMAC) !== undefined,
      examples: (call) => [
        { ...call, headers: { ...call.headers, [PREVIEW_HMAC]: "AAAA" } },
        { ...call, headers: { ...asPreview(call.headers), [HMAC]: "AAAA" } },
      ],
    },
  ],
};
