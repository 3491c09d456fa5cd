/**
 * P10: Redis hangs, ends and comes back under load, and nobody notices but the limits.
 */

import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { startChild } from "../../support/child.ts";
import { type Figure, judge, note, toMs, waits } from "../figures.ts";
import { findFreePort } from "../nginx.ts";
import type { PartContext } from "../part.ts";

/** One hang costs its time limit, 100 ms, once; the rest is room for a busy machine. */
const MAX_P99_MS = 300;

export async function measureRedisOutage({ rig, peak, pick }: PartContext): Promise<Figure[]> {
  if (spawnSync("redis-server", ["--version"]).status !== 0)
    return [waits("P10", "Redis down or hung", "redis-server is not installed")];
  const port = await findFreePort();
  let redis = await startRedis(port, rig.cpus.others);
  try {
    await using replica = await rig.startReplica({
      environment: {
        REDIS_URL: `redis://127.0.0.1:${port}/0`,
        RATE_LIMIT_USER: "100000/1m",
      },
    });
    const step = pick(6000, 1000);
    const loading = rig.load({
      port: replica.port,
      ratePerSecond: 0.5 * peak,
      durationMs: 5 * step,
      users: "pool",
    });
    await sleep(step);
    redis.kill("SIGSTOP");
    await sleep(step);
    redis.kill("SIGCONT");
    await sleep(step);
    redis.kill("SIGKILL");
    await once(redis, "exit");
    await sleep(step);
    redis = await startRedis(port, rig.cpus.others);
    const { total, others, seconds } = await loading;

    const failed = total.sent - total.ok;
    const counted = spawnSync("redis-cli", ["-p", String(port), "dbsize"]).stdout.toString();
    return [
      judge(
        "P10",
        "Redis hangs, ends, comes back: failed",
        `${failed} of ${total.sent}${failed > 0 ? ` ${JSON.stringify({ ...others, shed: total.shed })}` : ""}`,
        "0",
        failed === 0,
      ),
      judge(
        "P10",
        "Redis hangs, ends, comes back: p99",
        toMs(total.okMs.p99),
        `≤ ${toMs(MAX_P99_MS)}`,
        total.okMs.p99 <= MAX_P99_MS,
      ),
      judge(
        "P10",
        "Redis is used again when it is back",
        `${Number(counted)} keys`,
        "≥ 1",
        Number(counted) >= 1,
      ),
      note(
        "Redis hangs: p99 of the worst second",
        toMs(Math.max(...seconds.map(({ okMs }) => okMs.p99))),
      ),
    ];
  } finally {
    redis.kill("SIGKILL");
  }
}

async function startRedis(port: number, cpus: string | undefined): Promise<ChildProcess> {
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", ""];
  const redis = startChild("redis-server", options, { cpus, stdio: "ignore" });
  const ping = () => spawnSync("redis-cli", ["-p", String(port), "ping"]).stdout.toString();
  while (!ping().includes("PONG")) await sleep(50);
  return redis;
}
