/**
 * Reports what happens with the calls to one MX host. What is done with it (counted, or nothing) is up to the observer.
 */

import type { UpstreamReason } from "../../errors.ts";
import type { Answer, Failure, Send } from "../call.ts";
import { isStale } from "../outcome.ts";

/** None of these may throw. */
export type MxObserver = {
  /** A single call, retries included. */
  onAnswer(answer: Answer, durationMs: number): void;
  /** It met a connection that MX had closed while it was idle. */
  onStale(): void;
  onRetry(outcome: Failure): void;
  /** The retry budget was spent. */
  onRetryRefused(): void;
  onNotSent(reason: NotSentReason): void;
  watchBreaker(read: () => BreakerState): void;
  watchBulkhead(read: () => BulkheadState): void;
};

export type NotSentReason = Extract<
  UpstreamReason,
  "circuit_open" | "bulkhead_full" | "bulkhead_wait"
>;

export type BreakerState = "closed" | "open" | "half_open";

export type BulkheadState = { inFlight: number; waiting: number; connections: number };

export const NO_OBSERVER: MxObserver = {
  onAnswer() {},
  onStale() {},
  onRetry() {},
  onRetryRefused() {},
  onNotSent() {},
  watchBreaker() {},
  watchBulkhead() {},
};

/** Around the call itself, so that neither waits nor retries count as MX's time. */
export function withObserver(
  send: Send,
  observer: Pick<MxObserver, "onAnswer" | "onStale">,
  now: () => number = () => performance.now(),
): Send {
  return async function sendObserved(call, budget) {
    const startedAt = now();
    const answer = await send(call, budget); // Rejects only where nothing was sent.
    observer.onAnswer(answer, now() - startedAt);
    if (isStale(answer)) observer.onStale();
    return answer;
  };
}
