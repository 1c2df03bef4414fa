import { attention } from "../../attention/attention.ts";
import { providerRows } from "../../attention/minutes.ts";
import type { ProviderRow } from "../../attention/types.ts";
import type { Query } from "../../db/client.ts";
import { firstIdOf, showId } from "../../ids.ts";
import type { Adapter } from "../../registry.ts";
import { attentionWords } from "../attention.ts";
import { homing } from "../command.ts";
import { adapterFares } from "../fares.ts";
import { providerName } from "../names.ts";
import { counted, many } from "../sentence.ts";
import { workspaceNames } from "../story.ts";
import { clock, lasting } from "../zone.ts";
import type { Tale, Teller } from "./teller.ts";

type Fares = Pick<ProviderRow, "outcomes" | "waiting" | "lastGoodAt" | "lastHour">;

/** The last hour of an adapter: its secrets' ages, the last good one, what was refused, what waits. */
export async function taleOfAdapter(teller: Teller, adapter: Adapter): Promise<Tale> {
  const { gateway, text, zone, now } = teller;
  const { query } = gateway.database;
  const { name } = adapter;
  const written = (await providerRows(query)).find((one) => one.adapter === name) ?? NOTHING;
  const good = await readLastGood(query, name);
  const fares = await upToNow(query, name, now, written, good);
  const state = await stateOf(teller, adapter, written, fares);
  const [refusals, secrets] = await Promise.all([readRefusals(query, name), secretLines(teller, adapter)]);
  const lastGood = good && showId("callback", good.id);
  return {
    ...{ kind: "adapter", id: name, shape: state.shape, word: state.word },
    ...{ headline: text(state.headline), explanation: text(state.explanation), say: null },
    steps: [
      { name: "Secrets", at: null, lines: secrets.length > 0 ? secrets : ["None."] },
      {
        name: "Last good one",
        at: fares.lastGoodAt && clock(fares.lastGoodAt.toISOString(), zone, now),
        lines: [lastGood ?? "None is kept."],
      },
      { name: "Refused", at: null, lines: refusals.lines.length > 0 ? refusals.lines : ["None in the last hour."] },
      { name: "Waiting", at: null, lines: [many(fares.waiting, "event")] },
    ],
    offers: [
      ...(refusals.last ? [{ label: "See the last refused one", text: homing("trace", refusals.last) }] : []),
      ...(lastGood ? [{ label: "See the last good one", text: homing("trace", lastGood) }] : []),
      ...(fares.waiting > 0 ? [{ label: "See what waits", text: homing("unmatched", "--provider", name) }] : []),
    ],
  };
}

const NOTHING: Fares = {
  outcomes: { accepted: 0, unmatched: 0, duplicate: 0, ignored: 0, failed: 0, refused: 0 },
  ...{ waiting: 0, lastGoodAt: null, lastHour: 0 },
};
const HOUR_MS = 3_600_000;
/** What came within the seconds of a timer. */
const MOST_COUNTED = 1000;

async function readLastGood(query: Query, adapter: string): Promise<{ id: string; received_at: Date } | null> {
  const [row] = await query<{ id: string; received_at: Date }>(
    "select id, received_at from callbacks where adapter = $1 order by id desc limit 1",
    [adapter],
  );
  return row ?? null;
}

/** Minutes are written by a timer: where they tell of nothing yet, what is stored does. */
async function upToNow(
  query: Query,
  adapter: string,
  now: number,
  written: Fares,
  good: { received_at: Date } | null,
): Promise<Fares> {
  if (!good) return written;
  const fares = { ...written, lastGoodAt: good.received_at };
  if (written.lastHour > written.outcomes.refused) return fares;
  const [row] = await query<{ count: number }>(
    `select count(*)::int as count from (select 1 from callbacks where adapter = $1 and id >= $2 limit ${MOST_COUNTED}) c`,
    [adapter, firstIdOf(now - HOUR_MS)],
  );
  return { ...fares, lastHour: written.outcomes.refused + (row?.count ?? 0) };
}

/** What the overview warns of is the answer, whatever else came in the hour. */
async function stateOf({ gateway }: Teller, { name, provider }: Adapter, written: Fares, fares: Fares) {
  const needs = { secret: provider.verify.signs && !gateway.credentials.isConfigured(name), adapter: name };
  const warning =
    !needs.secret && written.lastHour > written.outcomes.refused
      ? (await attention(gateway.database.query)).find(
          (one) => one.adapter === name && (one.kind === "all_refused" || one.kind === "quiet"),
        )
      : undefined;
  if (!warning) return adapterFares(providerName(gateway.registry, name), fares, needs);
  const warned = attentionWords(warning, gateway.registry, new Map());
  return { ...warned, word: warning.kind === "quiet" ? "Quiet" : "Refused", explanation: warned.cause };
}

/** What was refused in the last hour, by its code, and the last one of it. */
async function readRefusals(query: Query, adapter: string): Promise<{ lines: string[]; last: string | null }> {
  const [codes, [last]] = await Promise.all([
    query<{ code: string; count: number }>(
      `select substr(outcome, 10) as code, sum(count)::int as count from minutes
       where adapter = $1 and outcome like 'rejected:%' and minute > now() - interval '60 minutes' group by 1 order by 2 desc`,
      [adapter],
    ),
    query<{ id: string }>("select id from rejections where adapter = $1 and code <> 'probe' order by id desc limit 1", [adapter]),
  ]);
  return {
    lines: codes.map(({ code, count }) => `${counted(count)} × ${code} in the last hour`),
    last: last && codes.length > 0 ? showId("callback", last.id) : null,
  };
}

/** Whose secrets are held, how many and how old. */
async function secretLines({ gateway, now }: Teller, { name, provider }: Adapter): Promise<string[]> {
  const { query } = gateway.database;
  const stored = await query<{ workspace_id: string | null; created_at: Date }>(
    "select workspace_id, created_at from secrets where adapter = $1 order by workspace_id nulls first, position",
    [name],
  );
  const owned = Map.groupBy(stored, (one) => one.workspace_id);
  const names = await workspaceNames(
    query,
    [...owned.keys()].filter((one) => one !== null),
  );
  const environment = gateway.config.secrets.get(name)?.length ?? 0;
  return [
    environment > 0 ? `${many(environment, "secret")} in the settings.` : "",
    ...[...owned].map(([owner, list]) => {
      const whose = owner === null ? "the platform" : (names.get(owner) ?? owner);
      return `${many(list.length, "secret")} of ${whose}; the newest is ${lasting(now - (list[0]?.created_at.getTime() ?? now))} old.`;
    }),
    !provider.verify.signs ? "It signs nothing: the token in its URL, or a static token, proves it." : "",
  ].filter(Boolean);
}
