/** One line's texts, one for each column; a text that is too long goes on below. */
export type Row = string[];

const GAP = "  ";
/** Of a column that has to give way. */
const NARROWEST = 8;
/** Where a word may be broken that is longer than its column: ids and paths have no blanks. */
const BREAKS = /[._/:,\-@]/;

/** Breaks a text into lines of at most `width` characters, at blanks where it can. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.replace(/\p{Cc}/gu, " ").split(/ +/)) {
    let rest = word;
    if (line && line.length + 1 + rest.length <= width) {
      line += ` ${rest}`;
      continue;
    }
    if (line) lines.push(line);
    while (rest.length > width) {
      const cut = breakOf(rest, width);
      lines.push(rest.slice(0, cut));
      rest = rest.slice(cut);
    }
    line = rest;
  }
  return [...lines, line];
}

function breakOf(word: string, width: number): number {
  for (let at = width; at > width / 3; at -= 1) if (BREAKS.test(word[at - 1] as string)) return at;
  return width;
}

/** The lines of a row whose columns are so wide. `paint` colours a finished line of a column. */
export function layOut(row: Row, widths: number[], paint: (text: string, column: number) => string = (text) => text): string[] {
  const cells = row.map((text, column) => wrap(text, widths[column] as number));
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((lines, column) => {
        const text = lines[line] ?? "";
        const padding = column === cells.length - 1 ? "" : " ".repeat((widths[column] as number) - text.length);
        return (text && paint(text, column)) + padding;
      })
      .join(GAP)
      .trimEnd(),
  );
}

/** Shares `total` characters among columns: the fixed ones get theirs, the others (null) the same part of what is left. */
export function shareWidth(total: number, columns: (number | null)[]): number[] {
  const fixed = columns.reduce<number>((sum, width) => sum + (width ?? 0), GAP.length * (columns.length - 1));
  const flexible = columns.filter((width) => width === null).length;
  return columns.map((width) => width ?? Math.max(12, Math.floor((total - fixed) / flexible)));
}

const ID = /^[a-z]{2,3}_[0-9a-f]{32}$/;

/** The widths of a table's columns: what they need, and where that is more than there is, less of the widest. An id is never cut. */
export function fitWidths(rows: Row[], total: number): number[] {
  const widths: number[] = [];
  const whole = new Set<number>();
  for (const row of rows) {
    for (const [column, text] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 1, text.length);
      if (ID.test(text)) whole.add(column);
    }
  }
  const over = () => widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1)) - total;
  while (over() > 0) {
    const widest = Math.max(...widths.map((width, column) => (whole.has(column) ? 0 : width)));
    if (widest <= NARROWEST) break;
    widths[widths.findIndex((width, column) => width === widest && !whole.has(column))] = widest - 1;
  }
  return widths;
}
