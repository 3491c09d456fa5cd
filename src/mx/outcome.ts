/**
 * What an answer of MX means. One classifier per API: nothing else in the code knows that SSO v2 says 400 for
 * "no such User" and 500 for "no such Member".
 *
 * - `ok`: done
 * - `absent`: no such User or Member; `exists`: there is one already
 * - `refused`: MX does not want to now (429, or 503 that says so); nothing was done
 * - `rejected`: MX will never want to: our request, key or configuration is wrong
 * - `unsent`: no byte can have arrived
 * - `ambiguous`: no complete, parseable answer; MX may have done it or not
 * - `nonsense`: a complete answer that cannot be from a healthy MX
 */

import { AppError } from "../errors.ts";
import type { ExchangeFailure } from "../upstream/exchange.ts";

export type Outcome =
  | "ok"
  | "absent"
  | "exists"
  | "refused"
  | "rejected"
  | "unsent"
  | "ambiguous"
  | "nonsense";

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
  distrust?: (() => void) | undefined;
  /** When the call was sent: a URL in the answer lives from here. */
  sentAt: Date;
};

/**
 * The only signals v2 gives are texts, and MX may change them.
 * Source: MX SSO API v2, Errors. The text for a Member that exists is not documented.
 */
const SSO_TEXTS = {
  userAbsent: /^user with guid .* not found/i,
  memberAbsent: /member not found/i,
  exists: /already (exists|been taken)/i,
  clientNotAssociated: /client must be associated/i,
};

export const classifySsoV2: Classify = (operation, status, body) => {
  if (status >= 200 && status < 300) return "ok";
  const text = errorText(body);
  if (status === 400 || status === 500) {
    if (SSO_TEXTS.exists.test(text) && isCreate(operation)) return "exists";
    if (status === 400 && SSO_TEXTS.userAbsent.test(text)) return "absent";
    if (status === 500 && SSO_TEXTS.memberAbsent.test(text) && operation.endsWith("_member")) {
      return "absent";
    }
    if (SSO_TEXTS.clientNotAssociated.test(text)) return "rejected";
  }
  return classifyStatus(status, body);
};

/** Source: MX Platform API, Errors. The HTTP status decides; the texts are for people. */
export const classifyPlatform: Classify = (operation, status, body) => {
  if (status >= 200 && status < 300) return "ok";
  if (status === 404 && namesUser(operation)) return "absent";
  if (status === 409 && isCreate(operation)) return "exists";
  return classifyStatus(status, body);
};

/** What both APIs have in common. An unknown 400, 404 or 422 is a fault of ours, never "absent". */
function classifyStatus(status: number, body: unknown): Outcome {
  if (status === 429) return "refused";
  if (status === 503 && body !== undefined) return "refused";
  if (status >= 500 || status === 408) return "ambiguous";
  return status >= 400 ? "rejected" : "nonsense";
}

/** An idle connection that MX has closed meanwhile says nothing about MX. */
export const STALE = "stale_connection";

export function classifyFailure(failure: ExchangeFailure): Outcome {
  switch (failure) {
    case "unsent":
      return "unsent";
    case "timeout":
    case "cut":
    case "stale":
      return "ambiguous";
    case "garbled":
    case "untrusted":
      return "nonsense";
  }
}

/** What the caller is told when an answer is final and not `ok`. */
export function toAppError(answer: Answer): AppError {
  const { operation, outcome, status, reason } = answer;
  const upstream = { operation, outcome, status, reason };
  switch (outcome) {
    case "refused":
    case "unsent":
      return unavailable(answer);
    case "ambiguous":
      if (reason === "timeout")
        return new AppError("upstream_timeout", "MX did not answer in time. Try again.", {
          upstream,
        });
      if (reason === "unparseable") return badResponse(answer);
      return unavailable(answer);
    case "nonsense":
      return badResponse(answer);
    case "ok":
      return badResponse({ ...answer, outcome: "nonsense", reason: reason ?? "schema" });
    case "absent":
    case "exists":
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
export function toUnsentError(
  operation: Operation,
  reason: string,
  retryAfterSeconds: number,
): AppError {
  return unavailable({ operation, outcome: "unsent", reason, retryAfterSeconds });
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
