/**
 * Which tokens open a service to whoever bears them. An issuer signs others with the same keys: they report a logout, get new
 * tokens, or are worth nothing without the key that they are bound to.
 *
 * ID tokens are accepted if their audience is: some identity providers give a front end nothing else.
 * Sources: RFC 8725, section 3.11 (explicit types); RFC 9068, section 2.1 (`at+jwt`); RFC 7800, section 3.1, RFC 9449 and
 * RFC 8705 (`cnf`); RFC 8417, section 2.2, and OpenID Connect Back-Channel Logout 1.0, section 2.4 (`events`); RFC 9701,
 * section 5 (`token_introspection`); Keycloak's and other servers' habits for refresh tokens.
 */

import type { Claims } from "../session/types.ts";
import { unauthenticated } from "./refusals.ts";

/** Throws `unauthenticated` for claims of another kind of token. */
export function requireBearerClaims(claims: Claims): void {
  const kinds = KIND_CLAIMS.map((name) => claims[name]);
  if (claims.cnf != null || kinds.some((kind) => isOneOf(BOUND_KINDS, kind)))
    throw unauthenticated("bound_token");
  if (claims.events != null || claims.token_introspection != null)
    throw unauthenticated("token_kind");
  if (kinds.some((kind) => isOneOf(OTHER_KINDS, kind))) throw unauthenticated("token_kind");
}

/** Throws `unauthenticated` for the `typ` of a header that names another kind of token. */
export function requireBearerType(typ: unknown): void {
  if (typeof typ !== "string") return;
  const type = typ.toLowerCase().replace(/^application\//, "");
  const isExplicit = type.includes("+") && type !== "at+jwt";
  if (isExplicit || isOneOf(OTHER_KINDS, type)) throw unauthenticated("token_kind");
}

/** Throws `unauthenticated` for the `token_type` of an introspection answer that names another one than bearer. */
export function requireBearerTokenType(type: unknown): void {
  if (type == null || isOneOf(ACCESS_TOKENS, type)) return;
  throw unauthenticated("token_kind");
}

/** Where servers write which kind it is; none of these is registered for that in a JWT. */
const KIND_CLAIMS = [
  "typ",
  "type",
  "use",
  "token_type",
  "token_use",
  "tokenType",
  "tokenUse",
] as const;

const BOUND_KINDS = /^(dpop|pop|mac)$/i;
const OTHER_KINDS =
  /^(refresh|offline|logout|initial-?access|registration-?access|serialized-id)[ _-]?(token)?$/i;
/** Servers write `Bearer`; `access_token` is an older habit. */
const ACCESS_TOKENS = /^(bearer|(urn:ietf:params:oauth:token-type:)?access_token)$/i;

function isOneOf(kinds: RegExp, value: unknown): boolean {
  return typeof value === "string" && kinds.test(value);
}
