/**
 * Composition root: builds each part once, connects them, listens, and drains.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/load.ts";
import type { Lifecycle, RateLimits } from "../http/admission.ts";
import { createApp } from "../http/app.ts";
import { createOperations, toReadiness } from "../http/operations.ts";
import { createDocs } from "../http/pages.ts";
import { createParserRefusalLog } from "../http/parser-refusals.ts";
import { type Listening, listen } from "../http/server.ts";
import { createRateLimiter } from "../rate-limit/limiter.ts";
import type { SharedStore } from "../rate-limit/shared-store.ts";
import { openSession } from "../session/open-session.ts";
import type { RateLimit, RedisSettings } from "../session/settings.ts";
import type { ParserRefusal } from "../telemetry/log-entries.ts";
import { createPseudonym, type Logger } from "../telemetry/logger.ts";
import { type Tracing, withOpenSessionSpan, withSpan } from "../telemetry/tracing.ts";
import { VERSION } from "../telemetry/version.ts";
import {
  type ClientCertificates,
  createCertificate,
  createClientCertificates,
} from "./certificates.ts";
import { deriveKey, toAuditKey } from "./deployment-keys.ts";
import { type Logins, openLogins } from "./logins.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { withMetrics } from "./request-metrics.ts";
import { type TakeOver, watchFiles } from "./watch-files.ts";

export type Service = AsyncDisposable & {
  /** Base URL of the public port. */
  url: URL;
  operationsUrl: URL;
  /** From now on not ready, and connections are not kept; requests are still served. Disposal calls it too. */
  drain(): void;
};

/** For requests that were on their way when the listening ended; less where DRAIN_DELAY is less. */
const LAST_REQUESTS_MS = 500;
/** The listening ends when no connection has come for so long; less where DRAIN_DELAY is less. */
const QUIET_MS = 50;

/** Rejects where a port cannot be opened. Disposal drains: nothing that was accepted is lost. */
export async function startService(
  config: Config,
  logger: Logger,
  tracing?: Tracing,
): Promise<Service> {
  await using parts = new AsyncDisposableStack();
  const lifecycle: Lifecycle = { state: "serving" };
  const metrics = createMetrics({
    version: VERSION,
    tenants: config.tenants.map(({ name }) => name),
    maxInFlight: config.maxInFlight,
    isReady: () => toReadiness(health) === "ready",
    isDraining: () => lifecycle.state !== "serving",
    logLinesLost: logger.linesLost,
  });
  const certificates = createClientCertificates(config, metrics.files);
  const logins = openLogins(config, { metrics, tracing, parts, certificates });
  const health = { lifecycle, canAuthenticate: logins.canAuthenticate };
  const docs = createDocs(config.basePath);
  const app = createApp({
    ...toRules(config),
    cookieLogins: logins,
    authenticate: withSpan("authenticate", logins.authenticate, tracing),
    openSession: withOpenSessionSpan(openSession, tracing),
    docs: config.publicDocs ? docs : undefined,
    hosted: config.hosted,
    rateLimits: await createRateLimits(config, { metrics, logger, parts }),
    toPseudonym: createPseudonym(toAuditKey(config)),
    logger: withMetrics(logger, metrics),
    requestStarted: metrics.requestStarted,
    tracing,
    ...health,
  });
  const connections = toConnectionRules(config, logger, metrics);
  const operations = await listen(createOperations({ ...health, metrics, docs }), {
    ...connections,
    port: config.operationsPort,
  });
  parts.defer(() => operations.close(0)); // After the public port: the orchestrator watches the drain here.
  const server = await listen(app, { ...connections, port: config.port, tls: config.tls?.pair });
  const takeOver = toTakeOver(config, { logins, server, metrics, certificates });
  parts.use(watchFiles({ files: config.files, takeOver, logger, metrics: metrics.files }));
  const owned = parts.move();

  return {
    url: toUrl(config.tls ? "https" : "http", config.host, server.port),
    operationsUrl: toUrl("http", config.host, operations.port),
    drain: () => startDrain(lifecycle, server),
    async [Symbol.asyncDispose]() {
      await drain(config, lifecycle, server);
      await owned.disposeAsync();
    },
  };
}

