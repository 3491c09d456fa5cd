/**
 * Which calls are repeated, how often, and after what wait.
 *
 * | call          | not sent | throttled | ambiguous |
 * |---------------|----------|-----------|-----------|
 * | read          | 2        | 1         | 2         |
 * | create        | 1        | 1         | never blindly: create-or-find.ts reads first |
 * | update, URL   | 1        | 1         | 1         |
 *
 * The wait is exponential with full jitter. A `Retry-After` of at most two seconds is honoured, and a longer one ends the
 * retries. A connection that ended while it was idle, closed or in silence, is no sign of trouble: the call is repeated at
 * once. If there was no answer, the repeat goes out on a new connection.
 *
 * A retry budget keeps retries from making an outage worse: over any ten seconds with n calls there are at most
 * max(30, 10 + 0.09 n) of them. Every call earns a share of a retry. Seconds of health cannot save up more than a few, or the
 * first seconds of an outage would spend what ten good ones left over. If calls are rare, thirty in ten seconds are free, but
 * later calls pay for them.
 * Sources: docs/decisions/0003-retries.md; AWS Builders' Library, Timeouts, retries, and backoff with jitter; Finagle,
 * `RetryBudget`; Google, Site Reliability Engineering, chapter 22, "Retries".
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { CallKind } from "../../session/budget.ts";
import { createSlidingWindow } from "../../upstream/limits.ts";
import type { Answer, FailedAnswer, Failure, Send } from "../call.ts";
import { isStale } from "../outcome.ts";
import type { MxObserver } from "./instrument.ts";

export type RetryOptions = Partial<MxObserver> & {
  /** In [0, 1). */
  random?: () => number;
  /** Shared by all calls to one host. */
  retryBudget?: RetryBudget;
};

type Retryable = Extract<Failure, "not_sent" | "throttled" | "ambiguous">;

const RETRIES: Record<CallKind, Record<Retryable, number>> = {
  read: { not_sent: 2, throttled: 1, ambiguous: 2 },
  create_user: { not_sent: 1, throttled: 1, ambiguous: 0 },
  create_member: { not_sent: 1, throttled: 1, ambiguous: 0 },
  update_member: { not_sent: 1, throttled: 1, ambiguous: 1 },
  widget_url: { not_sent: 1, throttled: 1, ambiguous: 1 },
};

const BACKOFF_BASE_MS = 100;
const BACKOFF_CAP_MS = 1000;
const MAX_RETRY_AFTER_MS = 2000;

export function withRetry(send: Send, options: RetryOptions = {}): Send {
  const { random = Math.random, retryBudget = createRetryBudget() } = options;
  const { onRetry, onRetryRefused } = options;

  /** Whether the call is made once more after `waitMs`. Takes it from the retry budget. */
  function mayRepeat(answer: Answer, waitMs: number): boolean {
    if (isStale(answer)) return true; // No sign of trouble, so outside the retry budget.
    if (waitMs > MAX_RETRY_AFTER_MS) return false;
    if (retryBudget.takeRetry()) return true;
    onRetryRefused?.();
    return false;
  }

  return async function sendWithRetry(call, budget) {
    const left = { ...RETRIES[call.kind] };
    retryBudget.recordCall();
    let next = call;
    for (let attempt = 0; ; attempt += 1) {
      const answer = await send(next, budget);
      if (!isRetryable(answer) || left[answer.outcome] === 0) return answer;
      const waitMs = isStale(answer) ? 0 : toWaitMs(answer, attempt, random);
      if (!budget.allows(call.kind, waitMs) || !mayRepeat(answer, waitMs)) return answer;
      onRetry?.(answer.outcome);
      left[answer.outcome] -= 1;
      if (answer.status === undefined) next = { ...call, newConnection: true };
      if (!isStale(answer)) await sleep(waitMs);
    }
  };
}

function isRetryable(answer: Answer): answer is FailedAnswer & { outcome: Retryable } {
  const { outcome } = answer;
  return outcome === "not_sent" || outcome === "throttled" || outcome === "ambiguous";
}

function toWaitMs(answer: FailedAnswer, attempt: number, random: () => number): number {
  const askedMs = (answer.retryAfterSeconds ?? 0) * 1000;
  const backoffMs = random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** attempt);
  return Math.max(askedMs, backoffMs);
}

type RetryBudget = {
  /** Counts a first try. */
  recordCall(): void;
  /** Whether one more retry may happen; counts it if so. */
  takeRetry(): boolean;
};

/** In hundredths of a retry, to stay exact. */
const RETRY = 100;
/** What is kept below the tenth that is promised pays for `MAX_CREDIT`. */
const EARNED_BY_CALL = 9;
const MAX_CREDIT = 10 * RETRY;
const FREE_RETRIES = 30;
const MAX_DEBT = FREE_RETRIES * RETRY;

/** `now`: milliseconds of a clock that never goes back. */
export function createRetryBudget(now = () => performance.now()): RetryBudget {
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
