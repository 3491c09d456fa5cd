/**
 * P5, P6 and P12 while MX hangs, and while it is gone: time, sockets and memory stay bounded, health stays green,
 * and afterwards all is as before.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Figure, judge, note, toMb, toMs, toPercent, withoutVerdict } from "../figures.ts";
import type { PartContext } from "../part.ts";
import { readRssBytes } from "../proc.ts";
import { startSampler } from "../sampler.ts";
import type { LoadResult, Second } from "../tally.ts";
import { mean } from "../windows.ts";

/** The deadline of 8 s and the 250 ms that the promise adds. */
const MAX_ANSWER_MS = 8250;
/** For what lies between the service's clock and ours. */
const MEASURING_ROOM_MS = 250;
/** MX_CONNECTIONS by default, and a tenth. */
const MAX_SOCKETS = 110; // What we have closed, MX closes a moment later.
const MAX_RSS_GROWTH_BYTES = 50e6;
const MAX_RECOVERY_SECONDS = 10;
const RECOVERED_SHARE = 0.9;

export async function measureMxOutage({
  rig,
  peak,
  isQuick,
  pick,
}: PartContext): Promise<Figure[]> {
  await using replica = await rig.startReplica();
  const [warmMs, hangMs, backMs, downMs] = pick(
    [15_000, 60_000, 16_000, 10_000],
    [2000, 3000, 7000, 1000],
  );
  using health = startSampler(() => readHealth(replica.operationsUrl));
  using rss = startSampler(() => readRssBytes(replica.pid));

  const loading = rig.load({
    port: replica.port,
    ratePerSecond: peak,
    durationMs: warmMs + hangMs + backMs,
    users: "pool",
  });
  await sleep(warmMs);
  const rssBefore = Math.max(...rss.samples);
  const warmSamples = rss.samples.length;
  await rig.mx.take();
  await rig.mx.setMode({ kind: "silence" });
  await sleep(hangMs);
  const sockets = Math.max(...(await rig.mx.take()).map((second) => second.sockets));
  const rssGrowth = Math.max(...rss.samples.slice(warmSamples)) - rssBefore;
  const backAt = Date.now();
  await rig.mx.setMode({ kind: "answer" });
  const result = await loading;

  await rig.mx.setMode({ kind: "refuse" });
  const down = await rig.load({
    port: replica.port,
    ratePerSecond: 0.5 * peak,
    durationMs: downMs,
    users: "pool",
  });
  await rig.mx.setMode({ kind: "answer" });

  const recovery = findRecovery(result, backAt, peak);
  const recoveryLimit = `≤ ${MAX_RECOVERY_SECONDS} s to ${toPercent(RECOVERED_SHARE)} of peak`;
  const isBack =
    recovery !== undefined &&
    recovery.seconds <= MAX_RECOVERY_SECONDS &&
    recovery.shareAfter >= RECOVERED_SHARE;
  const back = judge("P6", "MX back: goodput back", toWords(recovery), recoveryLimit, isBack);
  const growth = judge(
    "P6",
    "MX hangs: growth of RSS",
    `${toMb(rssGrowth)}, from ${toMb(rssBefore)}`,
    `< ${toMb(MAX_RSS_GROWTH_BYTES)}`,
    rssGrowth < MAX_RSS_GROWTH_BYTES,
  );
  return [
    judgeSlowest("MX hangs", result.total),
    judge(
      "P6",
      "MX hangs: sockets to MX",
      String(sockets),
      `≤ ${MAX_SOCKETS}`,
      sockets <= MAX_SOCKETS,
    ),
    ...(isQuick ? [growth, back].map(withoutVerdict) : [growth, back]),
    judgeSlowest("MX is down", down.total),
    judge(
      "P12",
      "MX hangs or is down: /livez and /readyz are 200",
      `${health.samples.filter(Boolean).length} of ${health.samples.length}`,
      "all",
      health.samples.every(Boolean),
    ),
    note("MX hangs: other answers than 200", JSON.stringify(result.others)),
    note("MX is down: other answers than 200", JSON.stringify(down.others)),
  ];
}

function judgeSlowest(when: string, { slowestMs }: Second): Figure {
  return judge(
    "P5",
    `${when}: the slowest answer`,
    toMs(slowestMs),
    `≤ ${toMs(MAX_ANSWER_MS)} (+ ${MEASURING_ROOM_MS} to measure)`,
    slowestMs <= MAX_ANSWER_MS + MEASURING_ROOM_MS,
  );
}

type Recovery = { seconds: number; shareAfter: number };

/** The first full second after MX's return that reaches the share, and how it went on. */
function findRecovery(
  { startedAt, seconds }: LoadResult,
  backAt: number,
  peak: number,
): Recovery | undefined {
  const firstFull = Math.ceil((backAt - startedAt) / 1000);
  const index = seconds.findIndex(
    (each, at) => at >= firstFull && each.ok >= RECOVERED_SHARE * peak,
  );
  if (index < 0) return undefined;
  const rest = seconds.slice(index).map(({ ok }) => ok);
  return { seconds: index + 1 - (backAt - startedAt) / 1000, shareAfter: mean(rest) / peak };
}

function toWords(recovery: Recovery | undefined): string {
  if (!recovery) return "never";
  const { seconds, shareAfter } = recovery;
  return `after ${seconds.toFixed(1)} s, then ${toPercent(shareAfter)}`;
}

async function readHealth(operationsUrl: string): Promise<boolean> {
  const answers = await Promise.all(
    ["/livez", "/readyz"].map((path) => fetch(operationsUrl + path).catch(() => undefined)),
  );
  return answers.every((answer) => answer?.status === 200);
}
