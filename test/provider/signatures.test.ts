import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ecdsa,
  hmac,
  type Key,
  type Signing,
  sameText,
  standardWebhooks,
  timestampedHmac,
  tokenOnly,
} from "../../src/provider/signatures.ts";

const NOW = Date.UTC(2026, 10, 22, 11);
const SECONDS = NOW / 1000;
const SECRET = "a secret as it is shown";
const BODY = Buffer.from('{"price":170.00,"name":"Ma\\u00fcller"}\r\n');
const body = fc.uint8Array({ maxLength: 300 });

type Headers = Record<string, string | undefined>;
const ask = (signing: Signing, key: Key, headers: Headers, given: Uint8Array = BODY, now = NOW) =>
  signing.verify(key, { body: given, headers, url: "https://gateway.example/callbacks/x" }, now);

describe("texts are compared", () => {
  it("as equal only where they are the same", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        expect(sameText(a, a)).toBe(true);
        // Lone surrogates have no bytes of their own.
        if (a.isWellFormed() && b.isWellFormed()) expect(sameText(a, b)).toBe(a === b);
      }),
      { seed: 1 },
    );
  });

  it("without a throw where their lengths differ", () => {
    expect(sameText("abc", "abcd")).toBe(false);
    expect(sameText("", "a")).toBe(false);
    expect(sameText("é", "e")).toBe(false);
  });
});

describe.each(["sha256", "sha1", "sha512"] as const)("an HMAC-%s of the body", (algorithm) => {
  describe.each(["hex", "base64"] as const)("in %s", (encoding) => {
    const signing = hmac({ header: "X-Signature", algorithm, encoding });
    const key = signing.key(SECRET);
    const right = createHmac(algorithm, SECRET).update(BODY).digest(encoding);
    const say = (value: string | undefined, given?: Uint8Array) => ask(signing, key, { "x-signature": value }, given);

    it("is accepted over any bytes", () => {
      fc.assert(
        fc.property(body, (bytes) => say(createHmac(algorithm, SECRET).update(bytes).digest(encoding), bytes) === "ok"),
        { seed: 2 },
      );
    });

    it("is accepted in its canonical spelling only", () => {
      expect(say(right)).toBe("ok");
      const bytes = createHmac(algorithm, SECRET).update(BODY).digest();
      const spellings = [
        right.toUpperCase(),
        ` ${right}`,
        `${right} `,
        `0x${right}`,
        `sha256=${right}`,
        right.replace(/=*$/, ""),
        `${right}=`,
        bytes.toString("base64url"),
        bytes.toString(encoding === "hex" ? "base64" : "hex"),
      ];
      for (const spelling of spellings.filter((one) => one !== right))
        expect([spelling, say(spelling)]).toEqual([spelling, "signature_mismatch"]);
    });

    it("is refused where the header came twice, which joins its values", () => {
      expect(say(`${right}, ${right}`)).toBe("signature_mismatch");
      expect(say(`${"0".repeat(right.length)}, ${right}`)).toBe("signature_mismatch");
    });

    it("is missed where the header is missing or empty", () => {
      expect(say(undefined)).toBe("signature_missing");
      expect(say("")).toBe("signature_missing");
    });

    it("is refused, never thrown at, for any other text", () => {
      fc.assert(
        fc.property(fc.string({ unit: "binary", minLength: 1 }), (text) => say(text) === "signature_mismatch"),
        { seed: 3 },
      );
    });

    it("is refused under another secret", () => {
      expect(ask(signing, signing.key(`${SECRET} `), { "x-signature": right })).toBe("signature_mismatch");
    });
  });
});

describe("an HMAC of signed parts", () => {
  const signing = hmac({
    header: "x-signature",
    algorithm: "sha256",
    encoding: "hex",
    message: ({ headers, body: bytes, url }) => (headers["x-id"] ? [headers["x-id"], ".", url, ".", bytes] : null),
  });
  const key = signing.key(SECRET);
  const right = createHmac("sha256", SECRET).update("id-1.https://gateway.example/callbacks/x.").update(BODY).digest("hex");

  it("covers all of them", () => {
    expect(ask(signing, key, { "x-signature": right, "x-id": "id-1" })).toBe("ok");
    expect(ask(signing, key, { "x-signature": right, "x-id": "id-2" })).toBe("signature_mismatch");
    expect(ask(signing, key, { "x-signature": right, "x-id": "id-1" }, Buffer.concat([BODY, BODY]))).toBe("signature_mismatch");
  });

  it("is missed where a signed header is missing", () => {
    expect(ask(signing, key, { "x-signature": right })).toBe("signature_missing");
  });
});

