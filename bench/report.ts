/** The figures of a run as tables in Markdown, which read well in a terminal too. */

import { toMb } from "../test/load/figures.ts";
import { toSvg } from "../test/load/plot.ts";
import type { Growth, UsersPoint } from "./growth.ts";
import type { Latency } from "./latency.ts";
import type { Share } from "./profile.ts";
import type { Costs } from "./sessions.ts";
import type { Spread } from "./statistics.ts";

function toMarkdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
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

export function toLatencyTable(latencies: readonly Latency[]): string {
  return toMarkdown(
    ["", "round trips", "median ms", "lowest to highest", "first of the process", "after a minute"],
    latencies.map(({ scenario, sessionMs, firstMs, afterIdleMs }) => [
      scenario.title,
      String(scenario.roundTrips),
      sessionMs.median.toFixed(1),
      `${sessionMs.min.toFixed(1)} to ${sessionMs.max.toFixed(1)}`,
      firstMs.toFixed(1),
      afterIdleMs?.toFixed(1) ?? "",
    ]),
  );
}

export function toCallersTable({ callers }: Growth): string {
  return toMarkdown(
    ["callers at once", "service µs", "floor µs", "ratio"],
    callers.map(({ callers, serviceMicros, floorMicros }) => [
      String(callers),
      serviceMicros.toFixed(0),
      floorMicros.toFixed(0),
      (serviceMicros / floorMicros).toFixed(2),
    ]),
  );
}

export function toUsersTable(points: readonly UsersPoint[]): string {
  return toMarkdown(
    ["different users so far", "CPU µs per session", "RSS", "live heap"],
    points.map(({ users, cpuMicros, rssBytes, liveHeapBytes }) => [
      String(users),
      cpuMicros.toFixed(0),
      toMb(rssBytes),
      toMb(liveHeapBytes),
    ]),
  );
}

/** What is below half a percent is one row. */
export function toSharesTable(shares: readonly Share[]): string {
  const large = shares.filter(({ share }) => share >= 0.005);
  const rest = 1 - large.reduce((sum, { share }) => sum + share, 0);
  const rows = [...large, { owner: "all others", share: rest }];
  return toMarkdown(
    ["whose code", "share"],
    rows.map(({ owner, share }) => [owner, `${(100 * share).toFixed(1)} %`]),
  );
}

export function toGrowthPlot({ callers }: Growth, users: readonly UsersPoint[]): string {
  const inMillions = (point: UsersPoint) => point.users / 1e6;
  return toSvg({
    title: "What a session costs, as callers and users grow",
    description:
      "CPU per session over concurrent callers and over different users, and memory over users.",
    columns: 3,
    panels: [
      {
        title: "CPU per session",
        xLabel: "callers at once, as a power of ten",
        yLabel: "µs",
        series: [
          {
            label: "service",
            line: "strong",
            points: callers.map((each) => [Math.log10(each.callers), each.serviceMicros] as const),
          },
          {
            label: "floor",
            line: "plain",
            points: callers.map((each) => [Math.log10(each.callers), each.floorMicros] as const),
          },
        ],
      },
      {
        title: "CPU per session, ES256 tokens",
        xLabel: "different users so far, in millions",
        yLabel: "µs",
        series: [
          {
            label: "service",
            line: "strong",
            points: users.slice(1).map((each) => [inMillions(each), each.cpuMicros] as const),
          },
        ],
      },
      {
        title: "Memory",
        xLabel: "different users so far, in millions",
        yLabel: "MB",
        series: [
          {
            label: "resident",
            line: "strong",
            points: users.map((each) => [inMillions(each), each.rssBytes / 1e6] as const),
          },
          {
            label: "live heap",
            line: "plain",
            points: users.map((each) => [inMillions(each), each.liveHeapBytes / 1e6] as const),
          },
        ],
      },
    ],
  });
}

function format({ median, min, max }: Spread, digits: number): string {
  const [middle, low, high] = [median, min, max].map((value) => value.toFixed(digits));
  return low === high ? `${middle}` : `${middle} (${low} to ${high})`;
}
