/**
 * `npm run prometheus-rule`: the rules of deploy/prometheus as a PrometheusRule, for the Prometheus operator.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";

const DEPLOY = new URL("../deploy/", import.meta.url);
const TARGET = new URL("kubernetes/components/prometheus-operator/prometheus-rule.yaml", DEPLOY);

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
writeFileSync(TARGET, head + stringify(rule, { lineWidth: 0 }));
