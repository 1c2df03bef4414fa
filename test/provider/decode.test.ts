import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { id, losslessJson, optionalText, text } from "../../src/provider/decode.ts";
import { eachItem } from "../../src/provider/define.ts";
import { ignored } from "../../src/provider/draft.ts";

describe("a body as text", () => {
  it("loses its byte order mark, and broken sequences are replaced", () => {
    expect(text(Buffer.from("\ufeff{}"))).toBe("{}");
    expect(text(Buffer.from([0x61, 0xff, 0xc3]))).toBe("a\ufffd\ufffd");
  });

  it("is the same whatever was read before", () => {
    text(Buffer.from([0xe2, 0x98])); // an unfinished character
    expect(text(Buffer.from([0x83, 0x61]))).toBe("\ufffda");
  });

  it("is any text as it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (value) => value.startsWith("\ufeff") || text(Buffer.from(value)) === value),
      { seed: 1 },
    );
  });
});

describe("lossless JSON", () => {
  it.each<[string, unknown]>([
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", "9007199254740992"],
    ["9007199254740993", "9007199254740993"],
    ["-9007199254740991", -9007199254740991],
    ["-9007199254740993", "-9007199254740993"],
    ['{"id":820982911946154508}', { id: "820982911946154508" }],
    ['{"id":"820982911946154508"}', { id: "820982911946154508" }],
    ["[1,[820982911946154508,2.5]]", [1, ["820982911946154508", 2.5]]],
    ["123456789012345678901234567890", "123456789012345678901234567890"],
    ['" 9007199254740993 "', " 9007199254740993 "],
  ])("reads %s", (source, value) => {
    expect(losslessJson(source)).toEqual(value);
  });

  it("leaves fractions and exponents numbers: nobody's id is written so", () => {
    expect(losslessJson("[0.12345678901234567890,1e20,1234567890123456789e3,9007199254740993.0]")).toEqual([
      0.12345678901234568,
      1e20,
      Number("1234567890123456789e3"),
      9007199254740992,
    ]);
  });

  it("takes the last of duplicate keys, as JSON.parse does", () => {
    expect(losslessJson('{"a":9007199254740993,"a":1}')).toEqual({ a: 1 });
    expect(losslessJson('{"a":1,"a":9007199254740993}')).toEqual({ a: "9007199254740993" });
    expect(losslessJson('{"a":[9007199254740993],"a":{"b":9007199254740995}}')).toEqual({ a: { b: "9007199254740995" } });
  });

  it.each(['{"__proto__":{"admin":1}}', '{"__proto__":{"admin":9007199254740993}}', '{"a":9007199254740993,"__proto__":null}'])(
    "keeps %s a key like any other",
    (source) => {
      const read = losslessJson(source) as Record<string, unknown>;
      expect(Object.hasOwn(read, "__proto__")).toBe(true);
      expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
      expect(({} as Record<string, unknown>).admin).toBeUndefined();
    },
  );

  it.each([
    "",
    " ",
    "{",
    "[1,]",
    "{'a':1}",
    "undefined",
    "NaN",
    "<html>",
    "01",
    "9007199254740993n",
    '{"a":9007199254740993',
    "[".repeat(100_000),
  ])("says that %.20s is none", (source) => {
    expect(() => losslessJson(source)).toThrow(SyntaxError);
  });

  it("keeps every digit of every integer, and all else as JSON.parse does", () => {
    type Node = { source: string; value: unknown };
    const leaf: fc.Arbitrary<Node> = fc.oneof(
      fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }).map((number) => ({
        source: String(number),
        value: Number.isSafeInteger(Number(number)) ? Number(number) : String(number),
      })),
      fc
        .oneof(
          fc.string({ unit: "binary" }),
          fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value)),
          fc.boolean(),
          fc.constant(null),
        )
        .map((value) => ({
          source: JSON.stringify(value),
          value,
        })),
    );
    const { tree } = fc.letrec<{ tree: Node }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie("tree"), { maxLength: 5 }).map((items) => ({
          source: `[${items.map((item) => item.source).join(" , ")}]`,
          value: items.map((item) => item.value),
        })),
        fc
          .uniqueArray(fc.tuple(fc.string({ unit: "binary" }), tie("tree")), { selector: ([key]) => key, maxLength: 5 })
          .map((entries) => ({
            source: `{${entries.map(([key, item]) => `${JSON.stringify(key)}: ${item.source}`).join(",")}}`,
            value: Object.fromEntries(entries.map(([key, item]) => [key, item.value])),
          })),
      ),
    }));
    fc.assert(
      fc.property(tree, ({ source, value }) => {
        expect(losslessJson(source)).toEqual(value);
      }),
      { seed: 2, numRuns: 300 },
    );
  });
});

describe("an id", () => {
  it.each<[unknown, string]>([
    ["a", "a"],
    [0, "0"],
    [42, "42"],
    ["820982911946154508", "820982911946154508"],
  ])("is text inside: %j", (value, inside) => {
    expect(id().parse(value)).toBe(inside);
  });

  it.each(["", " ", "\n", null, undefined, true, {}, [], ["a"]])("is not %j", (value) => {
    expect(id().safeParse(value).success).toBe(false);
  });
});

describe("text that may be missing", () => {
  it.each<[unknown, string | null]>([
    ["a", "a"],
    [0, "0"],
    [1.5, "1.5"],
    ["", null],
    [" ", null],
    [null, null],
    [undefined, null],
    [true, null],
    [{}, null],
    [["a"], null],
  ])("reads %j", (value, read) => {
    expect(optionalText().parse(value)).toBe(read);
    expect(z.object({ field: optionalText() }).parse(value === undefined ? {} : { field: value })).toEqual({ field: read });
  });
});

describe("the items of a batch", () => {
  const item = z.object({ word: z.string() });

  it("are read one by one: a broken one fails alone", () => {
    const outcomes = eachItem(
      [{ word: "one" }, null, "two", { word: 3 }, { word: "throw" }, { word: "last" }],
      item,
      ({ word }) => {
        if (word === "throw") throw new Error("our bug");
        return ignored(word);
      },
    );
    expect(outcomes).toEqual([
      { ignored: "one" },
      { failed: "unreadable_item" },
      { failed: "unreadable_item" },
      { failed: "unreadable_item" },
      { failed: "adapter_error" },
      { ignored: "last" },
    ]);
  });

  it("may each report several things, or none", () => {
    expect(
      eachItem([{ word: "a" }, { word: "" }, { word: "b" }], item, ({ word }) => (word ? [ignored(word), ignored(word)] : [])),
    ).toEqual([...[{ ignored: "a" }, { ignored: "a" }], ...[{ ignored: "b" }, { ignored: "b" }]]);
  });
});
