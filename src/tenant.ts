/**
 * One tenant's configuration -> the rules and the way to MX that arrive with a principal.
 */

import type { MemberConfig, MxConfig, PlatformConfig, SsoConfig, TenantConfig } from "./config.ts";
import { isLoopback } from "./config-variables.ts";
import { createExchange, type Exchange } from "./exchange.ts";
import type { UrlRule } from "./mx/answers.ts";
import { classifyPlatform, classifySsoV2 } from "./mx/outcome.ts";
import { createPlatform } from "./mx/platform.ts";
import { withRetry } from "./mx/retry.ts";
import { createSend, type Send, type SendOptions } from "./mx/send.ts";
import { createSsoDirectory } from "./mx/sso-v2.ts";
import { createCredentialLookup } from "./partner/credential-lookup.ts";
import { type CredentialRule, findCredentials } from "./session/credentials.ts";
import type { MxApis, Platform, SsoDirectory, Tenant } from "./session/types.ts";
import { toUserId } from "./session/user-id.ts";
import { createWidgetRequestParser } from "./session/widget-policy.ts";
import { withPlatformWritesInOrder, withSsoWritesInOrder } from "./session/writes-in-order.ts";

/** What the tenant needs to have closed at the end is given to `parts`. */
export function createTenant(config: TenantConfig, parts: AsyncDisposableStack): Tenant {
  const credentials = toCredentialRule(config.member, config.mx.connections, parts);
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
    mx: toMxApis(mx, widgets.urlOrigins, parts),
  };
}

function toMxApis(
  mx: MxConfig,
  urlOrigins: readonly string[],
  parts: AsyncDisposableStack,
): MxApis {
  const platform = mx.platform && toPlatform(mx.platform, mx.connections, urlOrigins, parts);
  const directory = mx.sso && toDirectory(mx.sso, mx.connections, urlOrigins, parts);
  if (platform && directory) return { kind: "both", platform, directory };
  if (platform) return { kind: "platform", platform };
  if (directory) return { kind: "sso", directory };
  throw new Error("neither of MX's APIs is configured"); // config.ts does not let this happen.
}

/** Source: MX Platform API, Authentication and Versioning. Since 12 August 2026 every call names its version. */
function toPlatform(
  config: PlatformConfig,
  connections: number,
  urlOrigins: readonly string[],
  parts: AsyncDisposableStack,
): Platform {
  const { baseUrl, clientId, apiKey, version } = config;
  const basic = Buffer.from(`${clientId}:${apiKey.reveal()}`).toString("base64");
  const send = createMxSend(baseUrl, connections, parts, {
    headers: {
      authorization: `Basic ${basic}`,
      accept: version === "v20111101" ? "application/vnd.mx.api.v1+json" : "application/json",
      "accept-version": version,
    },
    query: "",
    classify: classifyPlatform,
  });
  return withPlatformWritesInOrder(
    createPlatform(send, { version, urlRule: toUrlRule(baseUrl, urlOrigins) }),
  );
}

/** The key has to stand in the query; it must arrive byte for byte. Source: MX SSO API v2, Accessing the API. */
function toDirectory(
  config: SsoConfig,
  connections: number,
  urlOrigins: readonly string[],
  parts: AsyncDisposableStack,
): SsoDirectory {
  const { baseUrl, apiKey, clientGuid } = config;
  const send = createMxSend(baseUrl, connections, parts, {
    headers: { accept: "application/json" },
    query: `k=${encodeURIComponent(apiKey.reveal())}&c=${encodeURIComponent(clientGuid)}`,
    classify: classifySsoV2,
  });
  return withSsoWritesInOrder(
    createSsoDirectory(send, { urlRule: toUrlRule(baseUrl, urlOrigins) }),
  );
}

function createMxSend(
  baseUrl: URL,
  connections: number,
  parts: AsyncDisposableStack,
  options: Pick<SendOptions, "headers" | "query" | "classify">,
): Send {
  const exchange = toExchange(baseUrl, connections, parts);
  return withRetry(
    createSend({ exchange, basePath: baseUrl.pathname.replace(/\/$/, ""), ...options }),
  );
}

function toExchange(url: URL, connections: number, parts: AsyncDisposableStack): Exchange {
  return parts.use(
    createExchange({ origin: url.origin, connections, maxResponseBytes: 64 * 1024 }),
  );
}

function toUrlRule(baseUrl: URL, origins: readonly string[]): UrlRule {
  return { allowHttp: baseUrl.protocol === "http:" && isLoopback(baseUrl.hostname), origins };
}

function toCredentialRule(
  member: MemberConfig,
  connections: number,
  parts: AsyncDisposableStack,
): CredentialRule {
  if (member.source !== "lookup") return member;
  const { url, token } = member;
  return {
    source: "lookup",
    lookup: createCredentialLookup({ exchange: toExchange(url, connections, parts), url, token }),
  };
}
