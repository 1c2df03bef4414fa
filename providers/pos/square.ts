import { z } from "zod";
import { defineProvider, failed, hmac, ignored, isoTime, unknownWord } from "#provider";
import { text, texts } from "./parts/reading.ts";
import type { Rule } from "./parts/square-call.ts";
import { gone, known } from "./parts/square-customers.ts";
import { fulfilling, ordered, paid } from "./parts/square-sales.ts";

const rules = new Map<string, Rule>([
  ["payment.created", paid],
  ["payment.updated", paid],
  ["order.created", ordered("order_created")],
  ["order.updated", ordered("order_updated")],
  ["order.fulfillment.updated", fulfilling],
  ["customer.created", known("contact.created")], // also the one that a merge makes
  ["customer.updated", known("contact.updated")],
  ["customer.deleted", gone], // also each one that a merge takes
  ["oauth.authorization.revoked", () => [ignored("authorization_revoked")]],
]);

/** Families of events, with all their words, that tell neither of a sale nor of a customer (API 2026-09-16). */
const notTold = `bank_account booking card catalog customer.custom_attribute customer.custom_attribute_definition device dispute
  gift_card inventory invoice job labor location loyalty merchant online_checkout order.custom_attribute
  order.custom_attribute_definition payout refund subscription team_member terminal transfer_order vendor`.split(/\s+/);

const signing = hmac({
  header: "x-square-hmacsha256-signature",
  algorithm: "sha256",
  encoding: "base64",
  message: ({ url, body }) => [url, body],
});

export default defineProvider({
  title: "Square",
  docs: "https://developer.squareup.com/docs/webhooks/overview",
  retries:
    "It calls again at growing intervals for 48 hours (older pages: 72), and disables a subscription after three weeks without a 2xx.",
  kinds: ["customer", "merchant", "location", "order", "payment"],
  verify: {
    ...signing,
    scheme: "HMAC-SHA256 of the registered URL and the raw body, base64, in x-square-hmacsha256-signature",
    hides: [...signing.hides, "x-square-signature"], // the older SHA-1 one: still sent, never looked at
    verify(key, request, now) {
      // Nothing stands between URL and body: what begins a body that is no JSON may be the end of the URL that was signed.
      const cut = !/^[{\s]/.test(String.fromCharCode(request.body[0] ?? 0));
      const verdict = signing.verify(key, request, now);
      return verdict === "ok" && cut ? "signature_mismatch" : verdict;
    },
  },
  signsUrl: true,
  payload: z.object({
    type: z.string().min(1),
    ...texts("event_id", "merchant_id", "created_at"),
    data: z
      .object({ id: text, object: z.record(z.string(), z.unknown()).nullish().catch(null) })
      .nullish()
      .catch(null),
  }),
  events({ type, event_id, merchant_id, created_at, data }, { headers }) {
    const rule = rules.get(type);
    if (!rule) return [notTold.some((family) => type.startsWith(`${family}.`)) ? ignored("event_not_told") : unknownWord(type)];
    if (!event_id) return [failed("no_event_id")];
    return rule(data?.object ?? {}, {
      ...{ type, event: event_id, merchant: merchant_id, at: isoTime(created_at), subject: data?.id ?? null },
      // Not signed. Nobody gains by forging it: it marks a call that is genuine otherwise.
      test: headers["square-environment"]?.toLowerCase() === "sandbox",
    });
  },
});
