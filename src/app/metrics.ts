/**
 * What the service counts and measures, for `/metrics`. Each metric is explained in docs/observability.md.
 *
 * Labels come from closed sets and from the configuration, never from a caller: no path, no id, no text of a token. Nothing
 * here throws into the request that is counted.
 * Sources: Prometheus, Metric and label naming; OpenTelemetry, Semantic conventions for HTTP metrics.
 */

import { Registry } from "@prometheus-io/client";
import type { ApiName } from "../mx/call.ts";
import type { MxObserver } from "../mx/policies/instrument.ts";
import { createFileMetrics, type FileMetrics } from "./file-metrics.ts";
import { createMeters, type Meters, neverThrows } from "./meters.ts";
import { createMxMetrics } from "./mx-metrics.ts";
import { processMetrics } from "./process-metrics.ts";
import { createRequestMetrics, type RequestMetrics } from "./request-metrics.ts";

export type Metrics = RequestMetrics & {
  /** Of the text: Prometheus's exposition format 0.0.4. */
  contentType: string;
  text(): Promise<string>;
  mx(tenant: string, api: ApiName): MxObserver;
  issuerKeys(issuer: string, readAgeMs: () => number | undefined): (isLoaded: boolean) => void;
  rateLimit(limit: string): { onRefusal(): void; onStoreFailure(): void };
  files: FileMetrics;
};

export type MetricsOptions = {
  version: string;
  tenants: readonly string[];
  maxInFlight: number;
  isReady: () => boolean;
  isDraining: () => boolean;
  logLinesLost: () => number;
};

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const meters = createMeters(registry);
  const metrics = {
    ...createRequestMetrics(meters, options.tenants),
    mx: createMxMetrics(meters),
    issuerKeys: createKeyMetrics(meters),
    rateLimit: createRateLimitMetrics(meters),
    files: createFileMetrics(meters),
  };
  registerReplica(meters, options);
  const ofProcess = processMetrics(); // Watches from now on.
  /** Merged at each scrape, since some metrics are there only once something has been configured. */
  const text = () => Registry.merge([registry, ofProcess]).metrics();
  return { ...metrics, contentType: registry.contentType, text };
}

function createKeyMetrics({ counter, gauges }: Meters): Metrics["issuerKeys"] {
  const refreshes = counter(
    "bff_issuer_keys_refreshes_total",
    "Loads of an issuer's public keys.",
    "issuer",
    "result",
  );
  const age = gauges(
    "bff_issuer_keys_age_seconds",
    "Seconds since an issuer's public keys were loaded.",
    "issuer",
  );
  return (issuer, readAgeMs) => {
    for (const result of ["loaded", "failed"]) refreshes.inc({ issuer, result }, 0);
    age({ issuer }, () => {
      const ageMs = readAgeMs();
      return ageMs === undefined ? undefined : ageMs / 1000;
    });
    return neverThrows((isLoaded) =>
      refreshes.inc({ issuer, result: isLoaded ? "loaded" : "failed" }),
    );
  };
}

function createRateLimitMetrics({ counter }: Meters): Metrics["rateLimit"] {
  const refusals = counter(
    "bff_rate_limit_refusals_total",
    "Requests refused by a rate limit.",
    "limit",
  );
  const storeFailures = counter(
    "bff_rate_limit_redis_failures_total",
    "Failures of Redis; after each this replica counts for itself for five seconds.",
    "limit",
  );
  return (limit) => {
    refusals.inc({ limit }, 0);
    return {
      onRefusal: neverThrows(() => refusals.inc({ limit })),
      onStoreFailure: neverThrows(() => storeFailures.inc({ limit })),
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
  const buildInfo = gauges(
    "bff_build_info",
    "Always 1; what runs stands in the labels.",
    "version",
    "node_version",
  );
  buildInfo({ version, node_version: process.version }, () => 1);
}
