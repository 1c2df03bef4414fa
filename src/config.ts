import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { readBusUrl } from "./bus/address.ts";
import { secretsSetting } from "./inbound/credentials.ts";
import type { MasterKeys } from "./keys.ts";

const KEY_BYTES = 32;
const flag = z.enum(["true", "false"]).transform((value) => value === "true");
const days = z.coerce.number().int().min(1).max(3650);

/** The settings of CONTRACT §2; `<ADAPTER>_SECRETS` beside them. */
export const settings = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  HOST: z.string().default("127.0.0.1"),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: "must be postgres://user@host:port/database" }).optional(),
  DATA_DIR: z.string().default(".data"),
  API_TOKEN: z.string().min(KEY_BYTES, "must have 32 characters or more").optional(),
  MASTER_KEY: z.string().optional(),
  BUS_URL: z
    .string()
    .regex(/^nats:\/\//, "must be nats://host:port")
    .optional(),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: "must be https://host" })
    .transform((url) => url.replace(/\/+$/, ""))
    .optional(),
  TRUSTED_PROXIES: z.string().default(""),
  ALLOW_PRIVATE_ENDPOINTS: flag.default(false),
  IGNORE_TEST_MODE: flag.default(false),
  RETENTION_DAYS: days.default(30),
  EVENT_RETENTION_DAYS: days.default(90),
  GUARD_DAYS: days.default(180),
  ALERT_URL: z.url().optional(),
  ALERT_SECRET: z.string().optional(),
  CONSOLE_TIME_ZONE: z.string().refine(isTimeZone, "must be a time zone such as Asia/Kolkata").default("UTC"),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).default("info"),
});

export type Config = Omit<z.infer<typeof settings>, "MASTER_KEY" | "API_TOKEN" | "TRUSTED_PROXIES"> & {
  API_TOKEN: string;
  MASTER_KEYS: MasterKeys;
  TRUSTED_PROXIES: BlockList;
  /** Platform-wide secrets by adapter, newest first. */
  secrets: ReadonlyMap<string, string[]>;
};

/** All that is wrong with the settings, in words. */
export class SettingsError extends Error {}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings; pure but for the keys that an embedded database's folder keeps.
 * @param adapters the names whose `<ADAPTER>_SECRETS` are read.
 * @throws SettingsError with every problem at once.
 */
export function readConfig(environment: Environment, adapters: Iterable<string>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim()));
  const parsed = settings.safeParse(given);
  const problems = parsed.error?.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`) ?? [];
  const embedded = !given.DATABASE_URL;
  const folder = given.DATA_DIR ?? ".data";
  const token = given.API_TOKEN ?? (embedded ? kept(folder, "api-token", () => randomBytes(24).toString("hex")) : undefined);
  const master =
    given.MASTER_KEY ?? (embedded ? kept(folder, "master-key", () => randomBytes(KEY_BYTES).toString("base64")) : undefined);
  if (!token)
    problems.push("API_TOKEN: is required with DATABASE_URL; 32 characters or more, such as `openssl rand -hex 24` makes");
  if (!master) problems.push("MASTER_KEY: is required with DATABASE_URL; make one with `openssl rand -base64 32`");
  const keys = (master ?? "")
    .split(/\s+/)
    .filter(Boolean)
    .map((key) => Buffer.from(key, "base64"));
  if (keys.some((key) => key.length < KEY_BYTES))
    problems.push("MASTER_KEY: each key must be 32 bytes in base64, such as `openssl rand -base64 32` makes");
  if (given.BUS_URL && parsed.success) {
    try {
      readBusUrl(given.BUS_URL);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  const proxies = readProxies(given.TRUSTED_PROXIES ?? "");
  if (typeof proxies === "string") problems.push(`TRUSTED_PROXIES: ${proxies}`);
  if (!parsed.success || problems.length > 0) throw new SettingsError(problems.join("\n"));
  const secrets = [...adapters].map((name): [string, string[]] => [
    name,
    (given[secretsSetting(name)] ?? "").split(/\s+/).filter(Boolean),
  ]);
  return {
    ...parsed.data,
    API_TOKEN: token as string,
    MASTER_KEYS: keys as unknown as MasterKeys,
    TRUSTED_PROXIES: proxies as BlockList,
    secrets: new Map(secrets.filter(([, list]) => list.length > 0)),
  };
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function readProxies(list: string): BlockList | string {
  const proxies = new BlockList();
  for (const entry of list.split(/[\s,]+/).filter(Boolean)) {
    const [address = "", bits] = entry.split("/");
    const family = isIP(address);
    if (family === 0) return `"${entry}" is neither an address nor a network such as 10.0.0.0/8`;
    const kind = family === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) proxies.addAddress(address, kind);
    else if (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32)) proxies.addSubnet(address, Number(bits), kind);
    else return `"${entry}" is no network`;
  }
  return proxies;
}

/** A key that was made once and lies beside the embedded database. */
function kept(folder: string, name: string, make: () => string): string {
  const file = join(folder, name);
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    mkdirSync(folder, { recursive: true });
    const value = make();
    writeFileSync(file, `${value}\n`, { mode: 0o600 });
    return value;
  }
}

/**
 * Which database a gateway would open with these settings; makes nothing.
 * @throws SettingsError with every problem at once, as `readConfig`.
 */
export function databaseSettings(adapters: Iterable<string>, environment: Environment = process.env) {
  const folder = environment.DATA_DIR?.trim() || ".data";
  const url = environment.DATABASE_URL?.trim() || null;
  // The keys that it would make stand for themselves.
  const made = url ? {} : { API_TOKEN: "-".repeat(KEY_BYTES), MASTER_KEY: Buffer.alloc(KEY_BYTES).toString("base64") };
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim()));
  readConfig({ ...made, ...given }, adapters);
  return { url, folder, exists: existsSync(join(folder, "database")) };
}

/** What the commands that talk to a running gateway read. */
export function clientSettings(environment: Environment = process.env) {
  const given = (name: string) => environment[name]?.trim() || undefined;
  return {
    HOMING_URL: given("HOMING_URL"),
    HOMING_TOKEN: given("HOMING_TOKEN"),
    API_TOKEN: given("API_TOKEN"),
    DATA_DIR: given("DATA_DIR") ?? ".data",
  };
}
