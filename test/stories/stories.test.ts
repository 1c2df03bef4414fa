import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { clock, day as dayOf, minute, type Zone, zoneOf } from "../../src/trace/zone.ts";
import { until } from "../support/until.ts";
import { openBrowser } from "./support/browser.ts";
import { type Day, haveDay, UNKNOWN } from "./support/day.ts";
import { Person } from "./support/person.ts";
import { picture, pictureForDocs } from "./support/picture.ts";

/** Each as a support person would tell it: from the overview to the answer, in the clicks that CONSOLE §8 gives it. */
describe("ten stories", () => {
  const zone = zoneOf("Asia/Kolkata") as Zone;
  let today: Day;
  let browser: Browser;
  let me: Person;
  /** As the console says it today. */
  const at = (moment: number) => minute(moment, zone, today.homing.gateway.databaseClock.now());
  const exactly = (moment: number) => clock(moment, zone, today.homing.gateway.databaseClock.now());

  beforeAll(async () => {
    [today, browser] = await Promise.all([haveDay(), openBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await today?.close();
  });
  beforeEach(async () => {
    me = await Person.arrive(browser, today.homing.url, today.token);
  });
  afterEach(async ({ task }) => {
    await picture(me.page, task.name);
    await me.leave();
  });

  it("the overview: what is wrong, worst first, since when, how many and why", async () => {
    expect(await me.headline()).toBe("Six things need attention");
    const items = await Promise.all((await me.page.locator(".items li").all()).map((item) => item.textContent()));
    const expected = [
      `Every Razorpay callback is refused since ${at(today.at.lastGoodPayment + 60_000)}`,
      `Kaveri Kitchens’ endpoint “ERP” does not answerIt answers 503 since ${at(today.at.down)}.`,
      "3 callbacks of Cashfree could not be read",
      "14 events wait for a workspace, 9 of them of one Stripe customer",
      `Delhivery has gone quietNo callback since ${at(today.at.lastParcel)}.`,
      "Shiprocket says something new: “REACHED BACK AT SELLER CITY”",
    ];
    for (const [index, said] of expected.entries()) expect(items[index]).toContain(said);
    expect(await pictureForDocs(me.page, "console-overview")).toBeLessThan(230_000);
  });

  it("wrong secret: “Our payments stopped coming.” See one.", async () => {
    await me.click("See one", "Razorpay");
    expect(me.clicks).toBe(1);
    expect(await me.headline()).toBe("Signed, but with no secret that we hold");
    expect(await me.why()).toBe(
      `One was tried. Last good one ${exactly(today.at.lastGoodPayment)}. Was the secret changed at Razorpay?`,
    );
    expect(await me.offers()).toEqual(["Last good one", "Copy for an operator"]);
    expect(await me.says()).toMatch(
      /^“A request in Razorpay’s name reached us on .*\. It was not proved to be Razorpay’s, so we did not use it\.”$/,
    );
  });

  it("unknown workspace: “The new shop gets nothing.” Unmatched, the group.", async () => {
    await me.click("Unmatched");
    expect(await me.headline()).toBe("14 events wait for a workspace");
    await me.click(/It names a workspace that is not registered here/);
    expect(me.clicks).toBe(2);
    expect(await me.why()).toBe(`URL says ${UNKNOWN}. Nothing is lost: once registered, all 3 go out.`);
    expect(await me.page.locator("summary", { hasText: "Copy for an operator" }).isVisible()).toBe(true);
    expect(await me.page.locator(".copy p").textContent()).toContain(
      `To register it: curl -X PUT ${today.homing.url}/v1/workspaces/${UNKNOWN} `,
    );
  });

  it("callback before binding: “They had paid before they were connected.” Search.", async () => {
    await me.search("cus_QwsEarly");
    expect(me.clicks).toBe(1);
    expect(await me.headline()).toMatch(`Payment went through at ${at(today.at.early)}`);
    expect(await me.why()).toBe(
      `Matched by look-up, emitted once. It waited, and came home at ${at(today.at.home)} when Meera bound it.`,
    );
    expect(await me.reads()).toContain("It was unmatched at first");
    expect(await me.says()).toMatch(/^“Stripe told us “Payment went through” of .*\.”$/);
  });

  it("conflict: “Whose shop is that?” Unmatched, the group, a trace.", async () => {
    await me.click("Unmatched");
    await me.click(/Shopify shop lotus-and-loom/);
    expect(await me.reads()).toContain("never choose");
    await me.click("trace");
    expect(me.clicks).toBe(3);
    expect(await me.headline()).toBe("Two answers that differ");
    expect(await me.why()).toBe(
      "URL says Blue Harbour Books, Look-up says Lotus & Loom. We never choose: it waits for a person.",
    );
    expect(await me.offers()).toEqual(["Assign this one…", "Replay…"]);
    const said = await me.says();
    expect(said).toContain("It is not in your account yet, because it is not clear which account it belongs to.");
    expect(said).not.toMatch(/Blue Harbour|Lotus/);
  });

  it("endpoint down: “Our ERP was down, it is up again.” See endpoint, retry.", async () => {
    await me.click("See endpoint", "ERP");
    expect(await me.headline()).toBe("ERP did not accept the last one; we try again");
    expect(await me.why()).toBe(
      `It has accepted none so far. At ${exactly(today.at.down)} it answered 503. 3 webhooks wait. None has been given up.`,
    );
    expect(await me.reads()).toContain(`Attempt 4 of 7 at ${at(today.at.nextTry)}`);
    today.erp.mend();
    const before = today.erp.received.length;
    await me.click("Retry now");
    expect(me.clicks).toBe(2);
    await today.erp.came(before + 1);
    await until(
      async () => {
        await me.page.reload();
        return me.why();
      },
      (why) => why.includes("2 webhooks wait."),
    );
    expect(await me.headline()).toBe("ERP accepted 25 % of the last 24 hours’ attempts");
    expect(await me.reads()).toMatch(/Accepts some.*Support desk 2 tried delivery\.delivered again/s);
  });

  it("filtered out: “Our CRM was never told.” Search the message, “2 of 3 told”.", async () => {
    await me.search("m_81f04c");
    await me.click("2 of 3 told", "Delivered");
    expect(me.clicks).toBe(2);
    expect(await me.headline()).toBe(
      `E-mail delivered at ${at(today.at.delivered)}, and Blue Harbour Books was told on two of three endpoints`,
    );
    expect(await me.why()).toBe(
      "CRM sync was not told because it does not ask for delivery.delivered. Matched by its metadata, emitted once.",
    );
    expect(await me.says()).toMatch(
      /Two of your endpoints accepted it at .*\. Your endpoint CRM sync is subscribed to delivery\.bounced, contact\.\* only: with delivery\.delivered added to it, new ones are sent there\.”$/,
    );
    expect(await me.reads()).toMatch(/Not asked for As subscribed at .*: delivery\.bounced, contact\.\*\. Copy what to add/);
  });

  it("duplicate storm: “Did they get it twelve times?” Repeats, a trace, First one.", async () => {
    await me.click(/Repeats, Twilio SendGrid/);
    await me.click("Twilio SendGrid", "Repeat");
    expect(await me.headline()).toBe("Twilio SendGrid sent this before");
    expect(await me.why()).toMatch(/^First at .*; nobody was told twice\.$/);
    expect(await me.says()).toBe("“Twilio SendGrid told us this twice. Your systems were told once.”");
    await me.click("First one");
    expect(me.clicks).toBe(3);
    expect(await me.headline()).toContain("Blue Harbour Books was told on two of three endpoints");
    expect(await me.why()).toContain("emitted once.");
  });

  it("gone quiet: “Where are the parcels?” See last one.", async () => {
    await me.click("See last one", "Delhivery");
    expect(me.clicks).toBe(1);
    expect(await me.headline()).toContain(`Parcel on its way at ${at(today.at.lastParcel)}`);
    expect(await me.reads()).toContain(`Received ${dayOf(today.at.lastParcel, zone).slice(0, 6)}`);
    expect(await me.says()).toMatch(/^“Delhivery told us “Parcel on its way” of /);
  });

  it("junk after a change: “Cashfree changed something.” See one, Replay….", async () => {
    await me.click("See one", "Cashfree");
    expect(await me.headline()).toBe("It is Cashfree’s, but we could not read it");
    expect(await me.why()).toBe("Our fault. Kept; replay it after the mend.");
    expect(await me.says()).toMatch(/^“We received something from Cashfree on .* that we cannot read yet\. It is kept\.”$/);
    await me.click("Replay…");
    expect(me.clicks).toBe(2);
    expect(await me.headline()).toBe("It still cannot be read");
    expect(await me.offers()).toEqual(["Replay all the same", "Leave it"]);
  });

  it("delivered?: “Did my customer get the e-mail?” Search.", async () => {
    await me.search("m_81f04c");
    expect(me.clicks).toBe(1);
    expect(await me.headline()).toBe(`Yes, it was delivered at ${at(today.at.delivered)} and opened at ${at(today.at.opened)}`);
    expect(await me.says()).toMatch(/^“The e-mail to a•••@example\.com was delivered on .* and opened on .*\.”$/);
  });

  it("the trace that the README shows: nobody has said whose it is, nine wait", async () => {
    await me.search(today.callbacks.waiting);
    expect(await me.headline()).toBe("We do not know whose this is yet");
    expect(await me.offers()).toEqual(["Assign the 9 events…", "Replay…"]);
    expect(await pictureForDocs(me.page, "console-trace")).toBeLessThan(230_000);
  });
});
