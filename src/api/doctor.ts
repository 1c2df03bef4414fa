import { attention } from "../attention/attention.ts";
import { heldBack } from "../events/log.ts";
import type { Gateway } from "../gateway.ts";
import { sealedUnder } from "../keys.ts";
import { type Finding, findingOf } from "../trace/findings.ts";
import { plain } from "../trace/sentence.ts";
import { workspaceNames } from "../trace/story.ts";
import { UTC, zoneOf } from "../trace/zone.ts";
import { api } from "./http.ts";

const HELD_BACK_SECONDS = 30;
const BEHIND_SECONDS = 30;
/** Signatures are judged by this machine's clock, events are ordered by the database's. */
const CLOCK_MS = 2000;

/** What is wrong and what to do, in sentences: what `homing doctor` prints. What tells of keys and statements is for operators. */
export const doctor = api().get("/", async (c) => {
  const { gateway } = c.var;
  const zone = zoneOf(gateway.config.CONSOLE_TIME_ZONE) ?? UTC;
  const now = gateway.databaseClock.now();
  const needs = (await attention(gateway.database.query)).filter((one) => one.kind !== "log_held_back");
  const names = await workspaceNames(
    gateway.database.query,
    needs.flatMap((one) => one.cause.workspace_id ?? []),
  );
  const found = [
    ...(await theLog(gateway, c.var.principal.role === "operator")),
    ...theBus(gateway),
    ...theClock(gateway),
    ...(c.var.principal.role === "operator" ? await masterKeys(gateway) : []),
    ...needs.map((one) => findingOf(one, gateway.registry, names)),
    ...notes(gateway),
  ];
  const findings = found.map(({ wrong, what, todo }) => ({
    ...{ wrong, what: plain(what, zone, now), todo: todo && plain(todo, zone, now) },
  }));
  return c.json({
    ok: !findings.some((one) => one.wrong),
    database: gateway.database.kind === "embedded" ? "embedded" : "postgresql",
    bus: gateway.relay?.status() ?? null,
    time_zone: zone.name,
    findings,
  });
});

const wrong = (what: string, todo: string | null = null): Finding => ({
  wrong: true,
  what: [what],
  todo: todo === null ? null : [todo],
});
const note = (what: string, todo: string | null = null): Finding => ({ ...wrong(what, todo), wrong: false });

async function theLog({ database }: Gateway, isOperator: boolean): Promise<Finding[]> {
  const { seconds, pid } = await heldBack(database.query);
  if (seconds < HELD_BACK_SECONDS || pid === null) return [];
  const [row] = isOperator
    ? await database.query<{ query: string | null; name: string | null }>(
        "select left(query, 300) as query, application_name as name from pg_stat_activity where pid = $1",
        [pid],
      )
    : [];
  const whose = row?.name ? ` (${row.name})` : "";
  const said = row?.query ? ` Its last statement: ${row.query.replace(/\s+/g, " ")}` : "";
  return [
    wrong(
      `Process ${pid}${whose} of the database has had a writing transaction open for ${Math.round(seconds)} s: the log, the bus and the stream wait for it.${said}`,
      `If it has forgotten itself: select pg_terminate_backend(${pid})`,
    ),
  ];
}

function theBus({ relay }: Gateway): Finding[] {
  const status = relay?.status();
  if (status?.state === "reconnecting")
    return [
      wrong(
        "The bus is not reached: events wait in the log, nothing is lost.",
        "Look at BUS_URL, and whether NATS runs with JetStream.",
      ),
    ];
  const behind = Math.round(status?.behind_seconds ?? 0);
  return behind > BEHIND_SECONDS ? [wrong(`The bus is ${behind} s behind the log.`)] : [];
}

function theClock({ databaseClock, clock }: Gateway): Finding[] {
  const offset = Math.round(databaseClock.now() - clock());
  if (Math.abs(offset) < CLOCK_MS) return [];
  const told = `This machine's clock is ${(Math.abs(offset) / 1000).toFixed(1)} s ${offset > 0 ? "behind" : "ahead of"} the database's: signatures may be taken for old or early ones.`;
  return [wrong(told, "Let both follow NTP.")];
}

async function masterKeys({ database, config }: Gateway): Promise<Finding[]> {
  const { opened, unreadable } = await sealedUnder(database.query, config.MASTER_KEYS);
  const older = opened.slice(1).flatMap((count, index) => (count > 0 ? [`number ${index + 2} opens ${count}`] : []));
  const found: Finding[] = [];
  if (unreadable > 0)
    found.push(
      wrong(
        `${unreadable} stored secrets or keys are under a MASTER_KEY that is not here.`,
        "Put that one (also) into MASTER_KEY, newest first.",
      ),
    );
  if (older.length > 0)
    found.push(wrong(`An older MASTER_KEY is still needed: ${older.join(", ")} of what is stored.`, "homing secrets rewrap"));
  else if (opened.length > 1)
    found.push(
      note(
        "Nothing that is stored needs an older MASTER_KEY.",
        "URLs that were given out under it do: rotate those (homing url rotate) before it goes.",
      ),
    );
  return found;
}

/** What is no fault, but good to know. */
function notes(gateway: Gateway): Finding[] {
  const { config, credentials, registry, database, publicUrl } = gateway;
  const found: Finding[] = [];
  if (database.kind === "embedded")
    found.push(
      note(
        "The embedded database serves: for trying out and small use. It survives a killed process, not a power cut.",
        "DATABASE_URL names a PostgreSQL.",
      ),
    );
  if (!config.PUBLIC_URL)
    found.push(
      note(
        `PUBLIC_URL is not set: the URLs for providers begin with ${publicUrl()}, which they hardly reach.`,
        "Set PUBLIC_URL to what providers call.",
      ),
    );
  const without = [...registry.values()].filter((one) => one.provider.verify.signs && !credentials.isConfigured(one.name));
  if (without.length > 0)
    found.push(
      note(
        `No secret is held of ${without.map((one) => one.name).join(", ")}: what they send is refused.`,
        "Where one of them is used: homing secrets <adapter> --set",
      ),
    );
  return found;
}
