import { describe, expect, it } from "vitest";
import { plain, tell } from "../../src/trace/sentence.ts";
import * as states from "../../src/trace/states.ts";
import { zoneOf } from "../../src/trace/zone.ts";

const zone = zoneOf("Asia/Kolkata");
const now = Date.parse("2026-11-22T10:28:00Z");
const known = {
  ...{ provider: "Acme Pay", receivedAt: "2026-11-22T10:12:07.412Z" },
  ...{ callbackId: "cb_1", publicUrl: "https://callbacks.example.com/" },
};
const refusal = (code: string, more: object = {}) =>
  states.refused({
    ...{
      ...known,
      adapter: "acme",
      code,
      tried: 2,
      lastGoodAt: "2026-11-22T09:49:44Z",
      method: "PUT",
      path: "/callbacks/acme",
      size: 6_000_000,
    },
    ...{ signedTime: { age_seconds: 3600, allowed_seconds: 300 }, ...more },
  });
const dispatch = (more: object) =>
  states.dispatched({
    ...{
      endpoint: "ERP",
      state: null,
      reason: null,
      type: "delivery.sent",
      filters: ["contact.*"],
      subscribedAt: "2026-11-22T10:01:21Z",
    },
    ...{
      attempts: [{ at: "2026-11-22T10:01:21Z", status: 503, ms: 400, error: null }],
      nextAt: "2026-11-22T10:34:00Z",
      heldSince: "2026-11-22T08:32:00Z",
    },
    ...{ heldCount: 127, keptUntil: "2026-11-29T08:32:00Z", cancelledBecause: "It answered 410", ...more },
  });
const accepted = (more: object) =>
  states.accepted({
    ...{
      thing: "E-mail delivered",
      happenedAt: "2026-11-22T10:01:20Z",
      workspace: "Blue Harbour Books",
      told: 2,
      endpoints: 3,
    },
    ...{ way: "its metadata", hasMessage: true, busOnly: false, later: [], ...more },
  });
const lost = { ...known, thing: "“Payment failed”", kind: "customer", value: "cus_1", others: 41 };

