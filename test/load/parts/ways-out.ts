/** P18 and P19: connections to MX that die in silence, and an MX that moves, each once under load. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startRelay } from "../../support/relay.ts";
import { type Figure, judge, note, toMs } from "../figures.ts";
import type { PartContext } from "../part.ts";
import type { LoadResult } from "../tally.ts";

/** "After the first timeout at most three more." */
const MAX_FAILED = 3;
const MAX_AGE_SECONDS = 5;
/** Of the peak, so that the relay in this process is not what is measured. */
const SHARE = 0.2;

export async function measureWaysOut(context: PartContext): Promise<Figure[]> {
  return [...(await measureSilentDeaths(context)), ...(await measureMove(context))];
}

async function measureSilentDeaths({ rig, peak, pick }: PartContext): Promise<Figure[]> {
  await using relay = await startRelay(rig.environment.MX_PLATFORM_BASE_URL ?? "");
  await using replica = await rig.startReplica({
    environment: {
      MX_PLATFORM_BASE_URL: `http://127.0.0.1:${relay.port}`,
      CONNECTION_MAX_AGE: "1h",
    },
  });
  const loading = rig.load({
    port: replica.port,
    ratePerSecond: SHARE * peak,
    durationMs: pick(20_000, 9000),
    users: "pool",
  });
  await sleep(pick(8000, 3000));
  const dead = relay.open;
  relay.swallow();
  const { total, others } = await loading;
  const failed = total.sent - total.ok;
  return [
    judge(
      "P18",
      `${dead} connections die in silence: failed`,
      `${failed} of ${total.sent}${failed > 0 ? ` ${JSON.stringify(others)}` : ""}`,
      `≤ ${MAX_FAILED}`,
      dead > 0 && failed <= MAX_FAILED,
    ),
    note("connections die in silence: the slowest", toMs(total.slowestMs)),
  ];
}

/** The old address refuses from the moment on at which the name leads elsewhere. */
async function measureMove({ rig, peak, pick }: PartContext): Promise<Figure[]> {
  const target = rig.environment.MX_PLATFORM_BASE_URL ?? "";
  await using old = await startRelay(target);
  await using _next = await startRelay(target, { host: "127.0.0.2", port: old.port });
  const nameFile = join(rig.folder, "name");
  writeFileSync(nameFile, "127.0.0.1");
  await using replica = await rig.startReplica({
    preload: new URL("../moved-name.mjs", import.meta.url).href,
    environment: {
      MX_PLATFORM_BASE_URL: `http://localhost:${old.port}`,
      LOAD_NAME_FILE: nameFile,
      CONNECTION_MAX_AGE: `${MAX_AGE_SECONDS}s`,
    },
  });
  const before = pick(8000, 3000);
  const loading = rig.load({
    port: replica.port,
    ratePerSecond: SHARE * peak,
    durationMs: before + pick(22_000, 12_000),
    users: "pool",
  });
  await sleep(before);
  old.answer503();
  writeFileSync(nameFile, "127.0.0.2");
  const movedAt = Date.now();
  const result = await loading;
  const seconds = findRecovery(result, movedAt);
  return [
    judge(
      "P19",
      "MX moves: seconds until all is well",
      seconds === undefined ? "never" : String(seconds),
      `≤ ${MAX_AGE_SECONDS + 10}`,
      seconds !== undefined && seconds <= MAX_AGE_SECONDS + 10,
    ),
    note("MX moves: other answers than 200", JSON.stringify(result.others)),
  ];
}

/** After the last second in which anything failed. */
function findRecovery({ startedAt, seconds }: LoadResult, movedAt: number): number | undefined {
  const bad = seconds.findLastIndex(({ other, shed }) => other + shed > 0);
  if (bad === seconds.length - 1) return undefined;
  return Math.max(0, Math.ceil((startedAt + (bad + 1) * 1000 - movedAt) / 1000));
}
