/**
 * The whole service on free ports, with its ordinary wiring, in front of the simulator and a real issuer.
 *
 * Every answer that comes through `post` is held against openapi.yaml. All secrets and personal fields have markers; at
 * the end log, answers and metrics are searched for them.
 */

import { readFileSync } from "node:fs";
import * as api from "@opentelemetry/api";
import request, { type Response } from "supertest";
import {
  type IdentityProvider,
  startIdentityProvider,
} from "../../packages/simulator/src/identity-provider.ts";
import { type Simulator, startSimulator } from "../../packages/simulator/src/simulator.ts";
import { type Service, startService } from "../../src/app/service.ts";
import { loadConfig } from "../../src/config/load.ts";
import { type Environment, SECRET_NAMES, VARIABLE_NAMES } from "../../src/config/variables.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { decodePercent } from "../../src/text.ts";
import {
  expectNoCanary,
  expectNoCanaryInAnswer,
  PEOPLE,
  SECRETS,
  TOKEN_CLAIMS,
} from "./canaries.ts";
import { letTimePass } from "./clock.ts";
import { type Exchange, expectToMatchContract } from "./contract.ts";

/** `v3`: the SSO API v3 and MDX Real Time without Members; `v3-both`: MDX beside the Platform API, with Members. */
export type Apis = "platform" | "sso" | "both" | "v3" | "v3-members" | "v3-both";

