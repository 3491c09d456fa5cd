/** The service with TENANTS_FILE, on free ports, with its ordinary wiring. */

import { readFileSync } from "node:fs";
import type { Response } from "supertest";
import request from "supertest";
import type { IdentityProvider } from "../../packages/simulator/src/identity-provider.ts";
import type { Simulator } from "../../packages/simulator/src/simulator.ts";
import type { TokenOverrides } from "../../packages/simulator/src/tokens.ts";
import { startService } from "../../src/app/service.ts";
import { loadConfig } from "../../src/config/load.ts";
import { type Environment, isOfTenant } from "../../src/config/variables.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { letTimePass } from "./clock.ts";
import { expectToMatchContract } from "./contract.ts";
import { baseEnvironment } from "./start.ts";

export type TenantEntry = Readonly<Record<string, unknown>>;

/** What an operator would write for a tenant of this issuer with this MX. */
export function tenantEntry(
  name: string,
  mx: Simulator,
  issuer: IdentityProvider,
  changes: TenantEntry = {},
  apis: "platform" | "sso" | "both" = "platform",
): TenantEntry {
  const variables = Object.entries(baseEnvironment(mx, issuer, apis));
  return {
    name,
    ...Object.fromEntries(variables.filter(([variable]) => isOfTenant(variable))),
    ...changes,
  };
}

export type StartedTenants = AsyncDisposable & {
  url: string;
  operationsUrl: string;
  log: string[];
  /** Asks with a token of this issuer; the answer is held against the contract. */
  post(
    issuer: IdentityProvider,
    subject: string,
    overrides?: TokenOverrides & { body?: object; headers?: Record<string, string> },
  ): Promise<Response>;
};

export async function startTenants(
  tenants: readonly TenantEntry[],
  environment: Environment = {},
): Promise<StartedTenants> {
  const log: string[] = [];
  const config = loadConfig(
    {
      HOST: "127.0.0.1",
      PORT: "0",
      OPERATIONS_PORT: "0",
      DRAIN_DELAY: "0s",
      RATE_LIMIT_USER: "off",
      TENANTS_FILE: "tenants.json",
      ...environment,
    },
    (path) => (path === "tenants.json" ? JSON.stringify({ tenants }) : readFileSync(path, "utf8")),
  );
  const logger = createLogger("info", { write: (line) => void log.push(line) });
  const service = await startService(config, logger);
  const url = service.url.origin;
  return {
    url,
    operationsUrl: service.operationsUrl.origin,
    log,
    async post(issuer, subject, { body, headers = {}, ...overrides } = {}) {
      const token = await issuer.issueToken(subject, overrides);
      const test = request(url).post("/session").set("Authorization", `Bearer ${token}`);
      const response = await test.set(headers).send(body);
      expectToMatchContract(response);
      return response;
    },
    [Symbol.asyncDispose]: () => letTimePass(service[Symbol.asyncDispose]()),
  };
}
