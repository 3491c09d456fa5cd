/** One tenant's variables -> its rules, and what is wrong between variables each of which is fine by itself. */

import * as z from "zod";
import type { ClaimRule, KeySource } from "../session/settings.ts";
import type { UserIdRule } from "../session/user-id.ts";
import { SSO_WIDGET_TYPES } from "../session/widget-options.ts";
import { findUnsupportedOptions, type WidgetPolicyOptions } from "../session/widget-policy.ts";
import { parseJson } from "../text.ts";
import { findUpstreamProblem, isLoopback } from "../upstream/upstream-url.ts";
import { toLookup, toMember, toMemberIds, toPlatform, toProfile, toSso } from "./mx.ts";
import type { Given } from "./read.ts";
import { toCertificate } from "./tls.ts";

export type TenantConfig = Readonly<ReturnType<typeof toTenant>>;
export type MxConfig = Readonly<TenantConfig["mx"]>;
export type AuthConfig = Readonly<TenantConfig["auth"]>;

/** Adds to the faults of its variables. */
export function toTenant(given: Given, name = "default", claim?: ClaimRule) {
  const { v, faults } = given;
  const platform = toPlatform(given);
  const sso = toSso(given);
  if (!platform && !sso && !faults.has("MX_")) {
    faults.add(
      "MX_PLATFORM_CLIENT_ID",
      "or MX_SSO_API_KEY is needed: configure the Platform API, the SSO API, or both",
    );
  }
  const lookup = toLookup(given);
  return {
    name,
    auth: toAuth(given),
    /** Which of the issuer's tokens are this tenant's; all where undefined. */
    claim,
    userId: toUserIdRule(given),
    mx: {
      connections: v.MX_CONNECTIONS,
      /** Calls that may wait for a connection. A session makes up to two calls at once. */
      maxWaiting: 2 * Math.max(v.MX_CONNECTIONS, v.MAX_IN_FLIGHT),
      /** Origins that a widget URL may have; any https origin if empty. */
      urlOrigins: v.WIDGET_URL_ORIGINS,
      /** For each of MX's APIs. */
      clientCertificate: toCertificate("MX_CLIENT", given),
      platform,
      sso,
    },
    member: toMember(given, sso),
    memberIds: toMemberIds(given, sso),
    profile: toProfile(given, lookup),
    lookup,
    widgets: toWidgets(given, platform?.version ?? (sso?.version === "v3" ? "sso_v3" : "sso")),
    /** Origins of pages that may call. */
    corsOrigins: v.CORS_ORIGINS,
    allowCallbackPayload: v.ALLOW_CALLBACK_PAYLOAD,
  };
}

function toAuth(given: Given) {
  const { v, faults } = given;
  const { AUTH_ISSUER: issuers = [], AUTH_AUDIENCE: audience = [] } = v;
  const [first = "", ...others] = issuers;
  if (first === "")
    faults.add(
      "AUTH_ISSUER",
      "is missing: the `iss` of the tokens that your users bring, or a name for your login",
    );
  if (audience.length === 0 && (v.AUTH_JWT || v.AUTH_INTROSPECTION_URL))
    faults.add(
      "AUTH_AUDIENCE",
      "is missing: without it, tokens for other services would be accepted",
    );
  if (v.AUTH_JWKS_URL && v.AUTH_JWKS_FILE)
    faults.add("AUTH_JWKS_FILE", "and AUTH_JWKS_URL cannot be set together");
  if ((v.AUTH_COOKIE || v.AUTH_SESSION_COOKIE) && v.CORS_ORIGINS.some(isPlainHttp))
    faults.add("CORS_ORIGINS", "must be https if logins use cookies (http only on loopback)");
  return {
    /** The names of the login, as `iss` has them. The first names the users. */
    issuers: [first, ...others] as const,
    audience,
    /** The claim that names the audience of a token. */
    audienceClaim: v.AUTH_AUDIENCE_CLAIM,
    keys: toKeySource(given, issuers),
    algorithms: v.AUTH_ALGORITHMS,
    /** The `typ` header that tokens must have, such as `at+jwt`; any where undefined. */
    tokenType: v.AUTH_TOKEN_TYPE === "any" ? undefined : v.AUTH_TOKEN_TYPE,
    maxTokenLifetimeMs: v.AUTH_MAX_TOKEN_LIFETIME,
    /** For discovery, key sets and userinfo. */
    clientCertificate: toCertificate("AUTH_CLIENT", given),
  };
}

