import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";

/** A support person at the console. Every click counts, and so does a search: one types and presses Enter. */
export class Person {
  readonly page: Page;
  clicks = 0;

  private constructor(page: Page) {
    this.page = page;
  }

  /** Logs in by the login page, and stands at the overview. */
  static async arrive(browser: Browser, url: string, token: string, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "light", ...options });
    const page = await context.newPage();
    await page.goto(`${url}/console`);
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.waitForURL(`${url}/console`);
    return new Person(page);
  }

  /** Clicks what is called so; `beside` is what stands in the same line of a list. */
  async click(name: string | RegExp, beside?: string): Promise<void> {
    const main = this.page.locator("nav.menu, main");
    const within = beside === undefined ? main : main.locator("li, tr").filter({ hasText: beside });
    const one = within.getByRole("link", { name }).or(within.getByRole("button", { name })).first();
    this.clicks += 1;
    await Promise.all([this.page.waitForEvent("domcontentloaded"), one.click()]);
  }

  async search(asked: string): Promise<void> {
    const box = this.page.locator("#q");
    await box.fill(asked);
    this.clicks += 1;
    await Promise.all([this.page.waitForEvent("domcontentloaded"), box.press("Enter")]);
  }

  /** All that the page says, as one reads it. */
  reads(): Promise<string> {
    return seen(this.page.locator("main"));
  }

  headline(): Promise<string> {
    return seen(this.page.locator("h1"));
  }

  /** The sentences below the headline. */
  why(): Promise<string> {
    return seen(this.page.locator("p.why").first());
  }

  /** What can be done about it. */
  async offers(): Promise<string[]> {
    const offers = await this.page.locator(".offers").locator("a.button, button:visible, summary").all();
    return Promise.all(offers.map(seen));
  }

  /** What may be said to the customer. */
  says(): Promise<string> {
    return seen(this.page.locator("#say"));
  }

  leave(): Promise<void> {
    return this.page.context().close();
  }
}

/** What is shown of it, hidden parts left out. */
async function seen(part: Locator): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is not read.
  return (await part.evaluate((element) => (element as unknown as { innerText: string }).innerText)).replace(/\s+/g, " ").trim();
}
