/**
 * The closed list of problem types: status, title, and the words of the page that `type` leads to.
 *
 * Source: RFC 9457, section 3.1.1 (`type` should resolve to documentation).
 */

import type { ErrorCode } from "../errors.ts";

export type ProblemType = {
  /** Last part of `type`: the code in kebab case. */
  name: string;
  status: number;
  title: string;
  happened: string;
  /** Who needs to act. */
  actor: "the front end" | "the operator" | "no one; this is temporary";
  advice: string;
};

const TYPES: Record<ErrorCode, Omit<ProblemType, "name">> = {
  invalid_request: {
    status: 400,
    title: "The request is not valid",
    happened:
      "The body is not JSON of the documented shape, an option has the wrong type or a value that is not allowed, or MX refuses an option.",
    actor: "the front end",
    advice:
      '`errors` names each invalid field with a JSON pointer and says what it must be. The options must be inside `widget_url`: `{"widget_url":{"widget_type":"connect_widget"}}`.',
  },
  unauthenticated: {
    status: 401,
    title: "A valid login is needed",
    happened:
      "The request has no token or session cookie, or the token has expired, was made for another service, or is not from the configured issuer. If the token is not valid, the service does not try a cookie. All causes look the same to the caller. The service's log has the reason.",
    actor: "the front end",
    advice:
      "Get a new token from your own login and send it as `Authorization: Bearer …`. If the login is a cookie, log in again. If new tokens are refused too, the operator should check AUTH_ISSUER, AUTH_AUDIENCE and the clocks.",
  },
  forbidden: {
    status: 403,
    title: "This user may not open a widget",
    happened:
      "The login is valid, but something that MX needs for this user is missing, such as the claim with the userkey. Or the token belongs to no tenant.",
    actor: "the operator",
    advice:
      "Check MEMBER_CREDENTIALS and its related variables, the claims in TENANTS_FILE, and the claims in the issuer's tokens.",
  },
  unusable_user_id: {
    status: 403,
    title: "The user identifier cannot be used at MX",
    happened:
      "The claim named by USER_ID_CLAIM cannot be an MX user id. It is missing, not a string or integer at the top level, longer than 128 characters, or blank. Or it contains characters other than letters, digits, - and _, starts like one of MX's own ids (USR-, MBR-, CLT-), or is a word such as null or None.",
    actor: "the operator",
    advice:
      "Choose another claim with USER_ID_CLAIM. If the characters or the length are the problem, you can set USER_ID_MODE=hmac and USER_ID_SECRET instead. Any identifier then works, such as auth0|123 or an email address. Decide before the first user logs in. After a later change, every user becomes a new user at MX.",
  },
  user_disabled: {
    status: 403,
    title: "The user is disabled at MX",
    happened:
      "The login is valid, but this user is disabled at MX. Nothing was created or changed.",
    actor: "the operator",
    advice:
      "Find out who disabled the user: you (`is_disabled` in the Platform API, `status` in the SSO API) or MX. `mx-session-bff --user <claim value> --live` shows what MX knows about a user. Enable the user at MX to let them in again.",
  },
  csrf_rejected: {
    status: 403,
    title: "Requests from this page are not allowed",
    happened:
      "A browser sent the request from a page whose origin is not listed, or is listed for another tenant only. Or the login is a cookie, and the request lacks the header `X-CSRF: 1` or does not come from a page.",
    actor: "the operator",
    advice:
      "Add the exact origin of the page (scheme, host and port) to CORS_ORIGINS. Pages on the service's own origin need no entry. If the login is a cookie, the front end must send `X-CSRF: 1`. Apps and servers should send a token instead of a cookie.",
  },
  not_found: {
    status: 404,
    title: "There is nothing here",
    happened: "The path does not exist.",
    actor: "the front end",
    advice:
      "To request a widget URL, use POST /session or its alias POST /user/widget_urls. Paths are case-sensitive.",
  },
  method_not_allowed: {
    status: 405,
    title: "This path does not support the method",
    happened:
      "The path does not answer this method. The header `Allow` lists the methods that it answers.",
    actor: "the front end",
    advice: "Use POST to request a widget URL.",
  },
  payload_too_large: {
    status: 413,
    title: "The body is too large",
    happened: "The body is larger than 16 kB.",
    actor: "the front end",
    advice: "Send only the widget options. A valid request is much smaller than this limit.",
  },
  unsupported_media_type: {
    status: 415,
    title: "The body is not JSON",
    happened:
      "The body has no `Content-Type: application/json`, is compressed, or is not in UTF-8.",
    actor: "the front end",
    advice:
      "Send `Content-Type: application/json`, or no body. With curl, add -H 'Content-Type: application/json'.",
  },
  rate_limited: {
    status: 429,
    title: "Too many requests",
    happened: "There were more requests than the operator allows.",
    actor: "no one; this is temporary",
    advice: "Wait for the number of seconds in `Retry-After`. Request one URL per widget.",
  },
  internal_error: {
    status: 500,
    title: "Something went wrong in the service",
    happened:
      "There is a bug in the service. The answer has no details. The log has them, with the request id.",
    actor: "the operator",
    advice: "Find the `request_id` in the log, and report the bug to the project.",
  },
  upstream_bad_response: {
    status: 502,
    title: "MX's answer cannot be used",
    happened:
      "MX, a proxy in front of it, or your credential lookup gave an answer that the service cannot use. Examples are an answer that is not JSON, a missing URL, a URL that is not https or whose origin is not listed, an answer about another user, and a bad certificate. No part of the answer was passed on.",
    actor: "the operator",
    advice:
      "Compare the base URLs with MX's documentation. Look for a proxy on the way to MX. Check WIDGET_URL_ORIGINS.",
  },
  upstream_rejected: {
    status: 502,
    title: "MX refused the request",
    happened:
      "MX (or your credential lookup) refused the request, the key or the client. Trying again does not help.",
    actor: "the operator",
    advice:
      "Check the keys. Check that MX has allow-listed the address of this service (403), that the product is enabled for your client, and that both APIs belong to the same client. The log names the operation and the status.",
  },
  upstream_unavailable: {
    status: 503,
    title: "MX is not available",
    happened:
      "MX (or your credential lookup, if you have one) is down, in maintenance, cannot be reached, or asks for fewer requests.",
    actor: "no one; this is temporary",
    advice:
      "Wait for the number of seconds in `Retry-After`, then try again. Repeating a request is always safe: no user is created twice.",
  },
  upstream_timeout: {
    status: 504,
    title: "MX did not answer in time",
    happened:
      "MX (or your credential lookup) did not finish within the deadline. MX's SSO API v2 also gives no answer if it refuses the key or the caller's address.",
    actor: "no one; this is temporary",
    advice:
      "Try again. Repeating a request is always safe. If the problem persists, the operator should check MX_SSO_API_KEY and MX's allow-list.",
  },
  auth_unavailable: {
    status: 503,
    title: "Logins cannot be checked",
    happened:
      "The service has never received the issuer's public keys, or your own login (introspection, session check) gave no usable answer.",
    actor: "the operator",
    advice:
      "Make sure that the service can reach the issuer. Check AUTH_ISSUER, AUTH_JWKS_URL, AUTH_INTROSPECTION_URL, AUTH_SESSION_CHECK_URL and the network. The log names the operation and the status: `rejected` with 401 means that AUTH_INTROSPECTION_CLIENT_ID or its secret is wrong.",
  },
  overloaded: {
    status: 503,
    title: "The service is at its limit",
    happened:
      "The service already handles as many requests as the operator allows (MAX_IN_FLIGHT), or as many as one tenant may have.",
    actor: "no one; this is temporary",
    advice:
      "Wait for the number of seconds in `Retry-After`. The operator can add replicas, or find out why MX is slow.",
  },
  shutting_down: {
    status: 503,
    title: "This replica is shutting down",
    happened: "The request reached a replica that has stopped taking new work.",
    actor: "no one; this is temporary",
    advice:
      "Try again: another replica answers. If this happens at every deployment, DRAIN_DELAY is shorter than the load balancer's health check interval.",
  },
};

export const PROBLEM_TYPES = Object.fromEntries(
  Object.entries(TYPES).map(([code, type]) => [code, { name: code.replaceAll("_", "-"), ...type }]),
) as Record<ErrorCode, ProblemType>;
