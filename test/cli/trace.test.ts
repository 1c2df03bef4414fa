import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer } from "../../src/trace/find.ts";
import { ACME, BETA, signersOf } from "../support/fixtures.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import { homing } from "./support/run.ts";

const NOBODY = "00000000-0000-4000-8000-000000000bad";

const mail = (id: string, more: object = {}) => ({
  ...{ event: "delivered", timestamp: 1795345000, email: `${id}@books.example`, response: "250 OK" },
  ...{ sg_message_id: `${id}.recvd-1`, sg_event_id: `${id}-delivered`, homing_workspace_id: ACME, message_id: `m_${id}` },
  ...more,
});
const paid = (id: string, customer: string, metadata: object = {}) => ({
  ...{ id: `evt_${id}`, object: "event", created: 1795345198, livemode: true, type: "invoice.paid" },
  data: { object: { id: `in_${id}`, object: "invoice", customer, metadata } },
});

describe("homing trace answers the ten stories of support", () => {
  let test: TestGateway;
  let good: Receiver;
  let bad: Receiver;

  beforeAll(async () => {
    test = await startGateway("embedded", { ALLOW_PRIVATE_ENDPOINTS: "true" });
    good = await startReceiver();
    bad = await startReceiver((_, response) => void response.writeHead(503).end());
    await test.api("PUT", `/v1/workspaces/${ACME}`, { name: "Acme Books" });
    await test.api("PUT", `/v1/workspaces/${BETA}`, { name: "Beta Toys" });
    const add = async (description: string, url: string, events: string[]) =>
      (await test.api("POST", "/v1/endpoints", { workspace_id: ACME, url, events, description })).body.id as string;
    await add("Shop system", good.url, ["delivery.*"]);
    await add("CRM", good.url, ["contact.*"]);
    const broken = await add("Old billing", bad.url, ["delivery.delivered"]);
    await test.callback("sendgrid", [mail("letter")]);
    await until(
      () => test.api("GET", `/v1/endpoints/${broken}`),
      ({ body }) => body.health.last_failures.length > 0,
    );
    await good.came(1);
  });
  afterAll(async () => {
    await test.close();
    await good.close();
    await bad.close();
  });

  /** The whole story as it is printed to a pipe: without colours, and nothing else beside it. */
  const trace = async (asked: string, ...more: string[]) => {
    const told = await homing(test.url, ["trace", asked, ...more]);
    expect(told).toMatchObject({ code: 0, stderr: "" });
    expect(told.stdout).not.toContain("\u001b");
    return told.stdout;
  };

  it("delivered? and who was told: by our id, the provider's, or the address", async () => {
    const [message, json] = await Promise.all([trace("m_letter"), trace("letter", "--json")]);
    expect(message).toMatch(/^● Delivered {2}message m_letter\nYes, it was delivered at 10:56\n/);
    expect(message).toContain("1 of 3 told.");
    expect(message).toContain("CRM does not ask for delivery.delivered. As subscribed at");
    expect(message).toContain("Old billing: Attempt 2 of 7");
    expect(message).toContain("was delivered on 22 November at 10:56 UTC.”");
    // Who looks on reads no address.
    expect(message).not.toContain("letter@books.example");
    expect(JSON.parse(json)).toMatchObject({ tale: { kind: "message", id: "m_letter", word: "Delivered" }, nothing: null });
  });

  it("an endpoint that is down, by its name", async () => {
    const told = await trace("old billing");
    expect(told).toContain("Old billing did not accept the last one; we try again");
    expect(told).toMatch(/Last failures .* answered 503 \(dsp_/);
    expect(told).toMatch(/homing endpoints test ep_/);
  });

  it("a wrong secret: the adapter, the refused request itself, and what stands in it", async () => {
    await test.callback("stripe", paid("forged", "cus_forged"), { signer: (await signersOf("stripe")).newSigner() });
    await test.gateway.rejections.flush();
    const rejected = (await test.api("GET", "/v1/callbacks?status=rejected")).body.data[0].id as string;
    // The minutes are written by a timer.
    await until(
      () => test.api<Answer>("GET", "/v1/trace?q=stripe"),
      ({ body }) => body.tale?.shape === "refused",
    );
    const [adapter, one, said] = await Promise.all([trace("stripe"), trace(rejected), trace("cus_forged")]);
    expect(adapter).toContain("All that came in Stripe’s name in the last hour was refused: 1 request");
    expect(adapter).toContain("1 × signature_mismatch in the last hour");
    expect(adapter).toContain(`homing trace ${rejected}`);
    expect(one).toContain("Signed, but with no secret that we hold");
    expect(said).toBe(one);
  });

  it("an unknown workspace, by the callback and by the workspace's id", async () => {
    const { body } = await test.callback("sendgrid", [mail("stray", { homing_workspace_id: NOBODY })]);
    const [one, workspace] = await Promise.all([trace(body.callback_id), trace(NOBODY)]);
    expect(one).toContain("◆ Unmatched");
    expect(one).toContain("It names a workspace that is not registered here");
    expect(workspace).toContain("1 event names it and waits. Once registered, it goes out.");
  });

  it("a callback before its binding: what waits, and who brought it home", async () => {
    const { body } = await test.callback("stripe", paid("early", "cus_early"));
    await test.callback("stripe", paid("second", "cus_early"));
    const [waits, several] = await Promise.all([trace(body.callback_id), trace("customer:cus_early")]);
    expect(waits).toContain("Nobody has said whose customer cus_early is. Nothing is lost");
    expect(waits).toContain("homing assign stripe customer:cus_early --workspace");
    expect(several).toContain("2 fit, newest first.");
    await test.api("PUT", "/v1/bindings", { provider: "stripe", kind: "customer", value: "cus_early", workspace_id: ACME });
    expect(await trace(body.callback_id)).toMatch(/came home at [\d:]+ when Operator bound customer cus_early\./);
  });

  it("a conflict, a storm of repeats, and junk", async () => {
    const conflict = await test.callback("sendgrid", [mail("conflict")], { path: test.path("sendgrid", BETA) });
    const again = await test.callback("sendgrid", [mail("letter")]);
    const junk = await test.callback("sendgrid", "junk");
    const ids = [conflict, again, junk].map(({ body }) => body.callback_id);
    const [differs, repeat, failed] = (await Promise.all(ids.map((id) => trace(id)))) as [string, string, string];
    expect(differs).toContain("URL says Beta Toys, Metadata says Acme Books. We never choose");
    expect(repeat).toMatch(/❐ Repeat .*\nTwilio SendGrid sent this before\nFirst at .*; nobody was told twice\./);
    expect(repeat).toMatch(/First one: homing trace cb_/);
    expect(failed).toContain("It is Twilio SendGrid’s, but we could not read it");
    expect(failed).toContain(`homing replay ${ids[2]} --dry-run`);
  });

  it("a batch opens at what was looked for", async () => {
    await test.callback("sendgrid", [mail("one"), mail("two"), mail("three")]);
    const events = await test.events("&message_id=m_two");
    const { body } = await test.api<Answer>("GET", `/v1/trace?q=${events[0]?.id}`);
    expect(body.tale?.steps[0]?.lines[0]).toContain("It brought 3 items; this is item 1.");
  });

  it("an adapter that is quiet; and nothing found, with where it looked", async () => {
    const [quiet, nothing] = await Promise.all([trace("clerk"), homing(test.url, ["trace", "no-such-thing"])]);
    expect(quiet).toContain("Nothing came from Clerk in the last hour");
    expect(nothing.code).toBe(1);
    expect(nothing.stdout).toMatch(
      /^Nothing found for no-such-thing\. Looked in [\d,]+ callbacks since .*, messages, bindings, 1 of 1 refused ones\.\n$/,
    );
  });
});
