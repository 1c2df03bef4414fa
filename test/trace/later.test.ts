import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newSigner } from "../../providers/example/fixtures/sign.ts";
import type { Answer } from "../../src/trace/find.ts";
import { read, Visitor } from "../console/support/visitor.ts";
import { report, startWorld, type World, withAdapter } from "../healing/support/world.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import { API_TOKEN, databases } from "../support/gateway.ts";

const known = { meta: { workspace_id: ACME } };

describe.each(databases)("what became of a callback later, on the %s database", (kind) => {
  let world: World;
  let visitor: Visitor;
  beforeAll(async () => {
    world = await startWorld(kind);
    visitor = await new Visitor(world.homing.url).login(API_TOKEN);
  });
  afterAll(() => world.homing.close());

  const tale = async (id: string) => (await world.homing.api<Answer>("GET", `/v1/trace?q=${id}`)).body.tale;
  const page = async (id: string) => read((await visitor.get(`/console/callbacks/${id}`)).text);
  const junk = () => ({ events: () => [{ failed: "unreadable_item" }] });

  it("could not be read, and was replayed after the mend: console and command tell by whom and when", async () => {
    const { homing, send, replay } = world;
    const id = await withAdapter(homing, junk, () => send(report("mended", known)));
    expect((await tale(id))?.explanation).toBe("Our fault. Kept; replay it after the mend.");
    await replay(id);
    const said = /It could not be read when it came; replayed by Operator at [^.]*\d\d:\d\d, it became this event\./;
    expect((await tale(id))?.explanation).toMatch(said);
    const words = await page(id);
    expect(words).toMatch(said);
    expect(words).toMatch(/Who did what [^A-Z]*Operator replayed it/);
    expect(words).toContain("It was failed at first");
  });

  it("told us a new word, and was replayed when the rule existed", async () => {
    const { homing, send, replay } = world;
    const id = await withAdapter(
      homing,
      () => ({ events: () => [{ ignored: "unknown_word", word: "teleported" }] }),
      () => send(report("ruled", known)),
    );
    await replay(id);
    expect((await tale(id))?.explanation).toMatch(
      /It told us nothing when it came; replayed by Operator at .*, it became this event\./,
    );
  });

  it("could not be read, and waits since its replay", async () => {
    const { homing, send, replay } = world;
    const id = await withAdapter(homing, junk, () => send(report("mended-lost")));
    await replay(id);
    const { word, explanation } = (await tale(id)) ?? {};
    expect(word).toBe("Unmatched");
    expect(explanation).toMatch(/replayed by Operator at .*, it waits since then\.$/);
  });

  it("was refused, and is taken since: what was answered stays true", async () => {
    const { homing, replay } = world;
    const signer = newSigner();
    await homing.callback("example", { reports: [report("refused-then", known)] }, { signer });
    await homing.gateway.rejections.flush();
    const id = (await homing.api("GET", "/v1/callbacks?status=rejected&limit=1")).body.data[0].id as string;
    await homing.api("PUT", "/v1/secrets/example", { workspace_id: null, secrets: [signer.secret] });
    expect((await replay(id)).status).toBe(201);
    expect((await tale(id))?.explanation).toMatch(/It was refused when it came; Operator had it verified again at [^.]*\./);
    const words = await page(id);
    expect(words).toContain("We answered 401 signature_mismatch");
    expect(words).toContain("It was refused at first");
  });

  it.each([
    ["bound", async (id: string) => world.bind(id), /came home at [^.]*\d\d:\d\d when Operator bound it\./],
    [
      "assigned",
      async (_: string, callback: string) => world.assign({ items: [{ callback_id: callback, index: 0 }], workspace_id: ACME }),
      /came home at [^.]*\d\d:\d\d when Operator assigned it\./,
    ],
  ])("waited, and was %s by a person, who is not called by a token's name", async (how, act, said) => {
    const id = `home-${how}`;
    const callback = await world.send(report(id));
    // Its second look, which would find the binding, too, and knows nobody.
    await world.homing.settled();
    await act(id, callback);
    await world.homing.settled();
    expect((await tale(callback))?.explanation).toMatch(said);
    expect(await page(callback)).toMatch(said);
  });

  it("only teaches: counts what came home by it, and nothing else", async () => {
    const { homing, send } = world;
    const lost = (id: string, message: string) => report(id, { message_id: message });
    // Two wait for what will be taught, one of them in a batch; others wait for something else, or come home by hand.
    await send(lost("t1", "taught"));
    await send(lost("t2", "taught"), lost("t3", "not-taught"));
    const aside = await send(lost("t4", "taught"));
    await world.dismiss({ items: [{ callback_id: aside, index: 0 }] });
    const teach = {
      teaches: {
        references: [{ kind: "message", value: "taught", learn: "forever" as const }],
        metadata: [{ where: "meta", fields: known.meta }],
      },
    };
    const id = await withAdapter(
      homing,
      () => ({ events: () => [teach] }),
      () => send({}),
    );
    await homing.settled();
    await send(lost("t5", "taught"));
    expect(await tale(id)).toMatchObject({
      headline: "This told us whose message taught is",
      explanation: "It is Acme’s. No event. 2 waiting ones came home.",
    });
    expect(await page(id)).toContain("2 waiting ones came home.");
    // Told otherwise since, it is no binding of that callback any more, and nothing is said of what it brought home.
    await homing.api("PUT", "/v1/bindings", {
      provider: "example",
      kind: "message",
      value: "taught",
      workspace_id: BETA,
      replace: true,
    });
    expect(await tale(id)).toMatchObject({
      headline: "This told us whose message taught is",
      explanation: "It is Acme’s. No event.",
    });
  });
});