/** Every row of CONSOLE §3: shape, word, headline, explanation, offers. */
const rows: [
  row: string,
  state: states.State,
  shape: string,
  word: string,
  headline: string,
  explanation: string,
  offers: string[],
][] = [
  [
    "accepted",
    accepted({}),
    "accepted",
    "Accepted",
    "E-mail delivered at 15:31, and Blue Harbour Books was told on two of three endpoints",
    "Matched by its metadata, emitted once.",
    ["See the whole message"],
  ],
  [
    "accepted by all",
    accepted({ told: 3 }),
    "accepted",
    "Accepted",
    "E-mail delivered at 15:31, and Blue Harbour Books was told on all three endpoints",
    "Matched by its metadata, emitted once.",
    ["See the whole message"],
  ],
  [
    "only teaches",
    states.onlyTeaches({ reference: { kind: "customer", value: "cus_1" }, workspace: "Acme", home: 3, bindings: 1 }),
    "accepted",
    "Accepted",
    "This told us whose customer cus_1 is",
    "It is Acme’s. No event. 3 waiting ones came home.",
    ["See the binding"],
  ],
  [
    "only teaches, nobody knows for how many any more",
    states.onlyTeaches({ reference: null, workspace: "Acme", home: null, bindings: 0 }),
    "accepted",
    "Accepted",
    "This told us what belongs to Acme",
    "It is Acme’s. No event.",
    [],
  ],
  [
    "no_reference_bound",
    states.noReferenceBound(lost),
    "unmatched",
    "Unmatched",
    "We do not know whose this is yet",
    "“Payment failed” came in at 15:42:07 and was proved to be Acme Pay’s. Nobody has said whose customer cus_1 is. Nothing is lost: the event waits, with 41 others of this customer.",
    ["Assign the 42 events…"],
  ],
  [
    "unknown_workspace",
    states.unknownWorkspace({ ...known, way: "URL", workspace: "w-1", waiting: 6 }),
    "unmatched",
    "Unmatched",
    "It names a workspace that is not registered here",
    "URL says w-1. Nothing is lost: once registered, all 6 go out.",
    ["Copy for an operator"],
  ],
  [
    "reference_ambiguous",
    states.referenceAmbiguous({ ...known, kind: "customer", value: "cus_1", workspaces: ["Acme", "Beta"] }),
    "unmatched",
    "Unmatched",
    "This customer belongs to more than one workspace",
    "cus_1 was seen with Acme and Beta; nothing else in the callback decides. Nothing is lost: it waits.",
    ["Assign this one…"],
  ],
  [
    "workspace_closed",
    states.workspaceClosed({ ...known, workspace: "Acme", workspaceId: "w-1", waiting: 2 }),
    "unmatched",
    "Unmatched",
    "Acme is closed here",
    "Nothing is lost: opened again, all 2 go out.",
    ["Copy for an operator"],
  ],
  [
    "workspace_conflict",
    states.workspaceConflict({
      answers: [
        { way: "URL", workspace: "Acme" },
        { way: "Look-up", workspace: "Beta" },
      ],
    }),
    "unmatched",
    "Unmatched",
    "Two answers that differ",
    "URL says Acme, Look-up says Beta. We never choose: it waits for a person.",
    ["Assign this one…"],
  ],
  [
    "duplicate",
    states.duplicate({ ...known, firstAt: "2026-11-22T10:00:00Z" }),
    "repeat",
    "Repeat",
    "Acme Pay sent this before",
    "First at 15:30:00; nobody was told twice.",
    ["First one"],
  ],
  [
    "ignored",
    states.ignored({ word: "ping", reason: null }),
    "ignored",
    "Ignored",
    "Understood, and of no interest",
    "“ping” changes nothing that we tell.",
    [],
  ],
  [
    "a new word",
    states.newWord({ ...known, adapter: "acme", word: "BACK", times: 17, since: "2026-11-22T09:06:00Z" }),
    "new",
    "New",
    "Acme Pay says something new: “BACK”",
    "Kept; no rule knows it; 17 times since 14:36.",
    ["Copy for a developer"],
  ],
  [
    "failed",
    states.failed({ ...known, reason: "unreadable", topic: null }),
    "failed",
    "Failed",
    "It is Acme Pay’s, but we could not read it",
    "Our fault. Kept; replay it after the mend.",
    ["Replay…"],
  ],
  [
    "topic_mismatch",
    states.failed({ ...known, reason: "topic_mismatch", topic: "orders/create" }),
    "failed",
    "Failed",
    "Its heading and its content do not fit",
    "It says orders/create, the content is another. Kept.",
    [],
  ],
  [
    "dismissed",
    states.dismissed({ who: "Desk 2", when: "2026-11-22T10:00:00Z" }),
    "ignored",
    "Put aside",
    "Put aside by Desk 2 at 15:30",
    "Kept, out of the queue.",
    [],
  ],
  [
    "provider_not_configured",
    refusal("provider_not_configured"),
    "refused",
    "Refused",
    "We hold no secret for Acme Pay",
    "Nothing it sends can be trusted.",
    ["Copy for an operator"],
  ],
  [
    "signature_missing",
    refusal("signature_missing"),
    "refused",
    "Refused",
    "It came without proof",
    "This may be somebody else.",
    [],
  ],
  ["token_missing", refusal("token_missing"), "refused", "Refused", "It came without proof", "This may be somebody else.", []],
  [
    "token_mismatch",
    refusal("token_mismatch"),
    "refused",
    "Refused",
    "It came with a token that is not ours",
    "2 were tried. Last good one 15:19:44. Was the URL or the token changed?",
    ["Last good one"],
  ],
  [
    "404",
    refusal("not_found"),
    "refused",
    "Refused",
    "The address was wrong",
    "A callback came to /callbacks/acme.",
    ["Copy for a developer"],
  ],
  [
    "405",
    refusal("method_not_allowed"),
    "refused",
    "Refused",
    "The method was wrong",
    "PUT came to /callbacks/acme.",
    ["Copy for a developer"],
  ],
  [
    "413",
    refusal("body_too_large"),
    "refused",
    "Refused",
    "The size was wrong",
    "6,000,000 bytes came to /callbacks/acme.",
    ["Copy for a developer"],
  ],
  [
    "415",
    refusal("body_encoded"),
    "refused",
    "Refused",
    "The encoding was wrong",
    "A compressed body came to /callbacks/acme.",
    ["Copy for a developer"],
  ],
  [
    "signature_mismatch",
    refusal("signature_mismatch"),
    "refused",
    "Refused",
    "Signed, but with no secret that we hold",
    "2 were tried. Last good one 15:19:44. Was the secret changed at Acme Pay?",
    ["Last good one", "Copy for an operator"],
  ],
  [
    "signature_expired",
    refusal("signature_expired"),
    "refused",
    "Refused",
    "Its signature is 1 h old",
    "Allowed: 5 min. Old copy or wrong clock.",
    [],
  ],
  [
    "signature_early",
    refusal("signature_early", { signedTime: { age_seconds: -1230, allowed_seconds: 300 } }),
    "refused",
    "Refused",
    "Its signature is from the future",
    "Dated 20 min 30 s ahead. Allowed: 5 min. A wrong clock.",
    [],
  ],
  ...(["signature_expired", "signature_early"] as const).map((code): (typeof rows)[number] => [
    `${code}, of which no time was kept`,
    refusal(code, { signedTime: null }),
    "refused",
    "Refused",
    code === "signature_early" ? "Its signature is from the future" : "Its signature is too old",
    code === "signature_early" ? "A wrong clock." : "Old copy or wrong clock.",
    [],
  ]),
  ["pending", dispatch({ state: "pending" }), "waiting", "Waiting", "To be sent now", "", []],
  [
    "retrying",
    dispatch({ state: "retrying" }),
    "retrying",
    "Trying again",
    "Attempt 2 of 7 at 16:04:00",
    "15:31:21 answered 503 in 0.4 s.",
    ["Retry now"],
  ],
  [
    "held",
    dispatch({ state: "held" }),
    "held",
    "Held back",
    "ERP does not answer; we try one at a time",
    "127 wait since 14:02.",
    ["Endpoint"],
  ],
  [
    "succeeded",
    dispatch({ state: "succeeded", attempts: [{ at: "2026-11-22T10:01:21Z", status: 200, ms: 90, error: null }] }),
    "accepted",
    "Accepted",
    "Accepted on attempt 1",
    "15:31:21 answered 200 in 90 ms.",
    [],
  ],
  [
    "dead",
    dispatch({ state: "dead" }),
    "given_up",
    "Given up",
    "Given up after 1 attempt",
    "Kept until 29 Nov, 14:02.",
    ["Retry"],
  ],
  [
    "retried by hand: what was used up before does not count",
    dispatch({ state: "retrying", tries: 0 }),
    "retrying",
    "Trying again",
    "Attempt 1 of 7 at 16:04:00",
    "15:31:21 answered 503 in 0.4 s.",
    ["Retry now"],
  ],
  [
    "held at an endpoint that is switched off",
    dispatch({ state: "held", offAt: "2026-11-22T08:30:00Z" }),
    "held",
    "Held back",
    "ERP is switched off since 14:00",
    "127 wait since 14:02. Switched on before 29 Nov, 14:02, they go out. It answered 410.",
    ["Endpoint"],
  ],
  [
    "cancelled",
    dispatch({ state: "cancelled", offAt: "2026-11-22T08:30:00Z" }),
    "not_sent",
    "Not sent",
    "The endpoint was switched off at 14:00",
    "It answered 410.",
    [],
  ],
  [
    "switched off before",
    dispatch({ reason: "switched_off", offAt: "2026-11-22T08:30:00Z", cancelledBecause: "Meera did it" }),
    "not_sent",
    "Not sent",
    "The endpoint was switched off at 14:00",
    "It was off when the event came. Meera did it.",
    [],
  ],
  [
    "filtered",
    dispatch({ reason: "not_asked_for" }),
    "not_sent",
    "Not asked for",
    "ERP does not ask for delivery.sent",
    "As subscribed at 15:31:21: contact.*.",
    ["Copy what to add"],
  ],
  [
    "no endpoint",
    states.noEndpoint("Acme"),
    "not_sent",
    "Not sent",
    "Acme had no endpoint",
    "It stands in the log and on the bus.",
    [],
  ],
  ["bus only", states.busOnly, "not_sent", "Not sent", "Stays on the bus", "This kind of event is told to no endpoint.", []],
];

