import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { minute, type Zone, zoneOf } from "../../src/trace/zone.ts";
import { homing } from "../cli/support/run.ts";
import { type Day, haveDay, UNKNOWN } from "./support/day.ts";

/** The same ten stories in the terminal: what one asks for is what stands in the customer's letter. */
describe("ten stories, by homing trace", () => {
  const zone = zoneOf("Asia/Kolkata") as Zone;
  let today: Day;
  beforeAll(async () => {
    today = await haveDay();
  });
  afterAll(() => today?.close());

  const at = (moment: number) => minute(moment, zone, today.homing.gateway.databaseClock.now());
  const trace = async (asked: string) => {
    const { code, stdout, stderr } = await homing(today.homing.url, ["trace", asked], { token: today.token });
    expect([code, stderr]).toEqual([0, ""]);
    // Wide texts are broken into lines.
    return stdout.replace(/\s+/g, " ");
  };

  it("wrong secret", async () => {
    const told = await trace("razorpay");
    expect(told).toContain("Every Razorpay callback is refused since");
    expect(told).toMatch(/signature_mismatch in the last hour.*homing trace cb_/);
    expect(await trace(today.callbacks.refused)).toContain("Signed, but with no secret that we hold");
  });
  it("unknown workspace", async () => {
    expect(await trace(UNKNOWN)).toContain("3 events name it and wait. Once registered, all go out.");
  });
  it("callback before binding", async () => {
    expect(await trace("cus_QwsEarly")).toContain(`It waited, and came home at ${at(today.at.home)} when Meera bound it.`);
  });
  it("conflict", async () => {
    const told = await trace(today.callbacks.conflict);
    expect(told).toContain("URL says Blue Harbour Books, Look-up says Lotus & Loom. We never choose");
    expect(told).toContain("because it is not clear which account it belongs to");
  });
  it("endpoint down", async () => {
    const told = await trace("ERP");
    expect(told).toContain("answered 503");
    expect(told).toMatch(/3 webhooks? waits?/);
  });
  it("filtered out", async () => {
    expect(await trace("m_81f04c")).toContain("CRM sync does not ask for delivery.delivered.");
  });
  it("duplicate storm", async () => {
    const told = await trace(today.callbacks.repeat);
    expect(told).toMatch(/Twilio SendGrid sent this before First at .*; nobody was told twice\./);
    expect(told).toMatch(/First one: homing trace cb_/);
  });
  it("gone quiet", async () => {
    const told = await trace("delhivery");
    expect(told).toContain("Delhivery has gone quiet");
    expect(told).toMatch(/Last good one.*homing trace cb_/);
  });
  it("junk after a change", async () => {
    const told = await trace(today.callbacks.junk);
    expect(told).toContain("It is Cashfree’s, but we could not read it");
    expect(told).toContain(`homing replay ${today.callbacks.junk} --dry-run`);
  });
  it("delivered?", async () => {
    expect(await trace("m_81f04c")).toContain(
      `Yes, it was delivered at ${at(today.at.delivered)} and opened at ${at(today.at.opened)}`,
    );
  });
});
