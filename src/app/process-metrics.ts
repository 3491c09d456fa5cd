/**
 * What this process uses, by the Prometheus client's own collectors.
 *
 * Only what the dashboard and the alerts need is kept: all of the client's series would use up most of the 200 that one
 * replica may have (promise P16). There is one set per process, however many services run in it, because the client's
 * observers cannot be stopped.
 */

import { performance } from "node:perf_hooks";
import { collectDefaultMetrics, Registry } from "@prometheus-io/client";
import { createMeters } from "./meters.ts";

/** Two are kept because their collectors fill others: `process_cpu_user_seconds_total` and `nodejs_eventloop_lag_seconds`. */
const KEPT = new Set([
  "process_cpu_seconds_total",
  "process_cpu_user_seconds_total",
  "process_start_time_seconds",
  "process_resident_memory_bytes",
  "process_open_fds",
  "process_max_fds",
  "nodejs_heap_size_used_bytes",
  "nodejs_heap_size_total_bytes",
  "nodejs_external_memory_bytes",
  "nodejs_eventloop_lag_seconds",
  "nodejs_eventloop_lag_mean_seconds",
  "nodejs_eventloop_lag_p99_seconds",
  "nodejs_eventloop_lag_max_seconds",
  "nodejs_gc_duration_seconds",
]);

let registry: Registry | undefined;

export function processMetrics(): Registry {
  registry ??= collect();
  return registry;
}

function collect(): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register, gcDurationBuckets: [] });
  for (const { name } of register.getMetricsAsArray()) {
    if (!KEPT.has(name)) register.removeSingleMetric(name);
  }
  let before = performance.eventLoopUtilization();
  createMeters(register).gauge(
    "nodejs_eventloop_utilization_ratio",
    "Busy share of the event loop since the last scrape, 0 to 1.",
    () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization;
    },
  );
  return register;
}
