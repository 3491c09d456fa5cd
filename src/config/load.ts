/**
 * Environment variables (and TENANTS_FILE) -> one frozen configuration. Every fault is reported at once, by name, never
 * by value.
 *
 * An unsafe configuration is a fault: a service with a guessable secret or a plain http upstream does not start.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { KeySource } from "../auth/issuer-keys.ts";
import type { RateLimit } from "../rate-limit/limiter.ts";
import type { Secret } from "../secret.ts";
import type { UserIdRule } from "../session/user-id.ts";
import { SSO_WIDGET_TYPES } from "../session/widget-options.ts";
import { findUnsupportedOptions, type PolicyValues } from "../session/widget-policy.ts";
import type { ForwardProxy } from "../upstream/pool.ts";
import { findUpstreamProblem } from "../upstream/upstream-url.ts";
import { ConfigError, type ConfigFault, type Report } from "./faults.ts";
import { type LoginConfig, toLogins } from "./logins.ts";
import {
  type MemberConfig,
  type MxConfig,
  type PlatformConfig,
  toMember,
  toPlatform,
  toSso,
} from "./mx.ts";
import { checkProcess } from "./node-flags.ts";
import { reportConflicts } from "./tenant-conflicts.ts";
import { type ClaimRule, readTenantsFile } from "./tenants.ts";
import {
  type Environment,
  isKnown,
  isOfTenant,
  needsSingleTenant,
  readVariables,
  type Variables,
} from "./variables.ts";

export type Config = Readonly<{
  host: string;
  port: number;
  operationsPort: number;
  logLevel: Variables["LOG_LEVEL"];
  trustedProxies: Variables["TRUSTED_PROXIES"];
  requestDeadlineMs: number;
  maxInFlight: number;
  drainDelayMs: number;
  /** Key of the users' pseudonyms in the log; else derived from MX's keys. */
  auditKey: Secret | undefined;
  /** Whether upstreams are sent `traceparent`. */
  tracePropagation: boolean;
  /** The way out for https upstreams. */
  proxy: ForwardProxy | undefined;
  rateLimits: RateLimitConfig;
  logins: LoginConfig;
  tenants: readonly TenantConfig[];
}>;

export type RateLimitConfig = Readonly<{
  user: RateLimit | undefined;
  address: RateLimit | undefined;
  failures: RateLimit | undefined;
  redis: Secret | undefined;
}>;

export type TenantConfig = Readonly<{
  name: string;
  auth: AuthConfig;
  /** Which of the issuer's tokens are this tenant's; all where undefined. */
  claim: ClaimRule | undefined;
  userId: UserIdRule;
  mx: MxConfig;
  member: MemberConfig;
  widgets: WidgetConfig;
  /** Of pages that may ask. */
  corsOrigins: readonly string[];
  allowCallbackPayload: boolean;
}>;

export type AuthConfig = Readonly<{
  issuer: string;
  audience: readonly string[];
  keys: KeySource;
  algorithms: readonly string[];
  /** The `typ` header that tokens must have, such as `at+jwt`; any where undefined. */
  tokenType: string | undefined;
}>;

export type WidgetConfig = Readonly<{
  types: readonly string[];
  defaults: PolicyValues;
  forced: PolicyValues;
  clientRedirectUrls: readonly string[];
  webviewSchemes: readonly string[];
  urlOrigins: readonly string[];
}>;

/**
 * Throws `ConfigError` with all faults. `readFile` serves the variables that name files; `flags` are those of the process,
 * as `process.execArgv` has them.
 */
export function loadConfig(
  environment: Environment,
  readFile: ReadFile = (path) => readFileSync(path, "utf8"),
  flags: readonly string[] = [],
): Config {
  const { TENANTS_FILE: path } = environment;
  const { variables, faults } = readVariables(
    path ? ofProcess(environment) : environment,
    readFile,
  );
  const report = (variable: string, message: string) => void faults.push({ variable, message });

  checkProcess(environment, flags, report);
  const hasFaults = (names: RegExp) => faults.some(({ variable }) => names.test(variable));
  const logins = toLogins(variables, report, hasFaults);
  const tenants = path
    ? loadTenants(path, environment, variables, readFile, report)
    : [toTenant(variables, readFile, faults)];
  if (variables.PORT !== 0 && variables.PORT === variables.OPERATIONS_PORT) {
    report("OPERATIONS_PORT", "must differ from PORT: health is not for the public");
  }
  if (faults.length > 0) throw new ConfigError(withoutRepeats(faults));

  return deepFreeze({
    host: variables.HOST,
    port: variables.PORT,
    operationsPort: variables.OPERATIONS_PORT,
    logLevel: variables.LOG_LEVEL,
    trustedProxies: variables.TRUSTED_PROXIES,
    requestDeadlineMs: variables.REQUEST_DEADLINE,
    maxInFlight: variables.MAX_IN_FLIGHT,
    drainDelayMs: variables.DRAIN_DELAY,
    auditKey: variables.AUDIT_KEY,
    tracePropagation: variables.TRACE_PROPAGATION,
    proxy: variables.HTTPS_PROXY && { url: variables.HTTPS_PROXY, noProxy: variables.NO_PROXY },
    rateLimits: {
      user: variables.RATE_LIMIT_USER,
      address: variables.RATE_LIMIT_ADDRESS,
      failures: variables.RATE_LIMIT_FAILURES,
      redis: variables.REDIS_URL,
    },
    logins,
    tenants,
  });
}

