import fc from "fast-check";
import { asReceived, type Call, type Library } from "./call.ts";

/** Changes a call; `other` is another one of the same provider. */
type Change = (call: Call, other: Call) => Call;

const share = fc.noBias(fc.nat(2 ** 30 - 1)).map((number) => number / 2 ** 30);
const at = (length: number, place: number) => Math.floor(place * length);

const inserted = fc.constantFrom(
  ...[" ", "\n", "\r\n", "\0", "7", "é", "☃", "\u2028"].map((text) => Buffer.from(text)),
  Buffer.from([0xff]),
  Buffer.from([0xed, 0xa0, 0x80]),
);
const BOM = Buffer.from("\ufeff");

const bodyChange: fc.Arbitrary<Change> = fc
  .tuple(fc.constantFrom("flip", "insert", "append", "cut", "bom", "empty", "other", "rewrite"), share, share, inserted)
  .map(([kind, from, to, bytes]) => (call, other) => {
    const { body } = call;
    const place = at(body.length, from);
    const changed = Buffer.from(body);
    if (kind === "flip" && body.length > 0) changed[place] = (body[place] as number) ^ (1 << at(8, to));
    const bodies: Record<string, () => Buffer> = {
      flip: () => changed,
      insert: () => Buffer.concat([body.subarray(0, place), bytes, body.subarray(place)]),
      append: () => Buffer.concat([body, bytes]),
      cut: () => Buffer.concat([body.subarray(0, place), body.subarray(Math.min(body.length, place + 1 + at(20, to)))]),
      bom: () => Buffer.concat([BOM, body]),
      empty: () => Buffer.alloc(0),
      other: () => other.body,
      rewrite: () => rewritten(body),
    };
    return { ...call, body: (bodies[kind] as () => Buffer)() };
  });

/** As a server would write it that parsed it before. */
function rewritten(body: Buffer): Buffer {
  try {
    return Buffer.from(JSON.stringify(JSON.parse(body.toString())));
  } catch {
    return body;
  }
}

/** Around the five minutes that nearly all of them allow, in seconds; and far away. */
const age = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -300, max: 300 }) },
  { weight: 1, arbitrary: fc.constantFrom(-302, -301, -300, -299, 299, 300, 301, 302) },
  { weight: 1, arbitrary: fc.integer({ min: -100_000_000, max: 100_000_000 }) },
);
const stampSpelling = fc.oneof(
  { weight: 12, arbitrary: fc.constant((seconds: string) => seconds) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<((seconds: string) => string)[]>(
      (seconds) => `0${seconds}`,
      (seconds) => `${seconds}000`,
      (seconds) => `${seconds}.5`,
      (seconds) => `+${seconds}`,
      (seconds) => `-${seconds}`,
      (seconds) => ` ${seconds}`,
      (seconds) => `${seconds}Z`,
      (seconds) => `${seconds}, ${seconds}`,
      (seconds) => `0x${Number(seconds).toString(16)}`,
      (seconds) => `${seconds.slice(0, 1)}e9`,
      () => "now",
      () => "",
    ),
  },
);

/** Signed anew: by its own signer at some other time, mostly; now and then by a stranger, or to another URL. */
const signing = fc.record({
  by: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
  age,
  spell: stampSpelling,
  id: fc.constantFrom("msg_1", "msg_1", "msg_2.17", "é", "a b"),
  elsewhere: fc.oneof({ weight: 12, arbitrary: fc.constant("") }, { weight: 1, arbitrary: fc.constantFrom("/", "?a=b") }),
});

