/**
 * Widget URLs, whichever API makes them: requests one, waits for a new User, and checks what came.
 *
 * Source: MX Platform API, Errors (404 after a create). That the SSO API v3 behaves the same is assumed.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { AppError, type FieldError } from "../errors.ts";
import type { Budget } from "../session/budget.ts";
import type { WidgetRequest, WidgetUrl } from "../session/types.ts";
import { isLoopback } from "../upstream/upstream-url.ts";
import type { FailedAnswer, GoodAnswer, MxCall, Send } from "./call.ts";
import { requireGood, unusable } from "./outcome.ts";

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

/** MX does not reliably say which one. */
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

/** Source: MX Platform API, Request widget URL: "expires after ten minutes or upon first use". */
const URL_LIFETIME_MS = 10 * 60 * 1000;
const MAX_URL_LENGTH = 4096;

export type UrlRule = {
  /** On loopback, for an MX that is itself plain http there: the simulator. */
  allowHttp: boolean;
  /** Empty: any. */
  origins: readonly string[];
};

/** `undefined` if the URL cannot be used. It is passed on byte for byte. */
export function toWidgetUrl(
  rule: UrlRule,
  type: string,
  url: unknown,
  sentAt: Date,
): WidgetUrl | undefined {
  if (
    typeof url !== "string" ||
    url.length > MAX_URL_LENGTH ||
    !/^https?:\/\/[\x21-\x7e]+$/.test(url)
  )
    return undefined;
  if (!URL.canParse(url)) return undefined;
  const { protocol, origin, hostname } = new URL(url);
  if (protocol !== "https:" && !(rule.allowHttp && isLoopback(hostname))) return undefined;
  if (rule.origins.length > 0 && !rule.origins.includes(origin)) return undefined;
  return { type, url, expiresAt: new Date(sentAt.getTime() + URL_LIFETIME_MS) };
}

/** The same, for an answer whose only content is the URL: throws if it cannot be used. */
export function requireWidgetUrl(
  rule: UrlRule,
  { widgetType }: WidgetRequest,
  url: unknown,
  answer: GoodAnswer,
): WidgetUrl {
  const usable = toWidgetUrl(rule, widgetType, url, answer.sentAt);
  if (!usable) throw unusable(answer, "widget_url");
  return usable;
}
