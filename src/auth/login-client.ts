/**
 * One call to the partner's own systems about a login, repeated once if there was no answer.
 *
 * At most 50 at once. Others wait up to two seconds for their turn, and admission limits how many wait.
 * Nothing is sent with less than 250 ms left for the answer.
 * No redirect is followed, so a cookie or a token goes to no other host.
 */

import { type AppError, authUnavailable } from "../errors.ts";
import { MIN_CALL_MS } from "../session/budget.ts";
import { parseJson } from "../text.ts";
import {
  type Exchange,
  type ExchangeRequest,
  type ExchangeResult,
  withRepeat,
} from "../upstream/exchange.ts";
import { createSemaphore } from "../upstream/limits.ts";

type LoginCallOptions = {
  /** For the log. */
  operation: "partner.introspection" | "partner.session_check";
  /** With as many connections as `MAX_LOGIN_CALLS`. */
  exchange: Exchange;
  /** A clock in milliseconds that never goes back. */
  now?: () => number;
};

export type LoginAnswer = {
  status: number;
  /** `undefined` where it is no JSON. */
  body: unknown;
  /** The error for an answer that does not say whether the login is good. */
  failed(): AppError;
};

export const MAX_LOGIN_CALLS = 50;
const MAX_WAIT_MS = 2000;
const MAX_RETRY_AFTER_SECONDS = 30;

export function createLoginCall(options: LoginCallOptions) {
  const { operation, now = () => performance.now() } = options;
  const exchange = withRepeat(options.exchange, now);
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

  /** Throws `auth_unavailable` where there is no answer. `timeoutMs` is what the caller waits. */
  return async function callAboutLogin(request: ExchangeRequest, timeoutMs: number) {
    const deadline = now() + timeoutMs;
    const waitMs = Math.min(MAX_WAIT_MS, timeoutMs) - MIN_CALL_MS;
    if ((await semaphore.acquire(waitMs)) !== "acquired") throw busy();
    try {
      const leftMs = deadline - now();
      if (leftMs < MIN_CALL_MS) throw busy();
      return toAnswer(await exchange(request, leftMs));
    } finally {
      semaphore.release();
    }
  };
}

/** `rejected`: our request is wrong, and the operator has to act. */
function toOutcome(status: number): "unavailable" | "rejected" | "invalid_response" {
  if (status === 429 || status >= 500) return "unavailable";
  return status === 200 ? "invalid_response" : "rejected";
}
