// Signs fixtures anew with the throw-away key beside them: `npm run fixtures [-- <provider>]`. Bodies stay as they are.
import { writeFileSync } from "node:fs";
import { fixtures, signersOf } from "./fixtures.ts";

for (const fixture of fixtures(process.argv[2])) {
  if (fixture.notes.signed === "no") continue;
  const { fixtureSigner } = await signersOf(fixture.adapter);
  const signed = fixtureSigner.sign({ body: fixture.body, url: `https://gateway.example${fixture.path}`, now: fixture.now });
  const head = [
    ...Object.entries(fixture.notes).map(([name, value]) => `# ${name}: ${value}`),
    `${fixture.method} ${fixture.path}`,
    ...Object.entries({ ...fixture.headers, ...signed }).map(([name, value]) => `${name}: ${value}`),
  ].join("\n");
  writeFileSync(fixture.file, Buffer.concat([Buffer.from(`${head}\n\n`, "latin1"), fixture.body]));
  process.stdout.write(`signed ${fixture.file}\n`);
}
