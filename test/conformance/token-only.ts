import { z } from "zod";
import { type DeliveryDraft, defineProvider, eachItem, isoTime, type Status, tokenOnly, unknownWord } from "#provider";
import { translate } from "../../src/inbound/translate.ts";
import type { Adapter } from "../../src/registry.ts";
import { parseFixture } from "../support/fixtures.ts";
import { shown } from "./meaning.ts";
import type { Subject } from "./subject.ts";

const statuses = new Map<string, Status>([
  ["picked", "sent"],
  ["handed_over", "delivered"],
  ["lost", "failed"],
]);
const scan = z.object({ awb: z.string().min(1), status: z.string(), at: z.unknown().optional() });

/** A carrier that signs nothing, made up: what a token alone vouches for is held to the same promises. */
const carrier: Adapter = {
  name: "carrier",
  providerName: "carrier",
  dialect: null,
  provider: defineProvider({
    title: "Made-up carrier",
    docs: "https://carrier.example/docs",
    retries: "It calls again every hour.",
    kinds: ["parcel"],
    verify: tokenOnly({ header: "x-carrier-token" }),
    payload: z.object({ scans: z.array(z.unknown()) }),
    events: ({ scans }) =>
      eachItem(scans, scan, ({ awb, status: word, at }): DeliveryDraft | ReturnType<typeof unknownWord> => {
        const status = statuses.get(word);
        if (!status) return unknownWord(word);
        return {
          key: `${awb} ${word}`,
          occurredAt: isoTime(at),
          references: [{ kind: "parcel", value: awb, learn: "90d" }],
          channel: "shipping",
          status,
          data: { message_id: awb, ...(status === "failed" && { error_code: word }) },
          provider_data: { status: word },
        };
      }),
  }),
};

const body =
  '{"scans":[{"awb":"AWB1","status":"picked","at":"2026-11-22T10:00:00Z"},{"awb":"AWB2","status":"lost"},{"awb":"AWB3","status":"beamed"}]}';
const notes = "# adapter: carrier\n# source: made up\n# now: 2026-11-22T11:00:00Z\n";
const signer = (secret: string) => ({ secret, sign: () => ({ "x-carrier-token": secret }) });

/** @param verify in place of the gateway's own, to plant a defect. */
export function tokenOnlySubject(verify?: Subject["verify"]): Subject {
  const head = (line: string) => Buffer.from(`${notes}${line}\n\n${body}`);
  return {
    adapter: carrier,
    fixtures: [
      parseFixture("by-path.http", head("POST /callbacks/carrier/7b0f3c52-6f5e-4b1c-9d0e-0f6a2f9d1c11/{token}")),
      parseFixture("by-header.http", head("POST /callbacks/carrier\nx-carrier-token: carrier-fixture-token-0001")),
    ],
    signer: signer("carrier-fixture-token-0001"),
    stranger: signer("carrier-strangers-token-0001"),
    answer: ({ body, headers, now }) => shown(translate(carrier.provider, { body, headers, receivedAt: now })),
    ...(verify && { verify }),
  };
}
