/**
 * P7: overload degrades, it never collapses. Two and three times the capacity, from one second to the next.
 */

import { setTimeout as sleep } from "node:timers/promises";
import {
  type Figure,
  judge,
  note,
  toMs,
  toPercent,
  toRate,
  toTable,
  withoutVerdict,
} from "../figures.ts";
import type { PartContext } from "../part.ts";
import { type Panel, toSvg } from "../plot.ts";
import type { LoadResult } from "../tally.ts";
import { mean, toWindows } from "../windows.ts";

const CASES = [
  { factor: 2, minShare: 0.9 },
  { factor: 3, minShare: 0.85 },
] as const;
const MAX_ACCEPTED_MS = 2000;
const MAX_SHED_MS = 500;

type Case = (typeof CASES)[number] & { result: LoadResult };

export async function measureOverload(context: PartContext): Promise<Figure[]> {
  const { rig, peak, isQuick, pick, writeDoc } = context;
  await using replica = await rig.startReplica();
  const load = (factor: number, durationMs: number) =>
    rig.load({ port: replica.port, ratePerSecond: factor * peak, durationMs, users: "pool" });

  await load(0.7, pick(10_000, 1000)); // The code gets warm.
  const cases: Case[] = [];
  for (const each of CASES) {
    cases.push({ ...each, result: await load(each.factor, pick(60_000, 3000)) });
    await sleep(pick(3000, 500));
  }

  const figures = cases.flatMap((each) => toFigures(each, peak, isQuick));
  await writeDoc("overload.svg", toPlot(cases, peak));
  await writeDoc("overload.md", toPage(cases, peak, figures));
  return figures;
}

function toFigures({ factor, minShare, result }: Case, peak: number, isQuick: boolean): Figure[] {
  const { total, seconds, others, shedsWithoutRetryAfter, lagMs, wrongUrls } = result;
  const worst = Math.min(...toWindows(seconds).map((window) => mean(window.map(({ ok }) => ok))));
  const name = `${factor} × capacity`;
  const timed = [
    judge(
      "P7",
      `${name}: goodput of the worst 10 s`,
      `${toPercent(worst / peak)} of peak`,
      `≥ ${toPercent(minShare)}`,
      worst >= minShare * peak,
    ),
    judge(
      "P7",
      `${name}: accepted, p99`,
      toMs(total.okMs.p99),
      `≤ ${toMs(MAX_ACCEPTED_MS)}`,
      total.okMs.p99 <= MAX_ACCEPTED_MS,
    ),
    judge(
      "P7",
      `${name}: shed, p99`,
      toMs(total.shedMs.p99),
      `≤ ${toMs(MAX_SHED_MS)}`,
      total.shedMs.p99 <= MAX_SHED_MS,
    ),
  ];
  return [
    ...(isQuick ? timed.map(withoutVerdict) : timed),
    judge(
      "P7",
      `${name}: shed without Retry-After`,
      `${shedsWithoutRetryAfter} of ${total.shed}`,
      "0",
      shedsWithoutRetryAfter === 0,
    ),
    judge(
      "P7",
      `${name}: neither answered nor shed`,
      `${total.other} of ${total.sent}${toWords(others)}`,
      "0",
      total.other === 0,
    ),
    judge(
      "P2, P3",
      `${name}: URLs of others, or repeated`,
      String(wrongUrls),
      "0",
      wrongUrls === 0,
    ),
    note(`${name}: the generator was late by at most`, toMs(lagMs)),
  ];
}

function toWords(others: Record<string, number>): string {
  const words = Object.entries(others).map(([what, count]) => `${count} × ${what}`);
  return words.length > 0 ? ` (${words.join(", ")})` : "";
}

function toPlot(cases: readonly Case[], peak: number): string {
  const toPoints = (result: LoadResult, read: (second: LoadResult["total"]) => number) =>
    result.seconds.map((second, index) => [index + 1, read(second)] as const);
  const rates = cases.map(
    ({ factor, minShare, result }): Panel => ({
      title: `${factor} × capacity`,
      xLabel: "seconds",
      yLabel: "requests per second",
      series: [
        { label: "offered", line: "faint", points: toPoints(result, ({ sent }) => sent) },
        { label: "answered 200", line: "strong", points: toPoints(result, ({ ok }) => ok) },
        { label: "shed", line: "plain", points: toPoints(result, ({ shed }) => shed) },
      ],
      limit: { label: `${100 * minShare} % of peak`, value: minShare * peak },
    }),
  );
  const latencies = cases.map(
    ({ factor, result }): Panel => ({
      title: `${factor} × capacity: p99 of each second`,
      xLabel: "seconds",
      yLabel: "milliseconds",
      series: [
        { label: "answered 200", line: "strong", points: toPoints(result, ({ okMs }) => okMs.p99) },
        { label: "shed", line: "plain", points: toPoints(result, ({ shedMs }) => shedMs.p99) },
      ],
    }),
  );
  return toSvg({
    title: `Overload: what comes of requests beyond the peak of ${toRate(peak)}`,
    description:
      "At twice and three times the capacity the answered requests stay near the peak, the rest is shed at once.",
    columns: 2,
    panels: [...rates, ...latencies],
  });
}

function toPage(cases: readonly Case[], peak: number, figures: readonly Figure[]): string {
  const rows = cases.flatMap(({ factor, result }) =>
    toWindows(result.seconds)
      .filter((_, start) => start % 10 === 0)
      .map((window, index) => {
        const goodput = mean(window.map(({ ok }) => ok));
        const offered = mean(window.map(({ sent }) => sent));
        const shed = mean(window.map((second) => second.shed));
        const slowest = Math.max(...window.map(({ okMs }) => okMs.p99));
        const slowestShed = Math.max(...window.map(({ shedMs }) => shedMs.p99));
        return `| ${factor} × | ${10 * index}–${10 * index + window.length} s | ${toRate(offered)} | ${toRate(goodput)} | ${toPercent(goodput / peak)} | ${toRate(shed)} | ${toMs(slowest)} | ${toMs(slowestShed)} |`;
      }),
  );
  return `# Overload

The promise: if more requests arrive than the service can carry, it still answers as many as before, and refuses the others at once with
503 \`overloaded\` and \`Retry-After\`. \`npm run test:load\` wrote this page. The shares count. The speeds are those of one machine.

![Requests and latencies at two and three times the capacity](overload.svg)

Requests arrive at fixed times, whether or not earlier ones have been answered. Latency counts from the time at which a request was due. The
peak is the best goodput of an earlier measurement: ${toRate(peak)} on one CPU (Node ${process.versions.node}).

${toTable(figures)}

The same in steps of ten seconds. p99 is that of the worst second in each step:

| Load | Seconds | Offered | Answered 200 | Of peak | Shed | p99 | p99 shed |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}
