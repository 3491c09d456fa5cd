/** Calls to MX, and the policies around them. */

import type { ApiName } from "../mx/call.ts";
import type { MxObserver, NotSentReason } from "../mx/policies/instrument.ts";
import { type Meters, neverThrows } from "./meters.ts";

const NOT_SENT_REASONS: readonly NotSentReason[] = [
  "circuit_open",
  "bulkhead_full",
  "bulkhead_wait",
];
const KEY_REFUSALS = [401, 403];
const BREAKER_VALUES = { closed: 0, half_open: 1, open: 2 };

/** One observer for each tenant's API. */
export function createMxMetrics(meters: Meters): (tenant: string, api: ApiName) => MxObserver {
  const observeCalls = createCallMetrics(meters);
  const observePolicies = createPolicyMetrics(meters);
  return (tenant, api) => ({
    ...observeCalls({ tenant, api }),
    ...observePolicies({ tenant, api }),
  });
}

type Labels = { tenant: string; api: ApiName };

function createCallMetrics({ counter, histogram }: Meters) {
  const seconds = histogram(
    "mx_upstream_request_duration_seconds",
    "Duration of single calls to MX, without waits and retries of this service.",
    "tenant",
    "api",
  );
  const calls = counter(
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
  const staleConnections = counter(
    "mx_upstream_stale_connections_total",
    "Calls that met a connection which had died while it was idle.",
    "tenant",
    "api",
  );

  return (labels: Labels): Pick<MxObserver, "onAnswer" | "onStale"> => {
    for (const status of KEY_REFUSALS)
      keyRefusals.inc({ ...labels, http_response_status_code: status }, 0);
    staleConnections.inc(labels, 0);
    return {
      onAnswer: neverThrows(({ operation, outcome, status = 0 }, durationMs) => {
        seconds.observe(labels, durationMs / 1000);
        calls.inc({ ...labels, operation, outcome });
        if (KEY_REFUSALS.includes(status))
          keyRefusals.inc({ ...labels, http_response_status_code: status });
      }),
      onStale: neverThrows(() => staleConnections.inc(labels)),
    };
  };
}

function createPolicyMetrics({ counter, gauges }: Meters) {
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
  const notSent = counter(
    "mx_upstream_not_sent_total",
    "Calls that the breaker or the bulkhead did not let through.",
    "tenant",
    "api",
    "reason",
  );
  const watchBreaker = gauges(
    "mx_circuit_breaker_state",
    "0 closed, 1 half-open, 2 open.",
    "tenant",
    "api",
  );
  const watchBulkhead = createBulkheadMetrics({ gauges });

  return (labels: Labels): Omit<MxObserver, "onAnswer" | "onStale"> => {
    for (const reason of NOT_SENT_REASONS) notSent.inc({ ...labels, reason }, 0);
    retryRefusals.inc(labels, 0);
    return {
      onRetry: neverThrows((outcome) => retries.inc({ ...labels, outcome })),
      onRetryRefused: neverThrows(() => retryRefusals.inc(labels)),
      onNotSent: neverThrows((reason) => notSent.inc({ ...labels, reason })),
      watchBreaker: (read) => watchBreaker(labels, () => BREAKER_VALUES[read()]),
      watchBulkhead: (read) => watchBulkhead(labels, read),
    };
  };
}

function createBulkheadMetrics({ gauges }: Pick<Meters, "gauges">) {
  const inFlight = gauges("mx_bulkhead_in_flight", "Calls to MX in flight.", "tenant", "api");
  const waiting = gauges(
    "mx_bulkhead_waiting",
    "Calls that wait for a connection.",
    "tenant",
    "api",
  );
  const limit = gauges("mx_bulkhead_connections", "Calls that may be in flight.", "tenant", "api");
  return (labels: Labels, read: Parameters<MxObserver["watchBulkhead"]>[0]) => {
    inFlight(labels, () => read().inFlight);
    waiting(labels, () => read().waiting);
    limit(labels, () => read().connections);
  };
}
