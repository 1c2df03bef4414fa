import type { Case } from "./cases.ts";
import type { Measurement, Usage } from "./measure.ts";
import type { SubjectName } from "./subjects.ts";

export type Round = Partial<Record<SubjectName, Measurement & Usage>>;

/** With one process, on the main case: no slower than one INSERT, and a third of what the process could answer at most. */
const GOALS = { insert: 1.0, bare: 0.3 };
const LABELS: Record<SubjectName, string> = {
  gateway: "gateway",
  insert: "one INSERT per request",
  bare: "bare node:http",
};

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** The table of a case: each server's medians, then gateway : other of each round, and their median. */
export function report(of: Case, rounds: Round[]): string {
  const lines = [
    `${of.name}: ${of.title}`,
    `  ${row("", ["callbacks/s", "p50 ms", "p99 ms", "server CPU", "client CPU", "machine"])}`,
  ];
  for (const name of ["gateway", "insert", "bare"] as const) {
    const all = rounds.flatMap((round) => round[name] ?? []);
    if (all.length === 0) continue;
    const middle = (value: (one: Measurement & Usage) => number) => median(all.map(value));
    const cells = [
      middle((one) => one.rate).toFixed(0),
      middle((one) => one.p50).toFixed(1),
      middle((one) => one.p99).toFixed(1),
      percent(middle((one) => one.serverCpu)),
      percent(middle((one) => one.clientCpu)),
      percent(middle((one) => one.machine)),
    ];
    lines.push(`  ${row(LABELS[name], cells)}`);
    if (name === "gateway" && of.eventsEach > 1)
      lines.push(`  ${row("events/s", [(middle((one) => one.rate) * of.eventsEach).toFixed(0)])}`);
  }
  for (const other of ["insert", "bare"] as const) {
    const ratios = rounds.flatMap(({ gateway, [other]: it }) => (gateway && it ? gateway.rate / it.rate : []));
    if (ratios.length === 0) continue;
    const ratio = median(ratios);
    const verdict = ratio >= GOALS[other] ? "reached" : "missed";
    const each = ratios.map((one) => one.toFixed(2)).join(" ");
    lines.push(`  gateway : ${other} = ${ratio.toFixed(2)} (rounds ${each}); goal ${GOALS[other].toFixed(1)} ${verdict}`);
  }
  if (rounds.some((round) => Object.values(round).some((one) => one.clientCpu > 0.9)))
    lines.push("  The client was busy all the time: the server could do more.");
  return lines.join("\n");
}

function row(label: string, cells: string[]): string {
  return label.padEnd(24) + cells.map((cell) => cell.padStart(12)).join("");
}

function percent(share: number): string {
  return Number.isNaN(share) ? "?" : `${(share * 100).toFixed(0)} %`;
}
