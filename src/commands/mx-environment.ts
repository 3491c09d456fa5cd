/** Where a tool may make and delete users: MX's integration environment, or a simulator on this machine. */

import type { Config } from "../config/load.ts";
import { isLoopback } from "../upstream/upstream-url.ts";

/** Sources: MX Platform API, Environments; MX SSO API v2 and v3, Accessing the API; MX MDX, Environments. */
const INTEGRATION_HOSTS = new Set([
  "int-api.mx.com",
  "int-api2.moneydesktop.com",
  "int-sso.moneydesktop.com",
  "int-live.moneydesktop.com",
]);

/** The first base URL of any tenant that leads elsewhere, by its host. */
export function findOtherHost({ tenants }: Pick<Config, "tenants">): string | undefined {
  return tenants
    .flatMap(({ mx: { platform, sso } }) => [
      platform,
      sso,
      sso?.version === "v3" ? sso.mdx : undefined,
    ])
    .flatMap((api) => (api ? api.baseUrl.hostname : []))
    .find((hostname) => !isIntegrationHost(hostname));
}

export function isIntegrationHost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  return INTEGRATION_HOSTS.has(name) || isLoopback(name);
}
