import {
  createHmac,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
  verify as verifySignature,
} from "node:crypto";

/** What a signature may cover. Header names are lower-case; a repeated header arrives joined by ", ". */
export type SignedRequest = {
  body: Uint8Array;
  headers: Readonly<Record<string, string | undefined>>;
  /** The URL as it is registered with the provider (PUBLIC_URL and the path). */
  url: string;
};

/** What one secret says about a request. Time is judged only after the signature is right. */
export type Verdict = "ok" | "signature_missing" | "signature_mismatch" | "signature_expired" | "signature_early";

/** A provider that signs. */
export type Signing = {
  signs: true;
  /** For the trace: what is checked, in words. */
  scheme: string;
  /** Headers whose values are never shown. */
  hides: string[];
  /** Makes the key from a secret as the provider shows it. @throws Error in words where it is malformed. */
  key(secret: string): Key;
  /** `now` in milliseconds. May throw: that counts as no. */
  verify(key: Key, request: SignedRequest, now: number): Verdict;
  /** The time that is signed, where one is. `verify` judges it; the trace tells how far off it was. */
  time?: { of(request: SignedRequest): number | null; toleranceSeconds: number };
};
export type Key = KeyObject;

/** A provider that signs nothing: the path token, or a static token in this header, must vouch for the call. */
export type Unsigned = { signs: false; scheme: string; hides: string[]; tokenHeader: string };

export type Verification = Signing | Unsigned;

/** Signed timestamps may be this far ahead of our clock, in seconds (DESIGN §5.11). */
const LEEWAY_SECONDS = 300;

/** Whether two texts are equal, in a time that does not depend on where they differ. */
export function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

function textKey(secret: string): KeyObject {
  if (!secret.trim()) throw new Error("the secret is empty");
  return createSecretKey(Buffer.from(secret));
}

const ageOf = (seconds: number, now: number) => Math.floor(now / 1000) - seconds;

function judgeTime(seconds: number, now: number, tolerance: number): Verdict {
  const age = ageOf(seconds, now);
  if (age > tolerance) return "signature_expired";
  return age < -LEEWAY_SECONDS ? "signature_early" : "ok";
}

/** How old a signed time is, in seconds (below 0: it lies ahead), and how far off it may be; null where none is signed. */
export function timeOff(
  verification: Verification,
  request: SignedRequest,
  now: number,
): { age_seconds: number; allowed_seconds: number } | null {
  if (!verification.signs || !verification.time) return null;
  const seconds = verification.time.of(request);
  if (seconds === null) return null;
  const age = ageOf(seconds, now);
  return { age_seconds: age, allowed_seconds: age < 0 ? LEEWAY_SECONDS : verification.time.toleranceSeconds };
}

/** HMAC of the raw body (or of `message`) in one header, compared in its canonical encoding. */
export function hmac(options: {
  header: string;
  algorithm: "sha256" | "sha1" | "sha512";
  encoding: "hex" | "base64";
  /** What is signed, where it is not the body alone. `null`: a signed header is missing. */
  message?: (request: SignedRequest) => (Uint8Array | string)[] | null;
  /**
   * Instead of `message`: the header of a time that is signed in front of the body, nothing between them; Unix seconds or
   * milliseconds. `toleranceSeconds` is left out where retries are not signed anew.
   */
  timestamp?: { header: string; toleranceSeconds?: number };
}): Signing {
  const header = options.header.toLowerCase();
  const { timestamp } = options;
  const stampHeader = timestamp?.header.toLowerCase();
  const time = stampHeader === undefined ? undefined : stampIn(stampHeader, timestamp?.toleranceSeconds);
  const message = options.message ?? (stampHeader ? stampedBody(stampHeader) : undefined);
  const covered = stampHeader ? `${stampHeader} and the raw body` : message ? "the signed parts" : "the raw body";
  return {
    signs: true,
    scheme: `HMAC-${options.algorithm.toUpperCase()} of ${covered}, ${options.encoding}, in ${header}`,
    hides: [header],
    key: textKey,
    verify(key, request, now) {
      const given = request.headers[header];
      const parts = message ? message(request) : [request.body];
      if (!given || !parts) return "signature_missing";
      const mac = createHmac(options.algorithm, key);
      for (const part of parts) mac.update(part);
      if (!sameText(mac.digest(options.encoding), given)) return "signature_mismatch";
      return time ? judgeStamp(request, time, now) : "ok";
    },
    ...(time && { time }),
  };
}

const stampedBody = (header: string) => (request: SignedRequest) => {
  const stamp = request.headers[header];
  return stamp ? [stamp, request.body] : null;
};

/** A time in a header, in front of the body: Unix seconds or milliseconds. */
function stampIn(header: string, toleranceSeconds = Number.POSITIVE_INFINITY): NonNullable<Signing["time"]> {
  return {
    toleranceSeconds,
    of({ headers, body }) {
      const stamp = headers[header] ?? "";
      // Nothing stands between them: a digit that begins the body may be one of the time's.
      if (!/^\d{10}(\d{3})?$/.test(stamp) || /^\d/.test(String.fromCharCode(body[0] ?? 0))) return null;
      return Math.floor(stamp.length === 13 ? Number(stamp) / 1000 : Number(stamp));
    },
  };
}

function judgeStamp(request: SignedRequest, time: NonNullable<Signing["time"]>, now: number): Verdict {
  const seconds = time.of(request);
  return seconds === null ? "signature_mismatch" : judgeTime(seconds, now, time.toleranceSeconds);
}

