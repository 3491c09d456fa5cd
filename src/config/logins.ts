/**
 * Which credentials of a login are accepted, besides or instead of JWTs in the Authorization header.
 */

import type { Faults } from "./faults.ts";
import type { IntrospectionConfig, LoginConfig, SessionCheckConfig } from "./types.ts";
import type { Variables } from "./variables.ts";

export function toLogins(v: Variables, faults: Faults): LoginConfig {
  const introspection = toIntrospection(v, faults);
  const sessionCheck = toSessionCheck(v, faults);
  if (v.AUTH_COOKIE && v.AUTH_COOKIE === v.AUTH_SESSION_COOKIE)
    faults.add(
      "AUTH_COOKIE",
      "must differ from AUTH_SESSION_COOKIE: one holds a token, one does not",
    );
  if (!v.AUTH_JWT) {
    const isOther =
      introspection ?? sessionCheck ?? faults.has("AUTH_INTROSPECTION_", "AUTH_SESSION_");
    if (!isOther)
      faults.add(
        "AUTH_JWT",
        "must be true without AUTH_INTROSPECTION_URL and AUTH_SESSION_CHECK_URL",
      );
    if (v.AUTH_COOKIE)
      faults.add("AUTH_COOKIE", "has no effect with AUTH_JWT=false; leave one of them out");
  }
  return { jwt: v.AUTH_JWT, tokenCookie: v.AUTH_COOKIE, introspection, sessionCheck };
}

function toIntrospection(v: Variables, faults: Faults): IntrospectionConfig | undefined {
  const {
    AUTH_INTROSPECTION_URL: url,
    AUTH_INTROSPECTION_CLIENT_ID: clientId,
    AUTH_INTROSPECTION_CLIENT_SECRET: clientSecret,
    AUTH_INTROSPECTION_AUTH: method,
    AUTH_INTROSPECTION_REQUIRE_AUDIENCE: requireAudience,
  } = v;
  if (url && clientId && clientSecret)
    return { url, clientId, clientSecret, method, requireAudience };
  if (!url && !clientId && !clientSecret) {
    if (!requireAudience)
      faults.add(
        "AUTH_INTROSPECTION_REQUIRE_AUDIENCE",
        "has no effect without AUTH_INTROSPECTION_URL",
      );
    return undefined;
  }
  const group =
    "is missing: AUTH_INTROSPECTION_URL, _CLIENT_ID and _CLIENT_SECRET are needed together";
  if (!url) faults.add("AUTH_INTROSPECTION_URL", group);
  if (!clientId) faults.add("AUTH_INTROSPECTION_CLIENT_ID", group);
  if (!clientSecret) faults.add("AUTH_INTROSPECTION_CLIENT_SECRET", group);
  return undefined;
}

function toSessionCheck(v: Variables, faults: Faults): SessionCheckConfig | undefined {
  const { AUTH_SESSION_CHECK_URL: url, AUTH_SESSION_COOKIE: cookie } = v;
  if (url && cookie) return { url, cookie };
  if (url) faults.add("AUTH_SESSION_COOKIE", "is missing: AUTH_SESSION_CHECK_URL needs it");
  if (cookie) faults.add("AUTH_SESSION_CHECK_URL", "is missing: AUTH_SESSION_COOKIE needs it");
  return undefined;
}
