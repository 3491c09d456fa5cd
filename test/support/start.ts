/**
 * The whole service on free ports, with its ordinary wiring, in front of the simulator and a real issuer.
 *
 * Every answer that comes through `post` is held against openapi.yaml.
 */

import type { Tracer } from "@opentelemetry/api";
import request, { type Response } from "supertest";
import { loadConfig } from "../../src/config.ts";
import type { Environment } from "../../src/config-variables.ts";
import { createLogger } from "../../src/logger.ts";
import { type Service, startService } from "../../src/service.ts";
import {
  type IdentityProvider,
  startIdentityProvider,
} from "../../src/simulator/identity-provider.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { expectToMatchContract } from "./contract.ts";

export type StartOptions = {
  /** Which of MX's APIs are configured. Default: platform. */
  apis?: "platform" | "sso" | "both";
  environment?: Environment;
  /** Shared with another service; else one of its own. */
  mx?: Simulator;
  issuer?: IdentityProvider;
  tracer?: Tracer;
};

export type Started = AsyncDisposable & {
  url: string;
  operationsUrl: string;
  service: Service;
  mx: Simulator;
  issuer: IdentityProvider;
  /** Log lines so far. */
  log: string[];
  /** `Bearer …` of a user who has just logged in. */
  bearer(subject: string): Promise<string>;
  /** Asks for a session as this user. */
  post(subject: string, body?: object): Promise<Response>;
  /** A request to build on, without a token; its answer is held against the contract. */
  request(path?: string): request.Test;
  /** Sends what the test has built, and holds the answer against the contract. */
  check(test: request.Test): Promise<Response>;
};

export async function start(options: StartOptions = {}): Promise<Started> {
  const { apis = "platform", environment = {} } = options;
  await using parts = new AsyncDisposableStack();
  const mx = options.mx ?? parts.use(await startSimulator());
  const issuer = options.issuer ?? parts.use(await startIdentityProvider());

  const log: string[] = [];
  const logger = createLogger("info", { write: (line) => void log.push(line) });
  const config = loadConfig({ ...baseEnvironment(mx, issuer, apis), ...environment });
  const service = parts.use(await startService(config, logger, options.tracer));
  const owned = parts.move();

  const bearer = async (subject: string) => `Bearer ${await issuer.issueToken(subject)}`;
  const check = async (test: request.Test) => {
    const response = await test;
    expectToMatchContract(response);
    return response;
  };
  const url = service.url.origin;
  return {
    url,
    operationsUrl: service.operationsUrl.origin,
    service,
    mx,
    issuer,
    log,
    bearer,
    check,
    request: (path = "/session") => request(url).post(path).expect(expectToMatchContract),
    async post(subject, body) {
      const test = request(url)
        .post("/session")
        .set("Authorization", await bearer(subject));
      return check(body === undefined ? test : test.send(body));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What an operator would put into `.env` for this simulator and this issuer. */
export function baseEnvironment(
  mx: Simulator,
  issuer: IdentityProvider,
  apis: "platform" | "sso" | "both",
): Environment {
  const { clientId, apiKey, ssoKey, clientGuid } = mx.credentials;
  return {
    HOST: "127.0.0.1",
    PORT: "0",
    OPERATIONS_PORT: "0",
    DRAIN_DELAY: "0s",
    RATE_LIMIT_USER: "off", // Its own tests switch it on.
    AUTH_ISSUER: issuer.issuer,
    AUTH_AUDIENCE: "mx-session-bff",
    ...(apis !== "sso" && {
      MX_PLATFORM_BASE_URL: mx.platformUrl,
      MX_PLATFORM_CLIENT_ID: clientId,
      MX_PLATFORM_API_KEY: apiKey,
    }),
    ...(apis !== "platform" && {
      MX_SSO_BASE_URL: mx.ssoUrl,
      MX_SSO_API_KEY: ssoKey,
      MX_SSO_CLIENT_GUID: clientGuid,
      MEMBER_CREDENTIALS: "derived",
      MEMBER_USERKEY_SECRET: "a-secret-for-tests-only-0123456789",
    }),
  };
}

/** `fetch`, with the answer held against the contract. */
export async function fetchChecked(
  url: string,
  options: RequestInit = {},
): Promise<globalThis.Response> {
  const response = await fetch(url, options);
  expectToMatchContract({
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text: await response.clone().text(),
    request: { method: options.method ?? "GET", url },
  });
  return response;
}
