/**
 * The configured ways to prove a login, wired: for each proof the one who judges it.
 *
 * Introspection and session check speak for one tenant, under the name of its issuer.
 */

import { type Authentication, createAuthentication, type Judge } from "../auth/authenticate.ts";
import { createIntrospectionAuthenticator } from "../auth/introspection.ts";
import { createIntrospection } from "../auth/introspection-client.ts";
import { createLoginCall, MAX_LOGIN_CALLS } from "../auth/login-client.ts";
import { createSessionAuthenticator } from "../auth/session-check.ts";
import { createSessionCheck } from "../auth/session-check-client.ts";
import type {
  AuthConfig,
  IntrospectionConfig,
  LoginConfig,
  SessionCheckConfig,
} from "../config/types.ts";
import type { Tenant } from "../session/types.ts";
import type { Connect } from "./tenant.ts";

export type LoginOptions = {
  jwt: Judge | undefined;
  /** The tenant that introspection and session check speak for. */
  single: { auth: AuthConfig; tenant: Tenant } | undefined;
  connect: Connect;
};

export function createLogins(config: LoginConfig, options: LoginOptions): Authentication {
  const { jwt, single, connect } = options;
  const { tokenCookie, introspection, sessionCheck } = config;
  return createAuthentication({
    jwt,
    tokenCookie,
    introspection: introspection && single && toIntrospection(introspection, single, connect),
    session: sessionCheck &&
      single && {
        cookie: sessionCheck.cookie,
        judge: toSessionCheck(sessionCheck, single, connect),
      },
  });
}

type Single = NonNullable<LoginOptions["single"]>;

function toIntrospection(config: IntrospectionConfig, single: Single, connect: Connect): Judge {
  const { url, clientId, clientSecret, requireAudience } = config;
  const { auth, tenant } = single;
  const call = createLoginCall({
    operation: "partner.introspection",
    exchange: connect(url, MAX_LOGIN_CALLS),
  });
  return createIntrospectionAuthenticator({
    introspect: createIntrospection({ call, url, clientId, clientSecret }),
    issuer: auth.issuer,
    audience: auth.audience,
    requireAudience,
    tenant,
  });
}

function toSessionCheck(config: SessionCheckConfig, single: Single, connect: Connect): Judge {
  const { url, cookie } = config;
  const { auth, tenant } = single;
  const call = createLoginCall({
    operation: "partner.session_check",
    exchange: connect(url, MAX_LOGIN_CALLS),
  });
  const check = createSessionCheck({ call, url, cookie });
  return createSessionAuthenticator({ check, issuer: auth.issuer, tenant });
}
