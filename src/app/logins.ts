/**
 * The tenants with their ways to MX, and the configured logins that lead to them: for each credential its authenticator, and for
 * each issuer its keys.
 */

import {
  type Authentication,
  type Authenticator,
  createAuthentication,
} from "../auth/authenticate.ts";
import type { TenantTrust } from "../auth/claims.ts";
import { createIntrospectionAuthenticator } from "../auth/introspection.ts";
import { createIssuerKeys, type IssuerKeys } from "../auth/issuer-keys.ts";
import { createJwtAuthenticator, type TrustedIssuer } from "../auth/jwt.ts";
import { createLoader } from "../auth/key-set.ts";
import { createLoginCall, MAX_LOGIN_CALLS } from "../auth/login-client.ts";
import { createSessionAuthenticator } from "../auth/session-check.ts";
import type {
  AuthConfig,
  Config,
  IntrospectionConfig,
  SessionCheckConfig,
  TenantConfig,
} from "../config/types.ts";
import type { ApiName } from "../mx/call.ts";
import type { Tenant } from "../session/types.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { createExchange, type Exchange } from "../upstream/exchange.ts";
import { toLimits } from "../upstream/limits.ts";
import { withConnectSpan } from "../upstream/spans.ts";
import type { ClientCertificates } from "./certificates.ts";
import { createUserinfoByIssuer, toExchangeOptions } from "./connections.ts";
import type { Metrics } from "./metrics.ts";
import { type Connect, createTenant } from "./tenant.ts";

type LoginOptions = {
  tenants: readonly { config: TenantConfig; tenant: Tenant }[];
  connect: Connect;
  certificateOf: ClientCertificates["of"];
  /** Called after each load of an issuer's keys; can read how old they are. */
  watchKeys: (issuer: string, readAgeMs: () => number | undefined) => (isLoaded: boolean) => void;
};

export type Logins = Authentication &
  Disposable & {
    /** The keys of each issuer were requested, and one has answered, or a login that needs none is configured. */
    canAuthenticate(): boolean;
    /** Reads the key set in this file again. Gives whether its keys can be used. */
    refreshKeys(path: string): Promise<boolean>;
  };

type Member = { config: TenantConfig; trust: TenantTrust };

/** Starts loading the issuers' keys. Disposal ends their refreshes. */
function createLogins(config: Config, options: LoginOptions): Logins {
  const { jwt: takesJwts, tokenCookie, introspection, sessionCheck } = config.logins;
  const members = options.tenants.map(toMember);
  const tenants = members.map(({ trust }) => trust);
  const connect = (url: URL) =>
    options.connect(url, MAX_LOGIN_CALLS, config.logins.clientCertificate);
  const issuers = takesJwts ? toIssuers(config, members, options) : [];
  const authentication = createAuthentication({
    jwt: takesJwts ? createJwtAuthenticator(issuers) : undefined,
    tokenCookie,
    introspection: introspection && toIntrospection(introspection, tenants, connect),
    session: sessionCheck && {
      cookie: sessionCheck.cookie,
      authenticate: toSessionCheck(sessionCheck, tenants, connect),
    },
  });
  const needsNoKeys = Boolean(introspection ?? sessionCheck);
  const statuses = () => issuers.map(({ keys }) => keys.status());
  return {
    ...authentication,
    canAuthenticate: () =>
      statuses().every(({ wasAsked }) => wasAsked) &&
      (needsNoKeys || statuses().some(({ hasAnswered }) => hasAnswered)),
    async refreshKeys(path) {
      const fromFile = issuers.filter(({ keys }) => keys.file === path);
      const results = await Promise.all(fromFile.map(({ keys }) => keys.refresh()));
      return results.every(Boolean);
    },
    [Symbol.dispose]() {
      for (const { keys } of issuers) keys[Symbol.dispose]();
    },
  };
}

function toMember({ config, tenant }: LoginOptions["tenants"][number]): Member {
  const { auth, claim, userId } = config;
  const { issuers, audience, audienceClaim, maxTokenLifetimeMs: maxLifetimeMs } = auth;
  const rules = { issuers, claim, audience, audienceClaim, maxLifetimeMs };
  return { config, trust: { ...rules, userIdClaim: userId.claim, tenant } };
}

type WatchedKeys = IssuerKeys & {
  /** Where they come from, if it is a file. */
  file: string | undefined;
  /** Loads what is there now; whether it could be used. */
  refresh(): Promise<boolean>;
};

