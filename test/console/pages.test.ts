import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { script } from "../../src/console/assets.ts";
import { ACME, BETA } from "../support/fixtures.ts";
import { API_TOKEN, databases } from "../support/gateway.ts";
import { EVIL, type Filled, fill, pagesOf } from "./support/filled.ts";
import { read, Visitor } from "./support/visitor.ts";

const LARGEST = 100 * 1024;

describe.each(databases)("the pages of the console, on the %s database", (kind) => {
  let filled: Filled;
  let operator: Visitor;
  let support: Visitor;
  const open = async (path: string, who = operator) => {
    const page = await who.get(path);
    return { ...page, words: read(page.text) };
  };
  beforeAll(async () => {
    filled = await fill(kind);
    operator = await new Visitor(filled.homing.url).login(API_TOKEN);
    support = await new Visitor(filled.homing.url).login(filled.tokens.support);
  });
  afterAll(() => filled.close());

  it("are safe, small and whole: each of them", async () => {
    for (const path of pagesOf(filled)) {
      for (const who of [operator, support]) {
        const { status, text, headers } = await open(path, who);
        expect([path, status < 500]).toEqual([path, true]);
        if (status === 303) continue;
        expect(String(headers["content-security-policy"])).toMatch(/^default-src 'none'; style-src 'self'; script-src 'self';/);
        expect(String(headers["content-security-policy"])).not.toContain("unsafe");
        expect(headers["cache-control"]).toBe("no-store");
        expect(headers["x-content-type-options"]).toBe("nosniff");
        expect(Buffer.byteLength(text), path).toBeLessThan(LARGEST);
        // No script or style within, no handler, no other host.
        expect(text.match(/<script(?! src="\/console\/assets\/console\.[0-9a-f]{12}\.js" defer><\/script>)/g), path).toBeNull();
        expect(text.match(/<style|\sstyle=|\son\w+=(?=["'])|javascript:/gi), path).toBeNull();
        expect(text.match(/(?:src|href|action|poster|srcset)="(?!\/console|#)/g), path).toBeNull();
        // Whatever anybody wrote is text.
        expect(text.match(/<img|<script>alert|onerror=alert\(1\)>/g), path).toBeNull();
        expect(text).toMatch(/<h1/);
      }
    }
  });

  it("show foreign text as text, set apart from the line around it", async () => {
    const { text } = await open(`/console/callbacks/${filled.callbacks.new_word}`);
    expect(text).toContain("<bdi>teleported &lt;script&gt;");
    const body = await open(`/console/callbacks/${filled.callbacks.new_word}/body`);
    expect(body.words).toContain(`teleported <script>`);
  });

  it("never show e-mail addresses outside the body, or what is secret anywhere", async () => {
    for (const path of pagesOf(filled).filter((one) => !one.includes("/body"))) {
      const { words } = await open(path);
      expect([path, /\b(?:m1|lost2|u1|b1)@example\.com/.test(words)]).toEqual([path, false]);
      for (const secret of [filled.homing.signers.get("example")?.secret ?? "?", API_TOKEN, filled.tokens.support])
        expect(words).not.toContain(secret);
    }
    expect((await open("/console/messages/m1")).words).toContain("•••");
  });

  it("give the style and the script under names that change with them, for ever", async () => {
    const { text } = await open("/console");
    for (const [, url = ""] of text.matchAll(/(?:href|src)="(\/console\/assets\/[^"]+)"/g)) {
      const file = await new Visitor(filled.homing.url).get(url);
      expect([file.status, file.headers["cache-control"]]).toEqual([200, "public, max-age=31536000, immutable"]);
    }
    expect(Buffer.byteLength(script.text)).toBeLessThan(10 * 1024);
    expect((await operator.get("/console/assets/console.000000000000.js")).status).toBe(404);
  });

  it("answer what happened: told on one of two endpoints, and why not on the other", async () => {
    const { words } = await open(`/console/callbacks/${filled.callbacks.accepted}`);
    // On another day than that of the callback the date stands before the time.
    expect(words).toMatch(/E-mail delivered at (22 Nov[^,]*, )?16:00/);
    expect(words).toContain("was told on one of two endpoints");
    expect(words).toContain("CRM sync was not told because it does not ask for delivery.delivered.");
    expect(words).toMatch(/Arrived.*Verified.*Understood.*Whose is it\?.*Event.*Webhooks/);
    expect(words).toContain("It is really Example Mail: signed with the platform’s secret.");
    expect(words).toContain("Say to the customer");
  });

  it.each([
    ["duplicate", "Repeat", "Example Mail sent this before"],
    ["no_reference_bound", "Unmatched", "We do not know whose this is yet"],
    ["unknown_workspace", "Unmatched", "It names a workspace that is not registered here"],
    ["workspace_closed", "Unmatched", "Closed one is closed here"],
    ["workspace_conflict", "Unmatched", "Two answers that differ"],
    ["new_word", "New", "Example Mail says something new: “teleported"],
    ["failed", "Failed", "It is Example Mail’s, but we could not read it"],
    ["signature_mismatch", "Refused", "Signed, but with no secret that we hold"],
    ["signature_missing", "Refused", "It came without proof"],
    ["not_found", "Refused", "The address was wrong"],
  ])("say of a callback that is %s: %s, %s", async (name, word, headline) => {
    const { words, text } = await open(`/console/callbacks/${filled.callbacks[name]}`);
    expect(words).toContain(`${word} ${headline}`);
    expect(text.match(/<h1/g)).toHaveLength(1);
    // Codes stand under Facts only.
    if (name.includes("_") && name !== "new_word") expect(words.indexOf(name)).toBeGreaterThan(words.indexOf("Facts"));
  });

  it("say of what came to no address of ours that nobody asked for its proof, nor in whose name it came", async () => {
    const { words } = await open(`/console/callbacks/${filled.callbacks.not_found}`);
    expect(words).toContain("Not looked at: it was turned away before.");
    expect(words).toMatch(/“A request reached us on .* that we could not take in\. Nothing of it was used\.”/);
    expect(words).not.toMatch(/Somebody’s|0 bytes/);
  });

  it("open a batch at the event that was looked for, and show all", async () => {
    const second = await open(`/console/callbacks/${filled.callbacks.batch}?item=1`);
    expect(second.words).toContain("3 events in it; this is number 2. Show all 3");
    expect((await open(`/console/callbacks/${filled.callbacks.batch}?item=1&all`)).words).toContain(
      "All 3 events of this callback",
    );
  });

  it("answer whether a message was delivered, by when it happened", async () => {
    const { words } = await open("/console/messages/m1");
    expect(words).toMatch(/Yes, it was delivered at (22 Nov[^,]*, )?16:00 and opened at (22 Nov[^,]*, )?16:03/);
    expect(words).toMatch(/Sent ?not told Delivered ?(22 Nov[^,]*, )?16:00:00 Opened ?(22 Nov[^,]*, )?16:03:00/);
    expect(words).toContain("1 of 2 told");
  });

  it("find by any id: one opens, several are listed, none is said with where was looked", async () => {
    expect((await operator.get("/console/search?q=m1")).headers.location).toBe("/console/messages/m1");
    expect((await operator.get(`/console/search?q=${filled.callbacks.failed}`)).headers.location).toBe(
      `/console/callbacks/${filled.callbacks.failed}`,
    );
    expect((await operator.get(`/console/search?q=${filled.callbacks.signature_mismatch}`)).headers.location).toBe(
      `/console/callbacks/${filled.callbacks.signature_mismatch}`,
    );
    const none = await open("/console/search?q=nothing-like-this");
    expect(none.words).toMatch(
      /Nothing found for nothing-like-this Looked in .*callbacks since .*, messages, bindings, \d+ of \d+ refused ones\./,
    );
  });

  it("note under Audit that somebody read a body", async () => {
    await operator.get(`/console/callbacks/${filled.callbacks.batch}/body`);
    const { body } = await filled.homing.api("GET", `/v1/audit?object=${filled.callbacks.batch}`);
    expect(body.data).toMatchObject([{ action: "callback.body_read", token: "API_TOKEN" }]);
    expect((await open(`/console/callbacks/${filled.callbacks.batch}`)).words).toContain("Operator read the body");
  });

  it("show secrets to nobody, and how many there are to operators alone", async () => {
    expect((await open("/console/workspaces")).words).toContain("in the settings");
    expect((await open("/console/workspaces", support)).words).toContain("Operators see how many there are and how old.");
  });

  it("tell times in the zone that is chosen, and name it", async () => {
    const one = await new Visitor(filled.homing.url).login(API_TOKEN);
    expect((await one.get("/console")).text).toContain("Times in IST");
    expect((await one.post("/console/zone", { zone: "UTC", next: "/console/audit" })).headers.location).toBe("/console/audit");
    const { text } = await one.get(`/console/callbacks/${filled.callbacks.accepted}`);
    expect(text).toContain("Times in UTC");
    expect(read(text)).toMatch(/E-mail delivered at (22 Nov[^,]*, )?10:30/);
    await one.post("/console/zone", { zone: "Nowhere/Atall" });
    expect((await one.get("/console")).text).toContain("Times in UTC");
  });

  it("bring a group home after a look at what that does: nothing happens where it no longer holds", async () => {
    const adapter = "example";
    const reference = `message:lost ${EVIL}`;
    const asked = new URLSearchParams({ adapter, reference, workspace: "Beta" });
    const { words, text } = await open(`/console/unmatched?${asked}`, support);
    expect(words).toContain("If you assign it to Beta");
    expect(words).toContain("Assign and emit 2 events");
    const preview = /name="preview" value="([^"]+)"/.exec(text)?.[1] ?? "";
    const fields = { adapter, reference, workspace: BETA, preview, do: "all" };
    await filled.homing.callback("example", {
      reports: [{ id: "lost3", message_id: `lost ${EVIL}`, status: "opened", at: "2026-11-22T11:00:00Z", meta: null }],
    });
    const late = await support.post("/console/unmatched/assign", fields);
    expect([late.status, read(late.text).includes("1 more came meanwhile")]).toEqual([409, true]);
    const again = await open(`/console/unmatched?${asked}`, support);
    const done = await support.post("/console/unmatched/assign", {
      ...fields,
      preview: /name="preview" value="([^"]+)"/.exec(again.text)?.[1] ?? "",
    });
    expect([done.status, read(done.text).includes("3 events emitted for Beta")]).toEqual([200, true]);
    expect((await open("/console/unmatched")).words).toContain("gave 3 events to Beta");
    expect((await open(`/console/callbacks/${filled.callbacks.no_reference_bound}`)).words).toContain(
      "It waited, and came home at",
    );
  });

  it("give one of a conflict away by itself, never in bulk; and put aside", async () => {
    const fields = { callback: filled.callbacks.workspace_conflict ?? "", item: "0" };
    const { text } = await open(`/console/unmatched?${new URLSearchParams({ ...fields, workspace: ACME })}`, support);
    const preview = /name="preview" value="([^"]+)"/.exec(text)?.[1] ?? "";
    const done = await support.post("/console/unmatched/assign", { ...fields, workspace: ACME, preview, do: "all" });
    expect(read(done.text)).toContain("1 event emitted for Acme");
    const aside = await support.post("/console/unmatched/dismiss", {
      callback: filled.callbacks.unknown_workspace ?? "",
      item: "0",
    });
    expect(read(aside.text)).toContain("1 event was put aside");
    expect((await open(`/console/callbacks/${filled.callbacks.unknown_workspace}`)).words).toContain("Put aside by");
  });
});
