import { expect, it } from "vitest";
import { readme } from "./support/readme.ts";

it("the README's table of providers says what the adapters and their fixtures do", async () => {
  const { written, right } = await readme();
  const missing = right.split("\n").filter((line) => !written.split("\n").includes(line));
  expect(
    written === right,
    `README.md is out of date, \`npm run readme\` writes it anew. It should say:\n${missing.join("\n")}`,
  ).toBe(true);
});
