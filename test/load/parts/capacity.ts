/**
 * How much the service can carry here and now: all other parts are measured against it, and against nothing else.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Figure, note, toMs, toPercent, toRate } from "../figures.ts";
import { readCpuMs } from "../proc.ts";
import type { Replica } from "../replica.ts";
import type { Rig } from "../rig.ts";
import type { LoadResult } from "../tally.ts";
import { mean } from "../windows.ts";

export type Capacity = {
  /** Sessions per second: the most that was seen over a whole step. */
  peak: number;
  figures: Figure[];
};

/** Below this share of what was offered, the service is beyond its knee. */
const KNEE_SHARE = 0.93;
const MAX_RATE = 10_000;

type Plan = {
  /** First in large and short steps up to the knee. */
  firstRate: number;
  factor: number;
  stepMs: number;
  /** Then in small and long ones around it. */
  holdFactor: number;
  holdMs: number;
  maxOvershoot: number;
};
const FULL: Plan = {
  firstRate: 300,
  factor: 1.5,
  stepMs: 3000,
  holdFactor: 1.1,
  holdMs: 11_000,
  maxOvershoot: 1.3,
};
const QUICK: Plan = {
  ...FULL,
  firstRate: 500,
  factor: 2,
  stepMs: 2000,
  holdMs: 3000,
  maxOvershoot: 1,
};

export async function measureCapacity(rig: Rig, isQuick: boolean): Promise<Capacity> {
  await using replica = await rig.startReplica();
  const plan = isQuick ? QUICK : FULL;
  const { stepMs, holdMs, holdFactor, maxOvershoot } = plan;
  await offer(rig, replica, 600, stepMs); // The code gets warm.

  const knee = await findKnee(plan, (rate) => offer(rig, replica, rate, stepMs));
  let best = await offer(rig, replica, knee, holdMs);
  for (let rate = knee; rate < maxOvershoot * knee; ) {
    rate *= holdFactor;
    const step = await offer(rig, replica, rate, holdMs);
    const isBeyond = step.goodput < KNEE_SHARE * rate;
    if (step.goodput > best.goodput) best = step;
    if (isBeyond) break;
  }
  return { peak: best.goodput, figures: toFigures(best) };
}

/** Two steps in a row have to fall short: one can be the machine's own hiccup. */
async function findKnee(
  { firstRate, factor }: Plan,
  offerAt: (rate: number) => Promise<Step>,
): Promise<number> {
  let knee = 0;
  let short = 0;
  for (let rate = firstRate; short < 2 && rate < MAX_RATE; rate *= factor) {
    const { goodput } = await offerAt(rate);
    knee = Math.max(knee, goodput);
    short = goodput < KNEE_SHARE * rate ? short + 1 : 0;
  }
  return knee;
}

type Step = { rate: number; goodput: number; result: LoadResult; cpuMs: number; rigCpuMs: number };

async function offer(rig: Rig, replica: Replica, rate: number, durationMs: number): Promise<Step> {
  const before = { replica: readCpuMs(replica.pid), rig: rig.cpuMs() };
  const result = await rig.load({
    port: replica.port,
    ratePerSecond: rate,
    durationMs,
    users: "pool",
  });
  const step = {
    rate,
    goodput: toGoodput(result),
    result,
    cpuMs: readCpuMs(replica.pid) - before.replica,
    rigCpuMs: rig.cpuMs() - before.rig,
  };
  process.stdout.write(
    `  offered ${toRate(rate)}: ${toRate(step.goodput)} answered 200, p99 ${toMs(result.total.okMs.p99)}, ${result.total.shed} shed\n`,
  );
  await sleep(300);
  return step;
}

/** Per second. The first one is still filling up, so it counts only where there is no other. */
function toGoodput({ seconds }: LoadResult): number {
  return mean(seconds.slice(seconds.length > 1 ? 1 : 0).map(({ ok }) => ok));
}

function toFigures({ rate, goodput, result, cpuMs, rigCpuMs }: Step): Figure[] {
  const spentMs = 1000 * result.seconds.length;
  return [
    note("capacity: peak of sessions", `${toRate(goodput)} at ${toRate(rate)} offered`),
    note("capacity: CPU of the service", toPercent(cpuMs / spentMs)),
    note("capacity: CPU of generator and MX", toPercent(rigCpuMs / spentMs)),
    note("capacity: p99", toMs(result.total.okMs.p99)),
  ];
}
