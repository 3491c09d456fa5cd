/**
 * Keeps retries from making an outage worse: at most a tenth of the calls of the last ten seconds, or three per second.
 *
 * Source: Google, Site Reliability Engineering, chapter 22, "Retries" (retry budgets).
 */

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

const WINDOW_SECONDS = 10;
const RETRY_SHARE = 0.1;
const MIN_RETRIES_PER_SECOND = 3;

type Second = { at: number; calls: number; retries: number };

export function createRetryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  const { now = () => performance.now() } = options;
  const seconds: Second[] = Array.from({ length: WINDOW_SECONDS }, () => ({
    at: -1,
    calls: 0,
    retries: 0,
  }));

  /** The current second's counts; those of ten seconds ago stood in the same place. */
  function current(): Second {
    const at = Math.floor(now() / 1000);
    const index = at % WINDOW_SECONDS;
    const second = seconds[index];
    if (second?.at === at) return second;
    const fresh = { at, calls: 0, retries: 0 };
    seconds[index] = fresh;
    return fresh;
  }

  return {
    recordCall() {
      current().calls += 1;
    },
    takeRetry() {
      const second = current();
      const recent = seconds.filter(({ at }) => at > second.at - WINDOW_SECONDS);
      const calls = recent.reduce((sum, each) => sum + each.calls, 0);
      const retries = recent.reduce((sum, each) => sum + each.retries, 0);
      const allowed = Math.max(RETRY_SHARE * calls, MIN_RETRIES_PER_SECOND * WINDOW_SECONDS);
      if (retries >= allowed) return false;
      second.retries += 1;
      return true;
    },
  };
}