/** Whoever is on the way could change such a page, and have it ask. */
function isPlainHttp(origin: string): boolean {
  const { protocol, hostname } = new URL(origin);
  return protocol === "http:" && !isLoopback(hostname);
}

function toKeySource(given: Given, issuers: readonly string[]): KeySource {
  const { v, faults } = given;
  if (!v.AUTH_JWT)
    for (const name of ["AUTH_JWKS_URL", "AUTH_JWKS_FILE"] as const)
      if (v[name]) faults.add(name, "has no effect with AUTH_JWT=false; leave one of them out");
  if (v.AUTH_JWKS_FILE) {
    checkKeySet(given, v.AUTH_JWKS_FILE);
    return { kind: "file", path: v.AUTH_JWKS_FILE };
  }
  if (v.AUTH_JWKS_URL) return { kind: "url", url: v.AUTH_JWKS_URL };
  if (v.AUTH_JWT) checkDiscovery(given, issuers);
  return { kind: "discovery", httpHosts: v.ALLOW_HTTP_HOSTS };
}

function checkDiscovery({ v, faults }: Given, issuers: readonly string[]): void {
  for (const issuer of issuers) {
    const problem = URL.canParse(issuer)
      ? findUpstreamProblem(new URL(issuer), v.ALLOW_HTTP_HOSTS)
      : "must be an https URL";
    if (problem)
      faults.add(
        "AUTH_ISSUER",
        `${problem}, or its keys cannot be discovered. Set AUTH_JWKS_URL or AUTH_JWKS_FILE; list an internal host in ALLOW_HTTP_HOSTS; or set AUTH_JWT=false`,
      );
  }
}

function checkKeySet({ faults, readNamed }: Given, path: string): void {
  const text = readNamed("AUTH_JWKS_FILE", path);
  if (text === undefined) return;
  const { data } = KeySetFile.safeParse(parseJson(text));
  if (!data) faults.add("AUTH_JWKS_FILE", "names a file that cannot be read as a JSON Web Key Set");
  if (data?.keys.some((key) => "d" in key || "k" in key))
    faults.add(
      "AUTH_JWKS_FILE",
      "names a file with a private or symmetric key; it must have public keys only",
    );
}

const KeySetFile = z.object({ keys: z.array(z.looseObject({})).min(1) });

function toUserIdRule({ v, faults }: Given): UserIdRule {
  const claim = v.USER_ID_CLAIM;
  if (v.USER_ID_MODE === "claim") {
    if (v.USER_ID_SECRET)
      faults.add(
        "USER_ID_SECRET",
        "has no effect with USER_ID_MODE=claim; leave it out, or set USER_ID_MODE=hmac",
      );
    return { mode: "claim", claim };
  }
  if (v.USER_ID_SECRET) return { mode: "hmac", claim, secret: v.USER_ID_SECRET };
  faults.add("USER_ID_SECRET", "is missing: USER_ID_MODE=hmac needs it");
  return { mode: "claim", claim };
}

function toWidgets(
  { v, faults }: Given,
  source: WidgetPolicyOptions["source"],
): WidgetPolicyOptions {
  const ofSso = (type: string) => SSO_WIDGET_TYPES.some((known) => known === type);
  const types = source === "sso" ? v.WIDGET_TYPES.filter(ofSso) : v.WIDGET_TYPES;
  if (types.length === 0)
    faults.add(
      "WIDGET_TYPES",
      `has no type that the SSO API offers: ${SSO_WIDGET_TYPES.join(", ")}`,
    );
  for (const name of ["WIDGET_DEFAULTS", "WIDGET_FORCED"] as const) {
    const { widget_type: type, ...options } = v[name];
    if (type !== undefined && !types.includes(type))
      faults.add(name, "has a widget_type that WIDGET_TYPES does not allow");
    const [unsupported] = findUnsupportedOptions(source, options);
    if (unsupported)
      faults.add(name, `has ${unsupported.pointer.split("/").at(-1)}, which ${unsupported.detail}`);
  }
  return {
    source,
    widgetTypes: v.WIDGET_TYPES,
    defaults: v.WIDGET_DEFAULTS,
    forced: v.WIDGET_FORCED,
    clientRedirectUrls: v.CLIENT_REDIRECT_URLS,
    webviewSchemes: v.WEBVIEW_SCHEMES,
  };
}
