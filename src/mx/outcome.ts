/**
 * What an answer of MX means. Nothing else in the code knows that SSO v2 says 400 for "no such User" and 500 for "no such
 * Member".
 *
 * - `ok`: done
 * - `not_found`: no such User or Member; `conflict`: there is one already
 * - `throttled`: MX cannot do it now (429, or 503 that says so); nothing was done
 * - `rejected`: MX will never do it: our request, key or configuration is wrong
 * - `option_rejected`: MX will never do it, and an option of the caller's may be why (400 or 422)
 * - `not_sent`: no byte can have arrived
 * - `ambiguous`: no complete, parseable answer; MX may have done it or not
 * - `invalid_response`: a complete answer that cannot be from a healthy MX
 */

import * as z from "zod";
import { AppError, type UpstreamReason } from "../errors.ts";
import { isObject } from "../text.ts";
import type { ExchangeFailure } from "../upstream/failure.ts";
import type {
  Answer,
  Classify,
  FailedAnswer,
  Failure,
  GoodAnswer,
  MxCall,
  Operation,
  Outcome,
} from "./call.ts";

/**
 * The only signals v2 gives are texts, and MX may change them.
 * Source: MX SSO API v2, Errors. The text for a Member that exists is assumption A8 (docs/assumptions.md).
 */
const SSO_TEXTS = {
  userNotFound: /^user with guid .* not found/i,
  memberNotFound: /member not found/i,
  conflict: /already (exists|been taken)/i,
  clientNotAssociated: /client must be associated/i,
};

export const classifySsoV2: Classify = (operation, status, body) => {
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

/** A 404 to these is no answer about a User, a Member or a widget, for they name none. */
const NAMELESS: ReadonlySet<Operation> = new Set([
  "platform.list_users",
  "platform.create_user",
  "mdx.create_user",
]);

/**
 * The other APIs: the HTTP status decides; the texts are for people. That 409 means "exists" is assumption A17 for Users of the
 * Platform API, assumption A22 for Users of MDX and assumption A23 for Members of MDX. That the SSO API v3 answers 404 for an
 * unknown user is assumption A20.
 * Source: MX Platform API, Errors; MX SSO API v3, Requirements; MX MDX Real Time.
 */
export const classifyByStatus: Classify = (operation, status, body) => {
  if (status === 404 && !NAMELESS.has(operation)) return "not_found";
  if (status === 409 && isCreate(operation)) return "conflict";
  return classifyStatus(status, body);
};

/** The same for all APIs. An unknown 400, 404 or 422 is our mistake, never `not_found`. */
function classifyStatus(status: number, body: unknown): Outcome {
  if (status >= 200 && status < 300) return "ok";
  if (status === 429) return "throttled";
  if (status === 503 && body !== undefined) return "throttled";
  if (status >= 500 || status === 408) return "ambiguous";
  return status >= 400 ? "rejected" : "invalid_response";
}

/** `outcome` as `classify` gives it, unless what the caller chose may be why MX rejects the call. */
export function blameOptions(
  outcome: Outcome,
  status: number,
  { hasCallerOptions }: MxCall,
): Outcome {
  const isAboutContent = status === 400 || status === 422;
  return outcome === "rejected" && isAboutContent && hasCallerOptions ? "option_rejected" : outcome;
}

/**
 * A kept connection had ended, closed by MX or in silence. This proves nothing about MX, so the call is repeated on a new one.
 */
export function isStale(answer: Answer): boolean {
  if (answer.outcome !== "ambiguous") return false;
  return answer.reason === "stale_connection" || answer.reason === "silent_connection";
}

export const FAILURE_OUTCOMES: Record<ExchangeFailure, Failure> = {
  not_sent: "not_sent",
  timeout: "ambiguous",
  silent: "ambiguous",
  connection_lost: "ambiguous",
  stale: "ambiguous",
  malformed: "invalid_response",
  tls_error: "invalid_response",
};

/** What an outcome means to the caller, unless its reason says more. */
const CODES = {
  throttled: "upstream_unavailable",
  not_sent: "upstream_unavailable",
  ambiguous: "upstream_unavailable",
  invalid_response: "upstream_bad_response",
  option_rejected: "invalid_request",
  not_found: "upstream_rejected",
  conflict: "upstream_rejected",
  rejected: "upstream_rejected",
} as const;

const MESSAGES = {
  upstream_timeout: "MX did not answer in time. Try again.",
  upstream_unavailable: "MX is not available at the moment. Try again later.",
  upstream_bad_response: "MX answered in a way that this service cannot use.",
  upstream_rejected: "MX refused the request of this service. The operator needs to find out why.",
  invalid_request: "MX refused an option of this request.",
};

/** The error for the caller if an answer is final and not `ok`, or if no call was made. */
export function toAppError(answer: Omit<FailedAnswer, "sentAt">): AppError {
  const { operation, outcome, status, reason, retryAfterSeconds = 1 } = answer;
  const code = toCode(answer);
  return new AppError(code, MESSAGES[code], {
    ...(code === "upstream_unavailable" && {
      retryAfterSeconds: Math.min(30, Math.max(1, retryAfterSeconds)),
    }),
    upstream: { operation, outcome, status, reason },
  });
}

function toCode({ outcome, reason }: Omit<FailedAnswer, "sentAt">): keyof typeof MESSAGES {
  if (outcome === "ambiguous") {
    if (reason === "timeout" || reason === "silent_connection") return "upstream_timeout";
    if (reason === "unparseable") return "upstream_bad_response";
  }
  return CODES[outcome];
}

/** An answer that looked good, but cannot be used. */
export function unusable({ operation, status }: GoodAnswer, reason: UpstreamReason): AppError {
  return toAppError({ operation, outcome: "invalid_response", status, reason });
}

/** SSO v2 answers `{ "error": "text" }`. */
function errorText(body: unknown): string {
  return isObject(body) && typeof body.error === "string" ? body.error : "";
}

function isCreate(operation: Operation): boolean {
  return operation.includes(".create_");
}

/** MX's own ids are put into paths, so they have to look like it. */
export const UserGuid = z.string().regex(/^USR-[A-Za-z0-9_-]{1,255}$/);

/** The answer as `schema` sees it. Throws `upstream_bad_response` where the shape is wrong. */
export function read<Schema extends z.ZodType>(
  schema: Schema,
  answer: GoodAnswer,
): z.infer<Schema> {
  const parsed = schema.safeParse(answer.body);
  if (!parsed.success) throw unusable(answer, "schema");
  return parsed.data;
}

/** Throws what fits the outcome of any other answer. */
export function requireGood(answer: Answer): GoodAnswer {
  if (answer.outcome === "ok") return answer;
  throw toAppError(answer);
}

/** If an answer names a user, it must be this one: a mixed-up answer would open another user's accounts. */
export function refuseOtherUser(answer: GoodAnswer, named: unknown, own: string | undefined): void {
  if (named === undefined || named === null || own === undefined || named === own) return;
  answer.discard?.(); // It may have been meant for the request before, on the same connection.
  throw unusable(answer, "other_user");
}
