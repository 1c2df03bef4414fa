import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export type FolderLock = { release(): void };

/** Another process has the embedded database open: two on one folder lose rows. */
export class FolderInUse extends Error {}

/** Folders that this process has: after a restart in a container the dead holder may have had our own pid. */
const ours = new Set<string>();

/**
 * Takes the folder for this process. A lock whose process is gone (kill -9) is taken over.
 * @throws FolderInUse, in words.
 */
export function lockFolder(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true });
  const file = join(resolve(folder), "lock");
  if (ours.has(file)) throw new FolderInUse(`the embedded database in ${folder} is already open in this process`);
  const mine = `${process.pid} ${startOf(process.pid)}`;
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, mine);
  try {
    while (!take(draft, file)) {
      const holder = read(file);
      if (holder === null) continue;
      const [pid = "", start = ""] = holder.split(" ");
      if (Number(pid) !== process.pid && isAlive(Number(pid)) && (start === "" || startOf(Number(pid)) === start)) {
        throw new FolderInUse(
          `the embedded database in ${folder} is in use by process ${pid}. Stop that one, or set DATA_DIR to another folder, or DATABASE_URL to a PostgreSQL that several processes can share`,
        );
      }
      setAside(file, holder);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  ours.add(file);
  return {
    release() {
      rmSync(file, { force: true });
      ours.delete(file);
    },
  };
}

/** A link appears whole or not at all: nobody reads a lock that is half written. */
function take(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes a dead process's lock; of several that try, one gets it, and a living one's that came between is put back. */
function setAside(file: string, dead: string): void {
  const aside = `${file}.${process.pid}.dead`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (read(aside) !== dead) take(aside, file);
  rmSync(aside, { force: true });
}

function read(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

/** When a process started, where the system tells: a pid alone may have been given to another since. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
