/**
 * One tenant's configuration -> the rules and the way to MX that arrive with a principal.
 *
 * Nothing here is shared between tenants: pools, bulkheads, breakers and retry budgets are made anew for each.
 */

import type { MemberConfig, MxConfig, TenantConfig } from "../config/types.ts";
import type { ApiName, MxApi, Send } from "../mx/call.ts";
import { createMxClient } from "../mx/client.ts";
import { createCredentialLookup } from "../mx/credential-lookup.ts";
import { createPlatform, toPlatformApi } from "../mx/platform.ts";
import { type MxObserver, NO_OBSERVER } from "../mx/policies/instrument.ts";
import type { UrlRule } from "../mx/response-guards.ts";
import { createSsoDirectory, toSsoApi } from "../mx/sso-v2.ts";
import { type CredentialRule, findCredentials } from "../session/credentials.ts";
import type { MxApis, Tenant } from "../session/types.ts";
import { toUserId } from "../session/user-id.ts";
import { createWidgetRequestParser } from "../session/widget-policy.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { Exchange } from "../upstream/exchange.ts";
import { withExchangeSpan } from "../upstream/spans.ts";
import { isLoopback } from "../upstream/upstream-url.ts";

/** Opens a pool of connections to an upstream; whoever gives it closes it. */
export type Connect = (url: URL, connections: number) => Exchange;

/** Who watches; nobody by default. */
export type Instruments = {
  observe?: (api: ApiName) => MxObserver;
  tracing?: Tracing | undefined;
};

export function createTenant(
  config: TenantConfig,
  connect: Connect,
  instruments: Instruments = {},
): Tenant {
  const { tracing } = instruments;
  const credentials = toCredentialRule(config.member, config.mx.connections, connect, tracing);
  const { mx } = config;
  const open: OpenClient = (api) =>
    createMxClient(api, {
      exchange: connect(api.baseUrl, mx.connections),
      connections: mx.connections,
      maxWaiting: mx.maxWaiting,
      observer: instruments.observe?.(api.name) ?? NO_OBSERVER,
      tenant: config.name,
      tracing,
    });
  return {
    name: config.name,
    toUserId: (principal) => toUserId(config.userId, principal),
    findCredentials: (identity, context) => findCredentials(credentials, identity, context),
    parseWidgetRequest: createWidgetRequestParser(config.widgets),
    corsOrigins: config.corsOrigins,
    allowCallbackPayload: config.allowCallbackPayload,
    mx: toMxApis(mx, open),
  };
}

type OpenClient = (api: MxApi) => Send;

function toMxApis(mx: MxConfig, open: OpenClient): MxApis {
  const { urlOrigins } = mx;
  const platform =
    mx.platform &&
    createPlatform(open(toPlatformApi(mx.platform)), {
      version: mx.platform.version,
      urlRule: toUrlRule(mx.platform.baseUrl, urlOrigins),
    });
  const directory =
    mx.sso &&
    createSsoDirectory(open(toSsoApi(mx.sso)), { urlRule: toUrlRule(mx.sso.baseUrl, urlOrigins) });
  if (platform && directory) return { kind: "both", platform, directory };
  if (platform) return { kind: "platform", platform };
  if (directory) return { kind: "sso", directory };
  throw new Error("neither of MX's APIs is configured"); // The configuration does not let this happen.
}

function toUrlRule(baseUrl: URL, origins: readonly string[]): UrlRule {
  return { allowHttp: baseUrl.protocol === "http:" && isLoopback(baseUrl.hostname), origins };
}

function toCredentialRule(
  member: MemberConfig,
  connections: number,
  connect: Connect,
  tracing: Tracing | undefined,
): CredentialRule {
  if (member.source !== "lookup") return member;
  const { url, token } = member;
  const exchange = connect(url, connections);
  const traced = tracing ? withExchangeSpan(exchange, "POST credential lookup", tracing) : exchange;
  return {
    source: "lookup",
    lookup: createCredentialLookup({ exchange: traced, url, token }),
  };
}
