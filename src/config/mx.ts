/**
 * One tenant's variables -> its way to MX: which of MX's APIs, with which keys, and where Member credentials come from.
 */

import { isLoopback } from "../upstream/upstream-url.ts";
import type { Faults } from "./faults.ts";
import type { MemberConfig, PlatformConfig, SsoConfig } from "./types.ts";
import type { Variables } from "./variables.ts";

export function toPlatform(v: Variables, faults: Faults): PlatformConfig | undefined {
  const { MX_PLATFORM_CLIENT_ID: clientId, MX_PLATFORM_API_KEY: apiKey } = v;
  if (!clientId && !apiKey) {
    if (v.MX_PLATFORM_BASE_URL)
      faults.add("MX_PLATFORM_BASE_URL", "needs MX_PLATFORM_CLIENT_ID and MX_PLATFORM_API_KEY");
    return undefined;
  }
  if (!clientId) faults.add("MX_PLATFORM_CLIENT_ID", "is missing beside MX_PLATFORM_API_KEY");
  if (!apiKey) faults.add("MX_PLATFORM_API_KEY", "is missing beside MX_PLATFORM_CLIENT_ID");
  if (!clientId || !apiKey) return undefined;
  const baseUrl = v.MX_PLATFORM_BASE_URL ?? new URL(BASE_URLS[v.MX_ENVIRONMENT].platform);
  checkEnvironment(v, "MX_PLATFORM_BASE_URL", faults);
  return { baseUrl, clientId, apiKey, version: v.MX_PLATFORM_VERSION };
}

export function toSso(v: Variables, faults: Faults): SsoConfig | undefined {
  const { MX_SSO_CLIENT_GUID: clientGuid, MX_SSO_API_KEY: apiKey } = v;
  if (!clientGuid && !apiKey) {
    if (v.MX_SSO_BASE_URL)
      faults.add("MX_SSO_BASE_URL", "needs MX_SSO_API_KEY and MX_SSO_CLIENT_GUID");
    return undefined;
  }
  if (!clientGuid) faults.add("MX_SSO_CLIENT_GUID", "is missing beside MX_SSO_API_KEY");
  if (!apiKey) faults.add("MX_SSO_API_KEY", "is missing beside MX_SSO_CLIENT_GUID");
  if (!clientGuid || !apiKey) return undefined;
  const baseUrl = v.MX_SSO_BASE_URL ?? new URL(BASE_URLS[v.MX_ENVIRONMENT].sso);
  checkEnvironment(v, "MX_SSO_BASE_URL", faults);
  return { baseUrl, apiKey, clientGuid };
}

/** Sources: MX Platform API, Environments; MX SSO API v2, Accessing the API. */
const BASE_URLS = {
  integration: { platform: "https://int-api.mx.com", sso: "https://int-api2.moneydesktop.com" },
  production: { platform: "https://api.mx.com", sso: "https://api2.moneydesktop.com" },
} as const;

export function toMember(v: Variables, sso: SsoConfig | undefined, faults: Faults): MemberConfig {
  const source = v.MEMBER_CREDENTIALS;
  const need = (variable: keyof Variables) => {
    if (!v[variable]) faults.add(variable, `is missing: MEMBER_CREDENTIALS=${source} needs it`);
  };
  if (!sso && source !== "none") {
    faults.add(
      "MEMBER_CREDENTIALS",
      "has no use without the SSO API; set MX_SSO_API_KEY and MX_SSO_CLIENT_GUID, or none",
    );
  }
  switch (source) {
    case "none":
      if (sso)
        faults.add(
          "MEMBER_CREDENTIALS",
          "must be claim, derived or lookup: the SSO API makes a Member for each user",
        );
      break;
    case "claim": {
      const { MEMBER_USERKEY_CLAIM: claim, MEMBER_USERKEY_EXPIRES: expires } = v;
      if (claim) return { source, claim, expires };
      need("MEMBER_USERKEY_CLAIM");
      break;
    }
    case "derived":
      if (v.MEMBER_USERKEY_SECRET) return { source, secret: v.MEMBER_USERKEY_SECRET };
      need("MEMBER_USERKEY_SECRET");
      break;
    case "lookup": {
      need("MEMBER_LOOKUP_URL");
      need("MEMBER_LOOKUP_TOKEN");
      return { source };
    }
  }
  return { source: "none" };
}

/** Production keys belong to production alone. */
function checkEnvironment(
  v: Variables,
  name: "MX_PLATFORM_BASE_URL" | "MX_SSO_BASE_URL",
  faults: Faults,
): void {
  const host = v[name]?.hostname;
  if (v.MX_ENVIRONMENT !== "production" || host === undefined) return;
  if (isLoopback(host) || /^int-/.test(host))
    faults.add(name, "is not production's, but MX_ENVIRONMENT is production");
}
