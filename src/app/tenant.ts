/**
 * One tenant's configuration -> the rules and the way to MX that arrive with a principal.
 *
 * Nothing here is shared between tenants: each has its own pools, bulkheads, breakers and retry budgets.
 */

import type { MemberConfig } from "../config/mx.ts";
import type { MxConfig, TenantConfig } from "../config/tenant.ts";
import type { ApiName, MxApi, Send } from "../mx/call.ts";
import { createMxClient } from "../mx/client.ts";
import { createPartnerLookup, type PartnerLookup } from "../mx/credential-lookup.ts";
import { createMdxMembers, createMdxUsers, withMdxUsers, withSsoV3Urls } from "../mx/mdx.ts";
import { createPlatform, toPlatformApi } from "../mx/platform.ts";
import type { MxObserver } from "../mx/policies/instrument.ts";
import { createSsoDirectory, toSsoApi } from "../mx/sso-v2.ts";
import { createSsoV3Urls, toClientApi } from "../mx/sso-v3.ts";
import type { UrlRule } from "../mx/widget-url.ts";
import { type CredentialRule, createMemberIds, findCredentials } from "../session/member.ts";
import { findProfile, type ProfileSource } from "../session/profile.ts";
import type { MxApis, Principal, Tenant } from "../session/types.ts";
import { toUserId } from "../session/user-id.ts";
import { createWidgetRequestParser } from "../session/widget-policy.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { withExchangeSpan } from "../upstream/spans.ts";
import { isLoopback } from "../upstream/upstream-url.ts";
import type { Connect, FindUserinfo } from "./connections.ts";

/** Observers, and what tenants share. Default: none. */
export type Instruments = {
  /** The issuer's userinfo endpoint. */
  userinfo?: FindUserinfo;
  observe?: (api: ApiName) => Partial<MxObserver>;
  tracing?: Tracing | undefined;
};

export function createTenant(
  config: TenantConfig,
  connect: Connect,
  instruments: Instruments = {},
): Tenant {
  const { tracing } = instruments;
  const { mx } = config;
  const lookup = openLookup(config, connect, tracing);
  const credentials = toCredentialRule(config.member, lookup);
  const profile = { ...config.profile, source: toProfileSource(config, lookup, instruments) };
  const open = (api: MxApi) =>
    createMxClient(api, {
      exchange: connect(api.baseUrl, mx.connections, mx.clientCertificate),
      connections: mx.connections,
      maxWaiting: mx.maxWaiting,
      observer: instruments.observe?.(api.name) ?? {},
      tenant: config.name,
      tracing,
    });
  return {
    name: config.name,
    toUserId: toUserId.bind(undefined, config.userId),
    memberIds: createMemberIds(config.memberIds),
    findProfile: findProfile.bind(undefined, profile),
    findCredentials: findCredentials.bind(undefined, credentials),
    parseWidgetRequest: createWidgetRequestParser(config.widgets),
    corsOrigins: config.corsOrigins,
    allowCallbackPayload: config.allowCallbackPayload,
    mx: toMxApis(mx, config.member, open),
  };
}

function toMxApis(mx: MxConfig, member: MemberConfig, open: (api: MxApi) => Send): MxApis {
  const { sso } = mx;
  const urlRule = (baseUrl: URL): UrlRule => ({
    allowHttp: baseUrl.protocol === "http:" && isLoopback(baseUrl.hostname),
    origins: mx.urlOrigins,
  });
  const platform =
    mx.platform &&
    createPlatform(open(toPlatformApi(mx.platform)), {
      version: mx.platform.version,
      urlRule: urlRule(mx.platform.baseUrl),
    });
  if (sso?.version === "v3") {
    /** MDX makes the users. The URLs come from the Platform API where there is one, and else from the SSO API v3. */
    const mdx = open(toClientApi("mdx", { ...sso.mdx, clientId: sso.clientId }));
    const users = createMdxUsers(mdx);
    const urls = () =>
      createSsoV3Urls(open(toClientApi("sso_v3", sso)), { urlRule: urlRule(sso.baseUrl) });
    const composed =
      platform && mx.platform
        ? withMdxUsers(platform, users, mx.platform.version)
        : withSsoV3Urls(urls(), users);
    if (member.source === "none") return { kind: "platform", platform: composed };
    return { kind: "mdx", platform: composed, members: createMdxMembers(mdx) };
  }
  const directory =
    sso && createSsoDirectory(open(toSsoApi(sso)), { urlRule: urlRule(sso.baseUrl) });
  if (platform && directory) return { kind: "both", platform, directory };
  if (platform) return { kind: "platform", platform };
  if (directory) return { kind: "sso", directory };
  throw new Error("none of MX's APIs is configured"); // The configuration does not let this happen.
}

function openLookup(
  { lookup, member, profile, mx }: TenantConfig,
  connect: Connect,
  tracing: Tracing | undefined,
): PartnerLookup | undefined {
  const isUsed = member.source === "lookup" || profile.source === "lookup";
  if (!lookup || !isUsed) return undefined;
  const { url, token, clientCertificate } = lookup;
  const exchange = connect(url, mx.connections, clientCertificate);
  const traced = withExchangeSpan(exchange, "POST credential lookup", tracing);
  return createPartnerLookup({ exchange: traced, url, token });
}

function toCredentialRule(member: MemberConfig, lookup: PartnerLookup | undefined): CredentialRule {
  if (member.source !== "lookup") return member;
  if (!lookup) throw new Error("the lookup is not configured"); // The configuration does not let this happen.
  return { source: "lookup", lookup: lookup.findCredentials };
}

function toProfileSource(
  { auth, profile }: TenantConfig,
  lookup: PartnerLookup | undefined,
  { userinfo }: Instruments,
): ProfileSource {
  if (profile.source === "userinfo" && userinfo) {
    const { issuers, clientCertificate } = auth;
    /** The one that has made the caller's token. */
    const nameOf = ({ claims }: Principal) =>
      issuers.find((name) => name === claims.iss) ?? issuers[0];
    return {
      kind: "userinfo",
      read: (principal, timeoutMs) =>
        userinfo(nameOf(principal), profile.httpHosts, clientCertificate).read(
          principal,
          timeoutMs,
        ),
    };
  }
  if (profile.source === "lookup" && lookup) return { kind: "lookup", read: lookup.findProfile };
  return { kind: "claims" };
}
