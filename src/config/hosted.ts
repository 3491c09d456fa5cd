/** The page for phones: one for the whole deployment, as it cannot know whose user has opened it. */

import type { Faults } from "./faults.ts";
import type { HostedConfig, TenantConfig } from "./types.ts";

/** Assumed: the hosts of the URLs in MX's documentation and of its SDK. MX publishes no list. */
const MX_WIDGET_ORIGINS = [
  "https://widgets.moneydesktop.com",
  "https://int-widgets.moneydesktop.com",
];

export function toHosted(
  name: string | undefined,
  tenants: readonly TenantConfig[],
  faults: Faults,
): HostedConfig | undefined {
  if (name === undefined) return undefined;
  const redirects = tenants.flatMap(({ widgets }) => widgets.clientRedirectUrls);
  const frameOrigins = tenants.flatMap(({ mx }) =>
    mx.urlOrigins.length > 0 ? mx.urlOrigins : MX_WIDGET_ORIGINS,
  );
  if (redirects.length === 0 && tenants.length > 0 && !faults.has("CLIENT_REDIRECT_URLS"))
    faults.add(
      "HOSTED_NAME",
      "needs CLIENT_REDIRECT_URLS: the page for phones ends at one of the links listed there",
    );
  return {
    name,
    redirects: [...new Set(redirects)],
    frameOrigins: [...new Set(frameOrigins)],
  };
}
