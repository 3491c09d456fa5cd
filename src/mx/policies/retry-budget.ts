/**
 * Keeps retries from making an outage worse. Every call earns a share of a retry; seconds of health cannot save up
 * more than a few, or the first seconds of an outage would spend what ten good ones left over. Where calls are rare
 * thirty in ten seconds are free, but not forgotten: later calls pay for them.
 *
 * Over any ten seconds with n calls the retries are at most max(30, 10 + 0.09 n).
 * Source: Finagle, `RetryBudget`; Google, Site Reliability Engineering, chapter 22, "Retries".
 */

import { createSlidingWindow } from "./sliding-window.ts";

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

/** In hundredths of a retry, to stay exact. */
const RETRY = 100;
/** What is kept below the tenth that is promised pays for `MAX_CREDIT`. */
const EARNED_BY_CALL = 9;
const MAX_CREDIT = 10 * RETRY;
const FREE_RETRIES = 30;
const MAX_DEBT = FREE_RETRIES * RETRY;

export function createRetryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  const { now = () => performance.now() } = options;
  const recent = createSlidingWindow<"retry">(now);
  let credit = 0;

  return {
    recordCall() {
      credit = Math.min(credit + EARNED_BY_CALL, MAX_CREDIT);
    },
    takeRetry() {
      if (credit < RETRY && recent.count("retry") >= FREE_RETRIES) return false;
      recent.add("retry");
      credit = Math.max(credit - RETRY, -MAX_DEBT);
      return true;
    },
  };
}
