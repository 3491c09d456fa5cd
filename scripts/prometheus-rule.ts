/**
 * `npm run prometheus-rule`: the rules of deploy/prometheus as a PrometheusRule, for the Prometheus operator.
 *
 * With `-- --runbooks https://wiki.example.com/mx`, `runbook_url` leads there instead, in alerts.yaml too. The name of the
 * alert follows, as in `…/mx#noreplica`. Each file that it writes is printed.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parse, stringify } from "yaml";

const DEPLOY = new URL("../deploy/", import.meta.url);
const TARGET = new URL("kubernetes/components/prometheus-operator/prometheus-rule.yaml", DEPLOY);

const { runbooks } = parseArgs({ options: { runbooks: { type: "string" } } }).values;
if (runbooks !== undefined) pointRunbooks(runbooks);

const groups = ["rules.yaml", "alerts.yaml"].flatMap(
  (name) => parse(readFileSync(new URL(`prometheus/${name}`, DEPLOY), "utf8")).groups,
);
const rule = {
  apiVersion: "monitoring.coreos.com/v1",
  kind: "PrometheusRule",
  metadata: { name: "mx-session-bff" },
  spec: { groups },
};
const head =
  "# Written by `npm run prometheus-rule` from deploy/prometheus: change rules.yaml and alerts.yaml there.\n";
write(TARGET, head + stringify(rule, { lineWidth: 0 }));

function write(file: URL, text: string): void {
  writeFileSync(file, text);
  process.stdout.write(`Written: ${relative("", fileURLToPath(file))}\n`);
}

function pointRunbooks(page: string): void {
  if (!/^https?:$/.test(URL.parse(page)?.protocol ?? "") || page.includes("#"))
    throw new Error("--runbooks must be the absolute address of a page");
  for (const name of ["alerts.yaml", "alerts.test.yaml"]) {
    const file = new URL(`prometheus/${name}`, DEPLOY);
    const text = readFileSync(file, "utf8");
    write(
      file,
      text.replace(/(runbook_url: ).*#/g, (_, head) => `${head}${page}#`),
    );
  }
}
