/**
 * What claims must say, whether the issuer has signed them or the partner's server has answered with them: that they are
 * current, for this service, of a token that a bearer may use, and of which tenant's user.
 *
 * An issuer signs other tokens with the same keys: they report a logout, get new tokens, or are worth nothing without the key
 * that they are bound to. ID tokens are accepted if their audience is: some identity providers give a front end nothing else.
 * The issuer decides whose login it is, and a claim does where several tenants share the issuer. Nothing else of a request does.
 * An issuer may have several names, such as a custom domain or the two versions of Microsoft Entra ID. They are one login:
 * the first names the users, so a user stays the same under each of them.
 * Sources: RFC 7519, section 4.1; RFC 7662, section 2.2; FAPI 2.0 Security Profile, section 5.3.2 (clock tolerance); RFC 8725,
 * section 3.11 (explicit types); RFC 9068, section 2.1 (`at+jwt`); RFC 7800, section 3.1, RFC 9449 and RFC 8705 (`cnf`);
 * RFC 8417, section 2.2, and OpenID Connect Back-Channel Logout 1.0, section 2.4 (`events`); RFC 9701, section 5
 * (`token_introspection`); Keycloak's and other servers' habits for refresh tokens.
 */

import { AppError, type LoginRefusal, unauthenticated } from "../errors.ts";
import type { ClaimRule } from "../session/settings.ts";
import type { Claims, Principal, Tenant } from "../session/types.ts";
import { toIdText } from "../session/user-id.ts";

/** Seconds by which the issuer's clock may differ from ours. */
export const CLOCK_TOLERANCE_SECONDS = 10;

/** Throws `unauthenticated` if they have expired or are not valid yet. Missing times are accepted. */
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
 * A time claim, in seconds since the epoch. Servers may send `null` for what they do not know, and numbers as text. For JWTs, the
 * verifier requires numbers.
 */
export function toSeconds(claims: Claims, name: "exp" | "nbf" | "iat"): number | undefined {
  const value = claims[name] ?? undefined;
  if (value === undefined || typeof value === "number") return value;
  if (typeof value === "string" && /^\d{1,15}(\.\d{1,9})?$/.test(value)) return Number(value);
  throw unauthenticated(`claim_${name}` satisfies LoginRefusal);
}

/** Whom a token was made for: a text, or a list of texts. `null` and a missing claim are an empty list. */
export function toAudience(claims: Claims, { audienceClaim }: AudienceRule): unknown[] {
  return [claims[audienceClaim] ?? []].flat();
}

type AudienceRule = { audienceClaim: string; audience: readonly string[] };

/** Throws `unauthenticated` unless the token was made for one of the audiences of these. */
export function requireAudience(claims: Claims, ...rules: readonly AudienceRule[]): void {
  const isFor = (rule: AudienceRule) =>
    toAudience(claims, rule).some((name) => rule.audience.some((known) => known === name));
  if (!rules.some(isFor)) throw unauthenticated("claim_aud");
}

/**
 * Whom the login names. A server of the partner may leave out `sub` if another claim identifies the users.
 */
export function requireSubject(claims: Claims, userIdClaim = "sub"): string {
  const { sub } = claims;
  if (typeof sub === "string" && sub !== "") return sub;
  const subject = userIdClaim === "sub" ? undefined : toIdText(claims[userIdClaim]);
  if (subject !== undefined) return subject;
  throw unauthenticated("claim_sub");
}

/** Throws `unauthenticated` for claims of another kind of token. */
export function requireBearerClaims(claims: Claims): void {
  const kinds = Object.entries(claims).flatMap(([name, value]) =>
    KIND_CLAIM.test(name) ? toKinds(value) : [],
  );
  if (claims.cnf != null || kinds.some((kind) => BOUND_KIND.test(kind)))
    throw unauthenticated("bound_token");
  if (claims.events != null || claims.token_introspection != null)
    throw unauthenticated("token_kind");
  if (kinds.some((kind) => OTHER_KIND.test(kind))) throw unauthenticated("token_kind");
}

/** Throws `unauthenticated` for the `typ` of a header that names another kind of token. */
export function requireBearerType(typ: unknown): void {
  if (typ === undefined) return;
  const [type = ""] = typeof typ === "string" ? toKinds(typ) : [];
  const isExplicit = type.includes("+") && type !== "at+jwt";
  if (type === "" || isExplicit || OTHER_KIND.test(type)) throw unauthenticated("token_kind");
  if (BOUND_KIND.test(type)) throw unauthenticated("bound_token");
}

/** Throws `unauthenticated` for the `token_type` of an introspection answer that names another one than bearer. */
export function requireBearerTokenType(type: unknown): void {
  if (type == null || (typeof type === "string" && ACCESS_TOKEN.test(type))) return;
  throw unauthenticated("token_kind");
}

/** Where servers write which kind it is, such as `typ` and `token_use`; none of these is registered for that in a JWT. */
const KIND_CLAIM = /^(typ|(token[_-]?)?(type|use|kind))$/i;

/** The words of a text, or of a list of texts, without what stands around them in some servers' spelling. */
function toKinds(value: unknown): string[] {
  const texts = [value].flat(3).filter((text) => typeof text === "string");
  return texts.map((text) =>
    text
      .trim()
      .toLowerCase()
      .replace(/^(application\/|urn:.+:)/, ""),
  );
}

const BOUND_KIND = /^(dpop|pop|mac)(\s*[+;]|$)/;
const OTHER_KIND =
  /^(rt|refresh|offline|logout|initial-?access|registration-?access|serialized-id)[ _-]?(token)?(\s*[+;]|$)/;
/** Servers write `Bearer`; `access_token` is an older habit. */
const ACCESS_TOKEN = /^(bearer|(urn:ietf:params:oauth:token-type:)?access_token)$/i;

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
 * The same for claims that the partner's server answers with, rather than signs. The server was called by its address, so it may
 * leave out its name, unless tenants have different issuers: then only the name distinguishes them.
 */
export function findTenantOfAnswer(all: readonly TenantTrust[], claims: Claims): TenantTrust {
  const { iss } = claims;
  if (iss == null && new Set(all.map(({ issuers: [first] }) => first)).size === 1)
    return findTenant(all, claims);
  if (typeof iss !== "string" || iss === "") throw unauthenticated("claim_iss");
  const ofIssuer = all.filter(({ issuers }) => issuers.includes(iss));
  if (ofIssuer.length === 0) throw unauthenticated("unknown_issuer");
  return findTenant(ofIssuer, claims);
}

export function toPrincipal(trust: TenantTrust, subject: string, claims: Claims): Principal {
  const { issuers, tenant } = trust;
  return { issuer: issuers[0], subject, claims, tenant };
}
