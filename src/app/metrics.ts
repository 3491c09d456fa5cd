/**
 * What the service counts and measures, for `/metrics`. Each metric is explained in docs/observability.md.
 *
 * Labels come from closed sets and from the configuration, never from a caller: no path, no id, no text of a token. Nothing
 * here throws into the request that is counted.
 * Sources: Prometheus, Metric and label naming; OpenTelemetry, Semantic conventions for HTTP metrics.
 */

import type { Answer } from "../mx/outcome.ts";
import type { Api, MxObserver } from "../mx/policies/instrument.ts";
import { SESSION_EVENTS, type SessionEvent } from "../session/budget.ts";
import type { RequestEntry } from "../telemetry/logger.ts";
import { createMetricRegistry } from "./metric-registry.ts";
import { registerProcessMetrics } from "./process-metrics.ts";

export type Metrics = Disposable & {
  /** Of the text: Prometheus's exposition format 0.0.4. */
  contentType: string;
  text(): Promise<string>;
  /** A request has begun; the function says that it has ended. */
  requestStarted(): () => void;
  request(entry: RequestEntry): void;
  sessionEvent(tenant: string, event: SessionEvent): void;
  mx(tenant: string, api: Api): MxObserver;
  issuerKeys(issuer: string, readAgeMs: () => number | undefined): (isLoaded: boolean) => void;
  rateLimit(limit: string): { onRefusal(): void; onStoreFailure(): void };
};

export type MetricsOptions = {
  version: string;
  tenants: readonly string[];
  maxInFlight: number;
  isReady: () => boolean;
  isDraining: () => boolean;
  logLinesLost: () => number;
};

const METHODS = new Set(["GET", "POST", "OPTIONS"]);
const TIMED_ROUTES = new Set(["/session", "/user/widget_urls"]);
/** Those whose first time is an alarm. */
const DECLARED_RESULTS = ["opened", "upstream-rejected", "upstream-bad-response"];
const NOT_SENT_REASONS = ["circuit_open", "bulkhead_full", "bulkhead_wait"];
const BREAKER_VALUES = { closed: 0, half_open: 1, open: 2 };

