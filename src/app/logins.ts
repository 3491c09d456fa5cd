/**
 * The tenants with their ways to MX, and the configured logins that lead to them: for each credential its authenticator, and for
 * each issuer its keys.
 */

import { type Authentication, createAuthentication } from "../auth/authenticate.ts";
import type { TenantTrust } from "../auth/claims.ts";
import { createIntrospectionAuthenticator } from "../auth/introspection.ts";
import { createIssuerKeys, type IssuerKeys } from "../auth/issuer-keys.ts";
import { createJwtAuthenticator, type TrustedIssuer } from "../auth/jwt.ts";
import { createLoader } from "../auth/key-set.ts";
import { MAX_LOGIN_CALLS } from "../auth/login-client.ts";
import { createSessionAuthenticator } from "../auth/session-check.ts";
import type { Config } from "../config/load.ts";
import type { LoginConfig } from "../config/process.ts";
import type { AuthConfig, TenantConfig } from "../config/tenant.ts";
import type { ApiName } from "../mx/call.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { toLimits } from "../upstream/limits.ts";
import { withExchangeSpan } from "../upstream/spans.ts";
import type { ClientCertificates } from "./certificates.ts";
import { type Connect, createConnect, createUserinfoByIssuer } from "./connections.ts";
import type { Metrics } from "./metrics.ts";
import { createTenant } from "./tenant.ts";

/** A session makes at most two calls to MX at the same time. */
const WARM_CONNECTIONS = 2;
/** With more tenants than that, idle connections alone would come near the 2,000 that MX takes from one address. */
const MAX_WARM_TENANTS = 100;

export type Logins = Authentication & {
  /** The keys of each issuer were requested, and one has answered, or a login that needs none is configured. */
  canAuthenticate(): boolean;
  /** Reads the key set in this file again. Gives whether its keys can be used. */
  refreshKeys(path: string): Promise<boolean>;
};

type LoginParts = {
  metrics: Metrics;
  tracing: Tracing | undefined;
  certificates: ClientCertificates;
  /** Closes what is opened here. */
  parts: AsyncDisposableStack;
};

type Member = { config: TenantConfig; trust: TenantTrust };

/** Starts loading the issuers' keys. */
export function openLogins(config: Config, login: LoginParts): Logins {
  const { logins } = config;
  const { tracing, parts, certificates } = login;
  const warm = config.tenants.length <= MAX_WARM_TENANTS ? WARM_CONNECTIONS : 0;
  const open = createConnect(config, certificates.of, warm);
  const connect: Connect = (...target) => parts.use(open(...target));
  const members = openTenants(config, connect, login);
  const issuers = logins.jwt ? startIssuers(config, members, login) : [];
  const authentication = createAuthentication({
    jwt: logins.jwt ? createJwtAuthenticator(issuers) : undefined,
    ...toPartnerLogins(logins, {
      tenants: members.map(({ trust }) => trust),
      connect: (...target) => withExchangeSpan(connect(...target), "login check", tracing),
    }),
  });
  const needsNoKeys = Boolean(logins.introspection ?? logins.sessionCheck);
  const statuses = () => issuers.map(({ keys }) => keys.status());
  return {
    ...authentication,
    canAuthenticate: () =>
      statuses().every(({ wasAsked }) => wasAsked) &&
      (needsNoKeys || statuses().some(({ hasAnswered }) => hasAnswered)),
    async refreshKeys(path) {
      const fromFile = issuers.filter(({ file }) => file === path);
      const results = await Promise.all(fromFile.map(({ keys }) => refresh(keys)));
      return results.every(Boolean);
    },
  };
}

function openTenants(
  config: Config,
  connect: Connect,
  { metrics, tracing, parts, certificates }: LoginParts,
): Member[] {
  const userinfo = createUserinfoByIssuer(config, certificates.of, parts);
  return config.tenants.map((each) => {
    const { name, auth, claim, userId } = each;
    const observe = (api: ApiName) => metrics.mx({ tenant: name, api });
    const tenant = createTenant(each, connect, { observe, tracing, userinfo });
    const own = { claim, userIdClaim: userId.claim, maxLifetimeMs: auth.maxTokenLifetimeMs };
    return { config: each, trust: { ...auth, ...own, tenant } };
  });
}

/** `file`: where the keys come from, if it is a file. */
type KnownIssuer = TrustedIssuer & { file: string | undefined; keys: IssuerKeys };

/** Tenants of one issuer have the same settings for it (config/tenant-conflicts.ts), so the first one's are used. */
function startIssuers(
  { proxy, maxInFlight, requestDeadlineMs }: Config,
  members: readonly Member[],
  { metrics, certificates, parts }: LoginParts,
): KnownIssuer[] {
  const limits = toLimits(requestDeadlineMs);
  const maxWaiting = members.length > 1 ? Math.ceil(maxInFlight / 4) : undefined;
  const startKeys = (issuer: string, auth: AuthConfig): IssuerKeys => {
    const onLoad = metrics.issuerKeys(issuer, () => keys.ageMs());
    const clientCertificate = certificates.of(auth.clientCertificate);
    const load = createLoader(issuer, auth.keys, { proxy, limits, clientCertificate });
    const keys = createIssuerKeys({ load, maxWaiting, maxWaitMs: limits.attemptMs, onLoad });
    return parts.use(keys);
  };
  const byIssuer = Map.groupBy(members, ({ trust }) => trust.issuers[0]);
  return [...byIssuer].flatMap(([name, ofIssuer]) => {
    const [first] = ofIssuer;
    if (!first) return [];
    const { auth } = first.config;
    const tenants = ofIssuer.map(({ trust }) => trust);
    const file = auth.keys.kind === "file" ? auth.keys.path : undefined;
    const shared = auth.keys.kind === "discovery" ? undefined : startKeys(name, auth);
    return auth.issuers.map((issuer) => {
      const keys = shared ?? startKeys(issuer, auth);
      return { ...auth, issuer, file, keys, findKeys: keys.find, tenants };
    });
  });
}

/** Loads what is there now. Gives whether it can be used. */
async function refresh(keys: IssuerKeys): Promise<boolean> {
  await keys.reload(); // One that was under way may have read what was there before.
  return keys.reload();
}

/** The logins that the partner's own systems check. */
function toPartnerLogins(
  { tokenCookie, introspection, sessionCheck, clientCertificate }: LoginConfig,
  { tenants, connect }: { tenants: readonly TenantTrust[]; connect: Connect },
) {
  const toExchange = (url: URL) => connect(url, MAX_LOGIN_CALLS, clientCertificate);
  return {
    tokenCookie,
    introspection:
      introspection &&
      createIntrospectionAuthenticator({
        endpoint: introspection,
        exchange: toExchange(introspection.url),
        tenants,
      }),
    session: sessionCheck && {
      cookie: sessionCheck.cookie,
      authenticate: createSessionAuthenticator({
        url: sessionCheck.url,
        exchange: toExchange(sessionCheck.url),
        tenants,
      }),
    },
  };
}
