/**
 * Bearer JWT -> Principal. Strict: algorithms, issuer, audience, times and types are all checked.
 *
 * Every rejected token gets the same answer; the reason goes to the log as a word.
 * Sources: RFC 7519; RFC 8725 (JSON Web Token Best Current Practices); RFC 9068; FAPI 2.0 (clock tolerance).
 */

import type { CryptoKey, JWTPayload, JWTVerifyOptions, ProtectedHeaderParameters } from "jose";
import { decodeProtectedHeader } from "jose/decode/protected_header"; // A start need not load the rest of jose.
import * as errors from "jose/errors";
import { decodeJwt } from "jose/jwt/decode";
import { jwtVerify } from "jose/jwt/verify";
import { type AppError, type LoginRefusal, unauthenticated } from "../errors.ts";
import type { Principal } from "../session/types.ts";
import type { Authenticator } from "./authenticate.ts";
import {
  CLOCK_TOLERANCE_SECONDS,
  findTenant,
  requireAudience,
  requireBearerClaims,
  requireBearerType,
  requireCurrent,
  requireSubject,
  type TenantTrust,
  toPrincipal,
  toSeconds,
} from "./claims.ts";
import type { FindKeys } from "./issuer-keys.ts";

export type TrustedIssuer = {
  /** One of its names, compared character by character with `iss`. */
  issuer: string;
  algorithms: readonly string[];
  tokenType: string | undefined;
  findKeys: FindKeys;
  /** Whose tokens it makes. */
  tenants: readonly TenantTrust[];
};

/** Only verified claims decide which tenant it is. */
export function createJwtAuthenticator(issuers: readonly TrustedIssuer[]): Authenticator {
  const byIssuer = new Map(
    issuers.map((trusted) => [trusted.issuer, { ...trusted, rules: toRules(trusted) }]),
  );

  return async function authenticateJwt(token) {
    const { header, claims } = decode(token);
    const { iss } = claims;
    if (typeof iss !== "string" || iss === "") throw unauthenticated("claim_iss");
    const trusted = byIssuer.get(iss);
    if (!trusted) throw unauthenticated("unknown_issuer");
    const { algorithms, tokenType, findKeys, tenants, rules } = trusted;
    if (!algorithms.some((name) => name === header.alg)) throw unauthenticated("algorithm");
    if (tokenType === undefined) requireBearerType(header.typ);
    const keys = await findKeys(header, () => isAcceptable(tenants, claims));
    return accept(tenants, await verify(token, keys, rules));
  };
}

/** An unverified token is used only to choose keys and rules. */
function decode(token: string): { header: ProtectedHeaderParameters; claims: JWTPayload } {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch {
    throw unauthenticated("malformed");
  }
}

function toRules({ algorithms, issuer, tokenType }: TrustedIssuer): JWTVerifyOptions {
  return {
    algorithms: [...algorithms],
    issuer,
    requiredClaims: ["exp", "sub"],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    ...(tokenType !== undefined && { typ: tokenType }),
  };
}

async function verify(
  token: string,
  keys: readonly CryptoKey[],
  rules: JWTVerifyOptions,
): Promise<JWTPayload> {
  if (keys.length === 0) throw unauthenticated("unknown_key");
  for (const key of keys) {
    try {
      return (await jwtVerify(token, key, rules)).payload;
    } catch (error) {
      const isOfOtherKey = error instanceof errors.JWSSignatureVerificationFailed;
      if (!isOfOtherKey) throw refusalFor(error);
    }
  }
  throw unauthenticated("signature");
}

/** Verified claims -> the principal. */
function accept(tenants: readonly TenantTrust[], claims: JWTPayload): Principal {
  requireBearerClaims(claims);
  const nowSeconds = Date.now() / 1000;
  requireCurrent(claims, nowSeconds);
  const subject = requireSubject(claims);
  requireAudience(claims, ...tenants); // One for another audience is refused for its audience, not for its tenant.
  const trust = findTenant(tenants, claims);
  requireAudience(claims, trust);
  requireLifetime(claims, trust, nowSeconds);
  return toPrincipal(trust, subject, claims);
}

/** Whether only the signature is missing. A token that is refused anyway must not trigger a load of keys. */
function isAcceptable(tenants: readonly TenantTrust[], claims: JWTPayload): boolean {
  try {
    accept(tenants, claims);
    return true;
  } catch {
    return false;
  }
}

/** Without `iat` its age is unknown, so the rest of its lifetime is limited. */
function requireLifetime(claims: JWTPayload, trust: TenantTrust, nowSeconds: number): void {
  const exp = toSeconds(claims, "exp");
  if (exp === undefined) throw unauthenticated("claim_exp");
  const iat = toSeconds(claims, "iat");
  if (iat !== undefined && exp <= iat) throw unauthenticated("claim_exp");
  const latestStart = iat ?? nowSeconds + CLOCK_TOLERANCE_SECONDS;
  if (exp - latestStart > trust.maxLifetimeMs / 1000) throw unauthenticated("lifetime");
}

const CLAIM_REFUSALS: Readonly<Record<string, LoginRefusal>> = {
  typ: "token_kind",
  iss: "claim_iss",
  sub: "claim_sub",
  exp: "claim_exp",
  nbf: "claim_nbf",
  iat: "claim_iat",
};

/** jose's messages and payloads repeat the token's content, so they are not passed on. */
function refusalFor(error: unknown): AppError {
  if (error instanceof errors.JWTExpired) return unauthenticated("claim_exp");
  if (error instanceof errors.JWTClaimValidationFailed)
    return unauthenticated(CLAIM_REFUSALS[error.claim] ?? "unverifiable");
  if (error instanceof errors.JOSEAlgNotAllowed) return unauthenticated("algorithm");
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid)
    return unauthenticated("malformed");
  return unauthenticated("unverifiable");
}
