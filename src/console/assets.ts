import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { pages } from "./visit.ts";

const TYPES = { css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8", svg: "image/svg+xml" } as const;

/** A file of this folder under a name that changes with its content, so that it may be kept for ever. */
function asset(name: string, type: keyof typeof TYPES) {
  const text = readFileSync(new URL(`${name}.${type}`, import.meta.url), "utf8");
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 12);
  return { url: `/console/assets/${name}.${hash}.${type}`, type: TYPES[type], text };
}

export const style = asset("console", "css");
export const script = asset("console", "js");
export const icon = asset("icon", "svg");
const all = new Map([style, script, icon].map((one) => [one.url, one]));

export const assets = pages().get("/:name", (c) => {
  const found = all.get(c.req.path);
  if (!found) return c.notFound();
  c.header("cache-control", "public, max-age=31536000, immutable");
  return c.body(found.text, 200, { "content-type": found.type });
});
