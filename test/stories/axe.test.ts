import axe from "axe-core";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Filled, fill, pagesOf } from "../console/support/filled.ts";
import { API_TOKEN } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { openBrowser } from "./support/browser.ts";
import { Person } from "./support/person.ts";

const AXE = axe.source;
const MOST_BYTES = 100_000;

type Violation = { id: string; nodes: { target: unknown[]; failureSummary?: string }[] };

/** Every page that the console has, over a gateway to which everything has happened. */
describe("the console is for everybody", () => {
  let filled: Filled;
  let browser: Browser;
  const arrive = (options: BrowserContextOptions = {}) => Person.arrive(browser, filled.homing.url, API_TOKEN, options);
  beforeAll(async () => {
    [filled, browser] = await Promise.all([fill("postgres"), openBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await filled?.close();
  });

  it.each([
    ["light", 1440],
    ["dark", 1440],
    ["light", 400],
    ["dark", 400],
  ] as const)("no violation on any page, none too wide: %s, %d wide", async (colorScheme, width) => {
    // What looks at a page from outside is no script of the page.
    const { page, ...one } = await looking({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
    const found: string[] = [];
    for (const path of ["/console/login", ...pagesOf(filled)]) {
      await page.goto(`${filled.homing.url}${path}`);
      await page.evaluate(AXE);
      const violations = await page.evaluate(async () => {
        const page = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
        return (await page.axe.run()).violations;
      });
      found.push(...violations.map(({ id, nodes }) => `${path}: ${id} ${nodes[0]?.target} ${nodes[0]?.failureSummary ?? ""}`));
      const over = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      if (over > 0) found.push(`${path}: ${over} px too wide`);
    }
    expect(found).toEqual([]);
    await one.leave();
  });

  const looking = async (options: BrowserContextOptions) => {
    const person = await arrive(options);
    return { page: person.page, leave: () => person.leave() };
  };

  it("no page asks another host, runs what is not ours or exceeds 100 KB", async () => {
    const { page, leave } = await looking({});
    const hosts = new Set<string>();
    const found: string[] = [];
    page.on("request", (request) => hosts.add(new URL(request.url()).host));
    page.on("console", (message) => {
      if (/Content Security Policy|Trusted/i.test(message.text())) found.push(message.text());
    });
    page.on("dialog", (dialog) => {
      found.push(dialog.message());
      void dialog.dismiss();
    });
    for (const path of pagesOf(filled)) {
      const answer = await page.goto(`${filled.homing.url}${path}`);
      const size = (await answer?.body())?.length ?? 0;
      if (size > MOST_BYTES) found.push(`${path}: ${size} bytes`);
    }
    expect([[...hosts], found]).toEqual([[new URL(filled.homing.url).host], []]);
    await leave();
  });

  it("by keyboard: the skip link, /, j k Enter, c and ?", async () => {
    const { page, leave } = await looking({});
    const url = `${filled.homing.url}/console/callbacks`;
    const focused = () => page.evaluate<string>('document.activeElement.id || document.activeElement.getAttribute("href") || ""');
    await page.goto(url);
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("#main");
    await page.keyboard.press("Enter");
    expect(await focused()).toBe("main");
    await page.keyboard.press("j");
    const first = await focused();
    await page.keyboard.press("j");
    const second = await focused();
    expect([/^\/console\/callbacks\/cb_/.test(first), first === second]).toEqual([true, false]);
    await page.keyboard.press("k");
    expect(await focused()).toBe(first);
    await page.keyboard.press("/");
    expect(await focused()).toBe("q");
    // In a field a letter is a letter.
    await page.keyboard.type("jk?");
    expect(await page.inputValue("#q")).toBe("jk?");
    await page.goto(url);
    await page.keyboard.press("?");
    expect(await page.evaluate('document.querySelector("#keys").open')).toBe(true);
    await page.goto(url);
    await page.keyboard.press("j");
    await Promise.all([page.waitForURL(`**${first}`), page.keyboard.press("Enter")]);
    await page.goto(`${url}/${filled.callbacks.accepted}`);
    await page.keyboard.press("c");
    await until(
      () => page.textContent("#news"),
      (said) => said === "Copied." || said === "Selected: copy it by hand.",
    );
    await leave();
  });

  it("without script: log in, search, open a trace, look at a preview, assign", async () => {
    const me = await arrive({ javaScriptEnabled: false });
    const { page } = me;
    await me.search("m1");
    expect(await page.textContent("h1")).toContain("Yes, it was delivered at");
    await page.goto(`${filled.homing.url}/console/callbacks/${filled.callbacks.no_reference_bound}`);
    expect(await page.textContent("h1")).toBe("We do not know whose this is yet");
    await me.click(/^Assign the \d+ events…$/);
    await page.fill("#workspace", "Beta");
    await me.click("Preview");
    expect(await page.textContent("main")).toContain("If you assign it to Beta");
    await me.click(/^Assign and emit \d+ events$/);
    expect(await page.textContent("h1")).toMatch(/^\d+ events emitted for Beta$/);
    await page.goto(`${filled.homing.url}/console/callbacks/${filled.callbacks.no_reference_bound}`);
    expect(await page.textContent("main")).toContain("It waited, and came home at");
    // What does not work without script is not there.
    expect(await page.locator("button[data-copy]:visible").count()).toBe(0);
    await me.leave();
  });
});
