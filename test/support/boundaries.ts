import { posix } from "node:path";

/** A source file: its path from the root of the checkout, with slashes, and its text. */
export type Source = { path: string; text: string };

/** What the checker has to know of the house beside its files. */
export type House = {
  /** Folder of each provider, with the names of its dialects. */
  providers: Map<string, string[]>;
  channels: readonly string[];
  /** Packages that package.json gives to the gateway, and those that are for development only. */
  dependencies: string[];
  devDependencies: string[];
};

const IMPORT =
  /(?:^|[\s;}])(?:import|export)\b[^;"'`()]*?\bfrom\s*["']([^"']+)["']|\bimport\s*["']([^"']+)["']|\bimport\s*\(\s*([^)]*)\)/g;
const QUOTED = /^["'`]([^"'`$]+)["'`]$/;
/** Of node's own, what opens connections; and what else would. */
const SENDING =
  /\bimport\b[^;]*?\b(?:request|get|connect|createConnection|Socket|Agent)\b[^;]*?from\s*["'](?:node:)?(?:http|net)["']/;
const SENDERS = ["node:https", "node:http2", "node:tls", "node:dgram", "undici"];
/** What would make a translation depend on more than the callback. */
const IMPURE =
  /\bfetch\s*\(|\bprocess\s*[.[]|\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bperformance\.|\bset(?:Timeout|Interval)\b|\bconsole\./;

/** The demo plays the providers: like the commands, it stands outside the gateway and calls it. */
const DEMO = "src/demo/";
/** They find the files of providers by looking. */
const FINDING = ["src/registry.ts", `${DEMO}fixtures.ts`];

/** Everything that breaks DESIGN §2, as "file: what". */
export function violations(sources: Source[], house: House): string[] {
  const imports = new Map(sources.map((source) => [source.path, importsOf(source)]));
  return sources.flatMap((source) => {
    const own = imports.get(source.path) ?? [];
    const problems = source.path.startsWith("providers/")
      ? providerProblems(source, own, imports, house)
      : source.path.startsWith("src/")
        ? gatewayProblems(source, own, house)
        : [];
    return problems.map((problem) => `${source.path}: ${problem}`);
  });
}

/** What a file imports: package names, `node:` names, and files from the root. A computed name is `?`. */
export function importsOf({ path, text }: Source): string[] {
  return [...text.matchAll(IMPORT)].map(([, from, bare, dynamic]) => {
    const name = from ?? bare ?? QUOTED.exec(dynamic?.trim() ?? "")?.[1];
    if (name === undefined) return "?";
    return name.startsWith(".") ? posix.join(posix.dirname(path), name) : name;
  });
}

/** `providers/x` → `#provider`, zod, its own files, its own vendor SDK. */
function providerProblems({ path, text }: Source, own: string[], imports: Map<string, string[]>, house: House): string[] {
  const [, folder = "", ...rest] = path.split("/");
  const fixtures = rest[0] === "fixtures";
  const packages = fixtures ? [...house.dependencies, ...house.devDependencies] : house.dependencies;
  const ours = (name: string) =>
    // Fixtures are signed by something that is not our code.
    fixtures
      ? name.startsWith(`providers/${folder}/fixtures/`)
      : name.startsWith(`providers/${folder}/`) && !name.includes("/fixtures/");
  /** Nobody else uses it: it is this provider's. */
  const itsSdk = (name: string) =>
    packages.includes(packageOf(name)) &&
    [...imports].every(
      ([other, names]) => other.startsWith(`providers/${folder}/`) || !names.some((one) => packageOf(one) === packageOf(name)),
    );
  const allowed = fixtures ? ["node:crypto"] : ["#provider", "zod"];
  const problems = own.filter((name) => !allowed.includes(name) && !ours(name) && !itsSdk(name)).map((name) => `imports ${name}`);
  const impure = fixtures ? null : IMPURE.exec(text);
  return impure ? [...problems, `is not pure: ${impure[0]}`] : problems;
}

function gatewayProblems({ path, text }: Source, own: string[], house: House): string[] {
  const problems: string[] = [];
  const cli = isCommand(path);
  const outside = cli || path.startsWith(DEMO);
  for (const name of own) {
    if (name.startsWith("providers/") || (name === "?" && !FINDING.includes(path))) problems.push(`imports ${name}`);
    if (!outside && path !== "src/main.ts" && (isCommand(name) || name.startsWith(DEMO)))
      problems.push(`imports ${name}, which stands outside the gateway`);
    if (path.startsWith("src/provider/") && name !== "zod" && !name.startsWith("node:") && !name.startsWith("src/provider/"))
      problems.push(`imports ${name}, and an adapter's language knows nothing of ours`);
    if (path.startsWith("src/inbound/") && name.startsWith("src/outbound/") && name !== "src/outbound/fan-out.ts")
      problems.push(`reaches outbound by ${name}`);
    if (SENDERS.includes(name) && path !== "src/outbound/attempt.ts" && !outside)
      problems.push(`may send requests: imports ${name}`);
  }
  problems.push(...namedProviders(text, house).map((name) => `names the provider ${name}`));
  // Handing the environment over whole is not reading it.
  const environment = cli ? text.replaceAll("readConfig(process.env", "") : text;
  if (
    path !== "src/config.ts" &&
    /\bprocess\s*(?:\?\.|[.[])\s*["'`]?env\b|\benv\b[^=;\n]*\}\s*=\s*process\b|["'](?:node:)?process["']/.test(environment)
  )
    problems.push("reads the environment");
  if (
    path !== "src/outbound/attempt.ts" &&
    !outside &&
    (/(?<![.\w])fetch\s*\(|\bglobalThis\.fetch\b/.test(text) || SENDING.test(text))
  )
    problems.push("sends requests");
  if (path !== "src/outbound/claim.ts" && /skip\s+locked/i.test(text)) problems.push("says skip locked");
  return problems;
}

function isCommand(path: string): boolean {
  return path === "src/cli.ts" || path.startsWith("src/cli/");
}

/** Names of providers and dialects, in any case; not those that are channels or words of ours. */
function namedProviders(text: string, { providers, channels }: House): string[] {
  const named = [...providers].flatMap(([folder, dialects]) => [folder, ...dialects.filter((dialect) => dialect !== "generic")]);
  return named
    .filter((name) => !channels.includes(name))
    .filter((name) =>
      // An English word: a name only where it stands in quotes.
      name === "example" ? /["'`]example["'`/]/.test(text) : text.toLowerCase().includes(name),
    );
}

function packageOf(name: string): string {
  return name.split("/", name.startsWith("@") ? 2 : 1).join("/");
}
