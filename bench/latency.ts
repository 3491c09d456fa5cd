/**
 * What a caller waits for, with MX 50 ms away over TLS: one session after the other, each as long as its round trips.
 *
 * A handshake takes two round trips more, so one that stands in the way shows: at the first session of a process, and
 * after a minute in which MX has closed whatever was idle.
 */

import { spawnSync } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { toEnvironment } from "./environment.ts";
import { startStub } from "./mx.ts";
import type { BenchRig } from "./rig.ts";
import type { Scenario } from "./scenarios.ts";
import { type Spread, toSpread } from "./statistics.ts";
import { startServiceSubject } from "./subjects.ts";

export type Latency = {
  scenario: Scenario;
  /** What the workflow cannot do without. */
  leastMs: number;
  /** The very first session of the process. */
  firstMs: number;
  sessionMs: Spread;
  /** After the pause; `undefined` where there was none. */
  afterIdleMs: number | undefined;
};

export type LatencyPlan = { sessions: number; idleMs: number };

const MX_MS = 50;
/** Shorter than that of most servers, so that a minute sees several. */
const MX_IDLE_MS = 20_000;
/** For the handshakes after a start. */
const SETTLE_MS = 500;

export async function measureLatency(
  rig: BenchRig,
  scenario: Scenario,
  plan: LatencyPlan,
): Promise<Latency> {
  const folder = join(rig.folder, `latency-${scenario.name}`);
  await mkdir(folder, { recursive: true });
  const tls = makeCertificate(folder);
  await using mx = await startStub(rig.cpus.others, {
    kind: "listen",
    isFirstLogin: scenario.isFirstLogin,
    latencyMs: MX_MS,
    idleMs: MX_IDLE_MS,
    tls,
  });
  const mxUrl = `https://localhost:${mx.port}`;
  await using service = await startServiceSubject({
    environment: {
      ...toEnvironment({ issuer: rig.issuer, mxUrl, apis: scenario.apis }),
      NODE_EXTRA_CA_CERTS: tls.certPath,
    },
    cpus: rig.cpus.service,
    folder,
  });
  const tokens = (await readFile(rig.tokensPath, "utf8")).split("\n");
  let last = 0;

  async function ask(): Promise<number> {
    const startedAt = performance.now();
    const answer = await fetch(service.url, {
      method: "POST",
      headers: {
        authorization: `Bearer ${tokens[last++ % tokens.length]}`,
        "content-type": "application/json",
      },
      body: scenario.body,
    });
    await answer.text();
    if (answer.status !== 200) throw new Error(`a session was answered ${answer.status}`);
    return performance.now() - startedAt;
  }

  await sleep(SETTLE_MS);
  const firstMs = await ask();
  for (let count = 0; count < 5; count += 1) await ask(); // The code gets warm.
  const times: number[] = [];
  for (let count = 0; count < plan.sessions; count += 1) times.push(await ask());
  let afterIdleMs: number | undefined;
  if (plan.idleMs > 0) {
    await sleep(plan.idleMs);
    afterIdleMs = await ask();
  }
  return {
    scenario,
    leastMs: scenario.roundTrips * MX_MS,
    firstMs,
    sessionMs: toSpread(times),
    afterIdleMs,
  };
}

/** For `localhost`, by itself. */
function makeCertificate(folder: string) {
  const tls = { keyPath: join(folder, "key.pem"), certPath: join(folder, "cert.pem") };
  const args =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost";
  const { status } = spawnSync("openssl", [
    ...args.split(" "),
    "-keyout",
    tls.keyPath,
    "-out",
    tls.certPath,
  ]);
  if (status !== 0) throw new Error("openssl is not installed, or made no certificate");
  return tls;
}