/** Tells whether two replicas have the same configuration, secrets aside: those print as `[secret]`. */
export function toDigest(config: Config): string {
  return createHash("sha256").update(JSON.stringify(config)).digest("hex").slice(0, 16);
}

type ReadFile = (path: string) => string;

function ofProcess(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !isOfTenant(name)));
}

function loadTenants(
  path: string,
  environment: Environment,
  { MAX_IN_FLIGHT }: Variables,
  readFile: ReadFile,
  report: Report,
): TenantConfig[] {
  for (const name of Object.keys(environment)) {
    if (environment[name] && isKnown(name) && isOfTenant(name)) {
      report(
        name,
        needsSingleTenant(name)
          ? "needs a single tenant: leave it out, or TENANTS_FILE"
          : "belongs to a tenant: move it into TENANTS_FILE",
      );
    }
  }
  const loaded = readTenantsFile(path, readFile, report).map(({ name, label, claim, ...entry }) => {
    const { variables, faults } = readVariables(entry.variables, readFile);
    const rules = toTenant({ ...variables, MAX_IN_FLIGHT }, readFile, faults);
    for (const { variable, message } of faults) report(`${label}: ${variable}`, message);
    return { label, isSound: faults.length === 0, tenant: { ...rules, name, claim } };
  });
  reportConflicts(
    loaded.filter(({ isSound }) => isSound),
    report,
  );
  return loaded.map(({ tenant }) => tenant);
}

/** Adds to the faults of its variables. */
function toTenant(v: Variables, readFile: ReadFile, faults: ConfigFault[]): TenantConfig {
  const report = (variable: string, message: string) => void faults.push({ variable, message });
  const hasFaults = (names: RegExp) => faults.some(({ variable }) => names.test(variable));
  checkReuse(v, report);
  const platform = toPlatform(v, report);
  const sso = toSso(v, report);
  if (!platform && !sso && !hasFaults(/^MX_/)) {
    report(
      "MX_PLATFORM_CLIENT_ID",
      "or MX_SSO_API_KEY is needed: configure the Platform API, the SSO API, or both",
    );
  }
  return {
    name: "default",
    auth: toAuth(v, readFile, report),
    claim: undefined,
    userId: toUserIdRule(v, report),
    mx: {
      connections: v.MX_CONNECTIONS,
      maxWaiting: 2 * Math.max(v.MX_CONNECTIONS, v.MAX_IN_FLIGHT),
      platform,
      sso,
    },
    member: hasFaults(/^MX_SSO_/) ? { source: "none" } : toMember(v, sso, report),
    widgets: toWidgets(v, platform, report),
    corsOrigins: v.CORS_ORIGINS,
    allowCallbackPayload: v.ALLOW_CALLBACK_PAYLOAD,
  };
}

/** A secret that serves twice is as weak as the weaker place it is kept in. */
function checkReuse(v: Variables, report: Report): void {
  const known = new Map<string, string>();
  for (const name of ["MX_PLATFORM_API_KEY", "MX_SSO_API_KEY", ...OWN_SECRETS] as const) {
    const value = v[name]?.reveal();
    if (value === undefined) continue;
    const other = known.get(value);
    if (other && OWN_SECRETS.some((own) => own === name)) report(name, `must differ from ${other}`);
    known.set(value, name);
  }
}

const OWN_SECRETS = ["USER_ID_SECRET", "MEMBER_USERKEY_SECRET", "MEMBER_LOOKUP_TOKEN"] as const;

