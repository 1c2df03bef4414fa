import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACME, BETA } from "../support/fixtures.ts";
import { API_TOKEN, startGateway, type TestGateway } from "../support/gateway.ts";
import { startReceiver } from "../support/receiver.ts";
import { homing, start } from "./support/run.ts";

const paid = (id: string, customer: string) => ({
  ...{ id: `evt_${id}`, object: "event", created: 1795345198, livemode: true, type: "invoice.paid" },
  data: { object: { id: `in_${id}`, object: "invoice", customer, metadata: {} } },
});

describe("the commands that talk to a gateway", () => {
  let test: TestGateway;
  beforeAll(async () => {
    test = await startGateway("embedded", { ALLOW_PRIVATE_ENDPOINTS: "true" });
    await test.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme Books" });
    await test.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta Toys" });
  });
  afterAll(() => test.close());

  const run = (...args: string[]) => homing(test.url, args);

  it("unmatched and bind: what waits comes home, and a second owner is refused", async () => {
    await test.callback("stripe", paid("one", "cus_one"));
    const { body } = await test.callback("stripe", paid("two", "cus_one"));
    const [groups, items, nothing] = await Promise.all([
      run("unmatched"),
      run("unmatched", "--items", "--json"),
      run("bind", "--list", "stripe", "customer:cus_one"),
    ]);
    expect(groups.stdout).toMatch(/^2 events wait for a workspace\. Nothing is lost\.\n/);
    expect(groups.stdout).toMatch(/ 2 {2}stripe {4}customer:cus_one {2}nobody has said whose it is/);
    expect(groups.stdout).not.toContain("\u001b");
    expect(JSON.parse(items.stdout).data).toMatchObject([{ callback_id: body.callback_id, index: 0 }, { index: 0 }]);
    expect(nothing).toMatchObject({ code: 1, stdout: "None is bound.\n" });
    const bound = await run("bind", "stripe", "customer:cus_one", "acme books");
    expect(bound).toMatchObject({ code: 0, stderr: "" });
    expect(bound.stdout).toMatch(
      /customer:cus_one of stripe is Acme Books's now \(bnd_[0-9a-f]{32}\)\.\n2 events that waited came home\.\n/,
    );
    const [again, list] = await Promise.all([
      run("bind", "stripe", "customer:cus_one", BETA),
      run("bind", "--list", "--workspace", ACME, "--json"),
    ]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("is bound to workspace");
    const { id } = JSON.parse(list.stdout).data[0];
    expect(await run("bind", "--remove", id)).toMatchObject({ code: 0 });
    expect((await test.api("GET", "/v1/bindings")).body.data).toEqual([]);
  });

  it("url alone on stdout, so that it can be piped; rotated it is another", async () => {
    const [plain, own, rotated] = [
      await run("url", "stripe"),
      await run("url", "stripe", "--workspace", "Acme Books"),
      await run("url", "rotate", "stripe", "--workspace", ACME, "--keep-old", "1"),
    ];
    expect(plain.stdout).toBe(`${test.url}/callbacks/stripe\n`);
    expect(own.stdout).toMatch(new RegExp(`^${test.url}/callbacks/stripe/${ACME}/[0-9a-f]{32}\n$`));
    expect(rotated.stdout).toMatch(new RegExp(`^${test.url}/callbacks/stripe/${ACME}/[0-9a-f]{32}\n$`));
    expect(rotated.stdout).not.toBe(own.stdout);
    expect(rotated.stderr).toContain("The old one is taken for 1 more hour.");
  });

  it("secrets from stdin, never shown again", async () => {
    const secrets = ["whsec_0123456789abcdef", "whsec_fedcba9876543210"];
    const set = await homing(test.url, ["secrets", "stripe", "--set", "--workspace", ACME, "--json"], {
      input: `${secrets.join("\n")}\n`,
    });
    expect(set).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(set.stdout).data).toContainEqual(expect.objectContaining({ workspace_id: ACME, count: 2 }));
    const [counts, none, rewrapped] = await Promise.all([
      run("secrets", "stripe"),
      run("secrets", "stripe", "--set"),
      run("secrets", "rewrap", "--json"),
    ]);
    expect(counts.stdout).toMatch(/3 secrets of stripe, newest first\./);
    for (const secret of secrets) expect(`${set.stdout}${counts.stdout}`).not.toContain(secret);
    expect(none).toMatchObject({ code: 2, stderr: "No secret came on stdin. Nothing was changed.\n" });
    expect(JSON.parse(rewrapped.stdout)).toEqual({ rewrapped: 0 });
  });

  it("endpoints: add, test, switch off and on, list", async () => {
    const receiver = await startReceiver(
      (_, response) => void response.writeHead(receiver.received.length === 1 ? 200 : 500).end(),
    );
    const added = await run(
      "endpoints",
      "add",
      "--workspace",
      "Acme Books",
      "--url",
      receiver.url,
      "--events",
      "delivery.*,contact.created",
      "--description",
      "Shop",
      "--json",
    );
    const endpoint = JSON.parse(added.stdout);
    expect(endpoint).toMatchObject({
      workspace_id: ACME,
      events: ["delivery.*", "contact.created"],
      secret: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const accepted = await run("endpoints", "test", "shop");
    expect([accepted.code, accepted.stdout]).toEqual([
      0,
      expect.stringMatching(/^Shop answered 200 in \d+ ms\. That is accepted\.\n$/),
    ]);
    const refused = await run("endpoints", "test", endpoint.id);
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining("Shop answered 500")]);
    expect((await run("endpoints", "disable", endpoint.id)).stdout).toContain("Shop is switched off.");
    const [list, dead, retried] = await Promise.all([
      run("endpoints"),
      run("endpoints", "dead", "Shop"),
      run("endpoints", "retry", "Shop"),
    ]);
    expect(list.stdout).toMatch(/Shop {6}Acme Books {2}switched off/);
    expect(dead.stdout).toBe("Nothing was given up on Shop.\n");
    expect(retried.stdout).toBe("Nothing was given up on it.\n");
    const rotated = await run("endpoints", "rotate", "Shop");
    expect(rotated.stdout).toMatch(/Secret {2}[0-9a-f]{64}\nwhsec {3}whsec_/);
    expect((await run("endpoints", "enable", "Shop")).stdout).toContain("Shop is switched on.");
    await receiver.close();
  });

  it("events: the log, and following it over a restart of nothing but the connection", async () => {
    const told = (id: string) => ({ type: "segment.entered", workspace_id: ACME, data: { contact_id: id, segment_id: "vip" } });
    await test.api("POST", "/v1/events", told("before"));
    const log = await run("events", "--type", "segment.entered");
    expect(log.stdout).toMatch(/segment\.entered .* our own {2}before {2}evt_/);
    expect(log.stderr).toContain("--after");
    const following = start(["events", "--follow", "--workspace", "Acme Books", "--type", "segment.entered", "--json"], {
      HOMING_URL: test.url,
      HOMING_TOKEN: API_TOKEN,
    });
    await following.printed("Following the log.");
    await test.api("POST", "/v1/events", told("first"));
    await following.printed('"first"');
    test.gateway.server.closeAllConnections();
    await test.api("POST", "/v1/events", told("second"));
    await following.printed('"second"');
    following.child.kill("SIGINT");
    const { code, stdout, stderr } = await following.ended;
    const contacts = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).data.contact_id);
    expect([code, contacts]).toEqual([0, ["first", "second"]]);
    const [, cursor = ""] = /homing events --follow --after (\S+)/.exec(stderr) ?? [];
    await test.api("POST", "/v1/events", told("third"));
    const rest = await run("events", "--after", cursor, "--type", "segment.entered", "--json");
    expect(JSON.parse(rest.stdout).data.map((event: { data: object }) => event.data)).toMatchObject([{ contact_id: "third" }]);
  });

  it("doctor tells what is wrong and what to do", async () => {
    const { body } = await test.callback("sendgrid", "junk");
    expect(body.status).toBe("failed");
    const [people, machine] = await Promise.all([run("doctor"), run("doctor", "--json")]);
    expect(people.code).toBe(1);
    expect(people.stdout).toMatch(
      /▲ 1 callback of Twilio SendGrid could not be read\. It is genuine and kept; replay it after the mend\.\n {2}→ {2}homing replay --filter status=failed,provider=sendgrid\n/,
    );
    expect(people.stdout).toContain("○ The embedded database serves");
    expect(machine.code).toBe(1);
    expect(JSON.parse(machine.stdout)).toMatchObject({ gateway: true, ok: false, database: "embedded" });
  });

  it("2 for wrong use, before anything is asked of the gateway or after", async () => {
    const wrong = [
      ["trace"],
      ["frobnicate"],
      ["bind", "stripe", "cus_one", ACME],
      ["assign", "stripe", "customer:cus_one"],
      ["replay"],
      ["replay", "--filter", "colour=red"],
      ["url", "no-such-adapter"],
    ];
    const told = await Promise.all(wrong.map((args) => run(...args)));
    expect(told.map(({ code, stdout }) => [code, stdout])).toEqual(wrong.map(() => [2, ""]));
    for (const { stderr } of told) expect(stderr).not.toMatch(/\n {4}at /);
  });

  it("1 for a token that is not known, 3 where no gateway answers", async () => {
    const folder = mkdtempSync(join(tmpdir(), "homing-test-"));
    const [stranger, away, unknown, doctor] = await Promise.all([
      homing(test.url, ["unmatched"], { token: "nobody's" }),
      homing("http://127.0.0.1:1", ["unmatched", "--json"]),
      start(["events"], { DATA_DIR: folder }).ended,
      start(["doctor", "--json"], { DATA_DIR: folder }).ended,
    ]);
    expect([stranger.code, stranger.stderr]).toEqual([1, expect.stringContaining("does not know this token")]);
    expect([away.code, away.stdout, away.stderr]).toEqual([
      3,
      "",
      expect.stringContaining("No gateway answers at http://127.0.0.1:1"),
    ]);
    expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining("No gateway is known here")]);
    expect(doctor.code).toBe(3);
    expect(JSON.parse(doctor.stdout)).toMatchObject({ gateway: false, ok: false, database: "embedded" });
    rmSync(folder, { recursive: true });
  });
});
