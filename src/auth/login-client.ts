/**
 * One question about a login to the partner's own systems: two seconds for all of it, repeated once where no answer came.
 *
 * At most 50 at once; others wait for their turn within the same two seconds, and admission bounds how many they are.
 * Nothing is sent with less than 250 ms left for the answer.
 * No redirect is followed, so a cookie or a token goes to no other host.
 */

import { type AppError, authUnavailable } from "../errors.ts";
import { parseJson } from "../json.ts";
import { MIN_CALL_MS } from "../session/budget.ts";
import type { Exchange, ExchangeRequest, ExchangeResult } from "../upstream/exchange.ts";
import { createSemaphore } from "../upstream/semaphore.ts";

export type LoginCallOptions = {
  /** For the log. */
  operation: "partner.introspection" | "partner.session_check";
  /** With as many connections as `MAX_LOGIN_CALLS`. */
  exchange: Exchange;
  /** A clock in milliseconds that never goes back. */
  now?: () => number;
};

/** Throws `auth_unavailable` where there is no answer. `timeoutMs` is what the caller waits, if less than two seconds. */
export type LoginCall = (request: ExchangeRequest, timeoutMs: number) => Promise<LoginAnswer>;

export type LoginAnswer = {
  status: number;
  /** `undefined` where it is no JSON. */
  body: unknown;
  /** The error for an answer that does not say whether the login is good. */
  failed(): AppError;
};

export const MAX_LOGIN_CALLS = 50;
const TIMEOUT_MS = 2000;
const MAX_RETRY_AFTER_SECONDS = 30;

export function createLoginCall(options: LoginCallOptions): LoginCall {
  const { operation, exchange, now = () => performance.now() } = options;
  const semaphore = createSemaphore({ limit: MAX_LOGIN_CALLS });
  const busy = () =>
    authUnavailable({ upstream: { operation, outcome: "not_sent", reason: "busy" } });

  function toAnswer(result: ExchangeResult): LoginAnswer {
    if (result.kind === "failure") {
      const { failure: outcome, reason } = result;
      throw authUnavailable({ upstream: { operation, outcome, reason } });
    }
    const { status, text, retryAfterSeconds = 1 } = result;
    return {
      status,
      body: parseJson(text),
      failed: () =>
        authUnavailable({
          retryAfterSeconds: Math.min(Math.max(retryAfterSeconds, 1), MAX_RETRY_AFTER_SECONDS),
          upstream: { operation, outcome: toOutcome(status), status },
        }),
    };
  }

  return async function callAboutLogin(request, timeoutMs) {
    const deadline = now() + Math.min(TIMEOUT_MS, timeoutMs);
    const leftMs = () => deadline - now();
    if ((await semaphore.acquire(leftMs() - MIN_CALL_MS)) !== "acquired") throw busy();
    try {
      if (leftMs() < MIN_CALL_MS) throw busy();
      const first = await exchange(request, leftMs());
      const isOver = leftMs() < MIN_CALL_MS;
      if (first.kind === "answer" || !isWorthRepeating(first.failure) || isOver)
        return toAnswer(first);
      return toAnswer(await exchange({ ...request, newConnection: true }, leftMs()));
    } finally {
      semaphore.release();
    }
  };
}

function isWorthRepeating(failure: string): boolean {
  return failure === "not_sent" || failure === "connection_lost" || failure === "stale";
}

/** `rejected`: our request is wrong, and somebody has to act. */
function toOutcome(status: number): "unavailable" | "rejected" | "invalid_response" {
  if (status === 429 || status >= 500) return "unavailable";
  return status === 200 ? "invalid_response" : "rejected";
}
