/** What an operator would put into `.env`, for the simulator and the demo's own login. */

import { randomBytes } from "node:crypto";
import type { IdentityProvider } from "../packages/simulator/src/identity-provider.ts";
import type { Simulator } from "../packages/simulator/src/simulator.ts";
import type { Environment } from "../src/config/variables.ts";

/** Which of MX's APIs the service uses, and what they are called. */
export const APIS = {
  platform: "Platform API",
  sso: "SSO API v2",
  both: "SSO API v2 and Platform API",
  v3: "SSO API v3 and MDX Real Time",
} as const;

export type Apis = keyof typeof APIS;

export function isApis(value: string): value is Apis {
  return Object.hasOwn(APIS, value);
}

export type DemoSetup = {
  issuer: IdentityProvider;
  ports: { service: number; operations: number };
  pageUrl: string;
};

/** Without the keys of MX. */
export function toServiceEnvironment({ issuer, ports, pageUrl }: DemoSetup): Environment {
  return {
    HOST: "127.0.0.1",
    PORT: String(ports.service),
    OPERATIONS_PORT: String(ports.operations),
    CORS_ORIGINS: pageUrl,
    CLIENT_REDIRECT_URLS: `examplebank://oauth,${pageUrl}/done.html`, // The first is that of the examples in the page's form.
    HOSTED_NAME: "Example Bank",
    WEBVIEW_SCHEMES: "mx,examplebank",
    DRAIN_DELAY: "0s",
    AUTH_ISSUER: issuer.issuer,
    AUTH_AUDIENCE: "mx-session-bff",
  };
}

/** The keys of the simulator. */
export function toSimulatedEnvironment(apis: Apis, simulator: Simulator): Environment {
  const { clientId, apiKey } = simulator.credentials;
  return {
    ...((apis === "platform" || apis === "both") && {
      MX_PLATFORM_BASE_URL: simulator.platformUrl,
      MX_PLATFORM_CLIENT_ID: clientId,
      MX_PLATFORM_API_KEY: apiKey,
    }),
    ...((apis === "sso" || apis === "both") && toSsoV2(simulator)),
    ...(apis === "v3" && toSsoV3(simulator)),
    WIDGET_URL_ORIGINS: simulator.widgetUrl,
  };
}

function toSsoV2({ ssoUrl, credentials }: Simulator): Environment {
  return {
    MX_SSO_BASE_URL: ssoUrl,
    MX_SSO_API_KEY: credentials.ssoKey,
    MX_SSO_CLIENT_GUID: credentials.clientGuid,
    MEMBER_CREDENTIALS: "derived",
    MEMBER_USERKEY_SECRET: randomBytes(32).toString("base64"),
  };
}

function toSsoV3({ ssoV3Url, mdxUrl, credentials }: Simulator): Environment {
  return {
    MX_SSO_VERSION: "v3",
    MX_SSO_BASE_URL: ssoV3Url,
    MX_SSO_API_KEY: credentials.mdApiKey,
    MX_SSO_CLIENT_ID: credentials.vendorClientId,
    MX_MDX_BASE_URL: mdxUrl,
  };
}
