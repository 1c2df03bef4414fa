import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

export type FolderLock = { release(): void };

/** Another process has the embedded database open: two on one folder lose rows. */
export class FolderInUse extends Error {}

/**
 * Takes the folder for this process. A lock whose process is gone (kill -9) is taken over.
 * @throws FolderInUse, in words.
 */
export function lockFolder(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "lock");
  for (;;) {
    try {
      const handle = openSync(file, "wx");
      writeSync(handle, String(process.pid));
      closeSync(handle);
      return { release: () => rmSync(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const holder = Number(readFileSync(file, "utf8"));
      if (holder && holder !== process.pid && isAlive(holder)) {
        throw new FolderInUse(
          `the embedded database in ${folder} is in use by process ${holder}. Stop that one, or set DATA_DIR to another folder, or DATABASE_URL to a PostgreSQL that several processes can share`,
        );
      }
      if (holder === process.pid) throw new FolderInUse(`the embedded database in ${folder} is already open in this process`);
      rmSync(file, { force: true });
    }
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
