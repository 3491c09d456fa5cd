/**
 * Bearer JWT -> Principal. Strict: algorithms, issuer, audience, times and types are all told to the verifier.
 *
 * Every rejected token gets the same answer; the reason goes to the log as a code.
 * Sources: RFC 7519; RFC 8725 (JSON Web Token Best Current Practices); RFC 9068; FAPI 2.0 (clock tolerance).
 */

import {
  decodeJwt,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from "jose";
import * as z from "zod";
import { AppError } from "../errors.ts";
import type { ClaimRule } from "../session/settings.ts";
import type { Principal, Tenant } from "../session/types.ts";

export type TrustedIssuer = {
  /** Compared character by character with `iss`. */
  issuer: string;
  algorithms: readonly string[];
  tokenType: string | undefined;
  keys: IssuerKeys;
  /** Whose tokens it makes. */
  tenants: readonly TrustedTenant[];
};

export type TrustedTenant = {
  /** Its tokens have this claim, by type and value; all of the issuer's where undefined. */
  claim: ClaimRule | undefined;
  audience: readonly string[];
  tenant: Tenant;
};

/** Port to the issuer's published keys. */
export type IssuerKeys = {
  /** Throws `auth_unavailable` where there are none, or only ones that are too old. */
  current(): Promise<JWTVerifyGetKey>;
  /** Newer keys than the ones that were tried, asked for if need be; `undefined` where that was done a moment ago. */
  refreshed(tried: JWTVerifyGetKey): Promise<JWTVerifyGetKey | undefined>;
};

export type JwtAuthenticator = (token: string) => Promise<Principal>;

const CLOCK_TOLERANCE_SECONDS = 10;
const MAX_LIFETIME_SECONDS = 24 * 60 * 60;

const KnownClaims = z.object({
  sub: z.string().min(1),
  iat: z.number(),
  exp: z.number(),
});

/**
 * Throws `unauthenticated`, `auth_unavailable` where the issuer's keys are out of reach, or `forbidden` where a good token
 * is none of a tenant's. Which tenant it is, only verified claims say.
 */
export function createJwtAuthenticator(issuers: readonly TrustedIssuer[]): JwtAuthenticator {
  const byIssuer = new Map(
    issuers.map((trusted) => [trusted.issuer, { trusted, rules: toRules(trusted) }]),
  );

  return async function authenticateJwt(token) {
    const found = byIssuer.get(unverifiedIssuer(token));
    if (!found) throw unauthenticated("unknown_issuer");
    const { trusted, rules } = found;
    const claims = await verify(token, trusted.keys, rules);
    const known = KnownClaims.safeParse(claims);
    if (!known.success) throw unauthenticated("claims");
    const { sub, exp, iat } = known.data;
    if (exp <= iat || exp - iat > MAX_LIFETIME_SECONDS) throw unauthenticated("lifetime");
    const tenant = findTenant(trusted.tenants, claims);
    return { issuer: trusted.issuer, subject: sub, claims, tenant };
  };
}

function findTenant(tenants: readonly TrustedTenant[], claims: JWTPayload): Tenant {
  const found = tenants.find(({ claim }) => !claim || claims[claim.name] === claim.value);
  if (!found) {
    throw new AppError(
      "forbidden",
      "The token is valid, but belongs to no tenant of this service.",
      {
        reason: "no_tenant",
      },
    );
  }
  const audience = [claims.aud].flat();
  if (!found.audience.some((name) => audience.includes(name))) throw unauthenticated("audience");
  return found.tenant;
}

export function unauthenticated(reason: string): AppError {
  return new AppError("unauthenticated", "A valid login of this partner is needed.", { reason });
}

/** Only chooses whose keys and rules apply; nothing else of an unverified token is looked at. */
function unverifiedIssuer(token: string): string {
  try {
    return decodeJwt(token).iss ?? "";
  } catch {
    throw unauthenticated("malformed");
  }
}

function toRules(trusted: TrustedIssuer): JWTVerifyOptions {
  return {
    algorithms: [...trusted.algorithms],
    issuer: trusted.issuer,
    audience: trusted.tenants.flatMap(({ audience }) => audience), // The tenant's own is checked when it is known.
    requiredClaims: ["exp", "iat", "sub"],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    maxTokenAge: MAX_LIFETIME_SECONDS,
    ...(trusted.tokenType !== undefined && { typ: trusted.tokenType }),
  };
}

async function verify(
  token: string,
  keys: IssuerKeys,
  rules: JWTVerifyOptions,
): Promise<JWTPayload> {
  const current = await keys.current();
  try {
    return (await jwtVerify(token, current, rules)).payload;
  } catch (error) {
    const refreshed = isUnknownKey(error) ? await keys.refreshed(current) : undefined;
    if (!refreshed) throw rejected(error);
    const verified = await jwtVerify(token, refreshed, rules).catch((again: unknown) => {
      throw rejected(again);
    });
    return verified.payload;
  }
}

function isUnknownKey(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey;
}

/** jose's messages and payloads repeat the token's content; its codes do not. */
function rejected(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof errors.JOSEError)
    return unauthenticated(error.code.replace(/^ERR_/, "").toLowerCase());
  return unauthenticated("unverifiable");
}
