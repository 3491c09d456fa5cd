/**
 * Keeps retries from making an outage worse: at most a tenth of the calls of the last ten seconds, or three per second.
 *
 * Source: Google, Site Reliability Engineering, chapter 22, "Retries" (retry budgets).
 */

import { createRecentCounts } from "./recent-counts.ts";

export type RetryBudget = {
  /** Counts a first try. */
  recordCall(): void;
  /** Whether one more retry may happen; counts it if so. */
  takeRetry(): boolean;
};

export type RetryBudgetOptions = {
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

const RETRY_SHARE = 0.1;
/** Three per second. */
const MIN_RETRIES = 30;

export function createRetryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  const { now = () => performance.now() } = options;
  const recent = createRecentCounts<"call" | "retry">(now);

  return {
    recordCall: () => recent.add("call"),
    takeRetry() {
      const allowed = Math.max(RETRY_SHARE * recent.count("call"), MIN_RETRIES);
      if (recent.count("retry") + 1 > allowed) return false;
      recent.add("retry");
      return true;
    },
  };
}
