/**
 * Principal -> MX user id. A pure function, for ever the same: a change of rule would lose every user.
 *
 * Two principals never get the same id, and no id can be read by MX as one of its own.
 * Source: MX Platform API, Users (`id`: letters, digits, `-`, `_`); MX SSO API v2, Definitions (reserved prefixes).
 */

import { createHmac } from "node:crypto";
import { AppError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import type { Principal } from "./types.ts";

export type UserIdRule =
  /** The claim as it is. */
  | { mode: "claim"; claim: string }
  /** `U-` + base64url(HMAC-SHA256(secret, issuer, 0x00, claim)): for identifiers such as `auth0|…` or e-mail addresses. */
  | { mode: "hmac"; claim: string; secret: Secret };

const USABLE = /^[A-Za-z0-9_-]{1,128}$/;
/** MX takes its own guid and the partner's id in the same place. */
const RESERVED = /^(USR|MBR|CLT)-/i;
/** What programs write where a value was forgotten: all such users would share one MX user. */
const SLIPS = new Set([
  "undefined",
  "null",
  "(null)",
  "<null>",
  "nil",
  "<nil>",
  "none",
  "nan",
  "true",
  "false",
  "[object object]",
]);
/** Nothing, or nothing that can be seen. */
const BLANK = /^[\p{C}\p{Z}]*$/u;

/** Throws `unusable_user_id` where the claim cannot become an id. */
export function toUserId(rule: UserIdRule, principal: Principal): string {
  const value = principal.claims[rule.claim];
  if (typeof value !== "string" || BLANK.test(value)) throw unusable();
  if (SLIPS.has(value.trim().toLowerCase())) throw unusable();
  if (rule.mode === "claim") {
    if (!USABLE.test(value) || RESERVED.test(value)) throw unusable();
    return value;
  }
  if (!value.isWellFormed()) throw unusable(); // As UTF-8, all lone surrogates are the same bytes.
  const hmac = createHmac("sha256", rule.secret.reveal());
  return `U-${hmac.update(principal.issuer).update("\0").update(value).digest("base64url")}`;
}

/** MX's convention. Source: MX SSO API v2, Guide. */
export function toMemberId(userId: string): string {
  return `M-${userId}`;
}

function unusable(): AppError {
  return new AppError(
    "unusable_user_id",
    "The token is valid, but its user identifier cannot be used as an MX user id. The operator can choose another claim, or USER_ID_MODE=hmac.",
  );
}
