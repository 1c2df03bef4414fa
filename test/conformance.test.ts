import { describe, expect, it } from "vitest";
import { translate } from "../src/inbound/translate.ts";
import { registry } from "../src/registry.ts";
import { fixtures } from "./support/fixtures.ts";

const adapters = await registry();

describe.each(fixtures())("$adapter $name", (fixture) => {
  const adapter = adapters.get(fixture.adapter);
  it("translates to the .json beside it", async () => {
    if (!adapter) throw new Error(`no adapter ${fixture.adapter}`);
    const translation = translate(adapter.provider, { body: fixture.body, headers: fixture.headers, receivedAt: fixture.now });
    await expect(`${JSON.stringify(translation, null, 2)}\n`).toMatchFileSnapshot(fixture.file.replace(/\.http$/, ".json"));
  });
});
