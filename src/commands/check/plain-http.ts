/** Which secrets travel in clear, because ALLOW_HTTP_HOSTS lets them. */

import type { AuthConfig, Config, TenantConfig } from "../../config/types.ts";
import { isLoopback } from "../../upstream/upstream-url.ts";
import type { Finding, Party } from "./finding.ts";

type Way = { party: Party; url: URL | undefined; travels: string; tenant?: string };

export function warnOfPlainHttp({ tenants, logins }: Config): Finding[] {
  const ways: Way[] = [
    ...tenants.flatMap((tenant) => toWays(tenant, logins.jwt)),
    {
      party: "introspection",
      url: logins.introspection?.url,
      travels: "AUTH_INTROSPECTION_CLIENT_SECRET and users' tokens",
    },
    { party: "session_check", url: logins.sessionCheck?.url, travels: "users' sessions" },
  ];
  return ways.flatMap((way) => (isInClear(way.url) ? toFinding(way, way.url) : []));
}

function toWays({ name: tenant, auth, lookup }: TenantConfig, takesJwts: boolean): Way[] {
  const urls = takesJwts ? toKeyUrls(auth) : [];
  const travels = "the keys that verify logins. Anyone who can change them can log in as any user";
  return [
    ...urls.map((url) => ({ party: "issuer" as const, url, travels, tenant })),
    {
      party: "credential_lookup",
      url: lookup?.url,
      travels: "MEMBER_LOOKUP_TOKEN and Members' credentials",
      tenant,
    },
  ];
}

function toKeyUrls({ keys, issuers }: AuthConfig): URL[] {
  if (keys.kind === "url") return [keys.url];
  if (keys.kind === "file") return [];
  return issuers.flatMap((issuer) => (URL.canParse(issuer) ? new URL(issuer) : []));
}

function isInClear(url: URL | undefined): url is URL {
  return url?.protocol === "http:" && !isLoopback(url.hostname);
}

function toFinding({ party, travels, tenant }: Way, url: URL): Finding {
  return {
    party,
    target: url.host,
    ...(tenant !== undefined && { tenant }),
    verdict: "plain_http",
    message: `${url.host} is called over plain http. These are sent unencrypted: ${travels}.`,
    next: "Use https, or make sure that the network encrypts the traffic, as a service mesh does.",
  };
}
