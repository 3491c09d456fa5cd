/** Calls to MX, and the policies around them. */

import type { ApiName } from "../mx/call.ts";
import type { BulkheadState, MxObserver, NotSentReason } from "../mx/policies/instrument.ts";
import type { Meters } from "./meters.ts";

const NOT_SENT_REASONS: readonly NotSentReason[] = [
  "circuit_open",
  "bulkhead_full",
  "bulkhead_wait",
];
const KEY_REFUSALS = [401, 403];
const BREAKER_VALUES = { closed: 0, half_open: 1, open: 2 };

type Labels = { tenant: string; api: ApiName };

/** One observer for each tenant's API. */
export function createMxMetrics(meters: Meters): (labels: Labels) => MxObserver {
  const observeCalls = createCallMetrics(meters);
  const observePolicies = createPolicyMetrics(meters);
  const watchBulkhead = createBulkheadMetrics(meters);
  return (labels) => ({
    ...observeCalls(labels),
    ...observePolicies(labels),
    watchBulkhead: (read) => watchBulkhead(labels, read),
  });
}

function createCallMetrics({ counter, histogram }: Meters) {
  const observe = histogram(
    "mx_upstream_request_duration_seconds",
    "Duration of single calls to MX, without waits and retries of this service.",
    ["tenant", "api"],
  );
  const countCall = counter(
    "mx_upstream_requests_total",
    "Single calls to MX, retries included, by what the answer means.",
    ["tenant", "api", "operation", "outcome"],
  );
  const countKeyRefusal = counter(
    "mx_upstream_key_refusals_total",
    "Answers 401 and 403 of MX: the key or this service's address is not accepted.",
    ["tenant", "api", "http_response_status_code"],
  );
  const countStale = counter(
    "mx_upstream_stale_connections_total",
    "Calls that met a connection which had died while it was idle.",
    ["tenant", "api"],
  );

  return (labels: Labels): Pick<MxObserver, "onAnswer" | "onStale"> => {
    for (const status of KEY_REFUSALS)
      countKeyRefusal({ ...labels, http_response_status_code: status }, 0);
    countStale(labels, 0);
    return {
      onAnswer({ operation, outcome, status = 0 }, durationMs) {
        observe(labels, durationMs);
        countCall({ ...labels, operation, outcome });
        if (KEY_REFUSALS.includes(status))
          countKeyRefusal({ ...labels, http_response_status_code: status });
      },
      onStale: () => countStale(labels),
    };
  };
}

function createPolicyMetrics({ counter, gauges }: Meters) {
  const countRetry = counter(
    "mx_upstream_retries_total",
    "Calls that were repeated, by what the first answer meant.",
    ["tenant", "api", "outcome"],
  );
  const countRetryRefused = counter(
    "mx_upstream_retry_budget_refusals_total",
    "Retries that the retry budget did not allow.",
    ["tenant", "api"],
  );
  const countNotSent = counter(
    "mx_upstream_not_sent_total",
    "Calls that the breaker or the bulkhead did not let through.",
    ["tenant", "api", "reason"],
  );
  const breaker = gauges("mx_circuit_breaker_state", "0 closed, 1 half-open, 2 open.", [
    "tenant",
    "api",
  ]);

  return (labels: Labels) => {
    for (const reason of NOT_SENT_REASONS) countNotSent({ ...labels, reason }, 0);
    countRetryRefused(labels, 0);
    return {
      onRetry: (outcome) => countRetry({ ...labels, outcome }),
      onRetryRefused: () => countRetryRefused(labels),
      onNotSent: (reason) => countNotSent({ ...labels, reason }),
      watchBreaker: (read) => breaker(labels, () => BREAKER_VALUES[read()]),
    } satisfies Partial<MxObserver>;
  };
}

function createBulkheadMetrics({ gauges }: Meters) {
  const labelNames: (keyof Labels)[] = ["tenant", "api"];
  const inFlight = gauges("mx_bulkhead_in_flight", "Calls to MX in flight.", labelNames);
  const waiting = gauges("mx_bulkhead_waiting", "Calls that wait for a connection.", labelNames);
  const limit = gauges("mx_bulkhead_connections", "Calls that may be in flight.", labelNames);
  return (labels: Labels, read: () => BulkheadState) => {
    inFlight(labels, () => read().inFlight);
    waiting(labels, () => read().waiting);
    limit(labels, () => read().connections);
  };
}
