/**
 * P9: a restart loses nothing. Two replicas behind nginx, each restarted twice, one after the other, under load.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Figure, judge, note, toMs, toRate } from "../figures.ts";
import { startBalancer } from "../nginx.ts";
import type { PartContext } from "../part.ts";
import type { Replica } from "../replica.ts";
import type { Rig } from "../rig.ts";

const LOAD_SHARE = 0.7;
const MIN_REQUESTS = 10_000;
const MAX_EXIT_MS = 15_000;
/** A replica that is ready again is given this long to be found by nginx before the next one goes. */
const SETTLE_MS = 3000;
const QUICK_SETTLE_MS = 1000;

/**
 * Either replica alone must carry the load, so 0.7 × the capacity of one is offered. The second one runs beside nginx and
 * the generator: a replica that starts must not take the CPU from the one that serves.
 */
export async function measureRollingRestart({ rig, peak, pick }: PartContext): Promise<Figure[]> {
  const places = [rig.cpus.service, rig.cpus.others];
  const environment = { DRAIN_DELAY: pick("5s", "1s") };
  const replicas = await Promise.all(places.map((cpus) => rig.startReplica({ cpus, environment })));
  const ports = replicas.map(({ port }) => port);
  const exits: { code: number | null; tookMs: number }[] = [];
  await using nginx = await startBalancer({ ports, folder: rig.folder, cpus: rig.cpus.others });

  try {
    await warm(rig, ports, peak, pick(8000, 1000));
    const loading = rig.load({
      port: nginx.port,
      ratePerSecond: LOAD_SHARE * peak,
      durationMs: 180_000,
      users: "pool",
    });
    await sleep(pick(5000, 1000));
    for (let round = 0; round < pick(2, 1); round += 1) {
      for (const [index, cpus] of places.entries()) {
        exits.push(await restart(rig, replicas, index, { cpus, environment }));
        await sleep(pick(SETTLE_MS, QUICK_SETTLE_MS));
      }
    }
    await rig.stopLoad();
    const { total, others, seconds } = await loading;
    const { refused, broken } = await nginx.countErrors();
    const failed = total.sent - total.ok;
    const slowestExitMs = Math.max(...exits.map(({ tookMs }) => tookMs));
    const atLeast = pick(MIN_REQUESTS, 1000);
    return [
      judge(
        "P9",
        `${exits.length} restarts behind nginx: failed`,
        `${failed} of ${total.sent} ${JSON.stringify({ ...others, shed: total.shed })}`,
        `0 of ≥ ${atLeast}`,
        failed === 0 && total.sent >= atLeast,
      ),
      judge(
        "P9",
        `${exits.length} restarts: exit codes`,
        exits.map(({ code }) => code).join(", "),
        "all 0",
        exits.every(({ code }) => code === 0),
      ),
      judge(
        "P9",
        `${exits.length} restarts: the slowest exit`,
        toMs(slowestExitMs),
        `≤ ${toMs(MAX_EXIT_MS)}`,
        slowestExitMs <= MAX_EXIT_MS,
      ),
      judge(
        "P9",
        `${exits.length} restarts: sent again by nginx`,
        `${broken}, and ${refused} found nobody listening`,
        `≤ ${exits.length}`,
        broken <= exits.length, // One each is the kernel's doing; a service that does not drain makes hundreds.
      ),
      note(
        "restarts: offered, p99",
        `${toRate(total.sent / seconds.length)}, ${toMs(total.okMs.p99)}`,
      ),
    ];
  } finally {
    for (const replica of replicas) await replica[Symbol.asyncDispose]();
  }
}

async function warm(rig: Rig, ports: readonly number[], peak: number, durationMs: number) {
  for (const port of ports) {
    await rig.load({ port, ratePerSecond: 0.5 * peak, durationMs: durationMs / 2, users: "pool" });
  }
}

/** As an orchestrator does it: SIGTERM, wait for the end, start anew on the same port, wait for readiness. */
export async function restart(
  rig: Rig,
  replicas: Replica[],
  index: number,
  place: { cpus: string | undefined; environment: Record<string, string> },
): Promise<{ code: number | null; tookMs: number }> {
  const old = replicas[index];
  if (!old) throw new Error("no such replica");
  const exit = await old.terminate();
  replicas[index] = await rig.startReplica({
    cpus: place.cpus,
    environment: { ...place.environment, PORT: String(old.port) },
  });
  return exit;
}
