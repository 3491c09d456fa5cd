/**
 * One tenant's variables -> its way to MX: which of MX's APIs, with which keys, and what MX learns about its users.
 */

import type { Secret } from "../secret.ts";
import { type CredentialRule, DEFAULT_TEMPLATE, type MemberIdRule } from "../session/member.ts";
import { findUpstreamProblem, isLoopback } from "../upstream/upstream-url.ts";
import { type Given, reportHalf } from "./read.ts";
import { type CertificateConfig, toCertificate } from "./tls.ts";
import type { Variables } from "./variables.ts";

export type PlatformConfig = Readonly<{
  baseUrl: URL;
  clientId: string;
  apiKey: Secret;
  version: Variables["MX_PLATFORM_VERSION"];
}>;

export function toPlatform(given: Given): PlatformConfig | undefined {
  const { v, faults } = given;
  const { MX_PLATFORM_CLIENT_ID: clientId, MX_PLATFORM_API_KEY: apiKey } = v;
  if (!clientId && !apiKey) {
    if (v.MX_PLATFORM_BASE_URL)
      faults.add("MX_PLATFORM_BASE_URL", "needs MX_PLATFORM_CLIENT_ID and MX_PLATFORM_API_KEY");
    return undefined;
  }
  reportHalf(given, "MX_PLATFORM_CLIENT_ID", "MX_PLATFORM_API_KEY");
  if (!clientId || !apiKey) return undefined;
  const baseUrl = toBaseUrl(given, "MX_PLATFORM_BASE_URL", "platform");
  return { baseUrl, clientId, apiKey, version: v.MX_PLATFORM_VERSION };
}

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

export function toSso(given: Given): SsoConfig | undefined {
  const { v, faults } = given;
  if (faults.has("MX_SSO_VERSION")) return undefined; // What else is wrong depends on it.
  const { version, clientName } = SSO_VERSIONS[v.MX_SSO_VERSION];
  const other = SSO_VERSIONS[version === "v2" ? "v3" : "v2"];
  for (const name of other.own) {
    if (v[name])
      faults.add(name, `belongs to the SSO API ${other.version}, but MX_SSO_VERSION is ${version}`);
  }
  const { [clientName]: client, MX_SSO_API_KEY: apiKey } = v;
  if (!client && !apiKey) {
    for (const name of ["MX_SSO_BASE_URL", "MX_MDX_API_KEY", "MX_MDX_BASE_URL"] as const) {
      if (v[name]) faults.add(name, `needs MX_SSO_API_KEY and ${clientName}`);
    }
    if (version === "v3" && !faults.has("MX_"))
      faults.add("MX_SSO_VERSION", `=v3 needs MX_SSO_API_KEY and ${clientName}`);
    return undefined;
  }
  reportHalf(given, clientName, "MX_SSO_API_KEY");
  if (!client || !apiKey) return undefined;
  const baseUrl = toBaseUrl(given, "MX_SSO_BASE_URL", version === "v2" ? "sso" : "ssoV3");
  if (version === "v2") return { version, baseUrl, apiKey, clientGuid: client };
  for (const name of ["MX_SSO_BASE_URL", "MX_MDX_BASE_URL"] as const) {
    if (v[name]?.pathname.split("/").includes(client))
      faults.add(name, "must not have the client id in its path: MX_SSO_CLIENT_ID is added to it");
  }
  const mdxUrl = toBaseUrl(given, "MX_MDX_BASE_URL", "mdx");
  /** That one key serves both is assumption A21 (docs/assumptions.md). */
  const mdx = { baseUrl: mdxUrl, apiKey: v.MX_MDX_API_KEY ?? apiKey };
  return { version, baseUrl, apiKey, clientId: client, mdx };
}

/** How a version names the client, and which variables belong to it alone. */
const SSO_VERSIONS = {
  v2: { version: "v2", clientName: "MX_SSO_CLIENT_GUID", own: ["MX_SSO_CLIENT_GUID"] },
  v3: {
    version: "v3",
    clientName: "MX_SSO_CLIENT_ID",
    own: ["MX_SSO_CLIENT_ID", "MX_MDX_API_KEY", "MX_MDX_BASE_URL"],
  },
} as const;

/**
 * Sources: MX Platform API, Environments; MX SSO API v2, Accessing the API; MX SSO API v3, Requirements; MX MDX Real Time.
 */
const BASE_URLS = {
  integration: {
    platform: "https://int-api.mx.com",
    sso: "https://int-api2.moneydesktop.com",
    ssoV3: "https://int-sso.moneydesktop.com",
    mdx: "https://int-live.moneydesktop.com",
  },
  production: {
    platform: "https://api.mx.com",
    sso: "https://api2.moneydesktop.com",
    ssoV3: "https://sso.moneydesktop.com",
    mdx: "https://live.moneydesktop.com",
  },
} as const;

/** MX's address, or another. Production keys belong to production alone. */
function toBaseUrl(
  { v, faults }: Given,
  name: "MX_PLATFORM_BASE_URL" | "MX_SSO_BASE_URL" | "MX_MDX_BASE_URL",
  api: keyof typeof BASE_URLS.production,
): URL {
  const url = v[name] ?? new URL(BASE_URLS[v.MX_ENVIRONMENT][api]);
  if (v.MX_ENVIRONMENT === "production" && (isLoopback(url.hostname) || /^int-/.test(url.hostname)))
    faults.add(name, "is not a production address, but MX_ENVIRONMENT is production");
  return url;
}

