/**
 * Why a login is not accepted: a closed set of words for `error.reason` in the log and for the metric
 * `bff_authentication_failures_total`. Callers get one and the same answer for all of them. docs/observability.md explains
 * each.
 */

import { AppError } from "../errors.ts";

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

export function unauthenticated(reason: LoginRefusal): AppError {
  return new AppError("unauthenticated", "A valid login of this partner is needed.", { reason });
}
