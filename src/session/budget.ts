/**
 * What one request may still spend: time until its deadline, and calls to MX.
 *
 * No call starts with less than 250 ms left, none after the caller has gone, and never more than ten in all:
 * at most two of each create and of the update, four of the widget URL request.
 */

import { AppError } from "../errors.ts";

export type CallKind = "read" | "create_user" | "create_member" | "update_member" | "widget_url";

export type Budget = {
  /** Identifies the request, to distinguish its calls from those of others. */
  id: symbol;
  /** Milliseconds until the deadline; 0 when it has passed, or when the caller has gone. */
  remainingMs(): number;
  /** Whether another call of this kind may start after `waitMs`. */
  allows(kind: CallKind, waitMs: number): boolean;
  /** Pays for one call. Throws `upstream_timeout` or `upstream_unavailable` where none may start. */
  spend(kind: CallKind): void;
  /** The caller has gone: running calls may finish, and no new ones start. */
  abandon(): void;
  /** Calls paid for so far. */
  spent(): number;
};

/** The least time that makes a call worth starting. */
export const MIN_CALL_MS = 250;
const MAX_CALLS = 10;
const MAX_CALLS_OF: Record<CallKind, number> = {
  read: MAX_CALLS,
  create_user: 2,
  create_member: 2,
  update_member: 2,
  widget_url: 4,
};

/** `deadlineMs` is for the whole request; `now` is a clock in milliseconds that never goes back. */
export function createBudget({
  deadlineMs,
  now = () => performance.now(),
}: {
  deadlineMs: number;
  now?: () => number;
}): Budget {
  const deadline = now() + deadlineMs;
  const left = { ...MAX_CALLS_OF };
  let total = 0;
  let isAbandoned = false;

  const remainingMs = () => (isAbandoned ? 0 : Math.max(0, deadline - now()));
  const hasCalls = (kind: CallKind) => total < MAX_CALLS && left[kind] > 0;

  return {
    id: Symbol("request"),
    remainingMs,
    allows: (kind, waitMs) => hasCalls(kind) && remainingMs() - waitMs >= MIN_CALL_MS,
    spend(kind) {
      if (isAbandoned) throw noCallsLeft("client_gone");
      if (remainingMs() < MIN_CALL_MS) throw timeIsUp();
      if (!hasCalls(kind)) throw noCallsLeft("call_limit");
      left[kind] -= 1;
      total += 1;
    },
    abandon() {
      isAbandoned = true;
    },
    spent: () => total,
  };
}

function noCallsLeft(reason: "client_gone" | "call_limit"): AppError {
  return new AppError("upstream_unavailable", "MX could not complete the request. Try again.", {
    retryAfterSeconds: 1,
    upstream: { operation: "session", outcome: "not_sent", reason },
  });
}

/** The deadline has passed, or there is too little left of it to start anything. */
export function timeIsUp(): AppError {
  return new AppError("upstream_timeout", "MX did not answer in time. Try again.", {
    upstream: { operation: "session", outcome: "not_sent", reason: "deadline" },
  });
}
