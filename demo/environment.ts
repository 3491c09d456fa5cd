/** What an operator would put into `.env`, for the simulator and the demo's own login. */

import { randomBytes } from "node:crypto";
import type { IdentityProvider } from "../packages/simulator/src/identity-provider.ts";
import type { Simulator } from "../packages/simulator/src/simulator.ts";
import type { Environment } from "../src/config/types.ts";

export type Apis = "platform" | "sso" | "both";

export function isApis(value: string): value is Apis {
  return value === "platform" || value === "sso" || value === "both";
}

export type DemoSetup = {
  apis: Apis;
  simulator: Simulator;
  issuer: IdentityProvider;
  ports: { service: number; operations: number };
  pageUrl: string;
};

export function toEnvironment({ apis, simulator, issuer, ports, pageUrl }: DemoSetup): Environment {
  const { clientId, apiKey, ssoKey, clientGuid } = simulator.credentials;
  return {
    HOST: "127.0.0.1",
    PORT: String(ports.service),
    OPERATIONS_PORT: String(ports.operations),
    CORS_ORIGINS: pageUrl,
    CLIENT_REDIRECT_URLS: "examplebank://oauth", // As in the examples of the page's form.
    WEBVIEW_SCHEMES: "mx,examplebank",
    DRAIN_DELAY: "0s",
    AUTH_ISSUER: issuer.issuer,
    AUTH_AUDIENCE: "mx-session-bff",
    ...(apis !== "sso" && {
      MX_PLATFORM_BASE_URL: simulator.platformUrl,
      MX_PLATFORM_CLIENT_ID: clientId,
      MX_PLATFORM_API_KEY: apiKey,
    }),
    ...(apis !== "platform" && {
      MX_SSO_BASE_URL: simulator.ssoUrl,
      MX_SSO_API_KEY: ssoKey,
      MX_SSO_CLIENT_GUID: clientGuid,
      MEMBER_CREDENTIALS: "derived",
      MEMBER_USERKEY_SECRET: randomBytes(32).toString("base64"),
    }),
  };
}
