/**
 * What the service counts and measures, for `/metrics`. Each metric is explained in docs/observability.md.
 *
 * Labels come from closed sets and from the configuration, never from a caller: no path, no id, no text of a token. Nothing
 * here throws into the request that is counted.
 * Sources: Prometheus, Metric and label naming; OpenTelemetry, Semantic conventions for HTTP metrics.
 */

import { performance } from "node:perf_hooks";
import { collectDefaultMetrics, Registry } from "@prometheus-io/client";
import { createMeters, type Meters } from "./meters.ts";
import { createMxMetrics } from "./mx-metrics.ts";
import { createRequestMetrics } from "./request-metrics.ts";

export type Metrics = ReturnType<typeof createMetrics>;

type MetricsOptions = {
  version: string;
  tenants: readonly string[];
  maxInFlight: number;
  isReady: () => boolean;
  isDraining: () => boolean;
  logLinesLost: () => number;
};

export function createMetrics(options: MetricsOptions) {
  const registry = new Registry();
  const meters = createMeters(registry);
  registerReplica(meters, options);
  ofProcess ??= watchProcess();
  const registries = [registry, ofProcess];
  return {
    ...createRequestMetrics(meters, options.tenants),
    mx: createMxMetrics(meters),
    issuerKeys: createKeyMetrics(meters),
    rateLimit: createRateLimitMetrics(meters),
    files: createFileMetrics(meters),
    /** Of the text: Prometheus's exposition format 0.0.4. */
    contentType: registry.contentType,
    /** Merged at each scrape, since some metrics are there only once something has been configured. */
    text: () => Registry.merge(registries).metrics(),
  };
}

function createKeyMetrics({ counter, gauges }: Meters) {
  const countRefresh = counter(
    "bff_issuer_keys_refreshes_total",
    "Loads of an issuer's public keys.",
    ["issuer", "result"],
  );
  const age = gauges(
    "bff_issuer_keys_age_seconds",
    "Seconds since an issuer's public keys were loaded.",
    ["issuer"],
  );
  /** Gives what counts the loads. */
  return (issuer: string, readAgeMs: () => number | undefined) => {
    for (const result of ["loaded", "failed"]) countRefresh({ issuer, result }, 0);
    age({ issuer }, () => {
      const ageMs = readAgeMs();
      return ageMs === undefined ? undefined : ageMs / 1000;
    });
    return (isLoaded: boolean) => countRefresh({ issuer, result: isLoaded ? "loaded" : "failed" });
  };
}

function createRateLimitMetrics({ counter }: Meters) {
  const countRefusal = counter(
    "bff_rate_limit_refusals_total",
    "Requests refused by a rate limit.",
    ["limit"],
  );
  const countStoreFailure = counter(
    "bff_rate_limit_redis_failures_total",
    "Failures of Redis; after each this replica counts for itself for five seconds.",
    ["limit"],
  );
  return (limit: string) => {
    countRefusal({ limit }, 0);
    return {
      onRefusal: () => countRefusal({ limit }),
      onStoreFailure: () => countStoreFailure({ limit }),
    };
  };
}

function registerReplica({ gauge, gauges, total }: Meters, options: MetricsOptions): void {
  const { version, maxInFlight, isReady, isDraining, logLinesLost } = options;
  gauge(
    "bff_max_in_flight",
    "MAX_IN_FLIGHT: more session requests are refused.",
    () => maxInFlight,
  );
  gauge("bff_ready", "What /readyz says: 1 ready, 0 not.", () => Number(isReady()));
  gauge("bff_draining", "1 from the first signal on.", () => Number(isDraining()));
  total("bff_log_lines_lost_total", "Log lines that standard output did not take.", logLinesLost);
  const buildInfo = gauges("bff_build_info", "Always 1; what runs stands in the labels.", [
    "version",
    "node_version",
  ]);
  buildInfo({ version, node_version: process.version }, () => 1);
}

export type FileMetrics = ReturnType<typeof createFileMetrics>;

/** By variable. There is no series for variables that are not set. */
function createFileMetrics({ counter, gauges }: Meters) {
  return {
    changed: gauges(
      "bff_files_changed",
      "Files that differ from what this process uses, by the variable that names them.",
      ["variable"],
    ),
    countReload: counter(
      "bff_file_reloads_total",
      "Changed files that were taken over without a restart, or refused.",
      ["variable", "result"],
    ),
    clientCertificateExpires: gauges(
      "bff_client_certificate_expires_timestamp_seconds",
      "When the first client certificate that this variable names expires, in seconds since 1970.",
      ["variable"],
    ),
    certificateExpires: gauges<string>(
      "bff_tls_certificate_expires_timestamp_seconds",
      "When the public port's certificate expires, in seconds since 1970.",
      [],
    ),
  };
}

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

let ofProcess: Registry | undefined;

function watchProcess(): Registry {
  const register = new Registry();
  const eventLoopUtilizationTimeout = 2 ** 31 - 1; // Never: the longest timer that there is. Ours needs none.
  collectDefaultMetrics({ register, gcDurationBuckets: [], eventLoopUtilizationTimeout });
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
