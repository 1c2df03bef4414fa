import { databaseSettings, SettingsError } from "../config.ts";
import { registry } from "../registry.ts";
import { call, GatewayAway } from "./client.ts";
import { facts, json, line, say } from "./print.ts";

type Finding = { wrong: boolean; what: string; todo: string | null };
type Health = { ok: boolean; database: string | null; findings: Finding[]; gateway: boolean };

const AWAY = 3;

/** `homing doctor`: what is wrong and what to do. 0 nothing, 1 something, 3 no gateway answers (then it looks at the settings and the database). */
export async function doctor(options: { json?: boolean }): Promise<void> {
  const health = await askGateway().catch(async (error: unknown) => {
    if (error instanceof GatewayAway) return lookWithout(error.message);
    throw error;
  });
  process.exitCode = !health.gateway ? AWAY : health.ok ? 0 : 1;
  if (options.json) return json(health);
  const [wrong, notes] = [health.findings.filter((one) => one.wrong), health.findings.filter((one) => !one.wrong)];
  const count = wrong.length === 1 ? "One thing is wrong." : `${wrong.length} things are wrong.`;
  say(wrong.length > 0 ? count : "All is well.", { style: wrong.length > 0 ? "red" : "green" });
  for (const one of [...wrong, ...notes]) show(one);
}

function show({ wrong, what, todo }: Finding): void {
  line();
  say(`${wrong ? "▲" : "○"} ${what}`);
  if (todo) facts([["→", todo]], { indent: 2 });
}

async function askGateway(): Promise<Health> {
  const told = await call<Omit<Health, "gateway">>("GET", "/v1/doctor");
  return { gateway: true, ...told };
}

/** Without a gateway: would one start here? */
async function lookWithout(away: string): Promise<Health> {
  const findings: Finding[] = [{ wrong: true, what: away, todo: null }];
  const wrong = (what: string, todo: string | null = null) => findings.push({ wrong: true, what, todo });
  const note = (what: string) => findings.push({ wrong: false, what, todo: null });
  const database = await (async () => {
    try {
      return databaseSettings((await registry()).keys());
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      for (const problem of error.message.split("\n"))
        wrong(`The settings here: ${problem}`, "Mend it; a gateway does not start before.");
      return null;
    }
  })();
  if (database) await lookAtDatabase(database, wrong, note);
  return { gateway: false, ok: false, database: database && (database.url ? "postgresql" : "embedded"), findings };
}

async function lookAtDatabase(
  { url, folder, exists }: ReturnType<typeof databaseSettings>,
  wrong: (what: string, todo?: string) => void,
  note: (what: string) => void,
): Promise<void> {
  if (!url && !exists) return note(`There is no embedded database in ${folder} yet: homing serve makes one.`);
  const { openEmbedded, openPostgres } = await import("../db/client.ts");
  const kind = url ? "The database" : `The embedded database in ${folder}`;
  try {
    const database = url ? openPostgres(url) : await openEmbedded(folder);
    try {
      const [tables] = await database.query<{ waiting: string | null }>("select to_regclass('waiting')::text as waiting");
      if (!tables?.waiting) return note(`${kind} answers and is empty: homing serve (or migrate) makes its tables.`);
      const [row] = await database.query<{ waiting: number }>("select count(*)::int as waiting from waiting");
      note(`${kind} answers; ${row?.waiting === 1 ? "one event waits" : `${row?.waiting ?? 0} events wait`} for a workspace.`);
    } finally {
      await database.close();
    }
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    wrong(
      `${kind} does not answer as it should: ${message || code}`,
      url ? "Look at DATABASE_URL, and whether PostgreSQL runs." : undefined,
    );
  }
}
