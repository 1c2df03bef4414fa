import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { timeOff } from "../../src/provider/signatures.ts";
import { registry } from "../../src/registry.ts";
import type { Answer } from "../../src/trace/find.ts";
import { read, Visitor } from "../console/support/visitor.ts";
import { signersOf } from "../support/fixtures.ts";
import { API_TOKEN, databases, startGateway, type TestGateway } from "../support/gateway.ts";

const NOW = Date.UTC(2026, 10, 22, 11);
const MINUTE = 60_000;
const adapters = [...(await registry()).values()].filter(({ provider }) => provider.verify.signs);

describe("a signed time that is off", () => {
  it.each(adapters.map(({ name }) => name))("is told of by %s, wherever it is judged", async (name) => {
    const { verify } = adapters.find((one) => one.name === name)?.provider ?? {};
    if (!verify?.signs) throw new Error("it signs nothing");
    const signer = (await signersOf(name)).newSigner();
    const url = `https://callbacks.example.com/callbacks/${name}`;
    const body = Buffer.from('{"a":1}');
    const ask = (off: number) => {
      const request = { body, url, headers: signer.sign({ body, url, now: new Date(NOW - off) }) };
      return { verdict: verify.verify(verify.key(signer.secret), request, NOW), off: timeOff(verify, request, NOW) };
    };
    for (const age of [1000 * 86_400_000, -20 * MINUTE]) {
      const { verdict, off } = ask(age);
      if (verdict === "ok") continue;
      expect(verdict).toBe(age > 0 ? "signature_expired" : "signature_early");
      expect(off).toMatchObject({ age_seconds: age / 1000 });
      // As far off as it may be, it is not refused; a second more, and it is.
      const allowed = (off?.allowed_seconds ?? 0) * 1000 * Math.sign(age);
      expect([ask(allowed).verdict, ask(allowed + 1000 * Math.sign(age)).verdict]).toEqual(["ok", verdict]);
    }
  });
});

describe.each(databases)("the trace of a signature of another time, on the %s database", (kind) => {
  let homing: TestGateway;
  let visitor: Visitor;
  beforeAll(async () => {
    homing = await startGateway(kind);
    visitor = await new Visitor(homing.url).login(API_TOKEN);
  });
  afterAll(() => homing.close());

  const refused = async (off: number) => {
    const answer = await homing.callback("stripe", { id: "evt_1" }, { now: new Date(Date.now() - off) });
    expect(answer.status).toBe(401);
    await homing.gateway.rejections.flush();
    const id = (await homing.api("GET", "/v1/callbacks?status=rejected&limit=1")).body.data[0].id as string;
    const trace = async () => (await homing.api("GET", `/v1/callbacks/${id}`)).body;
    const tale = async () => (await homing.api<Answer>("GET", `/v1/trace?q=${id}`)).body.tale;
    return { id, trace, tale, page: async () => read((await visitor.get(`/console/callbacks/${id}`)).text) };
  };

  it("says how old it is, and how old it may be", async () => {
    const { trace, tale, page } = await refused(47 * MINUTE);
    const { verification } = await trace();
    expect(verification.explanation).toMatch(/^Its signature is right, but 47 min( \d s)? old, and 5 min are allowed/);
    expect(await tale()).toMatchObject({
      headline: expect.stringMatching(/^Its signature is 47 min( \d s)? old$/),
      explanation: "Allowed: 5 min. Old copy or wrong clock.",
    });
    expect(await page()).toMatch(/Refused Its signature is 47 min( \d s)? old Allowed: 5 min\. Old copy or wrong clock\./);
  });

  it("says how far ahead it is", async () => {
    const { trace, tale } = await refused(-47 * MINUTE);
    expect((await trace()).verification.explanation).toMatch(
      /dated 4[67] min( \d+ s)? ahead, and 5 min are allowed: a wrong clock\.$/,
    );
    expect(await tale()).toMatchObject({
      headline: "Its signature is from the future",
      explanation: expect.stringMatching(/^Dated 4[67] min( \d+ s)? ahead\. Allowed: 5 min\. A wrong clock\.$/),
    });
  });

  it("says it without a figure where none was kept", async () => {
    const { trace, tale } = await refused(47 * MINUTE);
    await homing.gateway.database.query(
      `update rejections set verification = '{"ok":false,"code":"signature_expired","tried":1}'`,
    );
    expect((await trace()).verification.explanation).toBe("Its signature is right, but too old: an old copy, or a wrong clock.");
    expect(await tale()).toMatchObject({ headline: "Its signature is too old", explanation: "Old copy or wrong clock." });
  });

  it("keeps no signature", async () => {
    await refused(47 * MINUTE);
    const rows = await homing.gateway.database.query<{ verification: string }>("select verification from rejections");
    for (const { verification } of rows) expect(verification).not.toMatch(/[0-9a-f]{32}|v1=/);
  });

  it("tells the status that was answered, and the names of its headers alone", async () => {
    const { page, tale } = await refused(47 * MINUTE);
    const said = await page();
    expect(said).toMatch(/We answered 401 signature_expired/);
    expect(said).not.toMatch(/\b0 headers/);
    expect(said).toMatch(/\d+ headers Their names alone: nobody vouches for what stands in them\. .*stripe-signature/);
    expect(said).not.toMatch(/v1=[0-9a-f]/);
    const steps = new Map((await tale())?.steps.map((step) => [step.name, step.lines.join(" ")]));
    expect(steps.get("We answered")).toBe("401 signature_expired");
    expect(steps.get("Arrived")).toMatch(/With \d+ headers: .*stripe-signature/);
  });
});
