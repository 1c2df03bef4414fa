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

function judgeTime(seconds: number, now: number, tolerance: number): Verdict {
  const age = Math.floor(now / 1000) - seconds;
  if (age > tolerance) return "signature_expired";
  return age < -LEEWAY_SECONDS ? "signature_early" : "ok";
}

/** HMAC of the raw body (or of `message`) in one header, compared in its canonical encoding. */
export function hmac(options: {
  header: string;
  algorithm: "sha256" | "sha1" | "sha512";
  encoding: "hex" | "base64";
  /** What is signed, where it is not the body alone. `null`: a signed header is missing. */
  message?: (request: SignedRequest) => (Uint8Array | string)[] | null;
  /** How the secret becomes the key, where it is not simply its characters. */
  key?: (secret: string) => KeyObject;
}): Signing {
  const header = options.header.toLowerCase();
  return {
    signs: true,
    scheme: `HMAC-${options.algorithm.toUpperCase()} of the ${options.message ? "signed parts" : "raw body"}, ${options.encoding}, in ${header}`,
    hides: [header],
    key: options.key ?? textKey,
    verify(key, request) {
      const given = request.headers[header];
      const message = options.message ? options.message(request) : [request.body];
      if (!given || !message) return "signature_missing";
      const mac = createHmac(options.algorithm, key);
      for (const part of message) mac.update(part);
      return sameText(mac.digest(options.encoding), given) ? "ok" : "signature_mismatch";
    },
  };
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
      const parts = given.split(",").slice(0, 20);
      const stamp = parts.find((part) => part.startsWith("t="))?.slice(2);
      const signatures = parts.filter((part) => part.startsWith("v1=")).map((part) => part.slice(3));
      if (!stamp || !/^\d{1,12}$/.test(stamp) || signatures.length === 0) return "signature_missing";
      const expected = createHmac("sha256", key).update(`${stamp}.`).update(request.body).digest("hex");
      if (!signatures.some((signature) => sameText(expected, signature))) return "signature_mismatch";
      return judgeTime(Number(stamp), now, options.toleranceSeconds);
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
  return {
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
      if (signature.toString("base64") !== given || !/^\d{1,12}$/.test(stamp)) return "signature_mismatch";
      const message = Buffer.concat([Buffer.from(stamp), request.body]);
      if (!verifySignature("sha256", message, key, signature)) return "signature_mismatch";
      return judgeTime(Number(stamp), now, options.toleranceSeconds ?? Number.POSITIVE_INFINITY);
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