describe("an empty secret", () => {
  it.each(["", " ", "\n\t"])("is refused as a key: %j", (secret) => {
    expect(() => hmac({ header: "a", algorithm: "sha256", encoding: "hex" }).key(secret)).toThrow("empty");
    expect(() => timestampedHmac({ header: "a", toleranceSeconds: 1 }).key(secret)).toThrow("empty");
  });
});

describe("an HMAC with its time", () => {
  const signing = timestampedHmac({ header: "Provider-Signature", toleranceSeconds: 300 });
  const key = signing.key(SECRET);
  const mac = (stamp: number | string, secret = SECRET) =>
    createHmac("sha256", secret).update(`${stamp}.`).update(BODY).digest("hex");
  const say = (value: string | undefined, now = NOW) => ask(signing, key, { "provider-signature": value }, BODY, now);
  const wrong = "0".repeat(64);

  it("is accepted where any of its v1 fits, as while a secret is rotated", () => {
    expect(say(`t=${SECONDS},v1=${mac(SECONDS)}`)).toBe("ok");
    expect(say(`t=${SECONDS},v1=${mac(SECONDS, "the new one")},v1=${mac(SECONDS)}`)).toBe("ok");
    expect(say(`v1=${mac(SECONDS)},t=${SECONDS},v0=${wrong}`)).toBe("ok");
  });

  it("is refused where none fits, whatever other schemes say", () => {
    expect(say(`t=${SECONDS},v1=${wrong},v1=${mac(SECONDS, "another")}`)).toBe("signature_mismatch");
    expect(say(`t=${SECONDS},v1=${wrong},v0=${mac(SECONDS)}`)).toBe("signature_mismatch");
    expect(say(`t=${SECONDS},v1=${mac(SECONDS).toUpperCase()}`)).toBe("signature_mismatch");
    expect(say(`t=${SECONDS},v1=`)).toBe("signature_mismatch");
  });

  it("is refused where its time was changed", () => {
    expect(say(`t=${SECONDS + 1},v1=${mac(SECONDS)}`)).toBe("signature_mismatch");
    expect(say(`t=0${SECONDS},v1=${mac(SECONDS)}`)).toBe("signature_mismatch");
    // The first time counts.
    expect(say(`t=${SECONDS - 1},t=${SECONDS},v1=${mac(SECONDS)}`)).toBe("signature_mismatch");
  });

  it.each([
    ["nothing", undefined],
    ["an empty header", ""],
    ["no time", `v1=${mac(SECONDS)}`],
    ["no v1", `t=${SECONDS},v0=${mac(SECONDS)}`],
    ["an empty time", `t=,v1=${mac("")}`],
    ["a time in words", `t=now,v1=${mac("now")}`],
    ["a time with a sign", `t=-1,v1=${mac("-1")}`],
    ["a time with a fraction", `t=${SECONDS}.5,v1=${mac(`${SECONDS}.5`)}`],
    ["a time with an exponent", `t=1e9,v1=${mac("1e9")}`],
    ["a time in hex", `t=0x10,v1=${mac("0x10")}`],
    ["a time that is too long", `t=${"9".repeat(13)},v1=${mac("9".repeat(13))}`],
    ["a time after twenty other parts", `${"v0=x,".repeat(20)}t=${SECONDS},v1=${mac(SECONDS)}`],
  ])("is missed, even rightly signed, with %s", (_, value) => {
    expect(say(value)).toBe("signature_missing");
  });

  it.each([
    ["as old as it may be", 300, "ok"],
    ["a second older", 301, "signature_expired"],
    ["as far ahead as it may be", -300, "ok"],
    ["a second further ahead", -301, "signature_early"],
    ["of the year 1970", SECONDS, "signature_expired"],
  ])("is judged by its time when it is %s", (_, age, verdict) => {
    const stamp = SECONDS - age;
    expect(say(`t=${stamp},v1=${mac(stamp)}`)).toBe(verdict);
    expect(say(`t=${stamp},v1=${mac(stamp)}`, NOW + 999)).toBe(verdict);
  });

  it("is judged by its time only after the signature is right", () => {
    for (const stamp of [SECONDS - 1e6, SECONDS + 1e6]) expect(say(`t=${stamp},v1=${wrong}`)).toBe("signature_mismatch");
  });

  it("is refused, never thrown at, for any other text", () => {
    const part = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.nat().map((n) => `t=${n}`),
      fc.string().map((text) => `v1=${text}`),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => say(parts.join(",")) !== "ok"),
      { seed: 4 },
    );
  });
});

