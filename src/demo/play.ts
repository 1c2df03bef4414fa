import { type Row, shareWidth } from "../cli/table.ts";
import type { Event } from "../events/build.ts";
import type { Receipt } from "../inbound/record.ts";
import type { Source } from "../inbound/resolve.ts";
import type { Registry } from "../registry.ts";
import { Checks, draftsOf, firstCounts, resentCounts } from "./expect.ts";
import { type Scene, WAYS, workspaces } from "./scenes.ts";
import type { Screen } from "./screen.ts";
import type { Stage } from "./stage.ts";
import { HEADINGS, named, nameOf, rowsOf, saidIn, shown, strongest, type Trace, titleOf } from "./words.ts";

type Refusal = { error: { code: string; message: string } };

/** What has been shown, and whether it was as printed. */
export type Outcome = {
  /** One line for each thing that was not as expected; empty means that all was. */
  mismatches: string[];
  callbacks: number;
  events: number;
  /** A callback that waited and came home, for its trace; and a message to ask for. */
  healed: string | null;
  message: string | null;
};

/** Shows what the gateway is for, over HTTP alone, and compares all that it prints with what the fixtures lead to expect. */
export async function play(stage: Stage, registry: Registry, scenes: Scene[], screen: Screen): Promise<Outcome> {
  return new Play(stage, registry, scenes, screen).run();
}

class Play {
  readonly #stage: Stage;
  readonly #registry: Registry;
  readonly #scenes: Scene[];
  readonly #screen: Screen;
  readonly #checks = new Checks();
  #callbacks = 0;
  #healed: string | null = null;

  constructor(stage: Stage, registry: Registry, scenes: Scene[], screen: Screen) {
    this.#stage = stage;
    this.#registry = registry;
    this.#scenes = scenes;
    this.#screen = screen;
  }

