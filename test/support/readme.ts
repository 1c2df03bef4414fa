// Writes the providers' table of the root README, from the adapters and what their fixtures become: `npm run readme`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { catalogueTypes } from "../../src/events/catalogue.ts";
import { isDraft } from "../../src/inbound/decide.ts";
import { translate } from "../../src/inbound/translate.ts";
import { channels, type Metadata, type Outcome, type Reference, statuses } from "../../src/provider/draft.ts";
import type { Verification } from "../../src/provider/signatures.ts";
import { type Adapter, registry } from "../../src/registry.ts";
import { type Fixture, fixtures } from "./fixtures.ts";

const FILE = join(import.meta.dirname, "../../README.md");
const BETWEEN = /(<!-- providers -->\n)[\s\S]*?(<!-- \/providers -->)/;
const HEAD = ["Provider", "adapter", "verified by", "workspace found by", "emits", "seen live", "after a 503"];

/** The README as it is, and as it should be. @throws where its markers are missing. */
export async function readme(): Promise<{ written: string; right: string }> {
  const written = readFileSync(FILE, "utf8");
  if (!BETWEEN.test(written)) throw new Error("README.md has no <!-- providers --> … <!-- /providers -->");
  const adapters = [...(await registry()).values()]
    .filter(({ name }) => name !== "example")
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const all = fixtures();
  const rows = adapters.map((adapter) =>
    rowOf(
      adapter,
      all.filter((fixture) => fixture.adapter === adapter.name),
    ),
  );
  const lines = [HEAD, HEAD.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`);
  return { written, right: written.replace(BETWEEN, (_, open, close) => `${open}${lines.join("")}${close}`) };
}

function rowOf({ name, providerName, provider }: Adapter, own: Fixture[]): string[] {
  const items = own.flatMap((fixture) => itemsOf(provider, fixture));
  return [
    `[${provider.title}](providers/${providerName}/README.md)`,
    code(name),
    proof(provider.verify),
    [...(takesToken(provider, own) ? ["URL"] : []), ...ways(items)].join(", "),
    emitted(items),
    own.some(({ notes }) => /^live\b/.test(notes.source ?? "")) ? "yes" : "no",
    provider.retries.replace(/^It ([a-z])/, (_, first) => first.toUpperCase()).replace(/\.$/, ""),
  ].map((cell) => cell.replaceAll("|", "\\|"));
}

function itemsOf(provider: Adapter["provider"], { body, headers, now }: Fixture): Outcome[] {
  return translate(provider, { body, headers, receivedAt: now }).items;
}

/** Of the scheme only what is checked, not where it stands: that says each provider's own README. */
function proof(verify: Verification): string {
  if (!verify.signs) return `token in the URL or ${code(verify.tokenHeader)}`;
  const [, algorithm, parts] = /^(HMAC-SHA\d+|ECDSA P-256) (?:of|over) (.+?)(?:, (?:hex|base64))?, in /.exec(verify.scheme) ?? [];
  if (!algorithm || !parts) return verify.scheme;
  const covered = parts
    .replace(/\S+-id\b/, "id")
    .replace(/(?:the |\S+-)timestamp/, "time")
    .replace(/the (?:raw|registered) /g, "");
  return `${algorithm} of ${covered}`;
}

/** What it echoes of ours, then what it may be looked up by. */
function ways(items: Outcome[]): string[] {
  const placeable = items.flatMap((item) => ("teaches" in item ? [item.teaches] : isDraft(item) ? [item] : []));
  const echoes = placeable.flatMap(({ metadata = [] }) => metadata.map(lastName));
  const kinds = placeable.flatMap(({ references = [] }) => references.filter(places).map(({ kind }) => kind));
  return [...once(echoes).map(code), ...once(kinds)];
}

const lastName = ({ where }: Metadata) => where.replace(/\[.*?\]/g, "").replace(/^.*\./, "");
const places = ({ unsigned }: Reference) => !unsigned;
/** Each once; the same in another case is the same. */
function once(names: string[]): string[] {
  const folded = names.map((name) => name.toLowerCase());
  return names.filter((_, index) => folded.indexOf(folded[index] as string) === index);
}

function takesToken({ verify, signsUrl }: Adapter["provider"], own: Fixture[]): boolean {
  return !verify.signs || signsUrl === true || own.some(({ path }) => path.includes("{token}"));
}

/** What it emits, by channel or family. */
function emitted(items: Outcome[]): string {
  const seen = new Set(
    items.filter(isDraft).map((draft) => ("status" in draft ? `${draft.channel}.${draft.status}` : draft.type)),
  );
  const names = [...channels.flatMap((channel) => statuses.map((status) => `${channel}.${status}`)), ...catalogueTypes];
  const split = names.filter((name) => seen.has(name)).map((name) => name.split(".") as [string, string]);
  const families = Map.groupBy(split, ([family]) => family);
  return [...families].map(([family, words]) => `${family}: ${words.map(([, word]) => word).join(", ")}`).join("; ");
}

const code = (text: string) => `\`${text}\``;

if (import.meta.main) {
  const { written, right } = await readme();
  if (written !== right) writeFileSync(FILE, right);
  process.stdout.write(written === right ? "README.md is up to date\n" : "README.md: wrote the providers' table\n");
}