describe("an ECDSA signature", () => {
  const signing = ecdsa({ header: "X-Signature", timestampHeader: "X-Timestamp" });
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const shown = publicKey.export({ format: "der", type: "spki" }).toString("base64");
  const key = signing.key(shown);
  const signed = (stamp: string, bytes: Uint8Array = BODY) =>
    sign("sha256", Buffer.concat([Buffer.from(stamp), bytes]), privateKey).toString("base64");
  const say = (signature: string | undefined, stamp: string | undefined, given = BODY, now = NOW, by = signing) =>
    ask(by, key, { "x-signature": signature, "x-timestamp": stamp }, given, now);

  it("is accepted over the time and any bytes", () => {
    fc.assert(
      fc.property(body, (bytes) => {
        // Nothing stands between the time and the body: a digit may be one of the time's.
        const startsWithDigit = /^\d/.test(Buffer.from(bytes).toString("latin1"));
        const verdict = say(signed("1740300700", bytes), "1740300700", Buffer.from(bytes));
        expect(verdict).toBe(startsWithDigit ? "signature_mismatch" : "ok");
      }),
      { seed: 5, numRuns: 50 },
    );
  });

  it("is accepted in its canonical spelling only", () => {
    const right = signed("1740300700");
    expect(say(right, "1740300700")).toBe("ok");
    for (const spelling of [
      ` ${right}`,
      `${right} `,
      `${right}=`,
      `${right.slice(0, 4)}\n${right.slice(4)}`,
      Buffer.from(right, "base64").toString("hex"),
      `${right}!`,
    ]) {
      expect([spelling, say(spelling, "1740300700")]).toEqual([spelling, "signature_mismatch"]);
    }
  });

  it("is refused where its padding is left out or its alphabet is another", () => {
    // Of a few signatures one has padding, and one a character that the two alphabets spell differently.
    const several = Array.from({ length: 20 }, (_, index) => [`17403007${index + 10}`, signed(`17403007${index + 10}`)] as const);
    const padded = several.find(([, text]) => text.endsWith("="));
    const spelled = several.find(([, text]) => /[+/]/.test(text));
    if (!padded || !spelled) throw new Error("no signature to respell");
    expect(say(padded[1].replace(/=+$/, ""), padded[0])).toBe("signature_mismatch");
    expect(say(spelled[1].replaceAll("+", "-").replaceAll("/", "_"), spelled[0])).toBe("signature_mismatch");
  });

  it("is refused as the two bare numbers instead of DER", () => {
    const bare = sign("sha256", Buffer.concat([Buffer.from("1"), BODY]), { key: privateKey, dsaEncoding: "ieee-p1363" });
    expect(say(bare.toString("base64"), "1")).toBe("signature_mismatch");
  });

  it("is refused where the time was changed, moved into the body or is none", () => {
    expect(say(signed("1740300717"), "1740300718")).toBe("signature_mismatch");
    expect(say(signed("1740300717"), "174030071", Buffer.concat([Buffer.from("7"), BODY]))).toBe("signature_mismatch");
    for (const stamp of ["now", "-1", "1.5", "1e9", " 17", "9".repeat(12)])
      expect(say(signed(stamp), stamp)).toBe("signature_mismatch");
  });

  it("is refused where a header came twice, which joins its values", () => {
    expect(say(`${signed("1740300717")}, ${signed("1740300717")}`, "1740300717")).toBe("signature_mismatch");
    expect(say(signed("1740300717, 1740300717"), "1740300717, 1740300717")).toBe("signature_mismatch");
  });

  it("is missed where one of the headers is missing or empty", () => {
    for (const [signature, stamp] of [
      [undefined, "1740300717"],
      ["", "1740300717"],
      [signed("1740300717"), undefined],
      [signed(""), ""],
    ]) {
      expect(say(signature, stamp)).toBe("signature_missing");
    }
  });

  it("is never too old where its provider does not sign retries anew, and never far in the future", () => {
    expect(say(signed("1000000000"), "1000000000")).toBe("ok");
    expect(say(signed(`${SECONDS + 300}`), `${SECONDS + 300}`)).toBe("ok");
    expect(say(signed(`${SECONDS + 301}`), `${SECONDS + 301}`)).toBe("signature_early");
  });

  it("expires where its provider signs retries anew", () => {
    const strict = ecdsa({ header: "X-Signature", timestampHeader: "X-Timestamp", toleranceSeconds: 60 });
    expect(say(signed(`${SECONDS - 60}`), `${SECONDS - 60}`, BODY, NOW, strict)).toBe("ok");
    expect(say(signed(`${SECONDS - 61}`), `${SECONDS - 61}`, BODY, NOW, strict)).toBe("signature_expired");
  });

  it("is refused, never thrown at, for any other bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => {
        return say(Buffer.from(bytes).toString("base64"), "1740300717") === "signature_mismatch";
      }),
      { seed: 6 },
    );
  });

  it("takes a key with blanks around it", () => {
    expect(
      ask(signing, signing.key(`\n ${shown} \n`), { "x-signature": signed("1740300717"), "x-timestamp": "1740300717" }),
    ).toBe("ok");
  });

  it.each([
    ["words", "not a key"],
    ["nothing", ""],
    ["a key that was cut", shown.slice(0, 40)],
  ])("names what is wrong with a key that is %s", (_, secret) => {
    expect(() => signing.key(secret)).toThrow("is not a public key as the provider shows it");
  });

  it.each([
    ["another curve", generateKeyPairSync("ec", { namedCurve: "P-384" })],
    ["another kind", generateKeyPairSync("ed25519")],
  ])("refuses a key of %s", (_, pair) => {
    const secret = pair.publicKey.export({ format: "der", type: "spki" }).toString("base64");
    expect(() => signing.key(secret)).toThrow("not on the curve P-256");
  });
});

