/**
 * `npm run test:dashboard`: the service, the simulator and a real Prometheus; a bad night; then what each query of the
 * dashboard answers. Exit code 1 where one has no answer. Needs Debian's package `prometheus`.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { haveABadNight, startForABadNight } from "../support/metrics.ts";
import type { Started } from "../support/start.ts";

type Target = { expr: string; legendFormat: string };
type Panel = { title: string; targets?: Target[] };
type Result = { metric: Record<string, string>; value: [number, string] };

const deploy = (path: string) => new URL(`../../deploy/${path}`, import.meta.url).pathname;
const print = (text: string) => void process.stdout.write(`${text}\n`);

await using service = await startForABadNight();
await using prometheus = await startPrometheus(new URL(service.operationsUrl).host);
print("A bad night, watched by Prometheus …");
await beWatched(service);

let unanswered = 0;
const { panels }: { panels: Panel[] } = JSON.parse(
  readFileSync(deploy("grafana/dashboard.json"), "utf8"),
);
for (const { title, targets } of panels) {
  print(targets ? `\n${title}` : `\n── ${title} ──`);
  for (const target of targets ?? []) {
    const answers = await prometheus.query(toPlain(target.expr));
    const results = answers.filter(({ value }) => value[1] !== "NaN");
    if (results.length === 0) {
      unanswered += 1;
      print(`  NO ANSWER: ${target.expr}`);
    }
    for (const { metric, value } of results) {
      print(`  ${Number(value[1]).toPrecision(4).padStart(12)}  ${toLegend(target, metric)}`);
    }
  }
}
const firing = await prometheus.query("ALERTS");
print(
  `\nAlerts: ${firing.map(({ metric }) => `${metric.alertname} (${metric.alertstate})`).join(", ")}`,
);
print(unanswered === 0 ? "\nEach query has an answer." : `\n${unanswered} without an answer.`);
process.exitCode = unanswered === 0 ? 0 : 1;

/** A rate needs a scrape before and one after; and the breakers some seconds to close. */
async function beWatched(service: Started): Promise<void> {
  for (const pauseMs of [7000, 1500]) {
    await haveABadNight(service);
    await sleep(pauseMs);
  }
}

async function startPrometheus(target: string) {
  const folder = mkdtempSync(join(tmpdir(), "prometheus-"));
  const port = await findPort();
  const config = readFileSync(deploy("prometheus/prometheus.yaml"), "utf8")
    .replaceAll("15s", "500ms")
    .replace("localhost:9090", target)
    .replace("alerts.yaml", deploy("prometheus/alerts.yaml"));
  writeFileSync(join(folder, "prometheus.yaml"), config);
  const child = spawn(
    "prometheus",
    [
      `--config.file=${folder}/prometheus.yaml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  const exited = once(child, "exit");
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; !(await isReady(url)); tries += 1) {
    if (tries > 100 || child.exitCode !== null) throw new Error("Prometheus does not start");
    await sleep(100);
  }
  return {
    async query(query: string): Promise<Result[]> {
      const body = new URLSearchParams({ query });
      const answer = await fetch(`${url}/api/v1/query`, { method: "POST", body });
      const { data, error } = (await answer.json()) as {
        data: { result: Result[] };
        error?: string;
      };
      if (error) throw new Error(`${error}: ${query}`);
      return data.result;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
  return answer?.ok ?? false;
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** What Grafana puts in for its variables. */
function toPlain(expression: string): string {
  return expression.replaceAll("$__rate_interval", "1m").replaceAll(/\$(instance|tenant)/g, ".*");
}

function toLegend({ legendFormat }: Target, metric: Record<string, string>): string {
  const text = legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? "");
  return text || JSON.stringify(metric);
}
