/**
 * What grows, and what must not: the cost of a session with the callers and with the users, memory, and the start.
 */

import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { readLiveHeapBytes } from "../test/load/heap.ts";
import type { MxReply, MxRequest } from "../test/load/mx-stub.ts";
import type { GeneratorReply, GeneratorRequest } from "../test/load/open-loop.ts";
import { readCpuMs, readRssBytes } from "../test/load/proc.ts";
import { startWorker } from "../test/load/worker.ts";
import { toEnvironment } from "./environment.ts";
import { startMx, startStub } from "./mx.ts";
import type { BenchRig } from "./rig.ts";
import { SCENARIOS } from "./scenarios.ts";
import { type Spread, toSpread } from "./statistics.ts";
import { type Subject, startFloor, startServiceSubject } from "./subjects.ts";
import { runWrk } from "./wrk.ts";

export type CallersPoint = { callers: number; serviceMicros: number; floorMicros: number };

export type UsersPoint = {
  users: number;
  cpuMicros: number;
  rssBytes: number;
  liveHeapBytes: number;
};

export type Growth = {
  startMs: Spread;
  idleRssBytes: number;
  /** The highest that was seen while 1,000 sessions came at once, each of which takes 50 ms at MX, five times. */
  burstRssBytes: number;
  /** And with 1,000 callers who ask again as soon as they have their answer. */
  busyRssBytes: number;
  failed: number;
  callers: CallersPoint[];
};

const STARTS = 5;
const CALLERS = [1, 10, 100, 1000];
/** Room for them all: the defaults take 200 at once and open 100 connections. */
const WIDE = { MAX_IN_FLIGHT: "1100", MX_CONNECTIONS: "1000" };
const MX_MS = 50;
const CONNECT = SCENARIOS[0];
const BETWEEN_BURSTS_MS = 1000;

export async function measureGrowth(rig: BenchRig, seconds: number): Promise<Growth> {
  const folder = join(rig.folder, "growth");
  await mkdir(folder, { recursive: true });
  const starts: number[] = [];
  let idleRssBytes = 0;
  await using mx = await startMx({ cpus: rig.cpus.others, folder, isFirstLogin: false });
  const environment = { ...toBase(rig, mx.port), ...WIDE };
  const options = { environment, cpus: rig.cpus.service, folder };
  for (let count = 0; count < STARTS; count += 1) {
    const startedAt = performance.now();
    await using service = await startServiceSubject(options);
    starts.push(performance.now() - startedAt);
    if (count === 0) {
      await sleep(3000);
      idleRssBytes = readRssBytes(service.pid);
    }
  }
  const callers = await measureCallers(rig, options, seconds);
  const busy = await measureBusy(rig, folder, seconds);
  return { startMs: toSpread(starts), idleRssBytes, callers, ...busy };
}

async function measureCallers(
  rig: BenchRig,
  options: Parameters<typeof startFloor>[0],
  seconds: number,
): Promise<CallersPoint[]> {
  await using service = await startServiceSubject(options);
  await using floor = await startFloor(options);
  for (const subject of [service, floor]) await load(rig, subject, { callers: 32, seconds: 5 });
  const points: CallersPoint[] = [];
  for (const callers of CALLERS) {
    const micros = { service: [] as number[], floor: [] as number[] };
    for (let round = 0; round < 3; round += 1) {
      micros.service.push((await load(rig, service, { callers, seconds })).cpuMicros);
      micros.floor.push((await load(rig, floor, { callers, seconds })).cpuMicros);
    }
    points.push({
      callers,
      serviceMicros: toSpread(micros.service).median,
      floorMicros: toSpread(micros.floor).median,
    });
  }
  return points;
}

async function measureBusy(rig: BenchRig, folder: string, seconds: number) {
  await using mx = await startStub(rig.cpus.others, { kind: "listen", latencyMs: MX_MS });
  await using service = await startServiceSubject({
    environment: { ...toBase(rig, mx.port), ...WIDE },
    cpus: rig.cpus.service,
    folder,
  });
  let highest = 0;
  const sampler = setInterval(() => {
    highest = Math.max(highest, readRssBytes(service.pid));
  }, 20);
  const lost = await sendBursts(rig, service, { bursts: 5, size: 1000 });
  const burstRssBytes = highest;
  const { failed } = await load(rig, service, { callers: 1000, seconds: 3 * seconds });
  clearInterval(sampler);
  return { burstRssBytes, busyRssBytes: highest, failed: lost + failed };
}

