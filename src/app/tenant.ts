/**
 * One tenant's configuration -> the rules and the way to MX that arrive with a principal.
 *
 * Nothing here is shared between tenants: pools, bulkheads, breakers and retry budgets are made anew for each.
 */

import type {
  MemberConfig,
  MxConfig,
  PlatformConfig,
  SsoConfig,
  TenantConfig,
} from "../config/types.ts";
import { createSend, type Send, type SendOptions } from "../mx/client.ts";
import { createCredentialLookup } from "../mx/credential-lookup.ts";
import { toPlatformHeaders, toSsoQuery } from "../mx/credentials.ts";
import { classifyPlatform, classifySsoV2 } from "../mx/outcome.ts";
import { createPlatform } from "../mx/platform.ts";
import { type BulkheadOptions, withBulkhead } from "../mx/policies/bulkhead.ts";
import { withCircuitBreaker } from "../mx/policies/circuit-breaker.ts";
import { type Api, type MxObserver, NO_OBSERVER, withObserver } from "../mx/policies/instrument.ts";
import { withRetry } from "../mx/policies/retry.ts";
import { serializeWrites } from "../mx/policies/serialize-writes.ts";
import { withSpans } from "../mx/policies/spans.ts";
import type { UrlRule } from "../mx/response-guards.ts";
import { createSsoDirectory } from "../mx/sso-v2.ts";
import { type CredentialRule, findCredentials } from "../session/credentials.ts";
import type { MxApis, Platform, SsoDirectory, Tenant } from "../session/types.ts";
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
  observe?: (api: Api) => MxObserver;
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
  const openSend: OpenSend = (api, baseUrl, options) => {
    const exchange = connect(baseUrl, mx.connections);
    const basePath = baseUrl.pathname.replace(/\/$/, "");
    const send = createSend({ exchange, basePath, ...options });
    const traced = tracing ? withSpans(send, { tenant: config.name, baseUrl }, tracing) : send;
    return protect(traced, mx, instruments.observe?.(api) ?? NO_OBSERVER);
  };
  return {
    name: config.name,
    toUserId: (principal) => toUserId(config.userId, principal),
    findCredentials: (identity, budget) => findCredentials(credentials, identity, budget),
    parseWidgetRequest: createWidgetRequestParser(config.widgets),
    corsOrigins: config.corsOrigins,
    allowCallbackPayload: config.allowCallbackPayload,
    mx: toMxApis(mx, openSend),
  };
}

type OpenSend = (
  api: Api,
  baseUrl: URL,
  options: Pick<SendOptions, "headers" | "query" | "classify">,
) => Send;

function toMxApis(mx: MxConfig, openSend: OpenSend): MxApis {
  const { urlOrigins } = mx;
  const platform = mx.platform && toPlatform(mx.platform, urlOrigins, openSend);
  const directory = mx.sso && toDirectory(mx.sso, urlOrigins, openSend);
  if (platform && directory) return { kind: "both", platform, directory };
  if (platform) return { kind: "platform", platform };
  if (directory) return { kind: "sso", directory };
  throw new Error("neither of MX's APIs is configured"); // config.ts does not let this happen.
}

function toPlatform(
  config: PlatformConfig,
  urlOrigins: readonly string[],
  openSend: OpenSend,
): Platform {
  const { baseUrl, version } = config;
  const send = openSend("platform", baseUrl, {
    headers: toPlatformHeaders(config),
    query: "",
    classify: classifyPlatform,
  });
  return createPlatform(send, { version, urlRule: toUrlRule(baseUrl, urlOrigins) });
}

function toDirectory(
  config: SsoConfig,
  urlOrigins: readonly string[],
  openSend: OpenSend,
): SsoDirectory {
  const { baseUrl } = config;
  const send = openSend("sso", baseUrl, {
    headers: { accept: "application/json" },
    query: toSsoQuery(config),
    classify: classifySsoV2,
  });
  return createSsoDirectory(send, { urlRule: toUrlRule(baseUrl, urlOrigins) });
}

/** From the inside out: what one call may do to MX, and MX to us. */
function protect(send: Send, limits: BulkheadOptions, observer: MxObserver): Send {
  const { onRetry, onRetryRefused, onNotSent, watchBreaker, watchBulkhead } = observer;
  const observed = withObserver(send, observer);
  const gated = withBulkhead(observed, { ...limits, onNotSent, watch: watchBulkhead });
  const guarded = withCircuitBreaker(gated, { onNotSent, watch: watchBreaker });
  return serializeWrites(withRetry(guarded, { onRetry, onRetryRefused }));
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
