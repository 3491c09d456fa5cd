/**
 * Principal -> MX user id. A pure function that must never change: another rule would lose every user.
 *
 * Two principals never get the same id, and MX cannot take an id for one of its own. That MX compares ids with case is
 * assumption A2, and that it takes 128 characters is assumption A3 (docs/assumptions.md).
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
/** What programs write for a missing value: all such users would share one MX user. */
const PLACEHOLDER_IDS = new Set([
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

/** Throws `unusable_user_id` if the claim cannot become an id. */
export function toUserId(rule: UserIdRule, principal: Principal): string {
  const value = toIdText(principal.claims[rule.claim]);
  if (value === undefined) throw unusable(SHAPE);
  if (BLANK.test(value) || PLACEHOLDER_IDS.has(value.trim().toLowerCase()))
    throw unusable(PLACEHOLDER);
  if (rule.mode === "claim") {
    if (!USABLE.test(value) || RESERVED.test(value)) throw unusable(CHARACTERS);
    return value;
  }
  if (!value.isWellFormed()) throw unusable(PLACEHOLDER); // As UTF-8, all lone surrogates are the same bytes.
  const hmac = createHmac("sha256", rule.secret.reveal());
  return `U-${hmac.update(principal.issuer).update("\0").update(value).digest("base64url")}`;
}

/**
 * An identifier as text: a string that is not empty, or an integer in decimal. Integers beyond 2^53 - 1 are rounded when JSON
 * is read, so two people could share one.
 */
export function toIdText(value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  return Number.isSafeInteger(value) ? String(value) : undefined;
}

const SHAPE =
  "The login is valid, but the claim that identifies its user must be a string or an integer at the top level. The operator chose it with USER_ID_CLAIM.";
const PLACEHOLDER =
  "The login is valid, but what should identify its user is blank or a placeholder. The operator can choose another claim with USER_ID_CLAIM.";
const CHARACTERS =
  "The login is valid, but its user identifier cannot be used as an MX user id. The operator can choose another claim, or USER_ID_MODE=hmac.";

function unusable(message: string): AppError {
  return new AppError("unusable_user_id", message);
}
