import { noteBy } from "../api/http.ts";
import { GatewayError } from "../errors.ts";
import type { Event } from "../events/build.ts";
import type { Gateway } from "../gateway.ts";
import { showId, timeOf } from "../ids.ts";
import { commitIn, decide, settle } from "../inbound/commit.ts";
import { wanted } from "../inbound/decide.ts";
import { lookUp, readStates } from "../inbound/lookup.ts";
import { pathIndex, readPath } from "../inbound/path.ts";
import { arrive } from "../inbound/receive.ts";
import { type Arrival, countsOf, statusOf } from "../inbound/record.ts";
import { unseal } from "../inbound/rejections.ts";
import { verify } from "../inbound/verify.ts";
import { decrypt } from "../keys.ts";
import { explainVerification } from "../trace/explain.ts";
import { inWords, noteReplays, type Order, type Replayed } from "./order.ts";

type Refused = {
  id: string;
  received_at: Date;
  method: string;
  path: string;
  ip: string | null;
  code: string;
  headers_ciphertext: string;
  body: Uint8Array | null;
};

/** Codes of what came without a credential that we took: another secret may vouch for it. */
export const REPLAYABLE = /^(signature|token)_|^provider_not_configured$/;

/**
 * Verifies a refused request once more, with today's secrets and as of when it came. What is genuine is brought in as a normal callback under
 * its id, and leaves the sample: it cannot be brought in twice.
 * @throws GatewayError `still_rejected` where nothing vouches for it, `not_replayable` where there is nothing to verify.
 */
export async function bringIn(gateway: Gateway, order: Order, id: string, dryRun: boolean): Promise<Replayed> {
  const [refused] = await gateway.database.query<Refused>(
    "select id, received_at, method, path, ip, code, headers_ciphertext, body from rejections where id = $1",
    [id],
  );
  if (!refused) throw new GatewayError("not_found");
  requireReplayable(gateway, refused);
  // A secret that was set a moment ago counts.
  await gateway.credentials.refresh(gateway.database.query);
  const arrival = verifyAgain(gateway, refused);
  return dryRun ? foresee(gateway, arrival) : store(gateway, order, arrival, refused);
}

/** @throws GatewayError `not_replayable` in words. */
function requireReplayable(gateway: Gateway, { id, code, body }: Refused): void {
  const why =
    code === "probe"
      ? "It was a check of the address while it was set up: it tells of nothing."
      : !REPLAYABLE.test(code)
        ? "Its address, method, size or encoding was wrong, so that it was never read."
        : body === null
          ? "Its body was longer than the sample of refused requests keeps."
          : gateway.databaseClock.now() - timeOf(id) > gateway.config.RETENTION_DAYS * 86_400_000
            ? "It is older than callbacks are kept here."
            : null;
  if (why) throw new GatewayError("not_replayable", { message: why });
}

/** @throws GatewayError `still_rejected` with the sentence of its refusal. */
function verifyAgain(gateway: Gateway, refused: Refused): Arrival {
  const { headers, target } = unseal(refused.headers_ciphertext, gateway.keys);
  const called = target ?? refused.path;
  const path = readPath(called, pathIndex(gateway.registry));
  if (!path) throw new GatewayError("not_replayable", { message: "No adapter of ours listens at its address (any more)." });
  const body = decrypt(gateway.keys.content, refused.body as Uint8Array);
  const receivedAt = refused.received_at.getTime();
  const verification = verify(path, { body, headers, url: gateway.publicUrl() + called }, gateway.credentials, receivedAt);
  if (!verification.ok) {
    const sentence = explainVerification(false, verification.code);
    throw new GatewayError("still_rejected", { message: `It is refused today, too. ${sentence}` });
  }
  const call = { id: refused.id, body, headers, ip: refused.ip, receivedAt, method: refused.method };
  return arrive(path, call, verification, gateway);
}

/** What it would be: nothing is written. */
async function foresee(gateway: Gateway, arrival: Arrival): Promise<Replayed> {
  const { query } = gateway.database;
  const found = await lookUp(query, wanted(arrival.works, gateway.keys));
  const plan = await decide(arrival.works, query, gateway.commitOptions, found, readStates);
  return tell(
    arrival,
    plan.events.map(({ body }) => ({ ...body, id: null })),
  );
}

async function store(gateway: Gateway, order: Order, arrival: Arrival, refused: Refused): Promise<Replayed> {
  const { committed, events } = await settle(() =>
    gateway.database
      .transaction(async (query) => {
        const gone = await query("delete from rejections where id = $1 returning id", [refused.id]);
        // Somebody else brought it in.
        if (gone.length === 0) throw new GatewayError("not_found");
        arrival.startedAt = performance.now();
        const committed = await commitIn(query, [arrival], gateway.commitOptions);
        const [receipt] = committed.receipts;
        const events = await emittedBy(query, arrival);
        const { unmatched: waiting = 0, failed = 0 } = receipt ?? {};
        const counts = { added: events.length, changed: 0, gone: 0, unchanged: 0, waiting, failed };
        await noteReplays(gateway, query, order, [{ ...counts, id: refused.id }]);
        const change = {
          action: "callback.brought_in",
          object: showId("callback", refused.id),
          before: { status: "rejected", reason: refused.code },
          after: { ...receipt, ...(order.replay && { replay: showId("replay", order.replay) }) },
        };
        await noteBy(gateway, { name: order.by }, [change], query);
        await order.finish?.(query, counts);
        return { committed, events };
      })
      .catch(inWords),
  );
  if (committed.emitted > 0) gateway.emitted();
  gateway.healer.recheck(committed.recheck);
  return tell(arrival, events);
}

async function emittedBy(query: Gateway["database"]["query"], { works }: Arrival): Promise<Event[]> {
  const ids = works.flatMap((work) => (work.verdict?.verdict === "event" && work.verdict.eventId ? [work.verdict.eventId] : []));
  const rows = await query<{ body: string }>(
    "select body from events where id = any(array(select json_array_elements_text($1::text::json)::uuid)) order by id",
    [JSON.stringify(ids)],
  );
  return rows.map((row) => JSON.parse(row.body) as Event);
}

function tell(arrival: Arrival, added: Replayed["added"]): Replayed {
  const { taught, unmatched, failed, ...counts } = countsOf(arrival);
  return {
    ...{ callback_id: showId("callback", arrival.id), status: statusOf({ taught, unmatched, failed, ...counts }) },
    ...{ reason: arrival.failed, added, changed: [], gone: [], unchanged: 0, waiting: unmatched, taught, failed },
  };
}