describe("a provider that signs nothing", () => {
  it("names the header of its static token, lower-case, and hides it", () => {
    expect(tokenOnly({ header: "X-Api-Key" })).toMatchObject({ signs: false, tokenHeader: "x-api-key", hides: ["x-api-key"] });
    expect(tokenOnly()).toMatchObject({ tokenHeader: "x-callback-token", hides: ["x-callback-token"] });
  });
});

describe("Standard Webhooks", () => {
  const RAW = Buffer.from("a throw-away key of 32 bytes, yes");
  const secret = `whsec_${RAW.toString("base64")}`;
  const signing = standardWebhooks({ prefix: "svix" });
  const key = signing.key(secret);
  const mac = (id: string, stamp: string, given: Uint8Array, raw: Uint8Array = RAW) =>
    `v1,${createHmac("sha256", raw).update(`${id}.${stamp}.`).update(given).digest("base64")}`;
  const headers = (signature: string, id = "msg_1", stamp = String(SECONDS)) => ({
    "svix-id": id,
    "svix-timestamp": stamp,
    "svix-signature": signature,
  });
  const right = mac("msg_1", String(SECONDS), BODY);

  it("agrees with the published vector (docs.svix.com/receiving/verifying-payloads)", () => {
    const published = signing.key("whsec_plJ3nmyCDGBKInavdOK15jsl");
    const given = headers("v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=", "msg_loFOjxBNrRLzqYUf", "1731705121");
    const sent = Buffer.from('{"event_type":"ping","data":{"success":true}}');
    expect(ask(signing, published, given, sent, 1731705121_000)).toBe("ok");
  });

  it("is accepted over any bytes, with the secret's prefix or without", () => {
    fc.assert(
      fc.property(body, (bytes) => {
        const given = headers(mac("msg_1", String(SECONDS), bytes));
        expect(ask(signing, key, given, bytes)).toBe("ok");
        expect(ask(signing, signing.key(RAW.toString("base64")), given, bytes)).toBe("ok");
      }),
      { seed: 11 },
    );
  });

  it("is accepted where any of several fits, and another scheme's is skipped", () => {
    const other = mac("msg_1", String(SECONDS), BODY, Buffer.from("another"));
    expect(ask(signing, key, headers(`${other} ${right}`))).toBe("ok");
    expect(ask(signing, key, headers(`v1a,xyz ${right}`))).toBe("ok");
    expect(ask(signing, key, headers(other))).toBe("signature_mismatch");
    expect(ask(signing, key, headers(right.replace("v1,", "v2,")))).toBe("signature_mismatch");
  });

  it("covers its id and its time, which is judged only after the signature is right", () => {
    expect(ask(signing, key, headers(right, "msg_2"))).toBe("signature_mismatch");
    expect(ask(signing, key, headers(right, "msg_1", String(SECONDS + 1)))).toBe("signature_mismatch");
    const at = (offset: number) => ask(signing, key, headers(right), BODY, NOW + offset * 1000);
    expect([at(300), at(301), at(-300), at(-301)]).toEqual(["ok", "signature_expired", "ok", "signature_early"]);
    expect(ask(signing, key, headers(`${right}x`), BODY, NOW + 9e6)).toBe("signature_mismatch");
  });

  it("is missed where one of its headers is missing, or carries the other prefix", () => {
    for (const name of ["svix-id", "svix-timestamp", "svix-signature"])
      expect(ask(signing, key, { ...headers(right), [name]: undefined })).toBe("signature_missing");
    const renamed = Object.fromEntries(
      Object.entries(headers(right)).map(([name, value]) => [name.replace("svix", "webhook"), value]),
    );
    expect(ask(signing, key, renamed)).toBe("signature_missing");
    expect(ask(standardWebhooks({ prefix: "webhook" }), key, renamed)).toBe("ok");
  });

  it("refuses a secret that is not base64 in words", () => {
    for (const bad of ["", "whsec_", "whsec_not base64!", "§§§§"])
      expect(() => signing.key(bad)).toThrow("as the provider shows it");
  });
});

