import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Alerts } from "../../src/attention/alerts.ts";
import { silent } from "../../src/log.ts";
import { Courier } from "../../src/outbound/attempt.ts";
import { whsec } from "../../src/outbound/sign.ts";
import { databases, startGateway, type TestGateway } from "../support/gateway.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";

const SECRET = "an alert secret of thirty-two bytes or more";

describe.each(databases)("alerts (%s)", (kind) => {
  let home: TestGateway;
  let there: Receiver;
  let answers = 200;
  let meanwhile = async () => {};

  beforeAll(async () => {
    home = await startGateway(kind);
    there = await startReceiver(async (_, response) => {
      const once = meanwhile;
      meanwhile = async () => {};
      await once();
      response.writeHead(answers).end();
    });
  });
  afterAll(async () => {
    await home.close();
    await there.close();
  });

  it("tell each thing once while it lasts, signed, and again until they are taken", async () => {
    const { database, databaseClock, clock } = home.gateway;
    const courier = new Courier({ allowPrivate: true, resolve: () => Promise.reject(new Error("no names")), clock });
    const made = () => new Alerts({ ...{ database, databaseClock, courier, secret: SECRET, url: there.url, log: silent } });
    const [one, other] = [made(), made()];
    await one.look();
    expect(there.received).toEqual([]);
    await home.callback("example", {
      reports: [{ id: "a1", message_id: "m1", status: "delivered", at: "2026-11-22T10:00:00Z" }],
    });
    answers = 500;
    await one.look();
    expect(there.received).toHaveLength(1);
    // Another process leaves it to the first for a minute.
    await other.look();
    expect(there.received).toHaveLength(1);
    answers = 200;
    await database.query("update alerts set tried_at = now() - interval '2 minutes'");
    await other.look();
    await one.look();
    await other.look();
    expect(there.received).toHaveLength(2);
    const [, { headers, body }] = there.received as [unknown, (typeof there.received)[number]];
    expect(new Webhook(whsec(SECRET)).verify(body, headers as Record<string, string>)).toMatchObject({
      ...{ type: "attention.unmatched", workspace_id: "__org__" },
      data: { kind: "unmatched", count: 1, link: { to: "unmatched" } },
    });
    // Gone for half an hour, and there again.
    await database.query("update alerts set seen_at = now() - interval '31 minutes' where told_at is not null");
    await database.query("delete from waiting");
    await one.look();
    await home.callback("example", {
      reports: [{ id: "a2", message_id: "m2", status: "delivered", at: "2026-11-22T10:00:00Z" }],
    });
    await one.look();
    expect(there.received).toHaveLength(3);
    courier.close();
  });

  it("are not told by another process while one that is slow stands before them", async () => {
    const { database, databaseClock, clock } = home.gateway;
    const courier = new Courier({ allowPrivate: true, resolve: () => Promise.reject(new Error("no names")), clock });
    const made = () => new Alerts({ ...{ database, databaseClock, courier, secret: SECRET, url: there.url, log: silent } });
    await home.callback("example", "no JSON");
    await database.query("delete from alerts");
    const before = there.received.length;
    // The first one takes a minute to be answered; another process looks then.
    meanwhile = async () => {
      const kind = JSON.parse(there.received.at(-1)?.body.toString() ?? "{}").data.kind;
      await database.query("update alerts set tried_at = tried_at - interval '2 minutes' where key not like $1", [`["${kind}"%`]);
      await made().look();
    };
    await made().look();
    const told = there.received.slice(before).map(({ body }) => JSON.parse(body.toString()).data.kind);
    expect(told.toSorted()).toEqual(["failed", "unmatched"]);
    courier.close();
  });

  it("are counted in the metrics, too", async () => {
    const response = await fetch(`${home.url}/metrics`, {
      headers: { authorization: "Bearer test-operator-token-0123456789abcdef" },
    });
    expect(await response.text()).toMatch(/homing_attention\{kind="unmatched",adapter=""\} 1/);
  });
});
