/** How a call to MX shows whose it is, and which version of the API it means. */

import type { Secret } from "../secret.ts";
import type { PlatformVersion } from "./platform.ts";

/** Source: MX Platform API, Authentication and Versioning. Since 12 August 2026 every call names its version. */
export function toPlatformHeaders(config: {
  clientId: string;
  apiKey: Secret;
  version: PlatformVersion;
}): Record<string, string> {
  const { clientId, apiKey, version } = config;
  const basic = Buffer.from(`${clientId}:${apiKey.reveal()}`).toString("base64");
  return {
    authorization: `Basic ${basic}`,
    accept: version === "v20111101" ? "application/vnd.mx.api.v1+json" : "application/json",
    "accept-version": version,
  };
}

/** The key has to stand in the query; it must arrive byte for byte. Source: MX SSO API v2, Accessing the API. */
export function toSsoQuery({ apiKey, clientGuid }: { apiKey: Secret; clientGuid: string }): string {
  return `k=${encodeURIComponent(apiKey.reveal())}&c=${encodeURIComponent(clientGuid)}`;
}
