/** The figures of a run as tables in Markdown, which read well in a terminal too. */

import { toMb } from "../test/load/figures.ts";
import type { Costs } from "./sessions.ts";
import type { Spread } from "./statistics.ts";

export function toMarkdown(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = header.map((_, column) =>
    Math.max(3, ...[header, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const toLine = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [header, widths.map((width) => "-".repeat(width)), ...rows].map(toLine).join("\n");
}

const COST_COLUMNS = [
  "",
  "CPU µs per session",
  "sessions/s",
  "p50 ms",
  "p99 ms",
  "RSS",
  "CPU ÷ floor",
  "sessions ÷ floor",
];

/** Median, and in brackets the lowest and highest round. */
export function toCostTable(costs: readonly Costs[]): string {
  return toMarkdown(
    COST_COLUMNS,
    costs.map((each) => [
      each.subject,
      format(each.cpuMicros, 0),
      format(each.perSecond, 0),
      each.p50Ms.median.toFixed(1),
      each.p99Ms.median.toFixed(1),
      toMb(each.rssBytes),
      format(each.ratio.cpu, 2),
      format(each.ratio.throughput, 2),
    ]),
  );
}

function format({ median, min, max }: Spread, digits: number): string {
  const [middle, low, high] = [median, min, max].map((value) => value.toFixed(digits));
  return low === high ? `${middle}` : `${middle} (${low} to ${high})`;
}