describe("an HMAC of a time and the body", () => {
  const timestamp = { header: "X-Timestamp" };
  const signing = hmac({ header: "X-Signature", algorithm: "sha256", encoding: "base64", timestamp });
  const key = signing.key(SECRET);
  const mac = (stamp: string, given: Uint8Array = BODY) =>
    createHmac("sha256", SECRET).update(stamp).update(given).digest("base64");
  const say = (signature: string | undefined, stamp: string | undefined, given: Uint8Array = BODY, now = NOW, by = signing) =>
    ask(by, key, { "x-signature": signature, "x-timestamp": stamp }, given, now);

  it("is accepted in seconds and in milliseconds, over the header as it was written", () => {
    for (const stamp of [String(SECONDS), String(NOW), String(NOW + 999)]) expect(say(mac(stamp), stamp)).toBe("ok");
    expect(say(mac(String(SECONDS)), String(NOW))).toBe("signature_mismatch");
  });

  it("covers any bytes that do not begin with a digit", () => {
    fc.assert(
      fc.property(body, (bytes) => {
        const digit = /^[0-9]/.test(String.fromCharCode(bytes[0] ?? 0));
        return say(mac(String(NOW), bytes), String(NOW), bytes) === (digit ? "signature_mismatch" : "ok");
      }),
      { seed: 12 },
    );
  });

  it("is refused where digits moved between time and body, which leaves the signed bytes the same", () => {
    const [stamp, signature] = [String(NOW), mac(String(NOW))];
    const moved = Buffer.concat([Buffer.from(stamp.slice(10)), BODY]);
    expect(say(signature, stamp.slice(0, 10), moved)).toBe("signature_mismatch");
  });

  it("is refused, even rightly signed, with a time that is none", () => {
    for (const stamp of ["now", "-1", "17", "1e9", ` ${SECONDS}`, `${SECONDS}.5`, `${NOW}0`, `${SECONDS}, ${SECONDS}`])
      expect([stamp, say(mac(stamp), stamp)]).toEqual([stamp, "signature_mismatch"]);
  });

  it("is missed where one of the headers is missing or empty", () => {
    for (const nothing of [undefined, ""]) {
      expect(say(nothing, String(NOW))).toBe("signature_missing");
      expect(say(mac(""), nothing)).toBe("signature_missing");
    }
  });

  it("is never too old where its provider does not sign retries anew, and never far in the future", () => {
    expect(say(mac("1000000000"), "1000000000")).toBe("ok");
    for (const [stamp, verdict] of [
      [`${SECONDS + 300}`, "ok"],
      [`${SECONDS + 301}`, "signature_early"],
      [`${NOW + 300_999}`, "ok"],
      [`${NOW + 301_000}`, "signature_early"],
    ] as const)
      expect([stamp, say(mac(stamp), stamp)]).toEqual([stamp, verdict]);
  });

  it("expires where its provider signs retries anew", () => {
    const strict = hmac({
      ...{ header: "X-Signature", algorithm: "sha256", encoding: "base64" },
      timestamp: { header: "X-Timestamp", toleranceSeconds: 60 },
    });
    for (const [age, verdict] of [
      [60, "ok"],
      [61, "signature_expired"],
    ] as const)
      for (const stamp of [SECONDS - age, NOW - age * 1000].map(String))
        expect([stamp, say(mac(stamp), stamp, BODY, NOW, strict)]).toEqual([stamp, verdict]);
  });

  it("is judged by its time only after the signature is right", () => {
    const stamp = String(NOW + 9e6);
    expect(say(mac(stamp, Buffer.from("{}")), stamp)).toBe("signature_mismatch");
    expect(say(mac(stamp), stamp)).toBe("signature_early");
  });

  it("says what it covers, and hides the signature first", () => {
    expect(signing.scheme).toBe("HMAC-SHA256 of x-timestamp and the raw body, base64, in x-signature");
    expect(signing.hides[0]).toBe("x-signature");
  });
});
