import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { doing } from "../../src/trace/acts.ts";

const SOURCE = join(import.meta.dirname, "../../src");

describe("what people did", () => {
  it("is said in words, whatever stands in the audit", () => {
    const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    const noted = files.flatMap((name) =>
      [
        ...readFileSync(join(SOURCE, name), "utf8").matchAll(
          /\baction: (?:[^,\n]*\? )?("[a-z_]+\.[a-z_]+")(?: : ("[a-z_]+\.[a-z_]+"))?/g,
        ),
      ].flatMap(([, one, other]) => [one, other].flatMap((action) => action ?? []).map((action) => JSON.parse(action) as string)),
    );
    const actions = [...new Set(noted)];
    expect(actions.length).toBeGreaterThan(15);
    // What has no words of its own is told by its name.
    expect(actions.filter((action) => doing(action) === action.replaceAll(/[._]/g, " "))).toEqual([]);
  });
});
