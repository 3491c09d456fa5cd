/**
 * What an answer of MX means. One classifier per API: nothing else in the code knows that SSO v2 says 400 for
 * "no such User" and 500 for "no such Member".
 *
 * - `ok`: done
 * - `not_found`: no such User or Member; `conflict`: there is one already
 * - `throttled`: MX cannot do it now (429, or 503 that says so); nothing was done
 * - `rejected`: MX will never do it: our request, key or configuration is wrong
 * - `not_sent`: no byte can have arrived
 * - `ambiguous`: no complete, parseable answer; MX may have done it or not
 * - `invalid_response`: a complete answer that cannot be from a healthy MX
 */

import { AppError } from "../errors.ts";
import type { ExchangeFailure } from "../upstream/exchange.ts";

export type Outcome =
  | "ok"
  | "not_found"
  | "conflict"
  | "throttled"
  | "rejected"
  | "not_sent"
  | "ambiguous"
  | "invalid_response";

export type Operation =
  | "sso.read_user"
  | "sso.create_user"
  | "sso.read_member"
  | "sso.create_member"
  | "sso.update_member"
  | "platform.list_users"
  | "platform.read_user"
  | "platform.create_user"
  | "platform.request_widget_url";

/** `body` is parsed JSON, `undefined` where there is none. */
export type Classify = (operation: Operation, status: number, body: unknown) => Outcome;

export type Answer = {
  operation: Operation;
  outcome: Outcome;
  status?: number;
  /** Why there is no usable answer, in our own words or as an error code. */
  reason?: string;
  retryAfterSeconds?: number | undefined;
  body: unknown;
  /** See exchange.ts. */
  discard?: (() => void) | undefined;
  /** When the call was sent: a URL in the answer lives from here. */
  sentAt: Date;
};

/**
 * The only signals v2 gives are texts, and MX may change them.
 * Source: MX SSO API v2, Errors. The text for a Member that exists is not documented.
 */
const SSO_TEXTS = {
  userNotFound: /^user with guid .* not found/i,
  memberNotFound: /member not found/i,
  conflict: /already (exists|been taken)/i,
  clientNotAssociated: /client must be associated/i,
};

export const classifySsoV2: Classify = (operation, status, body) => {
  if (status >= 200 && status < 300) return "ok";
  const text = errorText(body);
  if (status === 400 || status === 500) {
    if (SSO_TEXTS.conflict.test(text) && isCreate(operation)) return "conflict";
    if (status === 400 && SSO_TEXTS.userNotFound.test(text)) return "not_found";
    if (status === 500 && SSO_TEXTS.memberNotFound.test(text) && operation.endsWith("_member")) {
      return "not_found";
    }
    if (SSO_TEXTS.clientNotAssociated.test(text)) return "rejected";
  }
  return classifyStatus(status, body);
};

/** Source: MX Platform API, Errors. The HTTP status decides; the texts are for people. */
export const classifyPlatform: Classify = (operation, status, body) => {
  if (status >= 200 && status < 300) return "ok";
  if (status === 404 && namesUser(operation)) return "not_found";
  if (status === 409 && isCreate(operation)) return "conflict";
  return classifyStatus(status, body);
};

/** What both APIs have in common. An unknown 400, 404 or 422 is a fault of ours, never `not_found`. */
function classifyStatus(status: number, body: unknown): Outcome {
  if (status === 429) return "throttled";
  if (status === 503 && body !== undefined) return "throttled";
  if (status >= 500 || status === 408) return "ambiguous";
  return status >= 400 ? "rejected" : "invalid_response";
}

/** An idle connection that MX has closed meanwhile says nothing about MX. */
export const STALE = "stale_connection";

export function classifyFailure(failure: ExchangeFailure): Outcome {
  switch (failure) {
    case "not_sent":
      return "not_sent";
    case "timeout":
    case "connection_lost":
    case "stale":
      return "ambiguous";
    case "malformed":
    case "tls_error":
      return "invalid_response";
  }
}

/** What the caller is told when an answer is final and not `ok`. */
export function toAppError(answer: Answer): AppError {
  const { operation, outcome, status, reason } = answer;
  const upstream = { operation, outcome, status, reason };
  switch (outcome) {
    case "throttled":
    case "not_sent":
      return unavailable(answer);
    case "ambiguous":
      if (reason === "timeout")
        return new AppError("upstream_timeout", "MX did not answer in time. Try again.", {
          upstream,
        });
      if (reason === "unparseable") return badResponse(answer);
      return unavailable(answer);
    case "invalid_response":
      return badResponse(answer);
    case "ok":
      return badResponse({ ...answer, outcome: "invalid_response", reason: reason ?? "schema" });
    case "not_found":
    case "conflict":
    case "rejected":
      return new AppError(
        "upstream_rejected",
        "MX refused the request of this service. The operator has to look into it.",
        { upstream },
      );
  }
}

function badResponse({ operation, outcome, status, reason }: Answer): AppError {
  return new AppError(
    "upstream_bad_response",
    "MX answered in a way that this service cannot use.",
    {
      upstream: { operation, outcome, status, reason },
    },
  );
}

/** The call was not made: this service protects MX, or itself. */
export function toNotSentError(
  operation: Operation,
  reason: string,
  retryAfterSeconds: number,
): AppError {
  return unavailable({ operation, outcome: "not_sent", reason, retryAfterSeconds });
}

function unavailable({
  operation,
  outcome,
  status,
  reason,
  retryAfterSeconds = 1,
}: Omit<Answer, "body" | "sentAt">): AppError {
  return new AppError(
    "upstream_unavailable",
    "MX is not available at the moment. Try again later.",
    {
      retryAfterSeconds: Math.min(30, Math.max(1, retryAfterSeconds)),
      upstream: { operation, outcome, status, reason },
    },
  );
}

/** SSO v2 answers `{ "error": "text" }`. */
function errorText(body: unknown): string {
  const hasError = typeof body === "object" && body !== null && "error" in body;
  return hasError && typeof body.error === "string" ? body.error : "";
}

function isCreate(operation: Operation): boolean {
  return operation.includes(".create_");
}

function namesUser(operation: Operation): boolean {
  return operation === "platform.read_user" || operation === "platform.request_widget_url";
}
