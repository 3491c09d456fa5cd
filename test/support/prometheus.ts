/** A real Prometheus with the rules and the settings of deploy/prometheus. Needs Debian's package `prometheus`. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";

export type PrometheusResult = { metric: Record<string, string>; value: [number, string] };

export type Prometheus = AsyncDisposable & {
  query(query: string): Promise<PrometheusResult[]>;
};

export type PrometheusOptions = {
  /** Host and port of an operations port. */
  target: string;
  /** Between scrapes and evaluations, as Prometheus writes it. Default: that of deploy/prometheus. */
  interval?: string;
};

const FOLDER = new URL("../../deploy/prometheus/", import.meta.url).pathname;

export async function startPrometheus({
  target,
  interval = "15s",
}: PrometheusOptions): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "prometheus-"));
  const port = await freePort();
  const config = readFileSync(join(FOLDER, "prometheus.yaml"), "utf8")
    .replaceAll("15s", interval)
    .replace("localhost:9090", target)
    .replace("[rules.yaml, alerts.yaml]", `[${FOLDER}rules.yaml, ${FOLDER}alerts.yaml]`);
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
    async query(query) {
      const body = new URLSearchParams({ query });
      const answer = await fetch(`${url}/api/v1/query`, { method: "POST", body });
      const { data, error } = (await answer.json()) as {
        data: { result: PrometheusResult[] };
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
