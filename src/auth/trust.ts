/**
 * Whose login it is: the issuer, and where several tenants share it a claim, decide. Nothing else of a request does.
 *
 * An issuer may have several names, such as a custom domain or the two versions of Microsoft Entra ID. They are one login:
 * the first names the users, so a user stays the same under each of them.
 */

import { AppError } from "../errors.ts";
import type { ClaimRule } from "../session/settings.ts";
import type { Claims, Principal, Tenant } from "../session/types.ts";
import { unauthenticated } from "./refusals.ts";

/** One tenant, and which logins are for its users. Tenants either share all names of their issuer or none. */
export type TenantTrust = {
  tenant: Tenant;
  /** As `iss` has them, compared character by character. The first names the users. */
  issuers: readonly [string, ...string[]];
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
  throw new AppError("forbidden", "The login is valid, but belongs to no tenant of this service.", {
    reason: "no_tenant",
  });
}

/**
 * The same for claims that the partner's server answers with, rather than signs. It was asked by its address, so it may leave
 * its name out, unless tenants have different issuers: then nothing else tells them apart.
 */
export function findTenantOfAnswer(all: readonly TenantTrust[], claims: Claims): TenantTrust {
  return findTenant(findByIssuer(all, claims.iss), claims);
}

function findByIssuer(all: readonly TenantTrust[], iss: unknown): readonly TenantTrust[] {
  if (iss == null) {
    const names = new Set(all.map(({ issuers: [first] }) => first));
    if (names.size === 1) return all;
    throw unauthenticated("claim_iss");
  }
  if (typeof iss !== "string" || iss === "") throw unauthenticated("claim_iss");
  const found = all.filter(({ issuers }) => issuers.includes(iss));
  if (found.length > 0) return found;
  throw unauthenticated("unknown_issuer");
}

export function toPrincipal(trust: TenantTrust, subject: string, claims: Claims): Principal {
  const { issuers, tenant } = trust;
  return { issuer: issuers[0], subject, claims, tenant };
}
