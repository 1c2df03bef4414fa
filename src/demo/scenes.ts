import { readFileSync } from "node:fs";
import type { Source } from "../inbound/resolve.ts";
import type { Outcome } from "../provider/draft.ts";
import type { Adapter, Registry } from "../registry.ts";
import { ACME, BETA, type Fixture, fixtures } from "./fixtures.ts";

export const workspaces = [
  { id: ACME, name: "Acme" },
  { id: BETA, name: "Beta" },
] as const;
export type Workspace = (typeof workspaces)[number];

/** A fixture's outcomes as they stand in the `.json` beside it: times are texts. */
export type Expected = AsJson<Outcome>;
type AsJson<One> = One extends { occurredAt: unknown } ? Omit<One, "occurredAt"> & { occurredAt: string | null } : One;

/** A callback that the demo sends, with what must come of it. */
export type Scene = {
  adapter: Adapter;
  fixture: Fixture;
  /** How its workspace will be found; `waits` is told by a person in the end. */
  way: Source | "waits";
  workspace: Workspace;
  /** For `waits`: the kind of the reference that the person knows; null takes the one that the gateway proposes. */
  knownBy: string | null;
  sentence: string;
  items: Expected[];
};

const NOTE = /^(credential|path|metadata|lookup|waits), (\w+)(?: by (\w+))?: (.+)$/;
/** What teaches comes before what is looked up; what nobody can place comes last. */
export const WAYS = ["credential", "path", "metadata", "lookup", "waits"] as const satisfies Scene["way"][];

/**
 * The fixtures that are marked for the demo, in the order in which they are sent. The mark is a note on the fixture itself:
 * `# demo: <way>, <workspace>[ by <kind>]: <what happened, in plain words>`.
 * @throws where a note is none of those.
 */
export function readScenes(registry: Registry, all: Fixture[] = fixtures()): Scene[] {
  const scenes = all.filter((fixture) => fixture.notes.demo !== undefined).map((fixture) => readScene(registry, fixture));
  return WAYS.flatMap((way) => scenes.filter((scene) => scene.way === way));
}

function readScene(registry: Registry, fixture: Fixture): Scene {
  const adapter = registry.get(fixture.adapter);
  if (!adapter) throw new Error(`${fixture.file}: there is no adapter ${fixture.adapter}`);
  const [, way, name, knownBy = null, sentence = ""] = NOTE.exec(fixture.notes.demo ?? "") ?? [];
  const workspace = workspaces.find((one) => one.name === name);
  if (!way || !workspace) {
    const names = workspaces.map((one) => one.name).join(" or ");
    throw new Error(`${fixture.file}: the note must be "# demo: <${WAYS.join("|")}>, <${names}>[ by <kind>]: <what happened>"`);
  }
  const { items } = JSON.parse(readFileSync(fixture.file.replace(/\.http$/, ".json"), "utf8")) as { items: Expected[] };
  return { adapter, fixture, way: way as Scene["way"], workspace, knownBy, sentence, items };
}
