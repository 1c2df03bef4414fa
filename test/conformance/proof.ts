import fc from "fast-check";
import type { Signing } from "../../src/provider/signatures.ts";
import type { Fixture } from "../support/fixtures.ts";
import {
  type Check,
  Door,
  GATEWAY,
  oneCharacterOff,
  overFixtures,
  provingHeaders,
  type Subject,
  without,
  word,
} from "./subject.ts";

/** Bodies up to here are flipped at every byte, longer ones at so many places. */
const WHOLLY_FLIPPED = 2048;
const PLACES = 200;

/** What holds however a provider proves itself. */
export function proofChecks(subject: Subject): Check[] {
  const door = new Door(subject, [subject.signer.secret]);
  const rotating = new Door(subject, [subject.stranger.secret, subject.signer.secret]);
  return [
    {
      name: "accepts every fixture with its own proof, when it came",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          const said = word(door.judge(fixture));
          if (said !== "ok") yield `refused, ${said}`;
        }),
    },
    {
      name: "accepts the older of two secrets",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          const said = word(rotating.judge(fixture));
          if (said !== "ok") yield `refused, ${said}`;
        }),
    },
    ...(subject.adapter.provider.verify.signs ? signatureChecks(subject, subject.adapter.provider.verify, door) : []),
  ];
}

function signatureChecks(subject: Subject, signing: Signing, door: Door): Check[] {
  const strangers = new Door(subject, [subject.stranger.secret]);
  const unconfigured = new Door(subject, []);
  const key = signing.key(subject.signer.secret);
  const refusesBodies = (name: string, bodies: (body: Buffer) => Iterable<[string, Uint8Array]>): Check => ({
    name,
    problems: () =>
      overFixtures(subject, function* (fixture) {
        for (const [what, body] of bodies(fixture.body)) {
          if (door.judge(fixture, { body }).ok) yield `accepted with ${what}`;
        }
      }),
  });
  return [
    {
      name: "refuses another secret",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          const said = word(strangers.judge(fixture));
          if (said !== "signature_mismatch") yield said;
        }),
    },
    {
      name: "refuses everything without a secret",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          const said = word(unconfigured.judge(fixture));
          if (said !== "provider_not_configured") yield said;
        }),
    },
    {
      name: "refuses a call without headers, and does not throw",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          const said = word(door.judge(fixture, { headers: {} }));
          if (said !== "signature_missing") yield said;
          yield* throwing(signing, key, fixture, {});
        }),
    },
    {
      name: "refuses a call that lacks one of the proving headers, and does not throw",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          for (const name of provingHeaders(subject, fixture)) {
            const { [name]: _, ...headers } = fixture.headers;
            if (door.judge(fixture, { headers }).ok) yield `accepted without ${name}`;
            yield* throwing(signing, key, fixture, headers);
          }
        }),
    },
    refusesBodies("refuses a body in which any byte was flipped", flipped),
    refusesBodies("refuses a body with one more space", (body) => [
      ["a space appended", Buffer.concat([body, Buffer.from(" ")])],
      ["a space in front", Buffer.concat([Buffer.from(" "), body])],
    ]),
    refusesBodies("refuses a body that was cut or emptied", (body) => [
      ["the last byte cut off", body.subarray(0, -1)],
      ["an empty body", Buffer.alloc(0)],
    ]),
    {
      name: "refuses a proving header in which any character was changed, and does not throw",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          const real = proving(fixture.headers);
          if (!door.judge(fixture, { headers: real }).ok) yield "refused without what proves nothing";
          for (const name of provingHeaders(subject, fixture)) {
            for (const value of oneCharacterOff(real[name] ?? "")) {
              // Asked directly: the gateway would take a throw for a no.
              const request = { body: fixture.body, headers: { ...real, [name]: value }, url: GATEWAY + fixture.path };
              if (signing.verify(key, request, fixture.now.getTime()) === "ok") yield `accepted with ${name}: ${value}`;
            }
          }
        }),
    },
    {
      name: "refuses junk in a proving header, and does not throw",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          for (const name of provingHeaders(subject, fixture)) {
            for (const value of ["", " ", ",", "=", "t=,v1=", "0", "\u0000", "☃", "-1", "1e9", "A".repeat(10_000)]) {
              const headers = { ...fixture.headers, [name]: value };
              if (door.judge(fixture, { headers }).ok) yield `accepted with ${name}: ${value.slice(0, 20)}`;
              yield* throwing(signing, key, fixture, headers);
            }
          }
        }),
    },
    ...(subject.adapter.provider.signsUrl
      ? [
          {
            name: "refuses a call to another URL than the one that was signed",
            problems: () =>
              overFixtures(subject, function* (fixture) {
                if (door.judge(fixture, { url: `${GATEWAY}/callbacks/elsewhere` }).ok) yield "accepted";
              }),
          },
        ]
      : []),
    {
      name: "never shows a header that proves a call",
      problems: () =>
        overFixtures(subject, function* (fixture) {
          const shown = Object.values(without(fixture.headers, signing.hides));
          // What another secret makes as well (an id, a time) proves nothing.
          const call = { body: fixture.body, url: GATEWAY + fixture.path, now: fixture.now };
          const others = subject.stranger.sign(call);
          const proofs = Object.entries(subject.signer.sign(call)).filter(([name, value]) => others[name] !== value);
          for (const [name] of proofs) if (shown.includes(fixture.headers[name] ?? "")) yield `shows ${name}`;
        }),
    },
  ];
}

function* flipped(body: Buffer): Iterable<[string, Uint8Array]> {
  const places =
    body.length <= WHOLLY_FLIPPED ? body.keys() : fc.sample(fc.nat(body.length - 1), { seed: body.length, numRuns: PLACES });
  const changed = Buffer.from(body);
  for (const place of places) {
    changed[place] = (body[place] as number) ^ (1 << (place % 8));
    yield [`byte ${place} flipped`, changed];
    changed[place] = body[place] as number;
  }
}

/** The gateway takes a verifier's throw for a no; a verifier is written not to need that. */
function* throwing(
  signing: Signing,
  key: ReturnType<Signing["key"]>,
  fixture: Fixture,
  headers: Record<string, string>,
): Iterable<string> {
  try {
    signing.verify(key, { body: fixture.body, headers, url: GATEWAY + fixture.path }, fixture.now.getTime());
  } catch (error) {
    yield `its verifier threw ${error}`;
  }
}

/** Headers without a `v0`, which Stripe's test mode adds and which proves nothing. */
function proving(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace(/,v0=[^,]*/g, "")]));
}
