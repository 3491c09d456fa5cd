/** The service's configuration for a bench: that of production, with every limit on and none in the way. */

import type { TokenIssuer } from "../test/load/tokens.ts";

export type BenchEnvironment = {
  issuer: TokenIssuer & { jwksUrl: string };
  /** Base URL of the stub. */
  mxUrl: string;
  apis: readonly ("platform" | "sso")[];
};

export function toEnvironment({ issuer, mxUrl, apis }: BenchEnvironment): Record<string, string> {
  return {
    HOST: "127.0.0.1",
    PORT: "0",
    OPERATIONS_PORT: "0",
    DRAIN_DELAY: "0s",
    AUTH_ISSUER: issuer.issuer,
    AUTH_AUDIENCE: issuer.audience,
    AUTH_JWKS_URL: issuer.jwksUrl,
    ...(apis.includes("platform") && {
      MX_PLATFORM_BASE_URL: mxUrl,
      MX_PLATFORM_CLIENT_ID: "bench",
      MX_PLATFORM_API_KEY: "bench-run-key",
    }),
    ...(apis.includes("sso") && {
      MX_SSO_BASE_URL: mxUrl,
      MX_SSO_API_KEY: "bench-run-sso-key",
      MX_SSO_CLIENT_GUID: "bench",
      MEMBER_CREDENTIALS: "derived",
      MEMBER_USERKEY_SECRET: "a-secret-for-benches-only-0123456789",
    }),
    // All three are counted as ever, but a thousand users at one address stand for all that a partner has.
    RATE_LIMIT_USER: "900000/1m",
    RATE_LIMIT_ADDRESS: "900000/1m",
    RATE_LIMIT_FAILURES: "900000/1m",
  };
}
