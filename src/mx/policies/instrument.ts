/**
 * Tells what happens with the calls to one MX host. What is done with it (counted, or nothing) is the observer's matter.
 */

import type { Send } from "../client.ts";
import { type Answer, type Outcome, STALE } from "../outcome.ts";
import type { BulkheadState } from "./bulkhead.ts";
import type { BreakerState } from "./circuit-breaker.ts";

export type Api = "platform" | "sso";

/** None of these may throw. */
export type MxObserver = {
  /** A single call, retries included. */
  onAnswer(answer: Answer, durationMs: number): void;
  /** It met a connection that MX had closed while it was idle. */
  onStale(): void;
  onRetry(outcome: Outcome): void;
  /** The retry budget was spent. */
  onRetryRefused(): void;
  /** `circuit_open`, `bulkhead_full` or `bulkhead_wait`. */
  onNotSent(reason: string): void;
  watchBreaker(read: () => BreakerState): void;
  watchBulkhead(read: () => BulkheadState): void;
};

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
    if (answer.reason === STALE) observer.onStale();
    return answer;
  };
}