/** The domain's rule, without the lookup itself. */
export type MemberConfig = Exclude<CredentialRule, { source: "lookup" }> | { source: "lookup" };

export function toMember({ v, faults }: Given, sso: SsoConfig | undefined): MemberConfig {
  if (faults.has("MX_SSO_")) return { source: "none" }; // What else is wrong depends on it.
  const source = v.MEMBER_CREDENTIALS;
  if (!sso && source !== "none")
    faults.add(
      "MEMBER_CREDENTIALS",
      "has no effect without the SSO API; set MX_SSO_API_KEY and its client, or set this to none",
    );
  if (sso?.version === "v2" && source === "none")
    faults.add(
      "MEMBER_CREDENTIALS",
      "must be claim, derived or lookup: the SSO API v2 creates a Member for each user",
    );
  for (const name of CREDENTIAL_VARIABLES[source])
    if (!v[name]) faults.add(name, `is missing: MEMBER_CREDENTIALS=${source} needs it`);
  const { MEMBER_USERKEY_CLAIM: claim, MEMBER_USERKEY_SECRET: secret } = v;
  if (source === "claim" && claim) return { source, claim, expires: v.MEMBER_USERKEY_EXPIRES };
  if (source === "derived" && secret) return { source, secret };
  return { source: source === "lookup" ? source : "none" };
}

const CREDENTIAL_VARIABLES = {
  none: [],
  claim: ["MEMBER_USERKEY_CLAIM"],
  derived: ["MEMBER_USERKEY_SECRET"],
  lookup: ["MEMBER_LOOKUP_URL", "MEMBER_LOOKUP_TOKEN"],
} as const;

/** Of what a request may take at most. */
const MAX_PROFILE_MS = 2000;

export function toProfile(given: Given, lookup: LookupConfig | undefined) {
  const { v, faults } = given;
  if (v.PROFILE_SOURCE === "userinfo") checkUserinfo(given);
  if (v.PROFILE_SOURCE === "lookup" && !lookup && !faults.has("MEMBER_LOOKUP_"))
    faults.add("PROFILE_SOURCE", "lookup needs MEMBER_LOOKUP_URL and MEMBER_LOOKUP_TOKEN");
  return {
    rule: { fields: v.PROFILE_FIELDS, claims: v.PROFILE_CLAIMS },
    source: v.PROFILE_SOURCE,
    /** Where the userinfo endpoint may be over plain http. */
    httpHosts: v.ALLOW_HTTP_HOSTS,
    /** For all calls about one user's profile. */
    timeoutMs: Math.min(MAX_PROFILE_MS, Math.floor(v.REQUEST_DEADLINE / 3)),
  };
}

/** The endpoint is found by discovery, wherever the keys come from. */
function checkUserinfo({ v, faults }: Given): void {
  const [issuer = ""] = v.AUTH_ISSUER ?? [];
  const problem = URL.canParse(issuer)
    ? findUpstreamProblem(new URL(issuer), v.ALLOW_HTTP_HOSTS)
    : "must be an https URL";
  if (problem && !faults.has("AUTH_ISSUER"))
    faults.add("PROFILE_SOURCE", `userinfo needs an issuer with discovery: AUTH_ISSUER ${problem}`);
  if (!v.AUTH_JWT && !v.AUTH_INTROSPECTION_URL)
    faults.add(
      "PROFILE_SOURCE",
      "userinfo needs the user's access token, but no configured login has one: leave it out, or configure JWTs or introspection",
    );
}

export function toMemberIds({ v, faults }: Given, sso: SsoConfig | undefined): MemberIdRule {
  const { MEMBER_ID_TEMPLATE: template, MEMBER_ID_CLAIM: claim } = v;
  const isOwnTemplate = template !== DEFAULT_TEMPLATE;
  if (claim && isOwnTemplate)
    faults.add("MEMBER_ID_CLAIM", "and MEMBER_ID_TEMPLATE cannot be set together");
  for (const [name, isSet] of [
    ["MEMBER_ID_TEMPLATE", isOwnTemplate],
    ["MEMBER_ID_CLAIM", claim],
  ] as const)
    if (isSet && !sso && !faults.has("MX_SSO_"))
      faults.add(name, "has no effect without the SSO API, because only the SSO API has Members");
  if (claim) return { source: "claim", claim };
  return { source: v.MEMBER_CREDENTIALS === "lookup" ? "lookup" : "template", template };
}

/** The partner's own endpoint, for Member credentials and profiles. */
export type LookupConfig = Readonly<{
  url: URL;
  token: Secret;
  clientCertificate: CertificateConfig | undefined;
}>;

export function toLookup(given: Given): LookupConfig | undefined {
  const { MEMBER_LOOKUP_URL: url, MEMBER_LOOKUP_TOKEN: token } = given.v;
  const clientCertificate = toCertificate("MEMBER_LOOKUP_CLIENT", given);
  return url && token && { url, token, clientCertificate };
}
