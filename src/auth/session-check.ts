/**
 * The partner's own session cookie -> Principal, by asking the partner.
 *
 * Nothing is remembered: who logs out at the partner is logged out here with the next request.
 */

import { authUnavailable } from "../errors.ts";
import type { Claims, Tenant } from "../session/types.ts";
import type { Judge } from "./authenticate.ts";
import { unauthenticated } from "./jwt.ts";
import { AssertedClaims, requireCurrent } from "./unsigned-claims.ts";

export type SessionCheckOptions = {
  /** Port to the partner: the claims of who is logged in; `undefined` for nobody. Throws `auth_unavailable`. */
  check: (cookieValue: string, timeoutMs: number) => Promise<Claims | undefined>;
  issuer: string;
  tenant: Tenant;
  /** Wall clock in milliseconds. */
  now?: () => number;
};

export function createSessionAuthenticator(options: SessionCheckOptions): Judge {
  const { check, issuer, tenant, now = Date.now } = options;

  return async function authenticateBySession(cookieValue, timeoutMs) {
    const answer = await check(cookieValue, timeoutMs);
    if (!answer) throw unauthenticated("no_session");
    const { data: claims } = AssertedClaims.safeParse(answer);
    if (!claims) throw authUnavailable({ reason: "session_claims" }); // The partner said yes, but not to whom.
    requireCurrent(claims, issuer, now());
    return { issuer, subject: claims.sub, claims, tenant };
  };
}