  async run(): Promise<Outcome> {
    for (const name of this.#registry.keys()) {
      if (!this.#scenes.some((scene) => scene.adapter.name === name))
        this.#checks.mismatches.push(`${name}: none of its fixtures is marked "# demo: …", so it is not shown`);
    }
    for (const way of WAYS) {
      if (!this.#scenes.some((scene) => scene.way === way))
        this.#checks.mismatches.push(`${way}: no marked fixture shows this way`);
    }
    for (const { id, name } of workspaces) await this.#stage.api("PUT", `/v1/workspaces/${id}`, { name });
    const placed = this.#scenes.filter((scene) => scene.way !== "waits");
    await this.#table(placed);
    await this.#again(placed);
    for (const scene of this.#scenes.filter((one) => one.way === "waits")) await this.#heal(scene);
    const events = await this.#log();
    return {
      mismatches: this.#checks.mismatches,
      callbacks: this.#callbacks,
      events: events.length,
      healed: this.#healed,
      message: mostTold(events),
    };
  }

  async #table(scenes: Scene[]): Promise<void> {
    const screen = this.#screen;
    const names = Math.max("PROVIDER".length, ...scenes.map((scene) => titleOf(scene).length));
    const owners = Math.max("WORKSPACE".length, ...workspaces.map(({ name }) => name.length));
    const widths = shareWidth(screen.width - 2, [names, null, null, owners, null]);
    screen.section("Callbacks come home");
    screen.text(
      `Two workspaces are registered: ${workspaces.map(({ name }) => name).join(" and ")}. Their providers call now, as in real life: over HTTP, and signed. There are four ways to find out whose a callback is.`,
    );
    screen.gap();
    screen.row(["PROVIDER", "WHAT IT SAID", "HOW IT WAS FOUND", "WORKSPACE", "EVENT THAT CAME OUT"], widths, "heading");
    let way: Scene["way"] | null = null;
    for (const scene of scenes) {
      if (scene.way !== way) screen.heading(HEADINGS[scene.way as Source]);
      way = scene.way;
      for (const row of await this.#send(scene)) screen.row(row, widths);
    }
  }

  /** Sends one callback, and compares and tells what became of it. */
  async #send(scene: Scene): Promise<Row[]> {
    const title = titleOf(scene);
    const what = `${title} (${scene.fixture.name})`;
    if (scene.way === "credential") await this.#stage.giveOwnSecret(scene);
    const answer = await this.#stage.deliver<Receipt & Refusal>(scene);
    this.#callbacks += 1;
    if (!this.#checks.same(`${what}: answer's status`, answer.status, 200)) {
      return [[title, scene.sentence, "", "", `refused: ${answer.body.error?.code}`]];
    }
    this.#checks.counts(what, answer.body, firstCounts(scene));
    const [trace, events] = await this.#story(answer.body.callback_id);
    this.#checks.events(what, scene, events, scene.way as Source);
    this.#ways(what, scene, trace);
    return rowsOf(scene, trace, events);
  }

  #ways(what: string, scene: Scene, trace: Trace): void {
    this.#checks.same(`${what}: items in the trace`, trace.items.length, scene.items.length);
    for (const [index, item] of trace.items.entries()) {
      const expected = scene.items[index];
      if (!expected || !("key" in expected || "teaches" in expected)) continue;
      const place = `${what}, item ${index + 1}`;
      this.#checks.same(`${place}: workspace in the trace`, item.workspace_id, scene.workspace.id);
      this.#checks.same(`${place}: strongest way in the trace`, strongest(item)?.way, scene.way);
    }
  }

  /** All of them again, then all of them with a byte too much. */
  async #again(scenes: Scene[]): Promise<void> {
    const screen = this.#screen;
    let duplicates = 0;
    let events = 0;
    for (const scene of scenes) {
      const what = `${titleOf(scene)} (${scene.fixture.name}), sent again`;
      const answer = await this.#stage.deliver<Receipt>(scene);
      this.#callbacks += 1;
      if (!this.#checks.same(`${what}: answer's status`, answer.status, 200)) continue;
      this.#checks.counts(what, answer.body, resentCounts(firstCounts(scene)));
      duplicates += answer.body.duplicates;
      events += answer.body.events;
    }
    const signed = scenes.filter((scene) => scene.adapter.provider.verify.signs);
    const refused = new Map<string, number>();
    for (const scene of signed) {
      const what = `${titleOf(scene)} (${scene.fixture.name}), altered`;
      const answer = await this.#stage.deliver<Refusal>(scene, { altered: true });
      const told = `${answer.status} ${answer.body.error?.code ?? "accepted"}`;
      this.#checks.same(`${what}: answer`, told, "401 signature_mismatch");
      refused.set(told, (refused.get(told) ?? 0) + 1);
    }
    const { data: stored } = await this.#stage.api<{ data: unknown[] }>("GET", "/v1/callbacks?limit=500");
    this.#checks.same("Callbacks stored, without the altered ones", stored.length, this.#callbacks);
    const counted = [...refused].map(([told, count]) => `${count} × ${told}`).join(", ");
    screen.section("What happened is told once, and only what is genuine");
    screen.fact(
      "Sent again",
      `${scenes.length} callbacks, byte for byte: ${duplicates} duplicates, ${events || "no"} new events`,
    );
    screen.fact(
      "Altered",
      `${signed.length} callbacks, a byte added after the signing: ${counted}; only the ${stored.length} genuine ones are stored`,
    );
  }

  /** One that nobody can place: why, and how it comes home when a person says whose it is. */
  async #heal(scene: Scene): Promise<void> {
    const screen = this.#screen;
    const { adapter } = scene;
    const title = titleOf(scene);
    const what = `${title} (${scene.fixture.name})`;
    const answer = await this.#stage.deliver<Receipt & Refusal>(scene);
    this.#callbacks += 1;
    screen.section("One that nobody can place yet");
    screen.fact("It came", `${title} said ${saidIn(scene)}`);
    if (!this.#checks.same(`${what}: answer's status`, answer.status, 200))
      return screen.fact("Refused", answer.body.error?.code);
    const id = answer.body.callback_id;
    this.#checks.counts(what, answer.body, firstCounts(scene));
    const { data: groups } = await this.#stage.api<{ data: Group[] }>("GET", "/v1/unmatched?group=reference");
    const group = groups.find((one) => one.sample_callback_id === id);
    this.#checks.same(`${what}: waiting in its group`, group?.waiting, draftsOf(scene).length);
    const [before] = await this.#story(id);
    this.#checks.same(`${what}: status while it waits`, before.status, "unmatched");
    screen.fact("Answered", `${answer.status}, status "${answer.body.status}": it is stored, and it waits`);
    if (group)
      screen.fact("It waits", `GET /v1/unmatched?group=reference: ${group.reference}, ${group.reason}, ${group.waiting} waiting`);
    const [item] = before.items;
    screen.fact("Why", [...(item?.ways.map((way) => named(way.explanation)) ?? []), named(item?.explanation ?? "")]);

    const reference = known(scene, group);
    if (!reference) {
      this.#checks.mismatches.push(`${what}: it names nothing of the kind ${scene.knownBy} that could be bound`);
      return;
    }
    const told = { provider: adapter.providerName, ...(adapter.dialect && { dialect: adapter.dialect }), ...reference };
    const binding = { ...told, workspace_id: scene.workspace.id };
    const bound = await this.#stage.api<{ rematched: number; remaining: number }>("PUT", "/v1/bindings", binding);
    this.#checks.same(`${what}: healed by the binding`, bound.rematched, draftsOf(scene).length);
    this.#checks.same(`${what}: still to heal`, bound.remaining, 0);
    const [after, events] = await this.#story(id);
    this.#checks.same(`${what}: status once it is home`, after.status, "accepted");
    this.#checks.events(what, scene, events, "lookup");
    this.#healed = id;
    screen.fact("We say", [
      `${reference.kind} ${reference.value} is ${scene.workspace.name}'s:`,
      `PUT /v1/bindings ${JSON.stringify({ ...told, workspace_id: `<${scene.workspace.name}>` })}`,
    ]);
    for (const event of events)
      screen.fact("It is home", `${shown(event)} of ${nameOf(event.workspace_id)}, dated ${event.occurred_at}, when it happened`);
  }

  async #story(callbackId: string): Promise<[Trace, Event[]]> {
    const trace = await this.#stage.api<Trace>("GET", `/v1/callbacks/${callbackId}`);
    const { data } = await this.#stage.api<{ data: Event[] }>("GET", `/v1/events?callback_id=${callbackId}`);
    return [trace, data];
  }

