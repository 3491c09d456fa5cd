/**
 * The configuration: frozen, complete, and checked. What it says about a rule of the domain is the domain's own record, so
 * that whoever builds a part passes it on as it is.
 */

import type { Secret } from "../secret.ts";
import type { CredentialRule, MemberIdRule } from "../session/member.ts";
import type { ProfileRule } from "../session/profile.ts";
import type { ClaimRule, KeySource, RateLimit, RedisSettings } from "../session/settings.ts";
import type { UserIdRule } from "../session/user-id.ts";
import type { WidgetPolicyOptions } from "../session/widget-policy.ts";
import type { ForwardProxy } from "../upstream/connection.ts";
import type { NamedFile } from "./read.ts";
import type { CertificateConfig } from "./tls.ts";
import type { Variables } from "./variables.ts";

export type Config = Readonly<{
  /** All addresses if undefined. */
  host: string | undefined;
  port: number;
  /** In front of all public routes; none if empty. */
  basePath: string;
  keepAliveTimeoutMs: number;
  operationsPort: number;
  /** How the public port speaks https; it speaks http where undefined. */
  tls: CertificateConfig | undefined;
  logLevel: Variables["LOG_LEVEL"];
  trustedProxies: Variables["TRUSTED_PROXIES"];
  requestDeadlineMs: number;
  /** Of connections to upstreams. */
  connectionMaxAgeMs: number;
  maxInFlight: number;
  drainDelayMs: number;
  /** Seconds; without it no Strict-Transport-Security is sent. */
  hstsMaxAge: number | undefined;
  /** Whether the public port serves the contract. */
  publicDocs: boolean;
  /** The page for phones; none if undefined. */
  hosted: HostedConfig | undefined;
  /** For keys that replicas must have in common. Without it, they derive them from the rest of the configuration. */
  instanceSecret: Secret | undefined;
  /** Key of the users' pseudonyms in the log. */
  auditKey: Secret | undefined;
  /** Where spans are sent; nowhere where undefined. */
  traces: TracesConfig | undefined;
  /** Whether upstreams are sent `traceparent`. */
  tracePropagation: boolean;
  /** Whether the SSO API may be called although something else listens to requests. */
  allowPreloads: boolean;
  /** The way out for https upstreams. */
  proxy: ForwardProxy | undefined;
  rateLimits: RateLimitConfig;
  logins: LoginConfig;
  tenants: readonly TenantConfig[];
  /** What was read, to notice when it changes. */
  files: readonly NamedFile[];
}>;

export type HostedConfig = Readonly<{
  /** The partner's, as users know it. */
  name: string;
  /** Where it may go at its end, of all tenants, as `new URL(...).href` writes them. */
  redirects: readonly string[];
  /** Origins of the widgets that it may frame. */
  frameOrigins: readonly string[];
}>;

export type TracesConfig = Readonly<{
  url: URL;
  /** Whether callers decide for their own traces. */
  isParentBased: boolean;
  /** The share of other traces that is recorded, 0 to 1. */
  ratio: number;
}>;

export type RateLimitConfig = Readonly<{
  user: RateLimit | undefined;
  address: RateLimit | undefined;
  failures: RateLimit | undefined;
  /** Without it, each replica counts for itself. */
  redis: RedisSettings | undefined;
}>;

/** Which credentials of a login are accepted, in addition to or instead of JWTs in the Authorization header. */
export type LoginConfig = Readonly<{
  /** Whether JWTs are accepted, verified with the issuer's keys. */
  jwt: boolean;
  /** Name of a cookie that holds a JWT. */
  tokenCookie: string | undefined;
  introspection: IntrospectionConfig | undefined;
  sessionCheck: SessionCheckConfig | undefined;
  /** For introspection and session check. */
  clientCertificate: CertificateConfig | undefined;
}>;

export type IntrospectionConfig = Readonly<{
  url: URL;
  clientId: string;
  clientSecret: Secret;
  method: Variables["AUTH_INTROSPECTION_AUTH"];
  requireAudience: boolean;
}>;

export type SessionCheckConfig = Readonly<{ url: URL; cookie: string }>;

export type TenantConfig = Readonly<{
  name: string;
  auth: AuthConfig;
  /** Which of the issuer's tokens are this tenant's; all where undefined. */
  claim: ClaimRule | undefined;
  userId: UserIdRule;
  mx: MxConfig;
  member: MemberConfig;
  memberIds: MemberIdRule;
  profile: ProfileConfig;
  /** The partner's endpoint for Member credentials and profiles. */
  lookup: LookupConfig | undefined;
  widgets: WidgetPolicyOptions;
  /** Origins of pages that may call. */
  corsOrigins: readonly string[];
  allowCallbackPayload: boolean;
}>;

export type AuthConfig = Readonly<{
  /** The names of the login, as `iss` has them. The first names the users. */
  issuers: readonly [string, ...string[]];
  audience: readonly string[];
  /** The claim that names the audience of a token. */
  audienceClaim: string;
  keys: KeySource;
  algorithms: readonly string[];
  /** The `typ` header that tokens must have, such as `at+jwt`; any where undefined. */
  tokenType: string | undefined;
  maxTokenLifetimeMs: number;
  /** For discovery, key sets and userinfo. */
  clientCertificate: CertificateConfig | undefined;
}>;

export type MxConfig = Readonly<{
  connections: number;
  /** Calls that may wait for a connection. A session makes up to two calls at once. */
  maxWaiting: number;
  /** Origins that a widget URL may have; any https origin if empty. */
  urlOrigins: readonly string[];
  /** For each of MX's APIs. */
  clientCertificate: CertificateConfig | undefined;
  platform: PlatformConfig | undefined;
  sso: SsoConfig | undefined;
}>;

export type PlatformConfig = Readonly<{
  baseUrl: URL;
  clientId: string;
  apiKey: Secret;
  version: Variables["MX_PLATFORM_VERSION"];
}>;

export type SsoConfig = SsoV2Config | SsoV3Config;

export type SsoV2Config = Readonly<{
  version: "v2";
  baseUrl: URL;
  apiKey: Secret;
  clientGuid: string;
}>;

/** With MDX Real Time, which makes the Users and Members. */
export type SsoV3Config = Readonly<{
  version: "v3";
  baseUrl: URL;
  apiKey: Secret;
  /** Stands in the path, of both APIs. */
  clientId: string;
  mdx: Readonly<{ baseUrl: URL; apiKey: Secret }>;
}>;

/** The domain's rule, without the lookup itself. */
export type MemberConfig = Exclude<CredentialRule, { source: "lookup" }> | { source: "lookup" };

export type LookupConfig = Readonly<{
  url: URL;
  token: Secret;
  clientCertificate: CertificateConfig | undefined;
}>;

export type ProfileConfig = Readonly<{
  rule: ProfileRule;
  source: Variables["PROFILE_SOURCE"];
  /** Where the userinfo endpoint may be over plain http. */
  httpHosts: readonly string[];
  /** For all calls about one user's profile. */
  timeoutMs: number;
}>;
