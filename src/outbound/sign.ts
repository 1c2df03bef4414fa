import { createHmac, randomBytes } from "node:crypto";
import type { Json } from "../provider/draft.ts";

/** The header of the plain HMAC, where an endpoint names no other. */
export const DEFAULT_SIGNATURE_HEADER = "X-Aegis-Signature";

/** A webhook as it is sent: its body never changes between attempts, its signatures carry the time of each. */
export type Webhook = { id: string; type: string; timestamp: string; workspace_id: string; data: Json };

/** 64 hex characters; these characters' bytes are the key of both signatures. */
export function newSecret(): string {
  return randomBytes(32).toString("hex");
}

/** The same secret as libraries of Standard Webhooks take it. */
export function whsec(secret: string): string {
  return `whsec_${Buffer.from(secret).toString("base64")}`;
}

/** Compact JSON, in this order of keys. */
export function webhookBody({ id, type, timestamp, workspace_id, data }: Webhook): Buffer {
  return Buffer.from(JSON.stringify({ id, type, timestamp, workspace_id, data }));
}

/**
 * The headers that prove a webhook: Standard Webhooks (both secrets sign while two live) and a plain HMAC-SHA256 of the body in hex, with
 * the newest secret and, apart, with the previous one.
 * @param secrets newest first; the second only while it lives.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signatureHeaders(
  webhookId: string,
  body: Uint8Array,
  secrets: { newest: string; previous: string | null },
  header: string | null,
  now: number,
): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000));
  const standard = (secret: string) =>
    `v1,${createHmac("sha256", secret).update(`${webhookId}.${timestamp}.`).update(body).digest("base64")}`;
  const plain = (secret: string) => createHmac("sha256", secret).update(body).digest("hex");
  const name = header ?? DEFAULT_SIGNATURE_HEADER;
  const { newest, previous } = secrets;
  return {
    "webhook-id": webhookId,
    "webhook-timestamp": timestamp,
    "webhook-signature": previous ? `${standard(newest)} ${standard(previous)}` : standard(newest),
    [name]: plain(newest),
    ...(previous && { [`${name}-Previous`]: plain(previous) }),
  };
}