  /** The whole log: every event once, and none that nobody expected. */
  async #log(): Promise<Event[]> {
    const { data } = await this.#stage.api<{ data: Event[] }>("GET", "/v1/events?limit=500");
    const expected = this.#scenes.reduce((sum, scene) => sum + draftsOf(scene).length, 0);
    this.#checks.same("The whole log: events", data.length, expected);
    return data;
  }
}

type Group = { reference: string | null; reason: string; waiting: number; sample_callback_id: string };
type BoundReference = { kind: string; value: string };

/** The reference that the person of the story knows. */
function known(scene: Scene, group: Group | undefined): BoundReference | null {
  if (scene.knownBy) {
    const found = draftsOf(scene)[0]?.references?.find((one) => one.kind === scene.knownBy);
    return found ? { kind: found.kind, value: found.value } : null;
  }
  const [, kind, value] = /^([^:]+):(.+)$/.exec(group?.reference ?? "") ?? [];
  return kind && value ? { kind, value } : null;
}

/** The id of the message that most events tell of: the one worth asking for. */
function mostTold(events: Event[]): string | null {
  const told = events.map((event) => event.data.message_id).filter((id) => typeof id === "string");
  const counted = Map.groupBy(told, (id) => id);
  const [most] = [...counted].sort(([, a], [, b]) => b.length - a.length);
  return most?.[0] ?? null;
}