export type StartOptions = {
  /** Which of MX's APIs are configured. Default: platform. */
  apis?: Apis;
  environment?: Environment;
  /** Shared with another service; else one of its own. */
  mx?: Simulator;
  issuer?: IdentityProvider;
  /** TRACE_PROPAGATION decides whether it is sent on. */
  tracer?: api.Tracer;
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

/** Its keys are made in a millisecond. */
const algorithm = "ES256";

const startMx = () => startSimulator({ credentials: SECRETS });
const startIssuer = () => startIdentityProvider({ users: PEOPLE, claims: TOKEN_CLAIMS, algorithm });

export type Upstreams = AsyncDisposable & {
  mx: Simulator;
  issuer: IdentityProvider;
  /** What an operator would put into `.env` for them. Default: for the Platform API. */
  environment(apis?: Apis): Environment;
};

/** What a service in a process of its own needs. */
export async function startUpstreams(): Promise<Upstreams> {
  const [mx, issuer] = await Promise.all([startMx(), startIssuer()]);
  return {
    mx,
    issuer,
    environment: (apis = "platform") => baseEnvironment(mx, issuer, apis),
    async [Symbol.asyncDispose]() {
      await Promise.all([mx[Symbol.asyncDispose](), issuer[Symbol.asyncDispose]()]);
    },
  };
}

export async function start(options: StartOptions = {}): Promise<Started> {
  const { apis = "platform", environment = {} } = options;
  await using parts = new AsyncDisposableStack();
  const mx = options.mx ?? parts.use(await startMx());
  const issuer = options.issuer ?? parts.use(await startIssuer());

  const log: string[] = [];
  const logger = createLogger("info", { write: (line) => void log.push(line) });
  const config = loadConfig({ ...baseEnvironment(mx, issuer, apis), ...environment });
  const { tracer } = options;
  const tracing = tracer && { api, tracer, doesPropagate: config.tracePropagation };
  const service = parts.use(await startService(config, logger, tracing));
  const owned = parts.move();

  const bearer = async (subject: string) => `Bearer ${await issuer.issueToken(subject)}`;
  const own = secretsOf(environment);
  const check = async (test: request.Test) => {
    const response = await letTimePass(test);
    expectToBeSound(response, own);
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
    request: (path = "/session") =>
      request(url)
        .post(path)
        .expect((response) => expectToBeSound(response, own)),
    async post(subject, body) {
      const test = request(url)
        .post("/session")
        .set("Authorization", await bearer(subject));
      return check(body === undefined ? test : test.send(body));
    },
    async [Symbol.asyncDispose]() {
      const metrics = await scrape(service.operationsUrl);
      await letTimePass(owned.disposeAsync());
      const made = [...own, ...userkeysOf(mx)];
      expectNoCanary("the log", log.join(""), made);
      expectNoCanary("a metric", metrics, made);
    },
  };
}

/** An answer is as the contract says, and holds nobody's secret. */
function expectToBeSound(response: Exchange, own: readonly string[] = []): void {
  expectToMatchContract(response);
  const isDocument = /\/(openapi\.yaml|docs\b.*|embed\.js)$/.test(response.request.url);
  if (!isDocument) expectNoCanaryInAnswer(response, own); // Files, with examples in them.
}

/** Of the test's own configuration, the passwords in URLs and the lines of private keys included. */
function secretsOf(environment: Environment): string[] {
  const keys = VARIABLE_NAMES.filter((name) => name.endsWith("_KEY_FILE")).flatMap((name) => {
    const path = environment[name];
    return path ? (readFileSync(path, "utf8").match(/^[A-Za-z0-9+/]{40,}/gm) ?? []) : [];
  });
  const values = SECRET_NAMES.flatMap((name) => {
    const value = environment[name] ?? "";
    const password = URL.canParse(value) ? decodePercent(new URL(value).password) : "";
    return [value, password].filter((secret) => secret.length >= 8);
  });
  return [...keys, ...values];
}

/** Derived and looked-up ones, of some Members; a test may have very many. */
function userkeysOf({ state }: Simulator): string[] {
  const members = [...state.members.values()].slice(-20);
  return members
    .flatMap(({ credentials }) => credentials.map(({ response }) => response))
    .filter((response) => response.length >= 16);
}

/** The metrics, where there are any, and where the service still listens. */
async function scrape(operationsUrl: URL): Promise<string> {
  const response = await fetch(new URL("/metrics", operationsUrl)).catch(() => undefined);
  return response?.ok ? response.text() : "";
}

/** What an operator would put into `.env` for this simulator and this issuer. */
export function baseEnvironment(mx: Simulator, issuer: IdentityProvider, apis: Apis): Environment {
  const { clientId, apiKey, ssoKey, clientGuid, mdApiKey, vendorClientId } = mx.credentials;
  return {
    HOST: "127.0.0.1",
    PORT: "0",
    OPERATIONS_PORT: "0",
    DRAIN_DELAY: "0s",
    INSTANCE_SECRET: SECRETS.instanceSecret,
    RATE_LIMIT_USER: "off", // Its own tests switch it on.
    AUTH_ISSUER: issuer.issuer,
    AUTH_AUDIENCE: "mx-session-bff",
    ...(isOneOf(apis, "platform", "both", "v3-both") && {
      MX_PLATFORM_BASE_URL: mx.platformUrl,
      MX_PLATFORM_CLIENT_ID: clientId,
      MX_PLATFORM_API_KEY: apiKey,
    }),
    ...(isOneOf(apis, "v3", "v3-members", "v3-both") && {
      MX_SSO_VERSION: "v3",
      MX_SSO_BASE_URL: mx.ssoV3Url,
      MX_SSO_API_KEY: mdApiKey,
      MX_SSO_CLIENT_ID: vendorClientId,
      MX_MDX_BASE_URL: mx.mdxUrl,
    }),
    ...(isOneOf(apis, "v3-members", "v3-both") && {
      MEMBER_CREDENTIALS: "derived",
      MEMBER_USERKEY_SECRET: SECRETS.userkeySecret,
    }),
    ...(isOneOf(apis, "sso", "both") && {
      MX_SSO_BASE_URL: mx.ssoUrl,
      MX_SSO_API_KEY: ssoKey,
      MX_SSO_CLIENT_GUID: clientGuid,
      MEMBER_CREDENTIALS: "derived",
      MEMBER_USERKEY_SECRET: SECRETS.userkeySecret,
    }),
  };
}

function isOneOf(apis: Apis, ...names: Apis[]): boolean {
  return names.includes(apis);
}

/** `fetch`, with the answer held against the contract. */
export async function fetchChecked(
  url: string,
  options: RequestInit = {},
): Promise<globalThis.Response> {
  const response = await fetch(url, options);
  expectToBeSound({
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text: await response.clone().text(),
    request: { method: options.method ?? "GET", url },
  });
  return response;
}
