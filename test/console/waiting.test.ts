import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME } from "../support/fixtures.ts";
import { API_TOKEN, databases } from "../support/gateway.ts";
import { EVIL, type Filled, fill } from "./support/filled.ts";
import { read, Visitor } from "./support/visitor.ts";

describe.each(databases)("what waits, in the console (%s)", (kind) => {
  let filled: Filled;
  let operator: Visitor;
  const open = async (path: string) => (await operator.get(path)).text;
  const query = (...args: Parameters<Filled["homing"]["gateway"]["database"]["query"]>) =>
    filled.homing.gateway.database.query(...args);
  beforeAll(async () => {
    filled = await fill(kind);
    operator = await new Visitor(filled.homing.url).login(API_TOKEN);
  });
  afterAll(() => filled.close());

  it("shows of each group when its events came, minute by minute", async () => {
    const spark = (text: string) =>
      text.match(/<svg class="chart"[^>]* aria-label="([^"]*)">/g)?.map((svg) => svg.split('"').at(-2));
    expect(spark(await open("/console/unmatched"))).toEqual(
      expect.arrayContaining(["All 2 came in the last hour", "It came in the last hour"]),
    );
    await query(
      "update waiting set received_at = now() - interval '2 hours' where id = (select min(id::text)::uuid from waiting where reason = 'no_reference_bound')",
    );
    const text = await open("/console/unmatched");
    expect(spark(text)).toContain("1 of 2 came in the last hour");
    expect(read(text)).toContain("1 in the last hour");
    const { body } = await filled.homing.api("GET", "/v1/unmatched?group=reference");
    expect(body.data[0]).not.toHaveProperty("came");
  });

  it("names who brought something home, not whoever registered or bound what nothing waited for", async () => {
    const lately = async () => read(await open("/console/unmatched")).split("Brought home lately")[1] ?? "";
    expect(await lately()).toBe("");
    await filled.homing.api("PUT", "/v1/workspaces/99999999-9999-4999-8999-999999999999", { name: "Late ones" });
    await filled.homing.settled();
    expect(await lately()).toMatch(/Operator registered Late ones/);
    expect(await lately()).not.toContain("Beta");
  });

  it("previews by kind: how many, which endpoints are told, how many webhooks", async () => {
    const asked = new URLSearchParams({ adapter: "example", reference: `message:lost ${EVIL}`, workspace: ACME });
    const words = read(await open(`/console/unmatched?${asked}`));
    expect(words).toContain(`E-mail delivered 2 Desk ${EVIL.replace(/\s+/g, " ")} 2`);
    expect(words).toContain("Together 2 1 endpoint and the bus 2");
  });

  it("says in the list what waiting, unreadable and refused ones are about", async () => {
    const words = read(await open("/console/callbacks"));
    expect(words).toMatch(/Unmatched Example Mail E-mail delivered/);
    expect(words).toMatch(/Failed Example Mail It could not be read/);
    expect(read(await open("/console/callbacks?status=rejected"))).toMatch(
      /Refused Example Mail Signed, but with no secret that we hold/,
    );
  });

  it("says that nothing waits, and since when", async () => {
    const nothing = read(await open("/console/unmatched?provider=stripe"));
    expect(nothing).toContain("Nothing waits that fits this.");
    await query("delete from waiting");
    expect(read(await open("/console/unmatched"))).toMatch(
      /Nothing waits Every callback since (\d+ \w+[^,]*, )?\d\d:\d\d found its workspace\./,
    );
  });
});
