/**
 * Which proofs of a login are taken, beside or instead of JWTs in the Authorization header.
 */

import type { Secret } from "../secret.ts";
import { isLoopback } from "../upstream/upstream-url.ts";
import type { Report } from "./faults.ts";
import type { Variables } from "./variables.ts";

export type LoginConfig = Readonly<{
  /** Whether JWTs are taken, verified with the issuer's keys. */
  jwt: boolean;
  /** Name of a cookie that holds a JWT. */
  tokenCookie: string | undefined;
  introspection: IntrospectionConfig | undefined;
  sessionCheck: SessionCheckConfig | undefined;
}>;

export type IntrospectionConfig = Readonly<{
  url: URL;
  clientId: string;
  clientSecret: Secret;
  requireAudience: boolean;
}>;

export type SessionCheckConfig = Readonly<{ url: URL; cookie: string }>;

export function toLogins(
  v: Variables,
  report: Report,
  hasFaults: (names: RegExp) => boolean,
): LoginConfig {
  const introspection = toIntrospection(v, report);
  const sessionCheck = toSessionCheck(v, report);
  if (v.AUTH_COOKIE && v.AUTH_COOKIE === v.AUTH_SESSION_COOKIE)
    report("AUTH_COOKIE", "must differ from AUTH_SESSION_COOKIE: one holds a token, one does not");
  if ((v.AUTH_COOKIE || v.AUTH_SESSION_COOKIE) && v.CORS_ORIGINS.some(isPlainHttp))
    report("CORS_ORIGINS", "must be https where logins are by cookie (http only on loopback)");
  if (!v.AUTH_JWT) {
    const isOther = introspection ?? sessionCheck ?? hasFaults(/^AUTH_(INTROSPECTION|SESSION)_/);
    if (!isOther)
      report("AUTH_JWT", "must be true without AUTH_INTROSPECTION_URL and AUTH_SESSION_CHECK_URL");
    for (const name of ["AUTH_COOKIE", "AUTH_JWKS_URL", "AUTH_JWKS_FILE"] as const)
      if (v[name]) report(name, "has no use with AUTH_JWT=false; leave one of them out");
  }
  return { jwt: v.AUTH_JWT, tokenCookie: v.AUTH_COOKIE, introspection, sessionCheck };
}

/** Whoever is on the way could change such a page, and have it ask. */
function isPlainHttp(origin: string): boolean {
  const { protocol, hostname } = new URL(origin);
  return protocol === "http:" && !isLoopback(hostname);
}

function toIntrospection(v: Variables, report: Report): IntrospectionConfig | undefined {
  const {
    AUTH_INTROSPECTION_URL: url,
    AUTH_INTROSPECTION_CLIENT_ID: clientId,
    AUTH_INTROSPECTION_CLIENT_SECRET: clientSecret,
    AUTH_INTROSPECTION_REQUIRE_AUDIENCE: requireAudience,
  } = v;
  if (url && clientId && clientSecret) return { url, clientId, clientSecret, requireAudience };
  if (!url && !clientId && !clientSecret) {
    if (!requireAudience)
      report("AUTH_INTROSPECTION_REQUIRE_AUDIENCE", "has no use without AUTH_INTROSPECTION_URL");
    return undefined;
  }
  const group =
    "is missing: AUTH_INTROSPECTION_URL, _CLIENT_ID and _CLIENT_SECRET are needed together";
  if (!url) report("AUTH_INTROSPECTION_URL", group);
  if (!clientId) report("AUTH_INTROSPECTION_CLIENT_ID", group);
  if (!clientSecret) report("AUTH_INTROSPECTION_CLIENT_SECRET", group);
  return undefined;
}

function toSessionCheck(v: Variables, report: Report): SessionCheckConfig | undefined {
  const { AUTH_SESSION_CHECK_URL: url, AUTH_SESSION_COOKIE: cookie } = v;
  if (url && cookie) return { url, cookie };
  if (url) report("AUTH_SESSION_COOKIE", "is missing beside AUTH_SESSION_CHECK_URL");
  if (cookie) report("AUTH_SESSION_CHECK_URL", "is missing beside AUTH_SESSION_COOKIE");
  return undefined;
}