export function createMetrics(options: MetricsOptions): Metrics {
  const { version, tenants, maxInFlight, isReady, isDraining, logLinesLost } = options;
  const registry = createMetricRegistry();
  const { counter, histogram, gauge, gauges, total } = registry;
  const stopProcessMetrics = registerProcessMetrics(registry.registers);

  const requestSeconds = histogram(
    "http_server_request_duration_seconds",
    "Duration of requests on the public port.",
    "http_route",
    "http_response_status_class",
  );
  const requests = counter(
    "http_server_requests_total",
    "Requests on the public port, by what they were answered.",
    "http_request_method",
    "http_route",
    "http_response_status_code",
    "error_type",
  );
  let active = 0;
  gauge("http_server_active_requests", "Requests in flight on the public port.", () => active);
  gauge(
    "bff_max_in_flight",
    "MAX_IN_FLIGHT: more session requests are refused.",
    () => maxInFlight,
  );

  const sessions = counter(
    "bff_sessions_total",
    "Session requests of authenticated users, by how they ended.",
    "tenant",
    "result",
  );
  const widgetUrls = counter("bff_widget_urls_total", "Widget URLs handed out.", "widget_type");
  const provisioning = counter(
    "bff_provisioning_total",
    "Users and Members that were created, updated or completed at MX.",
    "tenant",
    "event",
  );
  const loginFailures = counter(
    "bff_authentication_failures_total",
    "Requests whose login was not accepted.",
    "reason",
  );
  const keyRefreshes = counter(
    "bff_issuer_keys_refreshes_total",
    "Loads of an issuer's public keys.",
    "issuer",
    "result",
  );
  const keyAge = gauges(
    "bff_issuer_keys_age_seconds",
    "Seconds since an issuer's public keys were loaded.",
    "issuer",
  );
  const limitRefusals = counter(
    "bff_rate_limit_refusals_total",
    "Requests refused by a rate limit.",
    "limit",
  );
  const storeFailures = counter(
    "bff_rate_limit_redis_failures_total",
    "Failures of Redis; after each this replica counts for itself for five seconds.",
    "limit",
  );

  const mxSeconds = histogram(
    "mx_upstream_request_duration_seconds",
    "Duration of single calls to MX, without waits and retries of this service.",
    "tenant",
    "api",
  );
  const mxCalls = counter(
    "mx_upstream_requests_total",
    "Single calls to MX, retries included, by what the answer means.",
    "tenant",
    "api",
    "operation",
    "outcome",
  );
  const keyRefusals = counter(
    "mx_upstream_key_refusals_total",
    "Answers 401 and 403 of MX: the key or this service's address is not accepted.",
    "tenant",
    "api",
    "http_response_status_code",
  );
  const retries = counter(
    "mx_upstream_retries_total",
    "Calls that were repeated, by what the first answer meant.",
    "tenant",
    "api",
    "outcome",
  );
  const retryRefusals = counter(
    "mx_upstream_retry_budget_refusals_total",
    "Retries that the retry budget did not allow.",
    "tenant",
    "api",
  );
  const staleConnections = counter(
    "mx_upstream_stale_connections_total",
    "Calls that met a connection which MX had closed while it was idle.",
    "tenant",
    "api",
  );
  const notSent = counter(
    "mx_upstream_not_sent_total",
    "Calls that the breaker or the bulkhead did not let through.",
    "tenant",
    "api",
    "reason",
  );
  const breakerState = gauges(
    "mx_circuit_breaker_state",
    "0 closed, 1 half-open, 2 open.",
    "tenant",
    "api",
  );
  const bulkheadInFlight = gauges(
    "mx_bulkhead_in_flight",
    "Calls to MX in flight.",
    "tenant",
    "api",
  );
  const bulkheadWaiting = gauges(
    "mx_bulkhead_waiting",
    "Calls that wait for a connection.",
    "tenant",
    "api",
  );
  const bulkheadLimit = gauges(
    "mx_bulkhead_connections",
    "Calls that may be in flight.",
    "tenant",
    "api",
  );

  gauge("bff_ready", "What /readyz says: 1 ready, 0 not.", () => Number(isReady()));
  total("bff_log_lines_lost_total", "Log lines that standard output did not take.", logLinesLost);
  gauge("bff_draining", "1 from SIGTERM on.", () => Number(isDraining()));
  gauges(
    "bff_build_info",
    "Always 1; what runs stands in the labels.",
    "version",
    "node_version",
  )({ version, node_version: process.version }, () => 1);

  for (const tenant of tenants) {
    for (const event of SESSION_EVENTS) provisioning.declare(tenant, event);
    for (const result of DECLARED_RESULTS) sessions.declare(tenant, result);
  }

  return {
    contentType: registry.contentType,
    text: registry.text,
    requestStarted() {
      active += 1;
      return () => {
        active -= 1;
      };
    },
    request: harmless((entry) => {
      const { method, route, status, tenant, error, errorType = "", durationMs } = entry;
      const isTimed = TIMED_ROUTES.has(route);
      requestSeconds(durationMs / 1000, isTimed ? route : "other", toClass(status));
      requests.add(METHODS.has(method) ? method : "_OTHER", route, String(status), errorType);
      if (error?.code === "unauthenticated") loginFailures.add(error.reason ?? "unknown");
      if (!isTimed || tenant === undefined) return;
      const isOpened = status === 200 && !entry.isClientGone;
      sessions.add(tenant, isOpened ? "opened" : errorType || "abandoned");
      if (isOpened && entry.widgetType) widgetUrls.add(entry.widgetType);
    }),
    sessionEvent: harmless((tenant, event) => provisioning.add(tenant, event)),
    mx(tenant, api) {
      for (const status of [401, 403]) keyRefusals.declare(tenant, api, String(status));
      for (const reason of NOT_SENT_REASONS) notSent.declare(tenant, api, reason);
      retryRefusals.declare(tenant, api);
      staleConnections.declare(tenant, api);
      const labels = { tenant, api };
      return {
        onAnswer: harmless((answer: Answer, durationMs: number) => {
          mxSeconds(durationMs / 1000, tenant, api);
          mxCalls.add(tenant, api, answer.operation, answer.outcome);
          const { status } = answer;
          if (status === 401 || status === 403) keyRefusals.add(tenant, api, String(status));
        }),
        onStale: harmless(() => staleConnections.add(tenant, api)),
        onRetry: harmless((outcome) => retries.add(tenant, api, outcome)),
        onRetryRefused: harmless(() => retryRefusals.add(tenant, api)),
        onNotSent: harmless((reason) => notSent.add(tenant, api, reason)),
        watchBreaker: (read) => breakerState(labels, () => BREAKER_VALUES[read()]),
        watchBulkhead(read) {
          bulkheadInFlight(labels, () => read().inFlight);
          bulkheadWaiting(labels, () => read().waiting);
          bulkheadLimit(labels, () => read().connections);
        },
      };
    },
    issuerKeys(issuer, readAgeMs) {
      for (const result of ["loaded", "failed"]) keyRefreshes.declare(issuer, result);
      keyAge({ issuer }, () => {
        const ageMs = readAgeMs();
        return ageMs === undefined ? undefined : ageMs / 1000;
      });
      return harmless((isLoaded) => keyRefreshes.add(issuer, isLoaded ? "loaded" : "failed"));
    },
    rateLimit(limit) {
      limitRefusals.declare(limit);
      return {
        onRefusal: harmless(() => limitRefusals.add(limit)),
        onStoreFailure: harmless(() => storeFailures.add(limit)),
      };
    },
    [Symbol.dispose]: stopProcessMetrics,
  };
}

function toClass(status: number): string {
  return `${Math.floor(status / 100)}xx`;
}

/** A fault in counting is not the request's. */
function harmless<Arguments extends unknown[]>(
  record: (...values: Arguments) => void,
): (...values: Arguments) => void {
  return (...values) => {
    try {
      record(...values);
    } catch {
      // A metric that is missing is seen on the dashboard.
    }
  };
}
