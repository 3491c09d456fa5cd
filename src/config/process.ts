/** The variables of the process -> its part of the configuration, and what is wrong between variables each of which is fine by itself. */

import type { RedisSettings } from "../session/settings.ts";
import { findNoProxyProblem } from "../upstream/no-proxy.ts";
import { findUpstreamProblem } from "../upstream/upstream-url.ts";
import { type Given, nameOf, reportHalf } from "./read.ts";
import { parseRedisUrl } from "./redis-url.ts";
import type { TenantConfig } from "./tenant.ts";
import { toCertificate } from "./tls.ts";
import { upstream } from "./url-values.ts";
import { VARIABLES, type Variables } from "./variables.ts";

export function toProcess(given: Given) {
  const { v, faults } = given;
  checkUpstreams(given, v.ALLOW_HTTP_HOSTS);
  const noProxyProblem = v.HTTPS_PROXY && findNoProxyProblem(v.NO_PROXY);
  if (noProxyProblem) faults.add(nameOf("NO_PROXY", given.environment), noProxyProblem);
  if (v.PORT !== 0 && v.PORT === v.OPERATIONS_PORT)
    faults.add("OPERATIONS_PORT", "must differ from PORT, because metrics must not be public");
  return {
    /** All addresses if undefined. */
    host: v.HOST,
    port: v.PORT,
    /** In front of all public routes; none if empty. */
    basePath: v.BASE_PATH ?? "",
    keepAliveTimeoutMs: v.KEEP_ALIVE_TIMEOUT,
    operationsPort: v.OPERATIONS_PORT,
    /** How the public port speaks https; it speaks http where undefined. */
    tls: toCertificate("TLS", given),
    logLevel: v.LOG_LEVEL,
    trustedProxies: v.TRUSTED_PROXIES,
    requestDeadlineMs: v.REQUEST_DEADLINE,
    /** Of connections to upstreams. */
    connectionMaxAgeMs: v.CONNECTION_MAX_AGE,
    maxInFlight: v.MAX_IN_FLIGHT,
    drainDelayMs: v.DRAIN_DELAY,
    /** Seconds; without it no Strict-Transport-Security is sent. */
    hstsMaxAge: v.HSTS_MAX_AGE,
    /** Whether the public port serves the contract. */
    publicDocs: v.PUBLIC_DOCS,
    /** For keys that replicas must have in common. Without it, they derive them from the rest of the configuration. */
    instanceSecret: v.INSTANCE_SECRET,
    /** Key of the users' pseudonyms in the log. */
    auditKey: v.AUDIT_KEY,
    /** Where spans are sent; nowhere where undefined. */
    traces: toTraces(given),
    /** Whether upstreams are sent `traceparent`. */
    tracePropagation: v.TRACE_PROPAGATION,
    /** Whether the SSO API may be called although something else listens to requests. */
    allowPreloads: v.ALLOW_PRELOADS,
    /** The way out for https upstreams. */
    proxy: v.HTTPS_PROXY && { url: v.HTTPS_PROXY, noProxy: v.NO_PROXY },
    rateLimits: {
      user: v.RATE_LIMIT_USER,
      address: v.RATE_LIMIT_ADDRESS,
      failures: v.RATE_LIMIT_FAILURES,
      /** Without it, each replica counts for itself. */
      redis: toRedis(given),
    },
    logins: toLogins(given),
  };
}

export type LoginConfig = Readonly<ReturnType<typeof toLogins>>;

