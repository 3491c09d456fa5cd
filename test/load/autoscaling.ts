/**
 * `npm run test:autoscaling`: load that grows until one replica refuses, watched by a real Prometheus with the rules of
 * deploy/prometheus. The autoscaler's signal has to pass its threshold before the first refusal, with time to start a pod.
 *
 * MX takes a second, as on a bad day: the CPU is then nearly idle, and an autoscaler that looks at it does nothing. Takes
 * five minutes. Writes docs/load/autoscaling.md. Needs Debian's package `prometheus`.
 */

import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Prometheus, startPrometheus } from "../support/prometheus.ts";
import { startRig } from "./rig.ts";

const MX_LATENCY_MS = 1000;
/** Sessions per second. With a second at MX, 100 connections carry 100. */
const RATES = [20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130];
const STEP_MS = 22_000;
const RECORD_EVERY_MS = 5000;
/** Of the components autoscaling-…: 0.6 per replica, and the tolerance of Kubernetes' autoscaler, 10 %. */
const THRESHOLD = 0.66;
/** The autoscaler looks every 15 s, and a pod takes some seconds to start. */
const MIN_LEAD_SECONDS = 20;

type Sample = {
  second: number;
  rate: number;
  saturation: number;
  inFlight: number;
  cpu: number;
  refused: number;
};

const samples: Sample[] = [];
{
  await using rig = await startRig({ mxLatencyMs: MX_LATENCY_MS });
  await using replica = await rig.startReplica();
  await using prometheus = await startPrometheus({ target: new URL(replica.operationsUrl).host });
  const startedAt = performance.now();
  let rate = 0;
  let isDone = false;
  const recording = (async () => {
    for (; !isDone; await sleep(RECORD_EVERY_MS)) {
      const second = Math.round((performance.now() - startedAt) / 1000);
      samples.push({ second, rate, ...(await record(prometheus, replica.operationsUrl)) });
    }
  })();
  for (rate of RATES)
    await rig.load({ port: replica.port, ratePerSecond: rate, durationMs: STEP_MS, users: "pool" });
  isDone = true;
  await recording;
}

const acts = samples.find(({ saturation }) => saturation > THRESHOLD);
const refuses = samples.find(({ refused }) => refused > 0);
const lead = acts && refuses ? refuses.second - acts.second : Number.NaN;
await writeFile(new URL("../../docs/load/autoscaling.md", import.meta.url), toPage());
process.stdout.write(`The signal acts ${lead} s before the first refusal.\n`);
process.exitCode = lead >= MIN_LEAD_SECONDS ? 0 : 1;

/** The signal as Prometheus has recorded it. What it is compared with is read from the replica itself, without delay. */
async function record(prometheus: Prometheus, operationsUrl: string) {
  const [recorded] = await prometheus.query("mx_session_bff:saturation:sum");
  const [cpu] = await prometheus.query("rate(process_cpu_seconds_total[1m])");
  const text = await (await fetch(`${operationsUrl}/metrics`)).text();
  const sum = (pattern: RegExp) =>
    [...text.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0);
  return {
    saturation: Number(recorded?.value[1] ?? 0),
    cpu: Number(cpu?.value[1] ?? 0),
    inFlight: sum(/^http_server_active_requests (\d+)/gm),
    refused: sum(/^http_server_requests_total\{.*http_response_status_code="503".*\} (\d+)/gm),
  };
}

function toPage(): string {
  const rows = samples.map(
    ({ second, rate, inFlight, saturation, cpu, refused }) =>
      `| ${second} | ${rate} | ${inFlight} | ${saturation.toFixed(2)} | ${cpu.toFixed(2)} | ${refused} |`,
  );
  return `# The autoscaler's signal under growing load

Written by \`npm run test:autoscaling\`: one replica with the default settings, MX answers after one second, and the load grows every ${STEP_MS / 1000} s. A
Prometheus with the rules of \`deploy/prometheus\` scrapes every 15 s.

- The autoscaler adds a replica as soon as the signal is above ${THRESHOLD} (0.6 and Kubernetes' tolerance of 10 %): after **${acts?.second} s**.
- The first user is refused after **${refuses?.second} s**, ${lead} s later.
- An autoscaler that waits for 60 % of the CPU request (0.25 CPUs) waits for 0.15 CPUs.

| Second | Sessions per second offered | Requests in flight | Signal per replica | CPUs | Refused so far |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}
