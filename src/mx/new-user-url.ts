/**
 * Asks for a widget URL, whichever API makes it. MX may answer 404 for a moment after a create, so a new User is waited for.
 *
 * Source: MX Platform API, Errors (404 after a create). That the SSO API v3 is alike is assumed, too.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { AppError, type FieldError } from "../errors.ts";
import type { Budget } from "../session/budget.ts";
import type { WidgetRequest } from "../session/types.ts";
import type { FailedAnswer, GoodAnswer, MxCall, Send } from "./call.ts";
import { requireGood } from "./response-guards.ts";

/** Waits before the tries for the URL of a new User: assumption A15 (docs/assumptions.md). */
const NEW_USER_WAITS_MS = [0, 300, 700];
/** How long MX may not find a User that it has just made: A15. */
export const NEW_USER_WAIT_MS = NEW_USER_WAITS_MS.reduce((sum, ms) => sum + ms);

/**
 * `undefined`: MX does not find the User, or what else the call names. Throws `invalid_request` where MX refuses an option of
 * the caller's, and what fits the outcome of every other refusal.
 */
export async function requestUntilVisible(
  send: Send,
  call: MxCall,
  { user, request }: { user: { isNew: boolean }; request: WidgetRequest },
  budget: Budget,
): Promise<GoodAnswer | undefined> {
  for (const waitMs of user.isNew ? NEW_USER_WAITS_MS : [0]) {
    if (waitMs > 0) {
      if (!budget.allows("widget_url", waitMs)) return undefined;
      await sleep(waitMs);
    }
    const answer = await send(call, budget);
    if (answer.outcome === "option_rejected") throw toOptionError(request, answer);
    if (answer.outcome !== "not_found") return requireGood(answer);
  }
  return undefined;
}

/** MX does not say which one in words that can be relied on. */
function toOptionError(request: WidgetRequest, answer: FailedAnswer): AppError {
  const { operation, outcome, status } = answer;
  const [only, ...others] = request.callerOptions;
  const isClear = only !== undefined && others.length === 0 && !request.callbackPayload;
  const error: FieldError = isClear
    ? { pointer: `/widget_url/${only}`, detail: "was refused by MX" }
    : {
        pointer: "/widget_url",
        detail: "has an option that MX refuses, or comes with such a header",
      };
  return new AppError("invalid_request", "MX refused an option of this request.", {
    errors: [error],
    upstream: { operation, outcome, status },
  });
}
