/**
 * What claims must say, whether the issuer has signed them or the partner's server has answered with them.
 *
 * Sources: RFC 7519, section 4.1; RFC 7662, section 2.2; FAPI 2.0 Security Profile, section 5.3.2 (clock tolerance).
 */

import type { Claims } from "../session/types.ts";
import { type LoginRefusal, unauthenticated } from "./refusals.ts";

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

/** A time claim, in seconds since the epoch. Servers may say `null` for what they do not tell. */
export function toSeconds(claims: Claims, name: "exp" | "nbf" | "iat"): number | undefined {
  const value = claims[name] ?? undefined;
  if (value === undefined || typeof value === "number") return value;
  throw unauthenticated(`claim_${name}` satisfies LoginRefusal);
}

/** Throws `unauthenticated` unless the claim names one of the audiences: a text, or a list of texts. */
export function requireAudience(named: unknown, audience: readonly string[]): void {
  if (![named].flat().some((name) => audience.some((known) => known === name)))
    throw unauthenticated("claim_aud");
}

export function requireSubject({ sub }: Claims): string {
  if (typeof sub === "string" && sub !== "") return sub;
  throw unauthenticated("claim_sub");
}
