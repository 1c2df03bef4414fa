import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { charsetText, formData, headerParameter, mimeEntity, mimeParts } from "../../src/provider/multipart.ts";

const SEED = 20_261_122;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const lines = (...all: string[]) => Buffer.from(all.join("\r\n"));
const field = (name: string, value: string) => [`Content-Disposition: form-data; name="${name}"`, "", value];
const form = (...fields: string[][]) => lines(...fields.flatMap((one) => ["--xYzZY", ...one]), "--xYzZY--", "");
const valuesOf = (body: Uint8Array) => formData(body).map((part) => [part.name, text(part.body)]);

/** One entry of a form, as anybody would describe it. */
type Entry = { name: string; filename: string | null; content: string };

async function asPlatformReads(body: Uint8Array, contentType: string): Promise<Entry[]> {
  const read = await new Response(Buffer.from(body), { headers: { "content-type": contentType } }).formData();
  return Promise.all(
    [...read].map(async ([name, value]) =>
      typeof value === "string"
        ? { name, filename: null, content: Buffer.from(value).toString("latin1") }
        : { name, filename: value.name, content: Buffer.from(await value.arrayBuffer()).toString("latin1") },
    ),
  );
}

function asWeRead(body: Uint8Array): Entry[] {
  return formData(body).map(({ name, filename, body: bytes }) => {
    return { name: name ?? "", filename, content: Buffer.from(bytes).toString("latin1") };
  });
}

