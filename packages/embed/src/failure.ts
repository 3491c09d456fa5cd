/** Why there is no widget. Source for problems: RFC 9457, and the service's contract. */

import type { WidgetError, WidgetErrorCode } from "./types.ts";

/** The members of a problem, as far as they are used here. */
type Problem = {
  type?: string;
  title?: string;
  detail?: string;
  request_id?: string;
  errors?: WidgetError["errors"];
};

export function failure(
  code: WidgetErrorCode,
  message: string,
  rest: Partial<WidgetError> = {},
): WidgetError {
  return Object.assign(new Error(message), { code, isRetryable: true, ...rest });
}

export function toFailure({ status, url, headers }: Response, answer: unknown): WidgetError {
  const problem = (answer ?? {}) as Problem;
  const [, code] = /\/problems\/([\w-]+)$/.exec(String(problem.type)) ?? [];
  const { type, title, detail, request_id: requestId, errors } = code ? problem : {};
  const message = detail ?? `The answer is not the service's (status ${status}).`;
  return failure(code ?? "bad-answer", message, {
    isRetryable: !status || status >= 500 || [401, 408, 429].includes(status),
    status: status || undefined,
    type: type && new URL(type, url).href,
    title,
    detail,
    requestId,
    errors,
    retryAfterSeconds: parseRetryAfter(headers),
  });
}

/** Seconds, or a date by the clock that wrote it. Source: RFC 9110, section 10.2.3. */
function parseRetryAfter(headers: Headers): number | undefined {
  const text = headers.get("Retry-After") ?? "";
  const now = Date.parse(headers.get("Date") ?? "") || Date.now(); // Hidden by other origins.
  const seconds = Number(text) || Math.ceil((Date.parse(text) - now) / 1000);
  return seconds > 0 ? Math.min(seconds, MAX_SECONDS) : undefined;
}

/** Timers that are much longer run out at once. */
const MAX_SECONDS = 2_000_000;