/** All at once, on a connection each. Gives how many were not answered 200. */
async function sendBursts(
  rig: BenchRig,
  { url }: Subject,
  { bursts, size }: { bursts: number; size: number },
): Promise<number> {
  const tokens = (await readFile(rig.tokensPath, "utf8")).split("\n");
  const callers = new Pool(new URL(url).origin, { connections: size });
  const ask = async (token: string) => {
    const { statusCode, body } = await callers.request({
      method: "POST",
      path: new URL(url).pathname,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: CONNECT?.body ?? "",
    });
    await body.dump();
    return statusCode;
  };
  let lost = 0;
  for (let burst = 0; burst < bursts; burst += 1) {
    const asked = Array.from({ length: size }, (_, index) =>
      ask(tokens[index % tokens.length] ?? ""),
    );
    const statuses = await Promise.all(asked);
    lost += statuses.filter((status) => status !== 200).length;
    await sleep(BETWEEN_BURSTS_MS);
  }
  await callers.close();
  return lost;
}

async function load(
  rig: BenchRig,
  subject: Subject,
  { callers, seconds }: { callers: number; seconds: number },
): Promise<{ cpuMicros: number; failed: number }> {
  const before = readCpuMs(subject.pid);
  const { sessions, failed } = await runWrk({
    url: subject.url,
    tokensPath: rig.tokensPath,
    body: CONNECT?.body ?? "",
    connections: callers,
    seconds,
    cpus: rig.cpus.others,
  });
  return { cpuMicros: (1000 * (readCpuMs(subject.pid) - before)) / sessions, failed };
}

/** Answers with a URL of each user's own, which the generator checks. */
const MX_WITH_NAMES = new URL("../test/load/mx-stub.ts", import.meta.url);
const STEPS = 10;
/** About half of what the service carries, so that none is refused. */
const RATE = 2500;

/** Each session has a user of its own, whom nobody has seen before. */
export async function measureUsers(rig: BenchRig, users: number): Promise<UsersPoint[]> {
  const folder = join(rig.folder, "users");
  await mkdir(folder, { recursive: true });
  await using mx = startWorker<MxRequest, MxReply>(MX_WITH_NAMES, rig.cpus.others);
  const { port: mxPort } = await mx.ask({ kind: "listen" });
  await mx.ask({ kind: "latency", latencyMs: 0 });
  await using service = await startServiceSubject({
    environment: toBase(rig, mxPort),
    cpus: rig.cpus.service,
    folder,
    inspector: true,
  });
  await using generator = startWorker<GeneratorRequest, GeneratorReply>(
    new URL("../test/load/open-loop.ts", import.meta.url),
    rig.cpus.others,
  );
  const { issuer } = rig;
  await generator.ask({
    kind: "prepare",
    issuer: { issuer: issuer.issuer, audience: issuer.audience },
    poolKey: issuer.keys.rs256,
    distinctKey: issuer.keys.es256,
  });
  const { port } = new URL(service.url);
  const run = (count: number) =>
    generator.ask({
      kind: "run",
      port: Number(port),
      ratePerSecond: RATE,
      durationMs: (1000 * count) / RATE,
      users: "distinct",
    });
  const points: UsersPoint[] = [];
  let total = 0;
  for (const count of [1000, ...Array<number>(STEPS).fill((users - 1000) / STEPS)]) {
    const before = readCpuMs(service.pid);
    const answered = (await run(count))?.total.ok ?? 0;
    await mx.ask({ kind: "take" }); // It remembers users until then.
    total += answered;
    const cpuMicros = (1000 * (readCpuMs(service.pid) - before)) / answered;
    const rssBytes = readRssBytes(service.pid);
    const liveHeapBytes = await readLiveHeapBytes(service.inspectorUrl ?? "");
    points.push({ users: total, cpuMicros, rssBytes, liveHeapBytes });
  }
  return points;
}

function toBase({ issuer }: BenchRig, port: number): Record<string, string> {
  return toEnvironment({ issuer, mxUrl: `http://127.0.0.1:${port}`, apis: ["platform"] });
}
