import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync, inflateSync } from "node:zlib";
import type { Page } from "playwright-core";

const DOCS = join(import.meta.dirname, "../../../docs");
/** Where a look at every page is wanted: `STORIES_PICTURES=<folder> npm run stories`. */
const { STORIES_PICTURES: ALL } = process.env;

/** The picture of a page for `docs/`. */
export async function pictureForDocs(page: Page, name: string): Promise<number> {
  const bytes = pack(await page.screenshot());
  writeFileSync(join(DOCS, `${name}.png`), bytes);
  return bytes.length;
}

/** The picture of any page, where somebody wants to look at all of them. */
export async function picture(page: Page, name: string): Promise<void> {
  if (ALL) writeFileSync(join(ALL, `${name.replace(/\W+/g, "-")}.png`), pack(await page.screenshot({ fullPage: true })));
}

/** The same PNG, packed as tightly as zlib can: a browser packs quickly instead. */
function pack(png: Buffer): Buffer {
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    chunks.push({ type: png.toString("latin1", at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) });
    at += length + 12;
  }
  const pixels = inflateSync(Buffer.concat(chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data)));
  const isData = (type: string) => type === "IDAT" || type === "IEND";
  const packed = [
    ...chunks.filter(({ type }) => !isData(type)),
    { type: "IDAT", data: deflateSync(pixels, { level: 9, memLevel: 9 }) },
    { type: "IEND", data: Buffer.alloc(0) },
  ];
  return Buffer.concat([
    png.subarray(0, 8),
    ...packed.map(({ type, data }) => {
      const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
      const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
      length.writeUInt32BE(data.length);
      sum.writeUInt32BE(crc32(body));
      return Buffer.concat([length, body, sum]);
    }),
  ]);
}