type KnownIssuer = TrustedIssuer & { keys: WatchedKeys };

/** Tenants of one issuer have the same settings for it (config/tenant-conflicts.ts), so the first one's are used. */
function toIssuers(
  { proxy, maxInFlight, requestDeadlineMs }: Config,
  members: readonly Member[],
  { watchKeys, certificateOf }: LoginOptions,
): KnownIssuer[] {
  const limits = toLimits(requestDeadlineMs);
  const maxWaiting = members.length > 1 ? Math.ceil(maxInFlight / 4) : undefined;
  const startKeys = (issuer: string, auth: AuthConfig): WatchedKeys => {
    const { keys: source } = auth;
    let wasLoaded = false;
    const count = watchKeys(issuer, () => keys.ageMs());
    const onLoad = (isLoaded: boolean) => {
      wasLoaded = isLoaded;
      count(isLoaded);
    };
    const clientCertificate = certificateOf(auth.clientCertificate);
    const load = createLoader(issuer, source, { proxy, limits, clientCertificate });
    const keys = createIssuerKeys({ load, maxWaiting, maxWaitMs: limits.attemptMs, onLoad });
    const refresh = async () => {
      await keys.reload(); // One that was under way may have read what was there before.
      await keys.reload();
      return wasLoaded;
    };
    return { ...keys, refresh, file: source.kind === "file" ? source.path : undefined };
  };
  const byIssuer = Map.groupBy(members, ({ trust }) => trust.issuers[0]);
  return [...byIssuer].flatMap(([name, ofIssuer]) => {
    const [first] = ofIssuer;
    if (!first) return [];
    const { auth } = first.config;
    const tenants = ofIssuer.map(({ trust }) => trust);
    const shared = auth.keys.kind === "discovery" ? undefined : startKeys(name, auth);
    return auth.issuers.map((issuer) => {
      const keys = shared ?? startKeys(issuer, auth);
      return { ...auth, issuer, keys, findKeys: keys.find, tenants };
    });
  });
}

function toIntrospection(
  endpoint: IntrospectionConfig,
  tenants: readonly TenantTrust[],
  connect: (url: URL) => Exchange,
): Authenticator {
  const exchange = connect(endpoint.url);
  const call = createLoginCall({ operation: "partner.introspection", exchange });
  const { requireAudience } = endpoint;
  return createIntrospectionAuthenticator({ call, endpoint, requireAudience, tenants });
}

function toSessionCheck(
  endpoint: SessionCheckConfig,
  tenants: readonly TenantTrust[],
  connect: (url: URL) => Exchange,
): Authenticator {
  const exchange = connect(endpoint.url);
  const call = createLoginCall({ operation: "partner.session_check", exchange });
  return createSessionAuthenticator({ call, url: endpoint.url, tenants });
}

/** A session makes at most two calls to MX at the same time. */
const WARM_CONNECTIONS = 2;
/** With more tenants than that, idle connections alone would come near the 2,000 that MX takes from one address. */
const MAX_WARM_TENANTS = 100;

type LoginParts = {
  metrics: Metrics;
  tracing: Tracing | undefined;
  certificates: ClientCertificates;
  /** Closes what is opened here. */
  parts: AsyncDisposableStack;
};

export function openLogins(config: Config, login: LoginParts): Logins {
  const { metrics, tracing, parts, certificates } = login;
  const connect = createConnect(config, login);
  const userinfo = parts.use(createUserinfoByIssuer(config, certificates.of));
  const tenants = config.tenants.map((each) => {
    const observe = (api: ApiName) => metrics.mx({ tenant: each.name, api });
    const instruments = { observe, tracing, userinfo: userinfo.of };
    return { config: each, tenant: createTenant(each, connect, instruments) };
  });
  return parts.use(
    createLogins(config, {
      tenants,
      certificateOf: certificates.of,
      connect: tracing ? withConnectSpan(connect, "login check", tracing) : connect,
      watchKeys: metrics.issuerKeys,
    }),
  );
}

function createConnect(config: Config, { parts, certificates }: LoginParts): Connect {
  return ({ origin }, connections, certificate) =>
    parts.use(
      createExchange({
        origin,
        connections,
        clientCertificate: certificates.of(certificate),
        warm: config.tenants.length <= MAX_WARM_TENANTS ? WARM_CONNECTIONS : 0,
        ...toExchangeOptions(config),
      }),
    );
}