function toAuth(v: Variables, readFile: ReadFile, report: Report): AuthConfig {
  const { AUTH_ISSUER: issuer = "", AUTH_AUDIENCE: audience = [] } = v;
  if (issuer === "")
    report(
      "AUTH_ISSUER",
      "is missing: the `iss` of the tokens that your users bring, or a name for your login",
    );
  if (audience.length === 0 && (v.AUTH_JWT || v.AUTH_INTROSPECTION_URL))
    report(
      "AUTH_AUDIENCE",
      "is missing: without it, tokens made for other services would open accounts",
    );
  if (v.AUTH_JWKS_URL && v.AUTH_JWKS_FILE)
    report("AUTH_JWKS_FILE", "and AUTH_JWKS_URL exclude each other");
  return {
    issuer,
    audience,
    keys: toKeySource(v, issuer, readFile, report),
    algorithms: v.AUTH_ALGORITHMS,
    tokenType: v.AUTH_TOKEN_TYPE === "any" ? undefined : v.AUTH_TOKEN_TYPE,
  };
}

function toKeySource(v: Variables, issuer: string, readFile: ReadFile, report: Report): KeySource {
  if (v.AUTH_JWKS_FILE) {
    const problem = findKeySetProblem(v.AUTH_JWKS_FILE, readFile);
    if (problem) report("AUTH_JWKS_FILE", problem);
    return { kind: "file", path: v.AUTH_JWKS_FILE };
  }
  if (v.AUTH_JWKS_URL) return { kind: "url", url: v.AUTH_JWKS_URL };
  if (!v.AUTH_JWT) return { kind: "discovery" }; // Never asked.
  const problem = URL.canParse(issuer)
    ? findUpstreamProblem(new URL(issuer))
    : "must be an https URL";
  if (issuer !== "" && problem) {
    report(
      "AUTH_ISSUER",
      `${problem}, or else its keys cannot be discovered: set AUTH_JWKS_URL or AUTH_JWKS_FILE, or AUTH_JWT=false`,
    );
  }
  return { kind: "discovery" };
}

function findKeySetProblem(path: string, readFile: ReadFile): string | undefined {
  try {
    const { keys } = JSON.parse(readFile(path));
    if (keys.some((key: object) => "d" in key || "k" in key))
      return "names a file with a private or symmetric key; it must have public keys only";
    if (keys.length > 0) return undefined;
  } catch {
    // Told below.
  }
  return "names a file that cannot be read as a JSON Web Key Set";
}

function toUserIdRule(v: Variables, report: Report): UserIdRule {
  const claim = v.USER_ID_CLAIM;
  if (v.USER_ID_MODE === "claim") {
    if (v.USER_ID_SECRET)
      report(
        "USER_ID_SECRET",
        "has no use with USER_ID_MODE=claim; leave it out, or set USER_ID_MODE=hmac",
      );
    return { mode: "claim", claim };
  }
  if (v.USER_ID_SECRET) return { mode: "hmac", claim, secret: v.USER_ID_SECRET };
  report("USER_ID_SECRET", "is missing: USER_ID_MODE=hmac needs it");
  return { mode: "claim", claim };
}

function toWidgets(
  v: Variables,
  platform: PlatformConfig | undefined,
  report: Report,
): WidgetConfig {
  const source = platform?.version ?? "sso";
  const ofSso = (type: string) => SSO_WIDGET_TYPES.some((known) => known === type);
  const types = platform ? v.WIDGET_TYPES : v.WIDGET_TYPES.filter(ofSso);
  if (types.length === 0)
    report("WIDGET_TYPES", `has no type that the SSO API offers: ${SSO_WIDGET_TYPES.join(", ")}`);
  for (const name of ["WIDGET_DEFAULTS", "WIDGET_FORCED"] as const) {
    const { widget_type: type, ...options } = v[name];
    if (type !== undefined && !types.includes(type))
      report(name, "has a widget_type that is not among those allowed here");
    const [unsupported] = findUnsupportedOptions(source, options);
    if (unsupported)
      report(name, `has ${unsupported.pointer.split("/").at(-1)}, which ${unsupported.detail}`);
  }
  return {
    types: v.WIDGET_TYPES,
    defaults: v.WIDGET_DEFAULTS,
    forced: v.WIDGET_FORCED,
    clientRedirectUrls: v.CLIENT_REDIRECT_URLS,
    webviewSchemes: v.WEBVIEW_SCHEMES,
    urlOrigins: v.WIDGET_URL_ORIGINS,
  };
}

/** A value that could not be read has already been reported; that it is then missing is no second fault. */
function withoutRepeats(faults: readonly ConfigFault[]): ConfigFault[] {
  const seen = new Set<string>();
  return faults.filter(({ variable }) => {
    const name = variable.replace(/_FILE$/, "");
    return !seen.has(name) && seen.add(name);
  });
}

function deepFreeze<T>(value: T): T {
  if (
    typeof value === "object" &&
    value !== null &&
    !(value instanceof URL) &&
    !Object.isFrozen(value)
  ) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
