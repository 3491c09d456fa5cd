/**
 * Stops asking an MX host that fails: after 20 calls in 10 s of which half failed, it is left alone for about 5 s, then
 * one call tries. All others are answered at once.
 *
 * One per tenant and host. A User that does not exist, or a request that MX rejects, is no failure of MX.
 * Source: docs/decisions/0006-overload.md.
 */

import {
  type CircuitBreakerPolicy,
  CircuitState,
  circuitBreaker,
  handleWhenResult,
  type IBackoff,
  isBrokenCircuitError,
  SamplingBreaker,
} from "cockatiel";
import { type Answer, STALE, toUnsentError } from "./outcome.ts";
import type { MxCall, Send } from "./send.ts";

export type CircuitBreakerOptions = {
  /** In [0, 1). */
  random?: () => number;
};

const WINDOW_MS = 10_000;
const MIN_CALLS_PER_SECOND = 2;
/** Cockatiel opens above this share. */
const FAILURE_SHARE = 0.499;
const OPEN_MS = 5000;
const OPEN_JITTER = 0.2;

export function withCircuitBreaker(send: Send, options: CircuitBreakerOptions = {}): Send {
  const { random = Math.random } = options;
  /** A probe that was never sent, because the gate was full, is no sign of life. */
  const isProbe = () => breaker.state === CircuitState.HalfOpen;
  const failures = handleWhenResult((answer) => isFailure(answer as Answer)).orWhen(isProbe);
  const breaker: CircuitBreakerPolicy = circuitBreaker(failures, {
    halfOpenAfter: createOpenTime(random),
    breaker: new SamplingBreaker({
      threshold: FAILURE_SHARE,
      duration: WINDOW_MS,
      minimumRps: MIN_CALLS_PER_SECOND,
    }),
  });

  const toOpenError = ({ operation }: MxCall) =>
    toUnsentError(operation, "circuit_open", OPEN_MS / 1000);

  return async function sendWithCircuitBreaker(call, budget) {
    if (!budget.allows(call.kind, 0)) return send(call, budget); // Says why, and proves nothing about MX.
    if (breaker.state === CircuitState.HalfOpen) throw toOpenError(call); // Cockatiel would let it wait.
    try {
      return await breaker.execute(() => send(call, budget));
    } catch (error) {
      throw isBrokenCircuitError(error) ? toOpenError(call) : error;
    }
  };
}

function isFailure({ outcome, status, reason }: Answer): boolean {
  if (outcome === "unsent" || outcome === "ambiguous") return reason !== STALE;
  if (outcome === "refused") return status === 503;
  return outcome === "nonsense" && reason !== "other_user";
}

/** Replicas should not come back all at the same moment. */
function createOpenTime(random: () => number) {
  const next = (): IBackoff<unknown> => {
    const duration = OPEN_MS * (1 + OPEN_JITTER * (2 * random() - 1));
    return { duration, next };
  };
  return { next };
}
