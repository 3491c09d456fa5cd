/**
 * One tenant's configuration -> the rules and the way to MX that arrive with a principal.
 *
 * Nothing here is shared between tenants: pools, gates, breakers and retry budgets are made anew for each.
 */

import type { TenantConfig } from "./config.ts";
import { isLoopback } from "./config-variables.ts";
import type { Exchange } from "./exchange.ts";
import type { UrlRule } from "./mx/answers.ts";
import { withCircuitBreaker } from "./mx/circuit-breaker.ts";
import { type GateOptions, withGate } from "./mx/gate.ts";
import { classifyPlatform, classifySsoV2 } from "./mx/outcome.ts";
import { createPlatform } from "./mx/platform.ts";
import { withRetry } from "./mx/retry.ts";
import { createSend, type Send, type SendOptions } from "./mx/send.ts";
import { createSsoDirectory } from "./mx/sso-v2.ts";
import { withWritesInOrder } from "./mx/writes-in-order.ts";
import type { MemberConfig, MxConfig, PlatformConfig, SsoConfig } from "./mx-config.ts";
import { createCredentialLookup } from "./partner/credential-lookup.ts";
import { type CredentialRule, findCredentials } from "./session/credentials.ts";
import type { MxApis, Platform, SsoDirectory, Tenant } from "./session/types.ts";
import { toUserId } from "./session/user-id.ts";
import { createWidgetRequestParser } from "./session/widget-policy.ts";

/** Opens a pool of connections to an upstream; whoever gives it closes it. */
export type Connect = (url: URL, connections: number) => Exchange;

export function createTenant(config: TenantConfig, connect: Connect): Tenant {
  const credentials = toCredentialRule(config.member, config.mx.connections, connect);
  const { widgets, mx } = config;
  return {
    name: config.name,
    toUserId: (principal) => toUserId(config.userId, principal),
    findCredentials: (identity, budget) => findCredentials(credentials, identity, budget),
    parseWidgetRequest: createWidgetRequestParser({
      source: mx.platform?.version ?? "sso",
      widgetTypes: widgets.types,
      defaults: widgets.defaults,
      forced: widgets.forced,
      clientRedirectUrls: widgets.clientRedirectUrls,
      webviewSchemes: widgets.webviewSchemes,
    }),
    corsOrigins: config.corsOrigins,
    allowCallbackPayload: config.allowCallbackPayload,
    mx: toMxApis(mx, widgets.urlOrigins, connect),
  };
}

function toMxApis(mx: MxConfig, urlOrigins: readonly string[], connect: Connect): MxApis {
  const platform = mx.platform && toPlatform(mx.platform, mx, urlOrigins, connect);
  const directory = mx.sso && toDirectory(mx.sso, mx, urlOrigins, connect);
  if (platform && directory) return { kind: "both", platform, directory };
  if (platform) return { kind: "platform", platform };
  if (directory) return { kind: "sso", directory };
  throw new Error("neither of MX's APIs is configured"); // config.ts does not let this happen.
}

/** Source: MX Platform API, Authentication and Versioning. Since 12 August 2026 every call names its version. */
function toPlatform(
  config: PlatformConfig,
  limits: GateOptions,
  urlOrigins: readonly string[],
  connect: Connect,
): Platform {
  const { baseUrl, clientId, apiKey, version } = config;
  const basic = Buffer.from(`${clientId}:${apiKey.reveal()}`).toString("base64");
  const send = createMxSend(baseUrl, limits, connect, {
    headers: {
      authorization: `Basic ${basic}`,
      accept: version === "v20111101" ? "application/vnd.mx.api.v1+json" : "application/json",
      "accept-version": version,
    },
    query: "",
    classify: classifyPlatform,
  });
  return createPlatform(send, { version, urlRule: toUrlRule(baseUrl, urlOrigins) });
}

/** The key has to stand in the query; it must arrive byte for byte. Source: MX SSO API v2, Accessing the API. */
function toDirectory(
  config: SsoConfig,
  limits: GateOptions,
  urlOrigins: readonly string[],
  connect: Connect,
): SsoDirectory {
  const { baseUrl, apiKey, clientGuid } = config;
  const send = createMxSend(baseUrl, limits, connect, {
    headers: { accept: "application/json" },
    query: `k=${encodeURIComponent(apiKey.reveal())}&c=${encodeURIComponent(clientGuid)}`,
    classify: classifySsoV2,
  });
  return createSsoDirectory(send, { urlRule: toUrlRule(baseUrl, urlOrigins) });
}

function createMxSend(
  baseUrl: URL,
  limits: GateOptions,
  connect: Connect,
  options: Pick<SendOptions, "headers" | "query" | "classify">,
): Send {
  const exchange = connect(baseUrl, limits.connections);
  const basePath = baseUrl.pathname.replace(/\/$/, "");
  const send = createSend({ exchange, basePath, ...options });
  return withWritesInOrder(withRetry(withCircuitBreaker(withGate(send, limits))));
}

function toUrlRule(baseUrl: URL, origins: readonly string[]): UrlRule {
  return { allowHttp: baseUrl.protocol === "http:" && isLoopback(baseUrl.hostname), origins };
}

function toCredentialRule(
  member: MemberConfig,
  connections: number,
  connect: Connect,
): CredentialRule {
  if (member.source !== "lookup") return member;
  const { url, token } = member;
  return {
    source: "lookup",
    lookup: createCredentialLookup({ exchange: connect(url, connections), url, token }),
  };
}