/** Which credentials of a login are accepted, in addition to or instead of JWTs in the Authorization header. */
function toLogins(given: Given) {
  const { v, faults } = given;
  const introspection = toIntrospection(given);
  const sessionCheck = toSessionCheck(given);
  if (v.AUTH_COOKIE && v.AUTH_COOKIE === v.AUTH_SESSION_COOKIE)
    faults.add(
      "AUTH_COOKIE",
      "must differ from AUTH_SESSION_COOKIE: one contains a token, the other does not",
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
  return {
    /** Whether JWTs are accepted, verified with the issuer's keys. */
    jwt: v.AUTH_JWT,
    /** Name of a cookie that holds a JWT. */
    tokenCookie: v.AUTH_COOKIE,
    introspection,
    sessionCheck,
    /** For introspection and session check. */
    clientCertificate: toCertificate("AUTH_CLIENT", given),
  };
}

function toIntrospection({ v, faults }: Given) {
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

function toSessionCheck(given: Given) {
  const { AUTH_SESSION_CHECK_URL: url, AUTH_SESSION_COOKIE: cookie } = given.v;
  reportHalf(given, "AUTH_SESSION_CHECK_URL", "AUTH_SESSION_COOKIE");
  return url && cookie ? { url, cookie } : undefined;
}

function toRedis(given: Given): RedisSettings | undefined {
  const { v, faults } = given;
  const { REDIS_MODE: mode, REDIS_SENTINEL_MASTER: sentinelMaster, REDIS_TIMEOUT: timeoutMs } = v;
  const address = v.REDIS_URL && parseRedisUrl(v.REDIS_URL.reveal());
  if (!address || typeof address === "string") {
    if (!faults.has("REDIS_URL")) reportUseless(given);
    return undefined;
  }
  if (mode === "single" && address.nodes.length > 1)
    faults.add("REDIS_URL", "has several servers: set REDIS_MODE=cluster or REDIS_MODE=sentinel");
  if (mode !== "single" && address.socket)
    faults.add("REDIS_URL", `must not be a socket with REDIS_MODE=${mode}`);
  if (mode === "cluster" && address.database > 0)
    faults.add("REDIS_URL", "must not have a database: a cluster has only 0");
  if (mode === "sentinel" && !sentinelMaster && !faults.has("REDIS_SENTINEL_MASTER"))
    faults.add("REDIS_SENTINEL_MASTER", "is missing: REDIS_MODE=sentinel needs it");
  if (mode !== "sentinel" && sentinelMaster)
    faults.add("REDIS_SENTINEL_MASTER", "has no effect without REDIS_MODE=sentinel");
  if (timeoutMs > v.REQUEST_DEADLINE / 10)
    faults.add(
      "REDIS_TIMEOUT",
      `must be at most a tenth of REQUEST_DEADLINE, here ${Math.floor(v.REQUEST_DEADLINE / 10)}ms`,
    );
  return { ...address, mode, sentinelMaster, timeoutMs };
}

function reportUseless({ v, faults }: Given): void {
  if (v.REDIS_MODE !== "single") faults.add("REDIS_MODE", "has no effect without REDIS_URL");
  if (v.REDIS_SENTINEL_MASTER)
    faults.add("REDIS_SENTINEL_MASTER", "has no effect without REDIS_URL");
}

const SAMPLER = /^(?<isParentBased>parentbased_)?(?<root>always_on|always_off|traceidratio)$/;

function toTraces({ v, environment, faults }: Given) {
  const endpoint = v.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint || environment.OTEL_SDK_DISABLED?.toLowerCase() === "true") return undefined;
  const sampler = environment.OTEL_TRACES_SAMPLER || "parentbased_always_on";
  const { isParentBased, root } = SAMPLER.exec(sampler)?.groups ?? {};
  const share = environment.OTEL_TRACES_SAMPLER_ARG || "1";
  const ratio = /^\d*\.?\d+(e-\d+)?$/i.test(share) ? Number(share) : Number.NaN;
  if (!root) {
    faults.add(
      "OTEL_TRACES_SAMPLER",
      "must be always_on, always_off, traceidratio, or one of these with parentbased_ in front",
    );
  }
  if (!(ratio >= 0 && ratio <= 1))
    faults.add("OTEL_TRACES_SAMPLER_ARG", "must be a number from 0 to 1");
  if (/grpc/.test(environment.OTEL_EXPORTER_OTLP_PROTOCOL ?? "")) {
    faults.add(
      "OTEL_EXPORTER_OTLP_PROTOCOL",
      "must not be grpc: spans are sent over HTTP, usually to port 4318",
    );
  }
  return {
    url: new URL(`${endpoint.href.replace(/\/$/, "")}/v1/traces`),
    /** Whether callers decide for their own traces. */
    isParentBased: isParentBased !== undefined,
    /** The share of other traces that is recorded, 0 to 1. */
    ratio: root === "always_off" ? 0 : root === "always_on" ? 1 : ratio,
  };
}

/** Assumed: the hosts of the URLs in MX's documentation and of its SDK. MX publishes no list. */
const MX_WIDGET_ORIGINS = [
  "https://widgets.moneydesktop.com",
  "https://int-widgets.moneydesktop.com",
];

/** The page for phones. */
export function toHosted({ v, faults }: Given, tenants: readonly TenantConfig[]) {
  const name = v.HOSTED_NAME;
  if (name === undefined) return undefined;
  const redirects = tenants.flatMap(({ widgets }) => widgets.clientRedirectUrls);
  const frameOrigins = tenants.flatMap(({ mx }) =>
    mx.urlOrigins.length > 0 ? mx.urlOrigins : MX_WIDGET_ORIGINS,
  );
  if (redirects.length === 0 && tenants.length > 0 && !faults.has("CLIENT_REDIRECT_URLS"))
    faults.add(
      "HOSTED_NAME",
      "needs CLIENT_REDIRECT_URLS: the page for phones ends with one of these links",
    );
  return {
    /** The partner's, as users know it. */
    name,
    /** Where it may go at its end, of all tenants, as `new URL(...).href` writes them. */
    redirects: [...new Set(redirects)],
    /** Origins of the widgets that it may frame. */
    frameOrigins: [...new Set(frameOrigins)],
  };
}

/** Each URL of the partner's own systems: over plain http only on loopback, or at a host of ALLOW_HTTP_HOSTS. */
export function checkUpstreams(
  { v, faults }: Given,
  httpHosts: Variables["ALLOW_HTTP_HOSTS"],
): void {
  for (const [name, value] of Object.entries(v)) {
    if (VARIABLES[name]?.schema !== upstream || !(value instanceof URL)) continue;
    const problem = findUpstreamProblem(value, httpHosts);
    if (problem) faults.add(name, `${problem}; or list its host in ALLOW_HTTP_HOSTS`);
  }
}

/** MX's keys travel with every call, so never in clear. */
export function checkMxHosts({ v, faults }: Given, tenants: readonly TenantConfig[]): void {
  const hosts = tenants.flatMap(({ mx }) => [
    mx.platform?.baseUrl.hostname,
    mx.sso?.baseUrl.hostname,
    mx.sso?.version === "v3" ? mx.sso.mdx.baseUrl.hostname : undefined,
  ]);
  if (v.ALLOW_HTTP_HOSTS.some((host) => hosts.includes(host.replace(/:\d+$/, ""))))
    faults.add("ALLOW_HTTP_HOSTS", "must not list a host of MX");
}
