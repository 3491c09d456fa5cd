/**
 * `npm run test:dashboard`: the service, the simulator and a real Prometheus; a bad night; then what each query of the
 * dashboard answers. Exit code 1 where one has no answer. Needs Debian's package `prometheus`.
 */

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { haveABadNight, startForABadNight } from "../support/metrics.ts";
import { startPrometheus } from "../support/prometheus.ts";
import type { Started } from "../support/start.ts";

type Target = { expr: string; legendFormat: string };
type Panel = { title: string; targets?: Target[] };

const deploy = (path: string) => new URL(`../../deploy/${path}`, import.meta.url).pathname;
const print = (text: string) => void process.stdout.write(`${text}\n`);

await using service = await startForABadNight();
await using prometheus = await startPrometheus({
  target: new URL(service.operationsUrl).host,
  interval: "500ms",
});
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

/** What Grafana puts in for its variables. */
function toPlain(expression: string): string {
  return expression.replaceAll("$__rate_interval", "1m").replaceAll(/\$(instance|tenant)/g, ".*");
}

function toLegend({ legendFormat }: Target, metric: Record<string, string>): string {
  const text = legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? "");
  return text || JSON.stringify(metric);
}
