import { styleText } from "node:util";
import { layOut, type Row, wrap } from "../cli/table.ts";

type Style = Parameters<typeof styleText>[0];

/** What the demo prints, in one look. */
export type Screen = {
  /** Characters in a line. */
  width: number;
  section(title: string): void;
  heading(title: string): void;
  text(sentence: string, style?: Style): void;
  row(row: Row, widths: number[], kind?: "heading"): void;
  /** A label and what it tells; each of several texts begins a line of its own. */
  fact(label: string, texts: string | string[]): void;
  /** As it is, to be copied. */
  literal(line: string): void;
  gap(): void;
};

const LABEL = 12;
const WIDEST = 118;
const NARROWEST = 80;
const EVENT_COLUMN = 4;

/** @param columns of the terminal; undefined where there is none. */
export function createScreen(print: (text: string) => void, options: { colours: boolean; columns?: number | undefined }): Screen {
  const width = Math.max(NARROWEST, Math.min(options.columns ?? WIDEST, WIDEST));
  const paint = (style: Style, text: string) => (options.colours ? styleText(style, text, { validateStream: false }) : text);
  const line = (text = "") => print(`${text}\n`);
  const screen: Screen = {
    width,
    section(title) {
      line();
      line(paint("bold", title));
    },
    heading(title) {
      line();
      line(paint("cyan", `  ${title}`));
    },
    text(sentence, style) {
      for (const one of wrap(sentence, width)) line(style ? paint(style, one) : one);
    },
    row(row, widths, kind) {
      const colour = (text: string, column: number) => {
        if (kind) return paint("bold", text);
        return column === EVENT_COLUMN && !row[column]?.startsWith("no event") ? paint("green", text) : text;
      };
      for (const one of layOut(row, widths, colour)) line(`  ${one}`);
    },
    fact(label, texts) {
      const widths = [LABEL, width - 2 - LABEL - 2];
      const colour = (text: string, column: number) => (column === 0 ? paint("cyan", text) : text);
      for (const [index, text] of [texts].flat().entries())
        for (const one of layOut([index === 0 ? label : "", text], widths, colour)) line(`  ${one}`);
    },
    literal: (text) => line(`  ${text}`),
    gap: () => line(),
  };
  return screen;
}
