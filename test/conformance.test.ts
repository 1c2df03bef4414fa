import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { secretsSetting } from "../src/inbound/credentials.ts";
import { pathIndex, readPath } from "../src/inbound/path.ts";
import { translate } from "../src/inbound/translate.ts";
import { type Adapter, registry } from "../src/registry.ts";
import { conformance } from "./conformance/conformance.ts";
import { memoryKeys } from "./conformance/drafts.ts";
import { shown } from "./conformance/meaning.ts";
import type { Subject } from "./conformance/subject.ts";
import { tokenOnlySubject } from "./conformance/token-only.ts";
import { type Fixture, fixtures, signerFile, signersOf } from "./support/fixtures.ts";

const PROVIDERS = join(import.meta.dirname, "../providers");
const adapters = await registry();
const all = fixtures();
const keys = await memoryKeys();
const answerFile = ({ file }: Fixture) => file.replace(/\.http$/, ".json");

async function subjectOf(adapter: Adapter): Promise<Subject> {
  const { fixtureSigner, newSigner } = await signersOf(adapter.name);
  return {
    adapter,
    fixtures: all.filter((fixture) => fixture.adapter === adapter.name),
    signer: fixtureSigner,
    stranger: newSigner(),
    answer: (fixture) => readFileSync(answerFile(fixture), "utf8"),
  };
}

const subjects = [...(await Promise.all([...adapters.values()].map(subjectOf))), tokenOnlySubject()];

// First, so that `vitest -u` writes the answers that the suite then reads.
describe.each(all)("$adapter $name", (fixture) => {
  it("translates to the .json beside it", async () => {
    const { provider } = adapters.get(fixture.adapter) as Adapter;
    const translation = translate(provider, { body: fixture.body, headers: fixture.headers, receivedAt: fixture.now });
    await expect(shown(translation)).toMatchFileSnapshot(answerFile(fixture));
  });
});

describe.each(subjects)("$adapter.name", (subject) => {
  for (const { name, problems } of conformance(subject, keys)) {
    it(name, () => {
      expect([...problems()].slice(0, 20)).toEqual([]);
    });
  }
});

describe.each([...adapters.values()])("the folder of $name", ({ name, providerName, provider }) => {
  const folder = join(PROVIDERS, providerName);

  it("brings at least one fixture, and a signer that is not our code", () => {
    expect(all.filter((fixture) => fixture.adapter === name)).not.toEqual([]);
    expect(existsSync(signerFile(name))).toBe(true);
  });

  it("tells in its README where the docs are, where the secret goes, and what no live account has shown yet", () => {
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    expect(readme).toContain(provider.docs);
    expect(readme).toContain(secretsSetting(name));
    expect(readme).toMatch(/live account|unverified/i);
  });
});

describe("the fixtures", () => {
  it("each lead by their path to the adapter that they name, which is of their folder", () => {
    const find = pathIndex(adapters);
    for (const { file, path, adapter } of all) {
      expect([file, readPath(path.replace("{token}", "0".repeat(32)), find)?.adapter.name]).toEqual([file, adapter]);
      expect(file).toContain(`/providers/${adapter.split("/")[0]}/fixtures/`);
    }
  });

  it("leave no answer behind when they go", () => {
    const answers = readdirSync(PROVIDERS).flatMap((folder) =>
      readdirSync(join(PROVIDERS, folder, "fixtures"))
        .filter((file) => file.endsWith(".json"))
        .map((file) => join(PROVIDERS, folder, "fixtures", file)),
    );
    expect(answers.sort()).toEqual(all.map(answerFile).sort());
  });
});