/** What callers may do. */
function toRules(config: Config) {
  return {
    origins: new Set(config.tenants.flatMap(({ corsOrigins }) => corsOrigins)),
    isShared: config.tenants.length > 1,
    maxInFlight: config.maxInFlight,
    deadlineMs: config.requestDeadlineMs,
    trustedProxies: config.trustedProxies,
    hstsMaxAge: config.hstsMaxAge,
    basePath: config.basePath,
  };
}

function toConnectionRules(config: Config, logger: Logger, metrics: Metrics) {
  const logParserRefusal = createParserRefusalLog(logger);
  return {
    host: config.host,
    keepAliveTimeoutMs: config.keepAliveTimeoutMs,
    onParserRefusal(kind: ParserRefusal) {
      metrics.parserRefusal(kind);
      logParserRefusal(kind);
    },
  };
}

/** Which changed files are used without a restart, by variable. */
function toTakeOver(
  { tls }: Config,
  parts: { logins: Logins; server: Listening; metrics: Metrics; certificates: ClientCertificates },
): Record<string, TakeOver> {
  const { logins, server, metrics, certificates } = parts;
  const AUTH_JWKS_FILE: TakeOver = async (path) =>
    (await logins.refreshKeys(path)) ? undefined : "no_usable_key";
  const ofClients = ["MX_CLIENT", "AUTH_CLIENT", "MEMBER_LOOKUP_CLIENT"].flatMap((name) => [
    [`${name}_CERT_FILE`, certificates.takeOver],
    [`${name}_KEY_FILE`, certificates.takeOver],
  ]);
  const all = { AUTH_JWKS_FILE, ...Object.fromEntries(ofClients) };
  if (!tls) return all;
  const { takeOver, expiresAt } = createCertificate(tls, server.replacePair);
  metrics.files.certificateExpires({}, expiresAt);
  return { ...all, TLS_CERT_FILE: takeOver, TLS_KEY_FILE: takeOver };
}

function startDrain(lifecycle: Lifecycle, server: Listening): void {
  if (lifecycle.state === "serving") lifecycle.state = "draining";
  server.drain();
}

async function drain(config: Config, lifecycle: Lifecycle, server: Listening): Promise<void> {
  startDrain(lifecycle, server);
  await sleep(config.drainDelayMs); // Until the load balancer has seen it.
  await server.stopListening(Math.min(QUIET_MS, config.drainDelayMs));
  await sleep(Math.min(LAST_REQUESTS_MS, config.drainDelayMs));
  lifecycle.state = "closing";
  await server.close(config.requestDeadlineMs + 250);
}

/** Where a person on this machine can reach it. */
function toUrl(scheme: "http" | "https", host: string | undefined, port: number): URL {
  const name = !host || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return new URL(`${scheme}://${name.includes(":") ? `[${name}]` : name}:${port}`);
}

/** They share one store where there is one. */
async function createRateLimits(
  config: Config,
  { metrics, logger, parts }: { metrics: Metrics; logger: Logger; parts: AsyncDisposableStack },
): Promise<RateLimits> {
  const { user, address, failures, redis } = config.rateLimits;
  const store = redis && parts.use(await openStore(redis, logger));
  const keySecret = deriveKey(config, "rate-limit");
  const limiter = (name: string, limit: RateLimit | undefined) =>
    limit && createRateLimiter({ name, limit, store, keySecret, ...metrics.rateLimit(name) });
  return {
    user: limiter("user", user),
    address: limiter("address", address),
    failures: limiter("failures", failures),
  };
}

/** Only a service with REDIS_URL loads the client. */
async function openStore(settings: RedisSettings, logger: Logger): Promise<SharedStore> {
  const { createSharedStore } = await import("../rate-limit/shared-store.ts");
  return createSharedStore(settings, {
    onProblem: (problem) => logger.redis("failed", problem),
    onRecovery: () => logger.redis("recovered"),
  });
}
