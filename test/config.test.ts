import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readConfig } from "../src/config.ts";
import { lockFolder } from "../src/db/lock.ts";

const folder = mkdtempSync(join(tmpdir(), "homing-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const KEY = Buffer.alloc(32, 1).toString("base64");
const real = { DATABASE_URL: "postgres://u@h/d", API_TOKEN: "t".repeat(32), MASTER_KEY: KEY };
const problems = (environment: Record<string, string>) => {
  try {
    readConfig(environment, []);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("settings", () => {
  it("have defaults; an empty value is unset", () => {
    const config = readConfig({ ...real, PORT: "", HOST: " " }, []);
    expect(config).toMatchObject({
      PORT: 8080,
      HOST: "127.0.0.1",
      RETENTION_DAYS: 30,
      EVENT_RETENTION_DAYS: 90,
      GUARD_DAYS: 180,
      IGNORE_TEST_MODE: false,
    });
  });

  it("tell every problem at once", () => {
    const told = problems({
      PORT: "70000",
      DATABASE_URL: "mysql://x",
      API_TOKEN: "short",
      MASTER_KEY: "c2hvcnQ=",
      TRUSTED_PROXIES: "10.0.0.0/8 nonsense",
      IGNORE_TEST_MODE: "yes",
      CONSOLE_TIME_ZONE: "Mars/Olympus",
    });
    expect(problems({ ...real, BUS_URL: "nats://a:b@host/path?x" })).toMatch(/^BUS_URL: must be nats:\/\/host:port/);
    for (const name of [
      "PORT",
      "DATABASE_URL",
      "API_TOKEN",
      "MASTER_KEY",
      "TRUSTED_PROXIES",
      "IGNORE_TEST_MODE",
      "CONSOLE_TIME_ZONE",
    ])
      expect(told).toContain(`${name}:`);
  });

  it("ask for both keys beside a PostgreSQL, and make them in an embedded database's folder, the same at the next start", () => {
    const told = problems({ DATABASE_URL: "postgres://u@h/d" });
    expect(told).toContain("API_TOKEN:");
    expect(told).toContain("MASTER_KEY:");
    const [first, second] = [readConfig({ DATA_DIR: folder }, []), readConfig({ DATA_DIR: folder }, [])];
    expect(first.API_TOKEN.length).toBeGreaterThanOrEqual(32);
    expect([second.API_TOKEN, second.MASTER_KEYS]).toEqual([first.API_TOKEN, first.MASTER_KEYS]);
  });

  it("take several master keys and secrets, newest first", () => {
    const other = Buffer.alloc(32, 2).toString("base64");
    const config = readConfig({ ...real, MASTER_KEY: `${other} ${KEY}`, SHIPPING_DELHIVERY_SECRETS: "new  old" }, [
      "shipping/delhivery",
      "stripe",
    ]);
    expect(config.MASTER_KEYS.map((key) => key[0])).toEqual([2, 1]);
    expect([...config.secrets]).toEqual([["shipping/delhivery", ["new", "old"]]]);
  });

  it("PUBLIC_URL loses a slash at its end", () =>
    expect(readConfig({ ...real, PUBLIC_URL: "https://h.example/" }, []).PUBLIC_URL).toBe("https://h.example"));
});

describe("the embedded database's folder", () => {
  it("is refused in words while a process has it, and taken over from one that was killed", () => {
    const lock = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(/already open in this process/);
    lock.release();
    writeFileSync(join(folder, "lock"), "1");
    expect(() => lockFolder(folder)).toThrow(/in use by process 1\. Stop that one, or set DATA_DIR/);
    writeFileSync(join(folder, "lock"), "999999999 5");
    lockFolder(folder).release();
    // In a container the dead one may have had the same pid; and a pid may have been given to another process since.
    for (const stale of [String(process.pid), `${process.pid} 5`, `${process.ppid} 5`]) {
      writeFileSync(join(folder, "lock"), stale);
      lockFolder(folder).release();
    }
  });
});
