import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Filled, fill } from "../console/support/filled.ts";
import { API_TOKEN } from "../support/gateway.ts";
import { until } from "../support/until.ts";

const CHROMIUM = "/usr/bin/chromium";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

describe("the console in a browser", () => {
  let filled: Filled;
  let browser: Browser;
  const opened = async (scheme: "light" | "dark", width: number): Promise<Page> => {
    // What looks at a page from outside is no script of the page.
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: 900 }, bypassCSP: true });
    const page = await context.newPage();
    await page.goto(`${filled.homing.url}/console/login`);
    await page.fill("#token", API_TOKEN);
    await page.click("button");
    return page;
  };
  beforeAll(async () => {
    filled = await fill("embedded");
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });
  afterAll(async () => {
    await browser?.close();
    await filled.close();
  });

  it("is live: numbers change in place, new rows wait behind a line", async () => {
    const page = await opened("light", 1440);
    await page.goto(`${filled.homing.url}/console/callbacks`);
    await until(
      () => page.textContent("#live"),
      (said) => said === "Live",
    );
    await filled.homing.callback("example", {
      reports: [{ id: "late", message_id: "late", status: "opened", at: "2026-11-22T11:00:00Z", meta: null }],
    });
    const line = page.locator("[data-fresh]");
    expect(
      await until(
        () => line.textContent(),
        (said) => said !== "",
      ),
    ).toBe("1 new, show");
    await line.click();
    await page.waitForURL("**/console/callbacks");
    expect(await page.locator("tbody tr").first().textContent()).toContain("Unmatched");
  }, 60_000);
});
