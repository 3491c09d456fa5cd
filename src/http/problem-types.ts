/**
 * The closed list of problem types: status, title, and the words of the page that `type` leads to.
 *
 * Source: RFC 9457, section 3.1.1 (`type` should resolve to documentation).
 */

import type { ErrorCode } from "../errors.ts";

export type ProblemType = {
  /** Last part of `type`. */
  name: string;
  status: number;
  title: string;
  happened: string;
  /** Who has to act. */
  actor: "the front end" | "the operator" | "nobody; try again";
  advice: string;
};

export const PROBLEM_TYPES: Record<ErrorCode, ProblemType> = {
  invalid_request: {
    name: "invalid-request",
    status: 400,
    title: "The request is not valid",
    happened:
      "The body is not JSON of the documented shape, or an option has a wrong type or a value that is not allowed. MX was not called.",
    actor: "the front end",
    advice:
      '`errors` names each faulty field with a JSON pointer and says what it must be. The body has one member, with the options in it: `{"widget_url":{"widget_type":"connect_widget"}}`.',
  },
  unauthenticated: {
    name: "unauthenticated",
    status: 401,
    title: "A valid login is needed",
    happened:
      "There is no token or session cookie, or it is expired, made for somebody else, or not from the configured issuer. A bad token is never followed by a good cookie. All causes look the same from outside; the log of the service has the reason.",
    actor: "the front end",
    advice:
      "Get a fresh token from your own login and send it as `Authorization: Bearer …`, or log in again where the login is a cookie. If fresh ones are refused too, the operator compares AUTH_ISSUER, AUTH_AUDIENCE and the clocks.",
  },
  forbidden: {
    name: "forbidden",
    status: 403,
    title: "This user may not open a widget",
    happened:
      "The login is good, but something that MX needs for this user is missing, such as the claim with the userkey, or the token is none of a tenant's.",
    actor: "the operator",
    advice:
      "Look at MEMBER_CREDENTIALS and the variables that belong to it, at the claims in TENANTS_FILE, and at what the issuer puts into its tokens.",
  },
  unusable_user_id: {
    name: "unusable-user-id",
    status: 403,
    title: "The user identifier cannot be used at MX",
    happened:
      "The claim chosen with USER_ID_CLAIM is missing, is neither a string nor an integer at the top level, is longer than 128 characters, has characters other than letters, digits, - and _, starts like one of MX's own ids (USR-, MBR-, CLT-), or is blank or a word like null or None.",
    actor: "the operator",
    advice:
      "Choose another claim with USER_ID_CLAIM. If its characters or its length are the reason, you can also set USER_ID_MODE=hmac and USER_ID_SECRET: then any identifier works, such as auth0|123 or an e-mail address. Decide before the first user: a later change gives every user a new MX user.",
  },
  user_disabled: {
    name: "user-disabled",
    status: 403,
    title: "The user is disabled at MX",
    happened:
      "The login is good, but MX says that this user is disabled. Nothing was created or changed.",
    actor: "the operator",
    advice:
      "Find out why the user was disabled: by you (`is_disabled` in the Platform API, `status` in the SSO API), or by MX. `mx-session-bff --user <claim value> --live` shows what MX says about a user. Enable the user at MX to let them in again.",
  },
  csrf_rejected: {
    name: "csrf-rejected",
    status: 403,
    title: "This origin may not ask",
    happened:
      "A browser sent the request from a page whose origin is not listed, or listed for another tenant only; or the login is a cookie, and the request has not the header `X-CSRF: 1` or does not come from a page at all.",
    actor: "the operator",
    advice:
      "Add the exact origin of the page (scheme, host and port) to CORS_ORIGINS. Pages on the service's own origin need no entry. With a login by cookie the front end sends `X-CSRF: 1`; apps and servers send a token instead of a cookie.",
  },
  not_found: {
    name: "not-found",
    status: 404,
    title: "There is nothing here",
    happened: "The path does not exist.",
    actor: "the front end",
    advice:
      "The service answers POST /session and its alias POST /user/widget_urls. Paths are case-sensitive.",
  },
  method_not_allowed: {
    name: "method-not-allowed",
    status: 405,
    title: "The method does not fit the path",
    happened: "The path exists, but not for this method. `Allow` lists those that work.",
    actor: "the front end",
    advice: "Ask for a widget URL with POST.",
  },
  payload_too_large: {
    name: "payload-too-large",
    status: 413,
    title: "The body is too large",
    happened: "The body has more than 16 kB.",
    actor: "the front end",
    advice: "Send only the widget options. Nothing that MX accepts comes near this limit.",
  },
  unsupported_media_type: {
    name: "unsupported-media-type",
    status: 415,
    title: "The body is not JSON",
    happened:
      "The body came without `Content-Type: application/json`, compressed, or in another encoding than UTF-8.",
    actor: "the front end",
    advice:
      "Send `Content-Type: application/json`, or no body at all. With curl: -H 'Content-Type: application/json'.",
  },
  rate_limited: {
    name: "rate-limited",
    status: 429,
    title: "Too many requests",
    happened: "More requests came than the operator allows.",
    actor: "nobody; try again",
    advice: "Wait for the seconds in `Retry-After`. One widget needs one URL.",
  },
  internal_error: {
    name: "internal-error",
    status: 500,
    title: "Something went wrong in the service",
    happened:
      "A fault of the service itself. Nothing more is told outside; the log has it under the request id.",
    actor: "the operator",
    advice: "Look for the `request_id` in the log and report the fault to the project.",
  },
  upstream_bad_response: {
    name: "upstream-bad-response",
    status: 502,
    title: "MX's answer cannot be used",
    happened:
      "MX, something between, or the partner's credential lookup answered with what is no usable answer: no JSON, no URL, an URL that is not https or not of a listed origin, an answer about another user, a bad certificate. Nothing of it was passed on.",
    actor: "the operator",
    advice:
      "Compare the base URLs with MX's documentation, look for a proxy in between, and at WIDGET_URL_ORIGINS.",
  },
  upstream_rejected: {
    name: "upstream-rejected",
    status: 502,
    title: "MX refuses this service",
    happened:
      "MX (or the partner's credential lookup) answered that the request, the key or the client is wrong. Trying again does not help.",
    actor: "the operator",
    advice:
      "Check the keys, that the address of this service is on MX's allow-list (403), that the product is enabled for your client, and that both APIs belong to the same client. The log names the operation and the status.",
  },
  upstream_unavailable: {
    name: "upstream-unavailable",
    status: 503,
    title: "MX is not available",
    happened:
      "MX (or the partner's own credential lookup, where one is configured) is down, in maintenance, out of reach, or asks for fewer requests.",
    actor: "nobody; try again",
    advice:
      "Wait for the seconds in `Retry-After`, then ask again. To repeat is always safe: no user is made twice.",
  },
  upstream_timeout: {
    name: "upstream-timeout",
    status: 504,
    title: "MX did not answer in time",
    happened:
      "MX (or the partner's credential lookup) was reached, but did not finish within the deadline. MX's SSO API also stays silent when it does not like the key or the address of the caller.",
    actor: "nobody; try again",
    advice:
      "Ask again; to repeat is always safe. If it stays, the operator checks MX_SSO_API_KEY and MX's allow-list.",
  },
  auth_unavailable: {
    name: "auth-unavailable",
    status: 503,
    title: "Logins cannot be checked",
    happened:
      "The issuer's public keys were never received, or the partner's own login (introspection, session check) gave no usable answer.",
    actor: "the operator",
    advice:
      "Make sure that the service reaches the issuer: AUTH_ISSUER, AUTH_JWKS_URL, AUTH_INTROSPECTION_URL, AUTH_SESSION_CHECK_URL, and what is between. The log names the operation and the status: `rejected` with 401 means that AUTH_INTROSPECTION_CLIENT_ID or its secret is wrong.",
  },
  overloaded: {
    name: "overloaded",
    status: 503,
    title: "The service is at its limit",
    happened:
      "As many requests are in flight as the operator allows (MAX_IN_FLIGHT), or as this tenant may have beside others.",
    actor: "nobody; try again",
    advice:
      "Wait for the seconds in `Retry-After`. Operators add replicas, or look for what makes MX slow.",
  },
  shutting_down: {
    name: "shutting-down",
    status: 503,
    title: "This replica is shutting down",
    happened: "The request reached a replica that has stopped taking new work.",
    actor: "nobody; try again",
    advice:
      "Ask again: another replica answers. If it happens at every deployment, DRAIN_DELAY is shorter than the load balancer's health interval.",
  },
};