describe("form data", () => {
  // A backslash is escaped by some and not by others: below. The platform drops a byte order mark from what it takes for text.
  const word = fc.string({ unit: "binary", maxLength: 12 }).map((one) => one.replace(/[\\\ufeff]/g, "").toWellFormed());
  // It reads a file without a name as text.
  const filename = word.map((one) => `f${one}`);
  const bytes = fc.uint8Array({ maxLength: 200 });

  it("is what the platform reads in what the platform wrote: any names, texts and bytes", async () => {
    const entries = fc.array(fc.tuple(word, fc.oneof(word, fc.tuple(filename, bytes))), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(entries, async (all) => {
        const written = new FormData();
        for (const [name, value] of all) {
          if (typeof value === "string") written.append(name, value);
          else written.append(name, new Blob([Buffer.from(value[1])]), value[0]);
        }
        const response = new Response(written);
        const contentType = response.headers.get("content-type") ?? "";
        const body = new Uint8Array(await response.arrayBuffer());
        expect(asWeRead(body)).toEqual(await asPlatformReads(body, contentType));
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it("is what the platform reads in what somebody else wrote: any boundary, any bytes", async () => {
    const boundary = fc.string({ unit: fc.constantFrom(..."abXY09'_-"), minLength: 1, maxLength: 70 }).map((one) => `b${one}`);
    const file = fc.record({ name: fc.constantFrom("a", "b", "c 1"), content: fc.uint8Array({ maxLength: 300 }) });
    await fc.assert(
      fc.asyncProperty(boundary, fc.array(file, { minLength: 1, maxLength: 5 }), fc.boolean(), async (mark, files, lineEnd) => {
        const parts = files.map(({ name, content }) => {
          const head = `--${mark}\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\nContent-Type: x/y\r\n\r\n`;
          return Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from("\r\n")]);
        });
        const body = Buffer.concat([...parts, Buffer.from(`--${mark}--${lineEnd ? "\r\n" : ""}`)]);
        const told = files.map(({ name, content }) => ({
          name,
          filename: "f",
          content: Buffer.from(content).toString("latin1"),
        }));
        expect(asWeRead(body)).toEqual(told);
        expect(await asPlatformReads(body, `multipart/form-data; boundary=${mark}`)).toEqual(told);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it("keeps every byte of a part, as a slice of the body and no copy", () => {
    const body = Buffer.concat([Buffer.alloc(5), form(field("a", "12345"), field("b", ""))]).subarray(5);
    const [a, b] = formData(body);
    expect([a?.body.buffer === body.buffer, text(a?.body ?? body), b?.body.byteLength]).toEqual([true, "12345", 0]);
    expect((a?.body.byteOffset ?? 0) - body.byteOffset).toBe(body.indexOf("12345"));
  });

  it.each([
    ["in the middle of a line", "see --xYzZY\r\nthere"],
    ["after a bare line feed", "see\n--xYzZY\nthere"],
    ["as the beginning of a longer one", "see\r\n--xYzZYnot\r\nthere"],
    ["as the last one with more in its line", "see\r\n--xYzZY--not\r\nthere"],
    ["after a bare carriage return", "see\r--xYzZY\rthere"],
    ["without its dashes", "see\r\nxYzZY\r\nthere"],
  ])("takes its boundary for text where it stands %s", (_where, value) => {
    expect(valuesOf(form(field("text", value), field("next", "n")))).toEqual([
      ["text", value],
      ["next", "n"],
    ]);
  });

  it.each([
    ["empty", ""],
    ["no form", "{}"],
    ["begun with something else", `\r\n${form(field("a", "1"))}`],
    ["of an empty boundary", "--\r\n\r\n\r\n----\r\n"],
    ["of an endless boundary", `--${"a".repeat(300)}\r\n`],
    ["without its end", form(field("a", "1")).subarray(0, -4)],
    ["followed by something", Buffer.concat([form(field("a", "1")), Buffer.from("x")])],
    ["ended early by a field, with more behind it", form(field("a", "1\r\n--xYzZY--"), field("b", "2"))],
    ["with a part that has no head's end", lines("--xYzZY", 'Content-Disposition: form-data; name="a"', "--xYzZY--", "")],
    ["with a head of half a megabyte", form(["X: y".repeat(150_000), "", "1"])],
  ])("is refused where it is %s", (_what, body) => expect(() => formData(Buffer.from(body))).toThrow());

  it("has a bounded number of parts", () => {
    const many = (count: number) => form(...Array.from({ length: count }, () => field("a", "")));
    expect(formData(many(1000))).toHaveLength(1000);
    expect(() => formData(many(1001))).toThrow("more than 1000 parts");
    expect(formData(many(3), 3)).toHaveLength(3);
    expect(() => formData(many(4), 3)).toThrow("more than 3 parts");
  });

  it("gives a part's headers by lower-case name, unfolded, the first of several", () => {
    const [part] = formData(
      form(["Content-DISPOSITION: form-data;", '\t name="a"', "X-One:1", "x-one: 2", "no header", "", "v"]),
    );
    expect(part?.name).toBe("a");
    expect([...(part?.headers ?? [])]).toEqual([
      ["content-disposition", 'form-data; name="a"'],
      ["x-one", "1"],
    ]);
  });

  it("tells a file by its name, also an empty one, and takes it as it is spelled", () => {
    const names = [
      "",
      "..",
      "path/.",
      "path\\",
      "\\share\\mail\\forwarded.msg",
      'a\\"b.pdf',
      "%22q%22.pdf",
      "re\u0301sume\u0301 \u{1f600}.pdf",
    ];
    const files = names.map((name) => [`Content-Disposition: form-data; name="f"; filename="${name}"`, "", "x"]);
    expect(formData(form(...files)).map((part) => part.filename)).toEqual([...names.slice(0, 5), 'a"b.pdf', '"q".pdf', names[7]]);
    expect(formData(form(field("a", ""), ["X: y", "", "v"])).map((part) => [part.name, part.filename])).toEqual([
      ["a", null],
      [null, null],
    ]);
  });

  it("is never read wrong or slowly, whatever was changed in it: an error, or slices of it one after the other", () => {
    const whole = form(field("headers", "A: b\nC: d"), field("text", "--xYzZY"), field("charsets", "{}"));
    const change = fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(whole.byteLength - 1), fc.uint8Array({ maxLength: 8 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        const body = changes.reduce(
          (bytes, [from, to, put]) => Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(Math.max(from, to - 20))]),
          whole,
        );
        let end = 0;
        try {
          for (const part of formData(body)) {
            const start = part.body.byteOffset - body.byteOffset;
            expect(start).toBeGreaterThanOrEqual(end);
            end = start + part.body.byteLength;
          }
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect((error as Error).message).toMatch(/^(it|a part's) /);
        }
        expect(end).toBeLessThanOrEqual(body.byteLength);
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  it("reads a hostile body in little time", () => {
    const fill = (piece: string) => form(field("a", piece.repeat(Math.floor(8_000_000 / piece.length))));
    const started = performance.now();
    for (const piece of ["--xYzZY", "\r\n--xYzZYx", "\n--xYzZY--", "\r\n", " ", "-"]) formData(fill(piece));
    for (const piece of ["\r\n--xYzZY ", "\r\n--xYzZY\r\n"]) expect(() => formData(fill(piece))).toThrow();
    const head = (piece: string) => form([piece.repeat(Math.floor(200_000 / piece.length)), "", ""]);
    for (const piece of ["a: ;b=", "\r\n ", 'Content-Disposition: ;a="\\', ":", "; ;", "a"]) formData(head(piece));
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe("a mail", () => {
  const partsOf = (body: string | Buffer, boundary = "b") =>
    mimeParts(Buffer.from(body), boundary).map((part) => text(part.body));

  it("is its headers and what follows them, whichever its line ends are", () => {
    for (const end of ["\r\n", "\n"]) {
      const mail = mimeEntity(Buffer.from(["Subject: a", " b", "To: c", "", "body", ""].join(end)));
      expect([...mail.headers]).toEqual([
        ["subject", "a b"],
        ["to", "c"],
      ]);
      expect(text(mail.body)).toBe(`body${end}`);
    }
    expect(text(mimeEntity(Buffer.from("\nbody")).body)).toBe("body");
  });

  it("may be headers only, or none", () => {
    expect(mimeEntity(Buffer.from("Subject: a")).headers.get("subject")).toBe("a");
    expect(mimeEntity(Buffer.from("Subject: a\n\n")).body.byteLength).toBe(0);
    expect(mimeEntity(Buffer.alloc(0)).headers.size).toBe(0);
    expect(() => mimeEntity(Buffer.from("X: y".repeat(150_000)))).toThrow();
  });

  it("has parts with text around them, and is read to its end where that is missing", () => {
    expect(partsOf("preamble\n--b\nA: 1\n\none\n--b  \n\ntwo\n--b--\nepilogue")).toEqual(["one", "two"]);
    expect(partsOf("--b\r\n\r\none\r\n--b\r\n\r\nunfinished")).toEqual(["one", "unfinished"]);
    expect(partsOf("--b\n\none\r\n--b\n--b\nA: 1\n--b--")).toEqual(["one", "", ""]);
    expect(partsOf("nothing here")).toEqual([]);
  });

  it("does not take an inner boundary that begins alike for its own", () => {
    const inner = "--b-1\n\nx\n--b-1--";
    expect(partsOf(`--b\n\n${inner}\n--b--`)).toEqual([inner]);
    expect(partsOf(inner, "b-1")).toEqual(["x"]);
  });

  it("has a bounded number of parts", () => {
    expect(() => mimeParts(Buffer.from("--b\n".repeat(1001)), "b")).toThrow("more than 1000 parts");
    expect(mimeParts(Buffer.from("--b\n".repeat(3)), "b", 3)).toHaveLength(3);
  });

  it("names its files in Content-Disposition or Content-Type", () => {
    const named = (...head: string[]) => mimeEntity(Buffer.from([...head, "", ""].join("\n"))).filename;
    expect(named('Content-Disposition: attachment; filename="a.pdf"', 'Content-Type: application/pdf; name="b.pdf"')).toBe(
      "a.pdf",
    );
    expect(named("Content-Type: application/pdf; name=b.pdf")).toBe("b.pdf");
    expect(named("Content-Disposition: attachment")).toBeNull();
  });
});

describe("a header's parameter", () => {
  it.each([
    ['form-data; name="a"', "a"],
    ["form-data; name=a", "a"],
    ["form-data;NAME = a ; x=y", "a"],
    ['form-data; name="a b;c=d"', "a b;c=d"],
    ['form-data; filename="name=x"; name="a"', "a"],
    ['form-data; name="a"; name="b"', "a"],
    ['form-data; name=""', ""],
    ['form-data; name="a\\"b\\\\c"', 'a"b\\c'],
    ['form-data; name="C:\\dir\\file"', "C:\\dir\\file"],
    ['form-data; name="dir\\"', "dir\\"],
    ["form-data; name*=utf-8''%e2%82%ac%20x", "€ x"],
    ["form-data; name*=iso-8859-1'en'%A3", "£"],
    ["form-data; name*=broken", null],
    ["form-data", null],
    ["form-data; surname=a", null],
    ["", null],
  ])("%s", (value, expected) => expect(headerParameter(value, "name")).toBe(expected));
});

describe("text in a charset", () => {
  it.each<[string, string | null, number[], string]>([
    ["UTF-8", "UTF-8", [0xc3, 0xa9], "é"],
    ["Windows-1252", "windows-1252", [0x92, 0x85], "’…"],
    ["ISO-8859-1", "iso-8859-1", [0xbf], "¿"],
    ["US-ASCII, stretched", "us-ascii", [0x61, 0xe9], "aé"],
    ["Shift JIS", "shift_jis", [0x82, 0xa0], "あ"],
    ["GB 18030", "gb18030", [0xc4, 0xe3], "你"],
    ["one that is unknown here, valid as UTF-8", "cp850", [0xc3, 0xa9], "é"],
    ["one that is unknown here, else", "cp850", [0x70, 0xa2], "p¢"],
    ["none, valid as UTF-8", null, [0xe2, 0x82, 0xac], "€"],
    ["none, else", null, [0xe2, 0x82], "â‚"],
    ["an empty name", "", [0xc3, 0xa9], "é"],
    ["broken UTF-8, but named so", "utf-8", [0x61, 0xff], "a\ufffd"],
  ])("%s", (_what, charset, bytes, expected) => expect(charsetText(Buffer.from(bytes), charset)).toBe(expected));
});
