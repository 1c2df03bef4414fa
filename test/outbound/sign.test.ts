import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { newSecret, signatureHeaders, webhookBody, whsec } from "../../src/outbound/sign.ts";

const body = webhookBody({
  ...{ id: "evt_0123", type: "delivery.sent", timestamp: "2026-11-22T10:00:00.000Z", workspace_id: "__org__" },
  data: { text: "₹ ü 😀", nested: [1, { a: null }] },
});
const sign = (secrets: { newest: string; previous: string | null }, header: string | null = null) =>
  signatureHeaders("evt_0123", body, secrets, header, Date.now());

/** All that a receiver without a library needs. */
function plainHmac(headers: Record<string, string>, secret: string): boolean {
  const expected = createHmac("sha256", secret).update(body).digest("hex");
  return headers["X-Aegis-Signature"] === expected || headers["X-Aegis-Signature-Previous"] === expected;
}

function standard(headers: Record<string, string>, secret: string): boolean {
  try {
    new Webhook(whsec(secret)).verify(body.toString(), headers);
    return true;
  } catch {
    return false;
  }
}

describe("a webhook", () => {
  it("is compact JSON in the contract's order", () => {
    expect(body.toString()).toBe(
      '{"id":"evt_0123","type":"delivery.sent","timestamp":"2026-11-22T10:00:00.000Z","workspace_id":"__org__","data":{"text":"₹ ü 😀","nested":[1,{"a":null}]}}',
    );
  });

  it("has a secret of 64 hex characters, whose characters are the key of both signatures", () => {
    const secret = newSecret();
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(Buffer.from(whsec(secret).slice("whsec_".length), "base64").toString()).toBe(secret);
  });

  it("is accepted by the official library and by plain HMAC, before, during and after a rotation", () => {
    const [old, fresh] = [newSecret(), newSecret()];
    const before = sign({ newest: old, previous: null });
    const during = sign({ newest: fresh, previous: old });
    const after = sign({ newest: fresh, previous: null });
    for (const accepts of [plainHmac, standard]) {
      expect([before, during, after].map((headers) => accepts(headers, old))).toEqual([true, true, false]);
      expect([before, during, after].map((headers) => accepts(headers, fresh))).toEqual([false, true, true]);
    }
    expect(before).not.toHaveProperty("X-Aegis-Signature-Previous");
  });

  it("carries the plain HMAC in the header that its endpoint asks for", () => {
    const headers = sign({ newest: "a".repeat(64), previous: "b".repeat(64) }, "X-Shop-Proof");
    expect(Object.keys(headers).sort()).toEqual(
      ["X-Shop-Proof", "X-Shop-Proof-Previous", "webhook-id", "webhook-signature", "webhook-timestamp"].sort(),
    );
  });
});
