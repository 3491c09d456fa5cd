/**
 * What a session costs, beside the floor and the incumbent: same load, same stub, same CPU, in turns.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { readCpuMs, readRssBytes } from "../test/load/proc.ts";
import { toEnvironment } from "./environment.ts";
import { startMx } from "./mx.ts";
import type { BenchRig } from "./rig.ts";
import type { Scenario } from "./scenarios.ts";
import { type Spread, toRatios, toSpread } from "./statistics.ts";
import {
  hasIncumbent,
  type Subject,
  type SubjectName,
  startFloor,
  startIncumbent,
  startServiceSubject,
} from "./subjects.ts";
import { runWrk } from "./wrk.ts";

export type Plan = {
  rounds: number;
  seconds: number;
  warmUpSeconds: number;
  withIncumbent: boolean;
};

export type Costs = {
  subject: SubjectName;
  /** Microseconds of user and system time for one session. */
  cpuMicros: Spread;
  perSecond: Spread;
  p50Ms: Spread;
  p99Ms: Spread;
  /** After the last round. */
  rssBytes: number;
  failed: number;
  /** To the floor, round by round. */
  ratio: { cpu: Spread; throughput: Spread };
};

type Round = { cpuMicros: number; perSecond: number; p50Ms: number; p99Ms: number; failed: number };

/** As many callers at once as keep the service's CPU busy, and few enough that none has to queue for MX. */
const CALLERS = 32;

export async function measureSessions(
  rig: BenchRig,
  scenario: Scenario,
  plan: Plan,
): Promise<Costs[]> {
  const folder = join(rig.folder, scenario.name);
  await mkdir(folder, { recursive: true });
  const { cpus, issuer } = rig;
  const { apis, isFirstLogin } = scenario;
  await using mx = await startMx({ cpus: cpus.others, folder, isFirstLogin });
  const environment = toEnvironment({ issuer, mxUrl: `http://127.0.0.1:${mx.port}`, apis });
  const options = { environment, cpus: cpus.service, folder };
  await using parts = new AsyncDisposableStack();
  const subjects = [
    parts.use(await startServiceSubject(options)),
    parts.use(await startFloor(options)),
  ];
  if (plan.withIncumbent && hasIncumbent() && scenario.calls === 1) {
    subjects.push(parts.use(await startIncumbent(options)));
  }

  for (const subject of subjects) await measure(subject, plan.warmUpSeconds);
  const rounds = new Map<Subject, Round[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const subject of subjects) {
      rounds.get(subject)?.push(await measure(subject, plan.seconds));
    }
  }
  const floor = rounds.get(subjects[1] as Subject) ?? [];
  return subjects.map((subject) => toCosts(subject, rounds.get(subject) ?? [], floor));

  async function measure(subject: Subject, seconds: number): Promise<Round> {
    const before = readCpuMs(subject.pid);
    const result = await runWrk({
      url: subject.url,
      tokensPath: rig.tokensPath,
      body: scenario.body,
      connections: CALLERS,
      seconds,
      cpus: cpus.others,
    });
    const cpuMs = readCpuMs(subject.pid) - before;
    return {
      cpuMicros: (1000 * cpuMs) / result.sessions,
      perSecond: result.sessions / result.seconds,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      failed: result.failed,
    };
  }
}

function toCosts(subject: Subject, rounds: readonly Round[], floor: readonly Round[]): Costs {
  const all = (key: keyof Round) => rounds.map((round) => round[key]);
  const floors = (key: keyof Round) => floor.map((round) => round[key]);
  return {
    subject: subject.name,
    cpuMicros: toSpread(all("cpuMicros")),
    perSecond: toSpread(all("perSecond")),
    p50Ms: toSpread(all("p50Ms")),
    p99Ms: toSpread(all("p99Ms")),
    rssBytes: readRssBytes(subject.pid),
    failed: all("failed").reduce((sum, failed) => sum + failed, 0),
    ratio: {
      cpu: toRatios(all("cpuMicros"), floors("cpuMicros")),
      throughput: toRatios(all("perSecond"), floors("perSecond")),
    },
  };
}