describe("every state in words", () => {
  it.each(rows)("%s", (_, state, shape, word, headline, explanation, offers) => {
    if (!zone) throw new Error("there is no such zone");
    expect([state.shape, state.word, plain(state.headline, zone, now), plain(state.explanation, zone, now)]).toEqual([
      shape,
      word,
      headline,
      explanation,
    ]);
    expect(state.offers.map((offer) => offer.label)).toEqual(offers);
  });

  it("never says what support staff need not know", () => {
    for (const [, state] of rows) {
      const said = `${state.word} ${plain(state.headline)} ${plain(state.explanation)}`;
      expect(said).not.toMatch(/\b(?:error|invalid|payload|resolve|dead letter|null|undefined)\b/i);
    }
  });

  it.each([
    [
      states.unknownWorkspace({ ...known, way: "URL", workspace: "w-1", waiting: 6 }),
      '6 events of Acme Pay wait (one is cb_1) for workspace w-1, which is not registered. To register it: curl -X PUT https://callbacks.example.com/v1/workspaces/w-1 -H "authorization: Bearer $HOMING_TOKEN" -d \'{"name":"…"}\'',
    ],
    [
      states.workspaceClosed({ ...known, workspace: "Asha's $(shop)", workspaceId: "w-1", waiting: 1 }),
      "1 event of Acme Pay waits (cb_1) for Asha's $(shop) (w-1), which is closed. To open it again: curl -X PUT https://callbacks.example.com/v1/workspaces/w-1 -H \"authorization: Bearer $HOMING_TOKEN\" -d '{\"name\":\"Asha'\\''s $(shop)\"}'",
    ],
    [
      refusal("provider_not_configured"),
      "We hold no secret for Acme Pay, so that all that comes in its name is refused, such as cb_1. To store one: homing secrets acme --set",
    ],
    [
      refusal("signature_mismatch"),
      "Callbacks in Acme Pay’s name, such as cb_1, are signed with no secret that we hold (2 were tried). Last good one 15:19:44. If Acme Pay’s secret was changed, store the new one, and the old one after it: homing secrets acme --set",
    ],
  ])("gives an operator what is wrong, with ids, and the command", ({ offers }, said) => {
    const offer = offers.find((one) => one.to === "copy");
    expect(offer?.to === "copy" && plain(offer.text, zone ?? undefined, now)).toBe(said);
  });

  it("keeps what is filled in apart from what we say", () => {
    expect(tell`It is ${{ as: "words", text: "<b>" }}, ${1000} times`).toEqual([
      "It is ",
      { as: "words", text: "<b>" },
      ", ",
      "1,000",
      " times",
    ]);
  });
});
