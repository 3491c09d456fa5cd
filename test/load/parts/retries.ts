/**
 * P13: retries never make an outage worse. Counted at MX, where every request has a user of its own: a second call for
 * the same user is a retry, and what is left without those is what the same requests make without retries.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Figure, judge, note, toPercent, withoutVerdict } from "../figures.ts";
import type { MxMode, MxSecond } from "../mx-stub.ts";
import type { PartContext } from "../part.ts";
import type { LoadResult } from "../tally.ts";
import { toWindows, WINDOW_SECONDS } from "../windows.ts";

const MAX_RETRY_SHARE = 0.1;
const MIN_RETRIES_PER_SECOND = 3;
const MAX_CALL_SHARE = 1.1;
/** MX_CONNECTIONS by default, and a tenth. */
const MAX_SOCKETS = 110;
/** Resets, of which most meet a connection that was used before and are repeated whatever the budget says. */
const RESETS = [
  { share: 0.1, minAnswered: 0.97, maxCallShare: 1.45 },
  { share: 0.3, minAnswered: 0.9, maxCallShare: 1.45 },
] as const;

type Trouble = { seconds: MxSecond[]; result: LoadResult };
type Calls = { calls: number; retries: number };

export async function measureRetries(context: PartContext): Promise<Figure[]> {
  const { pick, isQuick } = context;
  const long = pick({ healthyMs: 10_000, troubleMs: 21_000 }, { healthyMs: 1000, troubleMs: 2000 });
  const short = pick({ healthyMs: 2000, troubleMs: 10_000 }, { healthyMs: 1000, troubleMs: 2000 });

  const figures: Figure[] = [];
  const refused = await trouble(context, { kind: "status", status: 429, share: 1 }, long);
  figures.push(...judgeRetries("MX refuses all (429)", refused));
  const failed = await trouble(context, { kind: "status", status: 502, share: 0.3 }, long);
  figures.push(...judgeRetries("MX answers 30 % with 502", failed));
  for (const each of isQuick ? RESETS.slice(1) : RESETS) {
    const reset = await trouble(context, { kind: "reset", share: each.share }, short);
    figures.push(...judgeResets(each, reset));
  }
  return isQuick ? figures.map(withoutVerdict) : figures;
}

/** Healthy seconds first, as in life: what was saved up in them must not be spent all at once. */
async function trouble(
  { rig, peak }: PartContext,
  mode: MxMode,
  { healthyMs, troubleMs }: { healthyMs: number; troubleMs: number },
): Promise<Trouble> {
  await using replica = await rig.startReplica();
  const load = (durationMs: number) =>
    rig.load({
      port: replica.port,
      ratePerSecond: 0.5 * peak,
      durationMs,
      users: "distinct",
    });
  await load(healthyMs);
  await rig.mx.setMode(mode);
  await rig.mx.take();
  const result = await load(troubleMs);
  await sleep(100);
  const seconds = await rig.mx.take();
  await rig.mx.setMode({ kind: "answer" });
  return { seconds, result };
}

function judgeRetries(when: string, { seconds }: Trouble): Figure[] {
  const windows = toWindows(seconds).map(countCalls);
  const worst = Math.max(...windows.map(({ calls, retries }) => retries / Math.max(1, calls)));
  return [
    judge(
      "P13",
      `${when}: retries in the worst 10 s`,
      `${toPercent(worst)} of calls`,
      `≤ ${toPercent(MAX_RETRY_SHARE)}, or ${MIN_RETRIES_PER_SECOND}/s`,
      windows.every(isAllowed),
    ),
    judgeCalls("P13", when, seconds, MAX_CALL_SHARE),
    judgeSockets(when, seconds),
  ];
}

function isAllowed({ calls, retries }: Calls): boolean {
  return retries <= Math.max(MAX_RETRY_SHARE * calls, MIN_RETRIES_PER_SECOND * WINDOW_SECONDS);
}

function judgeResets(
  { share, minAnswered, maxCallShare }: (typeof RESETS)[number],
  { seconds, result }: Trouble,
): Figure[] {
  const when = `MX resets ${100 * share} %`;
  const answered = result.total.ok / result.total.sent;
  const { calls, retries } = countCalls(seconds);
  return [
    judge(
      "",
      `${when}: answered 200`,
      toPercent(answered),
      `≥ ${toPercent(minAnswered)}`,
      answered >= minAnswered,
    ),
    judgeCalls("", when, seconds, maxCallShare),
    judgeSockets(when, seconds),
    note(`${when}: retries`, `${toPercent(retries / Math.max(1, calls))} of calls`),
  ];
}

function judgeCalls(
  promise: string,
  when: string,
  seconds: readonly MxSecond[],
  maxShare: number,
): Figure {
  const { calls, retries } = countCalls(seconds);
  const share = calls / Math.max(1, calls - retries);
  return judge(
    promise,
    `${when}: calls, of those without retries`,
    `${toPercent(share)} (${calls} calls)`,
    `≤ ${toPercent(maxShare)}`,
    share <= maxShare,
  );
}

function judgeSockets(when: string, seconds: readonly MxSecond[]): Figure {
  const most = Math.max(...seconds.map(({ sockets }) => sockets));
  return judge(
    "P6",
    `${when}: sockets to MX`,
    String(most),
    `≤ ${MAX_SOCKETS}`,
    most <= MAX_SOCKETS,
  );
}

function countCalls(seconds: readonly MxSecond[]): Calls {
  return {
    calls: sum(seconds.map((second) => second.calls)),
    retries: sum(seconds.map(({ repeats }) => repeats)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
