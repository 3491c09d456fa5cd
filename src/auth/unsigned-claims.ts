/**
 * Claims that the partner's own server has answered with, rather than signed: whose they are, and whether they hold now.
 *
 * Sources: RFC 7662, section 2.2; RFC 7519, section 4.1; FAPI 2.0 (clock tolerance).
 */

import * as z from "zod";
import { unauthenticated } from "./jwt.ts";

/** A server may leave out all but `sub`, or say `null`. Times are in seconds since the epoch. */
export const AssertedClaims = z.looseObject({
  sub: z.string().min(1),
  iss: z.string().nullish(),
  exp: z.number().nullish(),
  nbf: z.number().nullish(),
  iat: z.number().nullish(),
});

export type AssertedClaims = z.infer<typeof AssertedClaims>;

const CLOCK_TOLERANCE_SECONDS = 10;

/** Throws `unauthenticated` where they are another issuer's, over, or not begun. */
export function requireCurrent(claims: AssertedClaims, issuer: string, nowMs: number): void {
  const { iss, exp, nbf, iat } = claims;
  const seconds = nowMs / 1000;
  const latest = seconds + CLOCK_TOLERANCE_SECONDS;
  if (iss && iss !== issuer) throw unauthenticated("unknown_issuer");
  if (exp != null && exp <= seconds - CLOCK_TOLERANCE_SECONDS) throw unauthenticated("expired");
  if ((nbf ?? 0) > latest || (iat ?? 0) > latest) throw unauthenticated("not_yet_valid");
}
