import { type Html, html, nothing } from "../html.ts";

const BAR = 2.4;

/** A line of bars, each minute or step one, on its own scale; the refused on top in red. `story` names it for those who do not see it. */
export function spark(all: readonly number[], bad: readonly number[], story: string, width = 150, height = 20): Html {
  const most = Math.max(1, ...all);
  const step = width / Math.max(1, all.length);
  const line = (heights: readonly number[], from: (index: number) => number) =>
    heights
      .map((count, index) => {
        const tall = count === 0 ? 0 : Math.max(1, (count / most) * height);
        return tall === 0 ? "" : `M${round(index * step + step / 2)} ${round(height - from(index))}v-${round(tall)}`;
      })
      .join("");
  const good = all.map((count, index) => count - (bad[index] ?? 0));
  const tallOf = (count: number) => (count === 0 ? 0 : Math.max(1, (count / most) * height));
  return html`<svg class="chart" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${story}"><path class="base" d="M0 ${height - 0.5}h${width}"/><path class="bars" stroke-width="${round(Math.min(BAR, step * 0.7))}" d="${line(good, () => 0)}"/>${
    bad.some((count) => count > 0)
      ? html`<path class="bars bad" stroke-width="${round(Math.min(BAR, step * 0.7))}" d="${line(bad, (index) => tallOf(good[index] ?? 0))}"/>`
      : nothing
  }</svg>`;
}

export type Part = { count: number; tone: "bar" | "wait" | "bad" | "off" };
/** A part above none is seen, however small. */
const LEAST = 2.5;

/** What became of all: a bar in parts. */
export function outcome(parts: readonly Part[], story: string, width = 84): Html {
  const shown = parts.filter((part) => part.count > 0);
  const total = shown.reduce((sum, part) => sum + part.count, 0);
  const wide = shown.map((part) => Math.max(LEAST, (part.count / total) * width));
  const scale = wide.reduce((sum, one) => sum + one, 0);
  // What the small ones were given, the largest gives.
  const largest = wide.indexOf(Math.max(...wide, 0));
  if (scale > width && largest >= 0) wide[largest] = (wide[largest] as number) - (scale - width);
  let x = 0;
  return html`<svg class="chart" width="${width}" height="8" viewBox="0 0 ${width} 8" role="img" aria-label="${story}">${shown.map(
    (part, index) => {
      const from = x;
      x += wide[index] as number;
      return html`<rect class="part ${part.tone}" x="${round(from)}" y="0" width="${round(Math.max(LEAST, (wide[index] as number) - (index < shown.length - 1 ? 1 : 0)))}" height="8"/>`;
    },
  )}</svg>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
