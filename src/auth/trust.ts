/**
 * Whose login it is: the issuer, and where several tenants share it a claim, decide. Nothing else of a request does.
 */

import { AppError } from "../errors.ts";
import type { ClaimRule } from "../session/settings.ts";
import type { Claims, Principal, Tenant } from "../session/types.ts";
import { unauthenticated } from "./refusals.ts";

/** One tenant, and which logins are for its users. */
export type TenantTrust = {
  tenant: Tenant;
  /** As `iss` has it, compared character by character. */
  issuer: string;
  /** The logins of its users have this claim, by type and value; all of the issuer's if undefined. */
  claim: ClaimRule | undefined;
  /** Tokens must be made for one of these. */
  audience: readonly string[];
  /** The claim that says for whom a token was made. */
  audienceClaim: string;
  maxLifetimeMs: number;
  /** The claim that becomes the user's id at MX. */
  userIdClaim: string;
};

/** `tenants` are those of the login's issuer. Throws `forbidden` if it belongs to none of them. */
export function findTenant(tenants: readonly TenantTrust[], claims: Claims): TenantTrust {
  const found = tenants.find(({ claim }) => !claim || claims[claim.name] === claim.value);
  if (found) return found;
  throw new AppError("forbidden", "The token is valid, but belongs to no tenant of this service.", {
    reason: "no_tenant",
  });
}

export function toPrincipal(trust: TenantTrust, subject: string, claims: Claims): Principal {
  const { issuer, tenant } = trust;
  return { issuer, subject, claims, tenant };
}

/** For claims that the partner's server answers with: it may leave its name out, as it was asked by its address. */
export function requireIssuer({ issuer }: TenantTrust, { iss }: Claims): void {
  if (iss == null || iss === issuer) return;
  throw unauthenticated(typeof iss === "string" && iss !== "" ? "unknown_issuer" : "claim_iss");
}
