/**
 * P8: memory is bounded. Nothing grows at 0.7 × capacity, and many users leave nothing behind.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Figure, judge, note, toMb, withoutVerdict } from "../figures.ts";
import { readLiveHeapBytes } from "../heap.ts";
import type { PartContext } from "../part.ts";
import { toSvg } from "../plot.ts";
import { countDescriptors, readRssBytes } from "../proc.ts";
import type { Replica } from "../replica.ts";
import { startSampler } from "../sampler.ts";
import { fitSlope, type Slope } from "../slope.ts";

const MAX_SLOPE_BYTES = 1e6;
const SLOPE_SECONDS = 600;
const MIN_SLOPE_MS = 20 * 60_000;
/** What a process differs by between two forced collections, without having grown. */
const HEAP_ROOM_BYTES = 1e6;
const RSS_ROOM_BYTES = 16e6;
const MAX_DESCRIPTORS = 5;
const LOAD_SHARE = 0.7;
/** Idle connections to MX are closed after 4 s. */
const REST_MS = 6000;
const QUICK_REST_MS = 500;
const SUBJECTS = 100_000;
/** A machine that is too slow for all of them says so. */
const MAX_SUBJECTS_MS = 150_000;
const MAX_CACHE_BYTES = 64e6;

type AtRest = { heap: number; rss: number; descriptors: number };

export async function measureMemory(context: PartContext): Promise<Figure[]> {
  const { rig, peak, isQuick, pick, soakMs, writeDoc } = context;
  await using replica = await rig.startReplica({ inspector: true });
  const restMs = pick(REST_MS, QUICK_REST_MS);
  const durationMs = soakMs ?? pick(180_000, 4000);
  const load = (ms: number) =>
    rig.load({
      port: replica.port,
      ratePerSecond: LOAD_SHARE * peak,
      durationMs: ms,
      users: "pool",
    });

  await load(pick(20_000, 2000)); // Code is compiled, pools are filled.
  const before = await readAtRest(replica, restMs);
  using rss = startSampler(() => readRssBytes(replica.pid));
  const { total } = await load(durationMs);
  const samples = [...rss.samples];
  const after = await readAtRest(replica, restMs);
  await writeDoc(soakMs ? "memory.svg" : "memory-short.svg", toPlot(samples, durationMs));

  const name = toMinutes(durationMs);
  const settled = samples.slice(Math.round(samples.length / 4)); // The heap takes its working size first.
  const judged = [
    judgeSlope(name, fitSlope(settled), durationMs),
    judgeGrowth(`${name}: growth of the live heap`, after.heap - before.heap, {
      durationMs,
      roomBytes: HEAP_ROOM_BYTES,
    }),
    judgeGrowth(`${name}: growth of RSS at rest`, after.rss - before.rss, {
      durationMs,
      roomBytes: RSS_ROOM_BYTES,
    }),
    judge(
      "P8",
      `${name}: file descriptors at rest`,
      `${before.descriptors} before, ${after.descriptors} after`,
      `± ${MAX_DESCRIPTORS}`,
      Math.abs(after.descriptors - before.descriptors) <= MAX_DESCRIPTORS,
    ),
  ];
  return [
    ...(isQuick ? judged.map(withoutVerdict) : judged),
    note(`${name}: RSS under load, lowest and highest`, toRange(settled)),
    note(`${name}: answered 200`, `${total.ok} of ${total.sent}`),
  ];
}

/** A process takes memory in steps of megabytes, so a short run cannot tell a slope from a step. */
function judgeSlope(name: string, slope: Slope | undefined, durationMs: number): Figure {
  const toTenMinutes = (bytesPerSecond: number) => toMb(bytesPerSecond * SLOPE_SECONDS);
  const least = slope ? slope.perSample - slope.uncertainty : Number.POSITIVE_INFINITY;
  const figure = judge(
    "P8",
    `${name}: slope of RSS in 10 min`,
    slope ? `${toTenMinutes(slope.perSample)} ± ${toTenMinutes(slope.uncertainty)}` : "too short",
    `≤ ${toMb(MAX_SLOPE_BYTES)}`,
    least * SLOPE_SECONDS <= MAX_SLOPE_BYTES,
  );
  return durationMs < MIN_SLOPE_MS ? withoutVerdict(figure) : figure;
}

/** At rest and after a collection the steps are gone: this sees a leak of some ten bytes per request. */
function judgeGrowth(
  what: string,
  growth: number,
  { durationMs, roomBytes }: { durationMs: number; roomBytes: number },
): Figure {
  const limit = (MAX_SLOPE_BYTES * durationMs) / 1000 / SLOPE_SECONDS;
  return judge(
    "P8",
    what,
    toMb(growth),
    `≤ ${toMb(limit)} (+ ${toMb(roomBytes)} to measure)`,
    growth <= limit + roomBytes,
  );
}

export async function measureSubjects({ rig, peak, pick }: PartContext): Promise<Figure[]> {
  await using replica = await rig.startReplica({ inspector: true });
  const ratePerSecond = LOAD_SHARE * peak;
  const count = pick(SUBJECTS, 3000);
  const restMs = pick(REST_MS, QUICK_REST_MS);
  const load = (users: "pool" | "distinct", durationMs: number) =>
    rig.load({ port: replica.port, ratePerSecond, durationMs, users });

  await load("pool", pick(10_000, 1000));
  const before = await readAtRest(replica, restMs);
  const result = await load("distinct", Math.min(MAX_SUBJECTS_MS, (1100 * count) / ratePerSecond));
  const after = await readAtRest(replica, restMs);

  const [heap, rss] = [after.heap - before.heap, after.rss - before.rss];
  const limit = `≤ ${toMb(MAX_CACHE_BYTES)}`;
  return [
    judge(
      "P8",
      "many users: each with a session of his own",
      `${result.total.ok}`,
      `≥ ${count}`,
      result.total.ok >= count,
    ),
    judge("P8", "many users: growth of the live heap", toMb(heap), limit, heap <= MAX_CACHE_BYTES),
    judge("P8", "many users: growth of RSS", toMb(rss), limit, rss <= MAX_CACHE_BYTES),
  ];
}

/** After the load is gone, and with it every connection. */
async function readAtRest(replica: Replica, restMs: number): Promise<AtRest> {
  await sleep(restMs);
  const descriptors = countDescriptors(replica.pid);
  if (!replica.inspectorUrl) throw new Error("the service has no inspector");
  const heap = await readLiveHeapBytes(replica.inspectorUrl);
  return { heap, rss: readRssBytes(replica.pid), descriptors };
}

function toPlot(samples: readonly number[], durationMs: number): string {
  return toSvg({
    title: `Memory: ${toMinutes(durationMs)} at ${LOAD_SHARE} × capacity`,
    description: "The resident set of the process under steady load, sampled each second.",
    columns: 1,
    panels: [
      {
        title: "Resident set",
        xLabel: "minutes",
        yLabel: "MB",
        series: [
          {
            label: "RSS",
            line: "strong",
            points: samples.map((bytes, index) => [index / 60, bytes / 1e6] as const),
          },
        ],
      },
    ],
  });
}

function toRange(bytes: readonly number[]): string {
  return `${toMb(Math.min(...bytes))} to ${toMb(Math.max(...bytes))}`;
}

function toMinutes(ms: number): string {
  return `${Number((ms / 60_000).toFixed(1))} min`;
}
