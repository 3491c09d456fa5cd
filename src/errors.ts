/**
 * What can go wrong, as one closed set of codes. Statuses are given only at the edge (http/problems.ts).
 */

export type ErrorCode =
  | "invalid_request"
  | "unauthenticated"
  | "forbidden"
  | "unusable_user_id"
  | "csrf_rejected"
  | "not_found"
  | "method_not_allowed"
  | "payload_too_large"
  | "unsupported_media_type"
  | "rate_limited"
  | "internal_error"
  | "upstream_bad_response"
  | "upstream_rejected"
  | "upstream_unavailable"
  | "upstream_timeout"
  | "auth_unavailable"
  | "overloaded"
  | "shutting_down";

/** A faulty place of the body, by JSON pointer (RFC 6901); `""` is the whole body. */
export type BodyError = { pointer: string; detail: string };

/** One faulty place of a request. */
export type FieldError = BodyError | { header: string; detail: string };

/** What an upstream did, in words that are safe to log: no text of the upstream, no id, no URL. */
export type UpstreamFailure = {
  operation: string;
  outcome: string;
  status?: number | undefined;
  reason?: string | undefined;
};

export type AppErrorOptions = {
  cause?: unknown;
  retryAfterSeconds?: number | undefined;
  errors?: readonly FieldError[];
  upstream?: UpstreamFailure;
  /** Why, in a closed set of words, for the log: the caller is not told. */
  reason?: string;
};

/** A failure with a stable code. `message` is written for the caller and holds no secrets; `cause` is never shown. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly retryAfterSeconds: number | undefined;
  readonly errors: readonly FieldError[] | undefined;
  readonly upstream: UpstreamFailure | undefined;
  readonly reason: string | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.errors = options.errors;
    this.upstream = options.upstream;
    this.reason = options.reason;
  }
}

/** Nobody can say at the moment whether a login is good. */
export function authUnavailable(options: AppErrorOptions): AppError {
  return new AppError(
    "auth_unavailable",
    "Logins cannot be checked at the moment. Try again later.",
    { retryAfterSeconds: 1, ...options },
  );
}
