import { createSecretKey, randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openEmbedded } from "../src/db/client.ts";
import { migrate } from "../src/db/migrate.ts";
import { DataKeys, decrypt, encrypt, PathTokens, rewrap, Vault } from "../src/keys.ts";
import { createLogger } from "../src/log.ts";
import { freshDatabase } from "./support/gateway.ts";

const [old, young, foreign] = [randomBytes(32), randomBytes(32), randomBytes(32)];

describe("what is sealed", () => {
  it("opens again, whatever it is, and not when a byte was changed", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(), (plain, at) => {
        const [right, wrong] = [createSecretKey(old), createSecretKey(young)];
        const sealed = encrypt(right, plain);
        expect(decrypt(right, sealed)).toEqual(Buffer.from(plain));
        const changed = Buffer.from(sealed);
        changed[at % changed.length] = (changed[at % changed.length] as number) ^ 1;
        expect(() => decrypt(right, changed)).toThrow();
        expect(() => decrypt(wrong, sealed)).toThrow();
      }),
      { numRuns: 50 },
    );
  });

  it("opens under any of several keys; the newest seals", () => {
    const sealed = new Vault([old]).seal("secret");
    const both = new Vault([young, old]);
    expect(both.open(sealed).toString()).toBe("secret");
    expect([both.isStale(sealed), both.isStale(both.seal("secret"))]).toEqual([true, false]);
    expect(() => new Vault([foreign]).open(sealed)).toThrow(/another MASTER_KEY/);
  });
});

describe("path tokens", () => {
  it("differ by adapter, workspace, generation and key; the older key's are still accepted", () => {
    const tokens = new PathTokens([old]);
    const made = [
      tokens.make("a", "w", 0),
      tokens.make("b", "w", 0),
      tokens.make("a", "x", 0),
      tokens.make("a", "w", 1),
      new PathTokens([young]).make("a", "w", 0),
    ];
    expect(new Set(made).size).toBe(5);
    for (const token of made) expect(token).toMatch(/^[0-9a-f]{32}$/);
    expect(new PathTokens([young, old]).accepted("a", "w", 0)).toContain(made[0]);
  });
});

describe("stored keys and secrets", () => {
  let database: Database;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    const fresh = await freshDatabase("embedded");
    remove = fresh.remove;
    database = await openEmbedded(fresh.settings.DATA_DIR as string);
    await migrate(database);
  });
  afterAll(async () => {
    await database.close();
    await remove();
  });

  it("a new MASTER_KEY changes no digest, and after a start with both the old one may go", async () => {
    const before = await DataKeys.load(database.query, new Vault([old]));
    const sealed = new Vault([old]).seal("whsec");
    await database.query("insert into secrets (id, adapter, position, ciphertext) values (gen_random_uuid(), 'x', 0, $1)", [
      sealed,
    ]);
    const both = new Vault([young, old]);
    const during = await DataKeys.load(database.query, both);
    await rewrap(database.query, both);
    const after = await DataKeys.load(database.query, new Vault([young]));
    expect([during, after].map((keys) => [keys.digest("a", "b"), keys.term("x"), keys.ownerDigest("w")])).toEqual(
      Array(2).fill([before.digest("a", "b"), before.term("x"), before.ownerDigest("w")]),
    );
    const [row] = await database.query<{ ciphertext: string }>("select ciphertext from secrets");
    expect(new Vault([young]).open(row?.ciphertext ?? "").toString()).toBe("whsec");
    await expect(DataKeys.load(database.query, new Vault([foreign]))).rejects.toThrow(/another MASTER_KEY/);
  });

  it("search folds case, blanks and the punctuation of phone numbers, and nothing else", async () => {
    const keys = await DataKeys.load(database.query, new Vault([young]));
    expect(keys.term(" Asha@Example.COM ")).toBe(keys.term("asha@example.com"));
    expect(keys.term("+91 (98765) 43-210")).toBe(keys.term("919876543210"));
    expect(keys.term("m-1")).not.toBe(keys.term("m1"));
  });

  it("what the database quotes of a refused row is not logged", async () => {
    const lines: string[] = [];
    const log = createLogger("info", { write: (line) => lines.push(line) });
    await database
      .query("select $1::text::uuid", ["asha@example.com"])
      .catch((error: unknown) => log.error({ err: error }, "refused"));
    log.error({ err: new Error("a bug in words") }, "bug");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain("22P02");
    expect(lines[0]).not.toContain("asha");
    expect(lines[1]).toContain("a bug in words");
  });
});
