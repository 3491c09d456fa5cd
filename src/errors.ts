/**
 * What can go wrong, as one closed set of codes. Statuses are given only at the edge (http/problems.ts).
 */

export type ErrorCode =
  | "invalid_request"
  | "unauthenticated"
  | "forbidden"
  | "unusable_user_id"
  | "user_disabled"
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
  operation: UpstreamOperation;
  outcome: UpstreamOutcome;
  status?: number | undefined;
  reason?: UpstreamReason | undefined;
};

/** `session` stands for the request as a whole. */
export type UpstreamOperation =
  | "session"
  | "sso.read_user"
  | "sso.create_user"
  | "sso.read_member"
  | "sso.create_member"
  | "sso.update_member"
  | "platform.list_users"
  | "platform.read_user"
  | "platform.create_user"
  | "platform.request_widget_url"
  | "sso_v3.request_widget_url"
  | "mdx.create_user"
  | "mdx.read_user"
  | "mdx.create_member"
  | "mdx.read_member"
  | "mdx.update_member"
  | "partner.introspection"
  | "partner.session_check"
  | "partner.credential_lookup"
  | "partner.userinfo";

/** What a call to MX has come to. Explained in mx/outcome.ts. */
export type MxFailure =
  | "not_found"
  | "conflict"
  | "throttled"
  | "rejected"
  | "option_rejected"
  | "not_sent"
  | "ambiguous"
  | "invalid_response";

/** The failures of an exchange are explained in upstream/exchange.ts. */
export type UpstreamOutcome =
  | MxFailure
  | "unavailable"
  | "timeout"
  | "silent"
  | "connection_lost"
  | "stale"
  | "malformed"
  | "tls_error";

export type UpstreamReason =
  // Why a call was not made.
  | "deadline"
  | "call_limit"
  | "client_gone"
  | "circuit_open"
  | "bulkhead_full"
  | "bulkhead_wait"
  | "busy"
  // What is wrong with an answer.
  | "status"
  | "content_type"
  | "unparseable"
  | "schema"
  | "other_user"
  | "no_guid"
  | "no_widget_url"
  | "widget_url"
  // What makes no sense over several answers.
  | "conflict_but_not_found"
  | "not_yet_propagated"
  | "unknown_reference"
  | "user_vanished_twice"
  // What is wrong with a Member, or what the partner says about one.
  | "member_id"
  | "member_id_conflict"
  | "unknown_member"
  | "owner_unknown"
  // What is wrong with the issuer's userinfo endpoint.
  | "no_userinfo_endpoint"
  | "wrong_issuer"
  | "unsafe_userinfo_url"
  | "other_subject"
  | TransportReason;

/** How an exchange failed: one of our own words, or an error code of Node, undici or OpenSSL in lower case. */
export type TransportReason =
  | "timeout"
  | "compressed"
  | "malformed"
  | "stale_connection"
  | "silent_connection"
  | "no_connection"
  | "foreign_listener"
  | "unknown"
  | `proxy_${number}`
  | CertificateReason
  | `e${string}` // Such as `econnreset` and `err_tls_cert_altname_invalid`.
  | `und_err_${string}`
  | `${"hpe" | "cert" | "crl" | "depth_zero" | "self_signed" | "unable_to" | "path_length" | "invalid"}_${string}`
  | "hostname_mismatch";

/** What an upstream says about the client certificate that it is shown, or about its absence. */
export type CertificateReason =
  `client_certificate_${"required" | "refused" | "unknown_ca" | "expired" | "revoked"}`;

/**
 * Why a login is not accepted: words for `error.reason` in the log and for the metric `bff_authentication_failures_total`.
 * docs/observability.md explains each.
 */
export const LOGIN_REFUSALS = [
  // What the request brings.
  "no_credential",
  "scheme",
  "not_a_jwt",
  "no_bearer_tokens_here",
  "cookie_twice",
  "cookie_value",
  // A token as a whole.
  "malformed",
  "algorithm",
  "unknown_key",
  "signature",
  "unverifiable",
  "token_kind",
  "bound_token",
  "inactive",
  // Its claims, or those that the partner answers with.
  "unknown_issuer",
  "claim_iss",
  "claim_aud",
  "claim_exp",
  "claim_nbf",
  "claim_iat",
  "claim_sub",
  "lifetime",
  // A session.
  "no_session",
  "no_user_claim",
] as const;

export type LoginRefusal = (typeof LOGIN_REFUSALS)[number];

/** Why a request was refused or failed: `error.reason` in the log. The caller does not get it. */
export type Reason =
  | LoginRefusal
  // Whose request it is, and from which page.
  | "no_tenant"
  | "unusable_member_id"
  | "no_credentials"
  | "no_known_page"
  | "no_static_header"
  | "cookie_from_app"
  | "origin_of_other_tenant"
  | "unlisted_origin"
  // What keeps this service from answering.
  | "tenant_share"
  | "deadline"
  | "no_keys"
  | "slow_keys"
  | "too_many_waiting"
  | "wrong_issuer"
  | "no_usable_key"
  | "unsafe_keys_url";

export type AppErrorOptions = {
  cause?: unknown;
  retryAfterSeconds?: number | undefined;
  errors?: readonly FieldError[];
  upstream?: UpstreamFailure;
  reason?: Reason;
};

/** A failure with a stable code. `message` is written for the caller and holds no secrets; `cause` is never shown. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly retryAfterSeconds: number | undefined;
  readonly errors: readonly FieldError[] | undefined;
  readonly upstream: UpstreamFailure | undefined;
  readonly reason: Reason | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.errors = options.errors;
    this.upstream = options.upstream;
    this.reason = options.reason;
  }
}

/** Logins cannot be checked at the moment. */
export function authUnavailable(options: AppErrorOptions): AppError {
  return new AppError(
    "auth_unavailable",
    "Logins cannot be checked at the moment. Try again later.",
    { retryAfterSeconds: 1, ...options },
  );
}

/** A login is not accepted. Callers get the same answer, whatever the reason. */
export function unauthenticated(reason: LoginRefusal): AppError {
  return new AppError("unauthenticated", "A valid login is needed.", { reason });
}