/**
 * HMAC-SHA256 over `<t>.<body>`, in a header `t=<unix seconds>,v1=<hex>[,v1=<hex>…]`, any `v1` of which may match (one each while
 * secrets are rotated). Other schemes in the header are skipped. The key is the whole secret text.
 */
export function timestampedHmac(options: { header: string; toleranceSeconds: number }): Signing {
  const header = options.header.toLowerCase();
  return {
    signs: true,
    scheme: `HMAC-SHA256 of the timestamp and the raw body, hex, in ${header}`,
    hides: [header],
    key: textKey,
    verify(key, request, now) {
      const given = request.headers[header];
      if (!given) return "signature_missing";
      const parts = partsOf(given);
      const stamp = stampOf(parts);
      const signatures = parts.filter((part) => part.startsWith("v1=")).map((part) => part.slice(3));
      if (!isSeconds(stamp) || signatures.length === 0) return "signature_missing";
      const expected = createHmac("sha256", key).update(`${stamp}.`).update(request.body).digest("hex");
      if (!signatures.some((signature) => sameText(expected, signature))) return "signature_mismatch";
      return judgeTime(Number(stamp), now, options.toleranceSeconds);
    },
    time: {
      toleranceSeconds: options.toleranceSeconds,
      of({ headers }) {
        const stamp = stampOf(partsOf(headers[header] ?? ""));
        return isSeconds(stamp) ? Number(stamp) : null;
      },
    },
  };
}

const partsOf = (header: string) => header.split(",").slice(0, 20);
const stampOf = (parts: string[]) => parts.find((part) => part.startsWith("t="))?.slice(2);
const isSeconds = (stamp: string | undefined): stamp is string => /^\d{1,12}$/.test(stamp ?? "");
const STANDARD_TOLERANCE_SECONDS = 300;

/**
 * Standard Webhooks (and Svix, whose headers are `svix-…`): HMAC-SHA256 over `<id>.<timestamp>.<body>`, base64, in
 * `<prefix>-signature: v1,<base64>[ v1,<base64>…]`, any of which may match. Every attempt is signed anew, so its time may differ by five
 * minutes. The secret is base64 after an optional `whsec_`.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function standardWebhooks(options: { prefix: "webhook" | "svix" }): Signing {
  const { prefix } = options;
  return {
    signs: true,
    scheme: `HMAC-SHA256 of ${prefix}-id, ${prefix}-timestamp and the raw body, base64, in ${prefix}-signature`,
    hides: [`${prefix}-signature`],
    key(secret) {
      const encoded = secret.trim().replace(/^whsec_/, "");
      const key = Buffer.from(encoded, "base64");
      if (key.length === 0 || key.toString("base64").replace(/=+$/, "") !== encoded.replace(/=+$/, ""))
        throw new Error("the secret is not as the provider shows it: base64, usually after whsec_");
      return createSecretKey(key);
    },
    verify(key, request, now) {
      const [id, stamp, given] = ["id", "timestamp", "signature"].map((name) => request.headers[`${prefix}-${name}`]);
      if (!id || !given || !isSeconds(stamp)) return "signature_missing";
      const expected = createHmac("sha256", key).update(`${id}.${stamp}.`).update(request.body).digest("base64");
      if (!given.split(" ", 20).some((signature) => sameText(`v1,${expected}`, signature))) return "signature_mismatch";
      return judgeTime(Number(stamp), now, STANDARD_TOLERANCE_SECONDS);
    },
    time: {
      toleranceSeconds: STANDARD_TOLERANCE_SECONDS,
      of({ headers }) {
        const stamp = headers[`${prefix}-timestamp`];
        return isSeconds(stamp) ? Number(stamp) : null;
      },
    },
  };
}

/**
 * ECDSA P-256 with SHA-256 over `<timestamp header><body>`; the signature is base64 of DER, the secret the provider's public key as
 * base64 of DER SPKI.
 * `toleranceSeconds` is left out where retries are not signed anew.
 */
export function ecdsa(options: { header: string; timestampHeader: string; toleranceSeconds?: number }): Signing {
  const header = options.header.toLowerCase();
  const timestampHeader = options.timestampHeader.toLowerCase();
  const time = stampIn(timestampHeader, options.toleranceSeconds);
  return {
    time,
    signs: true,
    scheme: `ECDSA P-256 over ${timestampHeader} and the raw body, in ${header}`,
    hides: [header],
    key(secret) {
      const key = publicKey(secret.trim());
      if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") throw new Error("the public key is not on the curve P-256");
      return key;
    },
    verify(key, request, now) {
      const given = request.headers[header];
      const stamp = request.headers[timestampHeader];
      if (!given || !stamp) return "signature_missing";
      const signature = Buffer.from(given, "base64");
      // Base64 has several spellings of the same bytes: only the canonical one counts.
      if (signature.toString("base64") !== given) return "signature_mismatch";
      const message = Buffer.concat([Buffer.from(stamp), request.body]);
      if (!verifySignature("sha256", message, key, signature)) return "signature_mismatch";
      return judgeStamp(request, time, now);
    },
  };
}

function publicKey(base64: string): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(base64, "base64"), format: "der", type: "spki" });
  } catch (error) {
    throw new Error("is not a public key as the provider shows it: base64 that begins with MFkw", { cause: error });
  }
}

/** Nothing is signed: the token in the URL vouches, or one of the secrets (16 characters or more) in `header`. */
export function tokenOnly(options: { header?: string } = {}): Unsigned {
  const tokenHeader = (options.header ?? "x-callback-token").toLowerCase();
  return { signs: false, scheme: `the token in the URL, or a static token in ${tokenHeader}`, hides: [tokenHeader], tokenHeader };
}
