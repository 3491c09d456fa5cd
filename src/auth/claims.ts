/**
 * What claims must say, whether the issuer has signed them or the partner's server has answered with them.
 *
 * Sources: RFC 7519, section 4.1; RFC 7662, section 2.2; FAPI 2.0 Security Profile, section 5.3.2 (clock tolerance).
 */

import type { LoginRefusal } from "../errors.ts";
import type { Claims } from "../session/types.ts";
import { toIdText } from "../session/user-id.ts";
import { unauthenticated } from "./refusals.ts";

/** Seconds by which the issuer's clock may differ from ours. */
export const CLOCK_TOLERANCE_SECONDS = 10;

/** Throws `unauthenticated` if they are over, or have not begun. What is not told is no fault. */
export function requireCurrent(claims: Claims, nowSeconds: number): void {
  const exp = toSeconds(claims, "exp");
  const nbf = toSeconds(claims, "nbf");
  const iat = toSeconds(claims, "iat");
  const latest = nowSeconds + CLOCK_TOLERANCE_SECONDS;
  if (exp !== undefined && exp <= nowSeconds - CLOCK_TOLERANCE_SECONDS)
    throw unauthenticated("claim_exp");
  if (nbf !== undefined && nbf > latest) throw unauthenticated("claim_nbf");
  if (iat !== undefined && iat > latest) throw unauthenticated("claim_iat");
}

/**
 * A time claim, in seconds since the epoch. Servers may say `null` for what they do not tell, and write numbers as text; in a
 * JWT the verifier insists on numbers.
 */
export function toSeconds(claims: Claims, name: "exp" | "nbf" | "iat"): number | undefined {
  const value = claims[name] ?? undefined;
  if (value === undefined || typeof value === "number") return value;
  if (typeof value === "string" && /^\d{1,15}(\.\d{1,9})?$/.test(value)) return Number(value);
  throw unauthenticated(`claim_${name}` satisfies LoginRefusal);
}

/** Whom a token was made for: a text, or a list of texts; `null` and nothing are nobody. */
export function toAudience(claims: Claims, { audienceClaim }: AudienceRule): unknown[] {
  return [claims[audienceClaim] ?? []].flat();
}

export type AudienceRule = { audienceClaim: string; audience: readonly string[] };

/** Throws `unauthenticated` unless the token was made for one of the audiences. */
export function requireAudience(claims: Claims, rule: AudienceRule): void {
  const named = toAudience(claims, rule);
  if (!named.some((name) => rule.audience.some((known) => known === name)))
    throw unauthenticated("claim_aud");
}

/**
 * Whom the login names. A server of the partner may leave `sub` out if users are known by another claim: then that one
 * names them.
 */
export function requireSubject(claims: Claims, userIdClaim = "sub"): string {
  const { sub } = claims;
  if (typeof sub === "string" && sub !== "") return sub;
  const subject = userIdClaim === "sub" ? undefined : toIdText(claims[userIdClaim]);
  if (subject !== undefined) return subject;
  throw unauthenticated("claim_sub");
}
