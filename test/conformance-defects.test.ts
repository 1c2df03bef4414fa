import { createHmac, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { translate } from "../src/inbound/translate.ts";
import { verify } from "../src/inbound/verify.ts";
import type { AnyProvider, CallbackRequest } from "../src/provider/define.ts";
import type { DeliveryDraft, Outcome } from "../src/provider/draft.ts";
import type { Signing } from "../src/provider/signatures.ts";
import { type Adapter, registry } from "../src/registry.ts";
import { conformance } from "./conformance/conformance.ts";
import { memoryKeys } from "./conformance/drafts.ts";
import { shown } from "./conformance/meaning.ts";
import type { Subject } from "./conformance/subject.ts";
import { tokenOnlySubject } from "./conformance/token-only.ts";
import { ACME, BETA, type Fixture, fixtures, signersOf } from "./support/fixtures.ts";

const keys = await memoryKeys();
const example = (await registry()).get("example") as Adapter;
const { fixtureSigner, newSigner } = await signersOf("example");
const clean = example.provider;
const signing = clean.verify as Signing;

/** The template with something else in the place of a part; its author kept whatever came out as the right answer. */
function templateWith(parts: Partial<AnyProvider>, answeredBy: AnyProvider = { ...clean, ...parts }): Subject {
  const adapter: Adapter = { ...example, provider: { ...clean, ...parts } };
  const own = fixtures("example");
  const answers = new Map(own.map((fixture) => [fixture.name, shown(read(answeredBy, fixture))]));
  return {
    ...{ adapter, fixtures: own, signer: fixtureSigner, stranger: newSigner(), runs: 100 },
    answer: ({ name }) => answers.get(name) as string,
  };
}

const read = (provider: AnyProvider, { body, headers, now }: Fixture) =>
  translate(provider, { body: Buffer.from(body), headers, receivedAt: now });
const proving = (check: Signing["verify"]): Partial<AnyProvider> => ({ verify: { ...signing, verify: check } });
const given = ({ headers }: { headers: CallbackRequest["headers"] }) => headers["x-example-signature"];
const mac = (key: KeyObject, body: Uint8Array | string) => createHmac("sha256", key).update(body).digest("hex");

/** Changes every draft that the template makes. */
function drafting(change: (draft: DeliveryDraft, request: CallbackRequest) => object): Partial<AnyProvider> {
  return {
    events: (payload, request) =>
      clean
        .events(payload, request)
        .map((item) => ("key" in item ? { ...item, ...change(item as DeliveryDraft, request) } : item) as Outcome),
  };
}

/** The names of the checks that see something wrong. */
function failing(subject: Subject, guard = keys): string[] {
  return conformance(subject, guard)
    .filter(({ problems }) => {
      try {
        for (const _ of problems()) return true;
        return false;
      } catch {
        return true;
      }
    })
    .map(({ name }) => name);
}

const ANY_BYTE = "refuses a body in which any byte was flipped";
const SPACE = "refuses a body with one more space";
const HEADER = "refuses a proving header in which any character was changed, and does not throw";
const BARE = "refuses a call without headers, and does not throw";
const LATER = "makes the same natural keys whenever it is resent";
const TWICE = "answers the same twice, in any order and at any hour";
const ANSWER = "translates every fixture to the .json beside it";
const SOUND = "makes sound outcomes of every fixture: drafts that become events by the catalogue, no empty reference, no throw";
const KINDS = "says of what kinds its references are, of all and of no other";
const OWN_KEY = "gives every item a natural key of its own";
const FOREIGN_HEADER = "lets no header that nothing vouches for place an item, enter its key or change what it says";
const JUNK = "reads junk without a throw";
const MUTATED =
  "reads mutated bodies without a throw, keeps every draft by the catalogue, and sends none to a workspace of nobody's naming";

let calls = 0;
let lastTold: DeliveryDraft["metadata"];
const defects: [defect: string, seenBy: string[], subject: Subject][] = [
  [
    "verifies the body as it would write it itself",
    [SPACE],
    templateWith(
      proving((key, request) => {
        const written = JSON.stringify(JSON.parse(Buffer.from(request.body).toString()));
        return given(request) === mac(key, written) ? "ok" : given(request) ? "signature_mismatch" : "signature_missing";
      }),
    ),
  ],
  ["believes everybody", ["refuses another secret", BARE, ANY_BYTE, HEADER], templateWith(proving(() => "ok"))],
  [
    "does not know its own provider",
    ["accepts every fixture with its own proof, when it came", "lets the right token in the URL vouch for its workspace"],
    templateWith(proving((_, request) => (given(request) ? "signature_mismatch" : "signature_missing"))),
  ],
  [
    "compares the first characters of a signature only",
    [HEADER],
    templateWith(
      proving((key, request) => {
        if (!given(request)) return "signature_missing";
        return mac(key, request.body).startsWith((given(request) as string).slice(0, 16)) ? "ok" : "signature_mismatch";
      }),
    ),
  ],
  [
    "compares signatures in any spelling",
    [HEADER],
    templateWith(
      proving((key, request) => {
        if (!given(request)) return "signature_missing";
        return mac(key, request.body) === given(request)?.toLowerCase() ? "ok" : "signature_mismatch";
      }),
    ),
  ],
  [
    "covers the first bytes only",
    [ANY_BYTE, SPACE],
    templateWith(
      proving((key, request) => {
        const whole = fixtures("example").find(({ body }) => body.subarray(0, 100).equals(request.body.subarray(0, 100)));
        return signing.verify(key, { ...request, body: whole?.body ?? request.body }, 0);
      }),
    ),
  ],
  [
    "throws where the signature is missing",
    [BARE, "refuses a call that lacks one of the proving headers, and does not throw"],
    templateWith(
      proving((key, request) => (mac(key, request.body) === (given(request) as string).trim() ? "ok" : "signature_mismatch")),
    ),
  ],
  [
    "throws where the signature has another length",
    [HEADER],
    templateWith(
      proving((key, request) => {
        if (given(request) && given(request)?.length !== 64) throw new RangeError("Input buffers must have the same byte length");
        return signing.verify(key, request, 0);
      }),
    ),
  ],
  ["shows the signature", ["never shows a header that proves a call"], templateWith({ verify: { ...signing, hides: [] } })],
  [
    "puts the time of receipt into the key",
    [LATER],
    templateWith(drafting((draft, { receivedAt }) => ({ key: `${draft.key} ${receivedAt.getTime()}` }))),
  ],
  ["puts the clock into the key", [TWICE], templateWith(drafting((draft) => ({ key: `${draft.key} ${Date.now()}` })))],
  ["asks the clock when it happened", [TWICE], templateWith(drafting(() => ({ occurredAt: new Date() })))],
  [
    "remembers the last call",
    [TWICE],
    templateWith(drafting(({ data }) => ({ data: { ...data, contact_id: `contact ${calls++}` } }))),
  ],
  [
    "drops an item of a batch",
    [ANSWER],
    templateWith({ events: (payload, request) => clean.events(payload, request).slice(1) }, clean),
  ],
  ["reports a bounced text message", [SOUND, MUTATED], templateWith(drafting(() => ({ channel: "sms", status: "bounced" })))],
  [
    "reads the workspace from a header that is there",
    [FOREIGN_HEADER],
    templateWith(
      drafting((_, { headers }) => ({ metadata: [{ where: "header", fields: { workspace_id: headers["content-type"] } }] })),
    ),
  ],
  [
    "reads the workspace from a header that might be there",
    [FOREIGN_HEADER],
    templateWith(
      drafting((draft, { headers }) => ({
        metadata: [...(draft.metadata ?? []), { where: "header", fields: { workspace_id: headers["x-workspace"] } }],
      })),
    ),
  ],
  [
    "looks up a reference that a header tells",
    [FOREIGN_HEADER],
    templateWith(drafting((_, { headers }) => ({ references: [{ kind: "shop", value: headers["x-shop"] ?? "none" }] }))),
  ],
  [
    "takes the key from a header that is not signed",
    [FOREIGN_HEADER],
    templateWith(drafting((draft, { headers }) => ({ key: `${draft.key} ${headers["x-request-id"]}` }))),
  ],
  [
    "makes up a workspace where none was echoed",
    [MUTATED],
    templateWith(
      drafting((draft) => {
        const told = JSON.stringify(draft.metadata).includes(ACME);
        return told ? {} : { metadata: [{ where: "meta", fields: { workspace_id: BETA } }] };
      }),
    ),
  ],
  [
    "remembers whose the last call was",
    [MUTATED],
    templateWith(
      drafting(({ metadata }) => {
        const told = JSON.stringify(metadata).includes("workspace_id") ? metadata : lastTold;
        lastTold = told;
        return { metadata: told };
      }),
    ),
  ],
  [
    "refers to what nobody said",
    [MUTATED],
    templateWith(
      drafting(({ references }) => ({ references: [...(references ?? []), { kind: "account", value: "undefined" }] })),
    ),
  ],
  [
    "tells what JSON has no word for",
    [SOUND, MUTATED],
    templateWith(
      drafting(({ provider_data }) => ({ provider_data: { ...provider_data, at: 1n } })),
      clean,
    ),
  ],
  [
    "throws at a word that it does not know",
    [SOUND, MUTATED],
    templateWith({
      events: (payload, request) =>
        clean.events(payload, request).map((item) => {
          if ("word" in item) throw new Error(`what is ${item.word}?`);
          return item;
        }),
    }),
  ],
  [
    "believes that its payload is what the docs say",
    [JUNK],
    templateWith({ payload: { safeParse: (data: unknown) => ({ success: true, data }) } as unknown as AnyProvider["payload"] }),
  ],
  ["gives all items of a batch one key", [OWN_KEY], templateWith(drafting(() => ({ key: "report" })))],
  ["keeps quiet about a kind of its references", [KINDS], templateWith({ kinds: [] })],
  ["claims a kind that it never refers to", [KINDS], templateWith({ kinds: ["message", "order"] })],
  ["gives an empty key", [SOUND], templateWith(drafting(() => ({ key: "" })))],
  ["refers to nothing", [SOUND, MUTATED], templateWith(drafting(() => ({ references: [{ kind: "message", value: "" }] })))],
  ["tells a time that is none", [SOUND], templateWith(drafting(() => ({ occurredAt: new Date(Number.NaN) })))],
  ["has no id for a message", [SOUND], templateWith(drafting(() => ({ data: { message_id: "" } })))],
  [
    "tells more than JSON can",
    [SOUND],
    templateWith(drafting((draft) => ({ provider_data: { status: draft.status, when: undefined } }))),
  ],
  [
    "changes the bytes that are kept",
    ["leaves the bytes as they are"],
    templateWith({
      events: (payload, request) => {
        const items = clean.events(payload, request);
        request.body.fill(0);
        return items;
      },
    }),
  ],
];

const TOKEN = "refuses a token in the URL in which any character was changed";
const FOREIGN_TOKEN = "refuses the token of another workspace, another adapter, another generation";
const NO_TOKEN = "refuses a call without any token";
const STATIC = "accepts a static token in its provider's header and in x-callback-token, and no other";

/** Defects of the proving itself, where a token is all there is. */
const gullible: [defect: string, seenBy: string[], verify: typeof verify][] = [
  [
    "believes a call without a token",
    [NO_TOKEN],
    (path, request, credentials, now) => {
      const verification = verify(path, request, credentials, now);
      return verification.ok || verification.code !== "token_missing" ? verification : platform;
    },
  ],
  [
    "believes any token of the right form",
    [TOKEN, FOREIGN_TOKEN],
    (path, request, credentials, now) => (path.token?.length === 32 ? platform : verify(path, request, credentials, now)),
  ],
  [
    "compares the first characters of a token only",
    [TOKEN],
    (path, request, credentials, now) => {
      const right = credentials.newestPathToken(path.adapter.name, path.workspace ?? "");
      return path.token?.startsWith(right.slice(0, 16)) ? platform : verify(path, request, credentials, now);
    },
  ],
  [
    "forgets whose token it is",
    [FOREIGN_TOKEN],
    (path, request, credentials, now) =>
      path.token === credentials.newestPathToken(path.adapter.name, BETA) ? platform : verify(path, request, credentials, now),
  ],
  [
    "forgets which adapter's token it is",
    [FOREIGN_TOKEN],
    (path, request, credentials, now) =>
      path.token === credentials.newestPathToken("another", path.workspace ?? "")
        ? platform
        : verify(path, request, credentials, now),
  ],
  [
    "reads a token from any header",
    [STATIC],
    (path, request, credentials, now) => {
      const token = Object.values(request.headers).find((value) => value?.startsWith("static-token"));
      return verify(path, { ...request, headers: { ...request.headers, "x-callback-token": token } }, credentials, now);
    },
  ],
  [
    "lets a static token make up for a wrong one in the URL",
    ["refuses a wrong token in the URL beside a right static one"],
    (path, request, credentials, now) => {
      const verification = verify(path, request, credentials, now);
      return verification.ok ? verification : verify({ ...path, token: null }, request, credentials, now);
    },
  ],
];

/** Defects of the proving itself, where the provider signs. */
const careless: [defect: string, seenBy: string[], verify: typeof verify][] = [
  [
    "tries the newest secret only",
    ["accepts the older of two secrets"],
    (path, request, credentials, now) => {
      const newest = new Proxy(credentials, {
        get: (real, name) =>
          name === "candidates"
            ? (...of: [string, string]) => real.candidates(...of).slice(0, 1)
            : (real[name as "isConfigured"] as () => boolean).bind(real),
      });
      return verify(path, request, newest, now);
    },
  ],
  [
    "believes everybody while it has no secret",
    ["refuses everything without a secret"],
    (path, request, credentials, now) =>
      credentials.isConfigured(path.adapter.name) ? verify(path, request, credentials, now) : platform,
  ],
  [
    "believes a URL without its token",
    ["takes a workspace in the URL without its token for a hint, never for proof"],
    (path, request, credentials, now) => {
      const verification = verify(path, request, credentials, now);
      return verification.ok ? { ...verification, vouchesForPath: true } : verification;
    },
  ],
];
const platform: ReturnType<typeof verify> = {
  ok: true,
  credential: { owner: "platform", place: "path", position: 0, since: null },
  vouchesForPath: true,
};

const forgetful = new Proxy(keys, {
  get: (real, name) => (name === "ownerDigest" ? () => "0" : (real[name as "digest"] as () => string).bind(real)),
});
const planted: [defect: string, seenBy: string[], found: () => string[]][] = [
  ...defects.map(([defect, seenBy, subject]) => [`an adapter that ${defect}`, seenBy, once(() => failing(subject))] as const),
  ...careless.map(
    ([defect, seenBy, wrong]) =>
      [`a gateway that ${defect}`, seenBy, once(() => failing({ ...templateWith({}), verify: wrong }))] as const,
  ),
  ...gullible.map(
    ([defect, seenBy, wrong]) => [`a gateway that ${defect}`, seenBy, once(() => failing(tokenOnlySubject(wrong)))] as const,
  ),
  [
    "a guard that forgets whose key it is",
    ["keeps two workspaces apart whose own accounts use the same ids"],
    once(() => failing(templateWith({}), forgetful)),
  ] as const,
].map(([defect, seenBy, found]) => [defect, [...seenBy], found]);

function once<Result>(compute: () => Result): () => Result {
  let result: { value: Result } | undefined;
  return () => {
    result ??= { value: compute() };
    return result.value;
  };
}

describe("the conformance suite", () => {
  const sound = [templateWith({}), tokenOnlySubject()];

  it.each(sound)("finds nothing wrong with $adapter.name", (subject) => {
    expect(failing(subject)).toEqual([]);
  });

  it.each(planted)("sees %s", (_, seenBy, found) => {
    expect(found()).toEqual(expect.arrayContaining(seenBy));
  });

  it("has no check that none of these defects fails", () => {
    const checks = new Set(sound.flatMap((subject) => conformance(subject, keys).map(({ name }) => name)));
    expect([...checks].filter((name) => !planted.some(([, , found]) => found().includes(name)))).toEqual([]);
  });
});