const headerChange = (proving: string[], { spellings = [] }: Library): fc.Arbitrary<Change> =>
  fc
    .tuple(
      fc.constantFrom(...proving),
      fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...valueChanges) },
        { weight: 1, arbitrary: fc.constantFrom("drop", "name", "double", "both", "swap") },
        ...(spellings.length > 0 ? [{ weight: 2, arbitrary: fc.constantFrom(...spellings) }] : []),
      ),
      share,
    )
    .map(([name, kind, place]) => (call, other) => {
      const headers = asReceived(call.headers);
      const value = headers[name] ?? "";
      const another = asReceived(other.headers)[name] ?? "";
      if (typeof kind === "object") return { ...call, headers: { ...headers, [name]: kind.to(value, place) } };
      if (typeof kind === "function") return { ...call, headers: kind(headers, asReceived(other.headers)) };
      const { [name]: _, ...rest } = headers;
      const changed: Record<string, Record<string, string>> = {
        drop: rest,
        name: { ...rest, [name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())]: value },
        double: { ...rest, [name]: `${value}, ${value}` },
        both: { ...rest, [name]: place < 0.5 ? `${value}, ${another}` : `${another}, ${value}` },
        swap: { ...rest, [name]: another },
      };
      return { ...call, headers: changed[kind] as Record<string, string> };
    });

/** What may become of a header's value. Objects, so that fast-check prints their names. */
const valueChanges = Object.entries({
  empty: () => "",
  upper: (value: string) => value.toUpperCase(),
  lower: (value: string) => value.toLowerCase(),
  "blank before": (value: string) => ` ${value}`,
  "blank after": (value: string) => `${value} `,
  "character replaced": (value: string, place: number) =>
    value.slice(0, at(value.length, place)) +
    (value[at(value.length, place)] === "0" ? "1" : "0") +
    value.slice(at(value.length, place) + 1),
  "character left out": (value: string, place: number) =>
    value.slice(0, at(value.length, place)) + value.slice(at(value.length, place) + 1),
  "foreign character": (value: string, place: number) =>
    `${value.slice(0, at(value.length, place))}é${value.slice(at(value.length, place) + 1)}`,
  "one too many": (value: string) => `${value}=`,
  "junk after": (value: string) => `${value}!`,
  "without padding": (value: string) => value.replace(/=+$/, ""),
  "other alphabet": (value: string) => value.replaceAll("+", "-").replaceAll("/", "_"),
  "hex as base64": (value: string) => Buffer.from(value, "hex").toString("base64"),
  "base64 as hex": (value: string) => Buffer.from(value, "base64").toString("hex"),
  "named algorithm": (value: string) => `sha256=${value}`,
}).map(([name, to]) => ({ name, to: to as (value: string, place: number) => string }));

/** None, `weight` times as often as some. */
function rarely(weight: number, change: fc.Arbitrary<Change>): fc.Arbitrary<Change[]> {
  const some = fc.array(change, { minLength: 1, maxLength: 2 });
  return fc.oneof({ weight, arbitrary: fc.constant<Change[]>([]) }, { weight: 1, arbitrary: some });
}

/** Copies of a call with other bytes, signatures, times, headers, secrets and clocks; a good part of them rightly signed. */
export function mutants(library: Library, call: Call, others: Call[]): fc.Arbitrary<Call> {
  const [own, stranger] = library.signers;
  const proving = Object.keys(own.sign({ url: call.url, body: call.body, stamp: "1", id: "1" }));
  return fc
    .record({
      other: fc.constantFrom(...others),
      before: rarely(2, bodyChange),
      signed: fc.option(signing, { freq: 3 }),
      after: rarely(5, bodyChange),
      headers: rarely(2, headerChange(proving, library)),
      clock: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: age }),
      secret: fc.oneof({ weight: 15, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constant(stranger.secret) }),
    })
    .map(({ other, before, signed, after, headers, clock, secret }) => {
      const apply = (changes: Change[], to: Call) => changes.reduce((so, change) => change(so, other), to);
      let mutant = apply(before, call);
      if (signed) {
        const stamp = signed.spell(String(Math.floor(call.now / 1000) - signed.age));
        const signer = library.signers[signed.by] as typeof own;
        const proof = signer.sign({ url: mutant.url + signed.elsewhere, body: mutant.body, stamp, id: signed.id });
        mutant = { ...mutant, secret: own.secret, headers: { ...mutant.headers, ...proof } };
      }
      mutant = apply([...after, ...headers], mutant);
      return { ...mutant, secret: secret ?? mutant.secret, now: mutant.now + clock * 1000 };
    });
}
