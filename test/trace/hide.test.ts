import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hideFields } from "../../src/trace/hide.ts";

const hide = (body: string) => hideFields(body, ["otp_code", "client-secret"]);

describe("hidden fields", () => {
  it("leave a body without them as it came, to the byte", () => {
    const body = '{\r\n "amount" : 170.00, "id":820982911946154508,\t"text":"otp_code" }';
    expect(hide(body)).toBe(body);
  });

  it.each([
    ['{ "otp_code" : "12\\"34" , "n":1.50}', '{ "otp_code" : "[hidden]" , "n":1.50}'],
    ['[{"otp_code":123456},{"a":{"client-secret":null}}]', '[{"otp_code":"[hidden]"},{"a":{"client-secret":"[hidden]"}}]'],
  ])("are replaced in place: %s", (body, shown) => expect(hide(body)).toBe(shown));

  it("are found under escaped names and as whole objects", () => {
    expect(JSON.parse(hide('{"otp\\u005fcode":"1234","n":170.00}'))).toEqual({ otp_code: "[hidden]", n: 170 });
    expect(hide('{"otp_code":{"value":"1234"},"n":170.00}')).toContain("170.00");
    expect(hide('{"otp_code":{"value":"1234"}}')).not.toContain("1234");
  });

  it("hide a body whole that is no JSON", () => expect(hide("otp_code=1234")).toBe("[hidden]"));

  it("show their value in no JSON whatever", () => {
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.string(),
        fc.integer(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 3 }),
        tie("object"),
      ),
      object: fc.dictionary(fc.constantFrom("otp_code", "a", "otp", "client-secret"), tie("value"), { maxKeys: 3 }),
    }));
    const secret = "s3cret-needle";
    fc.assert(
      fc.property(json.object, fc.boolean(), (object, pretty) => {
        const planted = { ...(object as object), deep: [{ otp_code: secret }], "client-secret": { x: [secret] } };
        const shown = hide(JSON.stringify(planted, null, pretty ? 2 : 0));
        expect(shown).not.toContain(secret);
        expect(() => JSON.parse(shown)).not.toThrow();
      }),
    );
  });

  it("shows a form that carries none of the names, and hides one that does, or may", () => {
    const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();
    const harmless = form({ data: '[{"id":"1","number":"9199"}]', note: "otp_code? no" });
    expect(hideFields(harmless, ["otp_code"])).toBe(harmless);
    for (const fields of [
      { otp_code: "123" },
      { data: '{"otp\\u005fcode":"123"}' },
      { data: '{"otp_code":123' },
      { data: '{"a":[{"otp_code":1}]}' },
    ])
      expect(hideFields(form(fields as never), ["otp_code"])).toBe("[hidden]");
  });
});
