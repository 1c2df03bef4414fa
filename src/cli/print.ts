import { createInterface } from "node:readline/promises";
import { styleText } from "node:util";
import { fitWidths, layOut, type Row, wrap } from "./table.ts";

/** What was typed cannot be meant (exit code 2). */
export class WrongUse extends Error {}

type Style = Parameters<typeof styleText>[0];
const WIDEST_TEXT = 100;

const { stdout, stderr, stdin } = process;
// Whoever reads us may have seen enough (`| head`).
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
});

/** Whether a person looks at it. Colours are off where nobody does, and with NO_COLOR. */
const isTerminal = stdout.isTTY === true;
const hasColours = isTerminal && stdout.hasColors();
/** Piped text is not broken into lines: who reads it looks for words. */
const width = isTerminal ? Math.max(60, stdout.columns || WIDEST_TEXT) : Number.POSITIVE_INFINITY;
/** Sentences are read more easily where lines are short. */
const textWidth = isTerminal ? Math.min(width, WIDEST_TEXT) : width;

export const paint = (style: Style, text: string): string =>
  hasColours ? styleText(style, text, { validateStream: false }) : text;

/** Somebody else's text, without what a terminal would obey. */
export const printable = (text: string): string => text.replace(/\p{Cc}/gu, " ");

export function line(text = ""): void {
  stdout.write(`${text}\n`);
}

/** A sentence, broken at blanks, `indent` characters in. */
export function say(sentence: string, { style, indent = 0 }: { style?: Style; indent?: number } = {}): void {
  for (const paragraph of sentence.split("\n")) {
    for (const one of wrap(paragraph, textWidth - indent)) line(" ".repeat(indent) + (style ? paint(style, one) : one));
  }
}

export function json(value: unknown): void {
  line(JSON.stringify(value));
}

/** Beside the answer: what a pipe must not read. */
export function note(text: string): void {
  stderr.write(`${text}\n`);
}

/** A table with its headings; `numbers` are the columns that stand to the right. */
export function table(
  headings: Row,
  rows: Row[],
  { numbers = [], indent = 0 }: { numbers?: number[]; indent?: number } = {},
): void {
  const shown = rows.map((row) => row.map(printable));
  const widths = fitWidths([headings, ...shown], width - indent);
  const right = (row: Row) =>
    row.map((text, column) => (numbers.includes(column) ? text.padStart(widths[column] as number) : text));
  // `wrap` would take the blanks before a number away.
  const put = (row: Row, style?: Style) => {
    const blanks = right(row).map((text) => text.replaceAll(" ", "\u00a0"));
    const cells = row.map((text, column) => (numbers.includes(column) ? (blanks[column] as string) : text));
    for (const one of layOut(cells, widths, (text) => (style ? paint(style, text) : text)))
      line(" ".repeat(indent) + one.replaceAll("\u00a0", " "));
  };
  put(headings, "bold");
  for (const row of shown) put(row);
}

/** Labels, and what each tells. */
export function facts(pairs: [label: string, texts: string | string[]][], { indent = 0 } = {}): void {
  const label = Math.max(...pairs.map(([name]) => name.length), 1);
  const widths = [label, Math.max(20, textWidth - indent - label - 2)];
  const colour = (text: string, column: number) => (column === 0 ? paint("cyan", text) : text);
  for (const [name, texts] of pairs) {
    for (const [index, text] of [texts].flat().entries())
      for (const one of layOut([index === 0 ? name : "", text], widths, colour)) line(" ".repeat(indent) + one);
  }
}

/** Rewrites one line on a terminal, while something takes long; elsewhere nothing is shown. */
export function progress(text: string): void {
  if (stderr.isTTY) stderr.write(`\r\u001b[2K${text}`);
}

/** Whether somebody is there to be asked. */
export const canAsk = (): boolean => stdin.isTTY === true && stderr.isTTY === true;

/** What a person answers. */
export async function ask(question: string): Promise<string> {
  const reader = createInterface({ input: stdin, output: stderr });
  try {
    return (await reader.question(question)).trim();
  } finally {
    reader.close();
  }
}

/** What a person types without its being seen. Ctrl-C ends the command. */
export async function askHidden(question: string): Promise<string> {
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  let typed = "";
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      for (const character of String(chunk)) {
        if (character === "\r" || character === "\n" || character === "\u0004") return typed.trim();
        if (character === "\u0003") throw new WrongUse("Nothing was changed.");
        if (character === "\u007f" || character === "\b") typed = typed.slice(0, -1);
        else typed += character;
      }
    }
    return typed.trim();
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}

/** `1 event`, `1,204 events`. */
export function many(count: number, one: string, several = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : several}`;
}

/** A time as a person reads it, in UTC: `22 Nov 10:30:05`. */
export function when(time: string | null | undefined): string {
  if (!time) return "";
  const date = new Date(time);
  const month = date.toLocaleString("en-GB", { month: "short", timeZone: "UTC" });
  return `${date.getUTCDate()} ${month} ${date.toISOString().slice(11, 19)}`;
}

/** How long ago, roughly: `3 min`, `5 h`, `12 d`. */
export function age(time: string | null | undefined, now = Date.now()): string {
  if (!time) return "";
  const minutes = Math.max(0, Math.floor((now - Date.parse(time)) / 60_000));
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}
