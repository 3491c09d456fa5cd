/**
 * Composition root: builds each part once, wires inbound to outbound, listens, and drains.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Tracer } from "@opentelemetry/api";
import type { Config } from "../config/types.ts";
import type { Lifecycle } from "../http/admission.ts";
import { createApp } from "../http/app.ts";
import { toReadiness } from "../http/health.ts";
import { createOperations } from "../http/operations.ts";
import { createDocs } from "../http/pages.ts";
import { createParserRefusalLog } from "../http/parser-refusals.ts";
import type { RateLimits } from "../http/rate-limit.ts";
import { listen } from "../http/server.ts";
import type { ApiName } from "../mx/call.ts";
import { createRateLimiter } from "../rate-limit/limiter.ts";
import { openSession } from "../session/open-session.ts";
import type { RateLimit } from "../session/settings.ts";
import type { Logger, ParserRefusal } from "../telemetry/logger.ts";
import { withOpenSessionSpan, withSpan } from "../telemetry/tracing.ts";
import { createPseudonym } from "../telemetry/user-hash.ts";
import { VERSION } from "../telemetry/version.ts";
import { createExchange } from "../upstream/exchange.ts";
import { withConnectSpan } from "../upstream/spans.ts";
import { deriveKey, toAuditKey } from "./deployment-keys.ts";
import { createLogins } from "./logins.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { type Connect, createTenant } from "./tenant.ts";
import { createUserinfoByIssuer } from "./userinfo.ts";

export type Service = AsyncDisposable & {
  /** Base URL of the public port. */
  url: URL;
  operationsUrl: URL;
  /** From now on not ready, and connections are not kept; requests are still served. Disposal calls it too. */
  drain(): void;
};

/** Of MX and of the credential lookup; a widget URL has some hundred bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** A session asks MX two things at once at most. */
const WARM_CONNECTIONS = 2;
/** With more tenants than that, idle connections alone would come near the 2,000 that MX takes from one address. */
const MAX_WARM_TENANTS = 100;

/** For requests that were on their way when the listening ended; less where DRAIN_DELAY is less. */
const LAST_REQUESTS_MS = 500;

/** Rejects where a port cannot be opened. Disposal drains: nothing that was accepted is lost. */
export async function startService(
  config: Config,
  logger: Logger,
  tracer?: Tracer,
): Promise<Service> {
  await using parts = new AsyncDisposableStack();
  const lifecycle: Lifecycle = { state: "serving" };
  const tracing = tracer && { tracer, doesPropagate: config.tracePropagation };
  const metrics = createMetrics({
    version: VERSION,
    tenants: config.tenants.map(({ name }) => name),
    maxInFlight: config.maxInFlight,
    isReady: () => toReadiness({ lifecycle, canAuthenticate }) === "ready",
    isDraining: () => lifecycle.state !== "serving",
    logLinesLost: logger.linesLost,
  });

  const connect: Connect = ({ origin }, connections) =>
    parts.use(
      createExchange({
        origin,
        connections,
        warm: config.tenants.length <= MAX_WARM_TENANTS ? WARM_CONNECTIONS : 0,
        maxResponseBytes: MAX_ANSWER_BYTES,
        proxy: config.proxy,
        allowListeners: config.allowPreloads,
      }),
    );
  const isShared = config.tenants.length > 1;
  const userinfo = parts.use(createUserinfoByIssuer(config));
  const logins = parts.use(
    createLogins(config, {
      tenants: config.tenants.map((each) => {
        const observe = (api: ApiName) => metrics.mx(each.name, api);
        const instruments = { observe, tracing, userinfo: userinfo.of };
        return { config: each, tenant: createTenant(each, connect, instruments) };
      }),
      connect: tracing ? withConnectSpan(connect, "login check", tracing) : connect,
      watchKeys: metrics.issuerKeys,
    }),
  );
  const { authenticate, canAuthenticate } = logins;
  const health = { lifecycle, canAuthenticate };
  const { basePath } = config;
  const docs = createDocs(basePath);
  const app = createApp({
    openSession: tracing ? withOpenSessionSpan(openSession, tracing) : openSession,
    authenticate: tracing ? withSpan("authenticate", authenticate, tracing) : authenticate,
    cookieLogins: logins,
    origins: new Set(config.tenants.flatMap(({ corsOrigins }) => corsOrigins)),
    isShared,
    maxInFlight: config.maxInFlight,
    deadlineMs: config.requestDeadlineMs,
    trustedProxies: config.trustedProxies,
    hstsMaxAge: config.hstsMaxAge,
    docs: config.publicDocs ? docs : undefined,
    basePath,
    rateLimits: await createRateLimits(config, metrics, parts),
    toPseudonym: createPseudonym(toAuditKey(config)),
    logger: withMetrics(logger, metrics),
    requestStarted: metrics.requestStarted,
    tracer,
    ...health,
  });
  const logParserRefusal = createParserRefusalLog(logger);
  const connections = {
    host: config.host,
    keepAliveTimeoutMs: config.keepAliveTimeoutMs,
    onParserRefusal(kind: ParserRefusal) {
      metrics.parserRefusal(kind);
      logParserRefusal(kind);
    },
  };
  const operations = await listen(createOperations({ ...health, metrics, docs }), {
    ...connections,
    port: config.operationsPort,
  });
  parts.defer(() => operations.close(0)); // After the public port: the orchestrator watches the drain here.
  const server = await listen(app, { ...connections, port: config.port });
  const owned = parts.move();

  const drain = () => {
    if (lifecycle.state === "serving") lifecycle.state = "draining";
    server.drain();
  };
  return {
    url: toUrl(config.host, server.port),
    operationsUrl: toUrl(config.host, operations.port),
    drain,
    async [Symbol.asyncDispose]() {
      drain();
      await sleep(config.drainDelayMs); // Until the load balancer has seen it.
      await server.stopListening();
      await sleep(Math.min(LAST_REQUESTS_MS, config.drainDelayMs));
      lifecycle.state = "closing";
      await server.close(config.requestDeadlineMs + 250);
      await owned.disposeAsync();
    },
  };
}

/** What is logged is also counted. */
function withMetrics(logger: Logger, metrics: Metrics): Logger {
  return {
    ...logger,
    request(entry) {
      metrics.request(entry);
      logger.request(entry);
    },
    change(entry) {
      metrics.sessionEvent(entry.tenant, entry.event);
      logger.change(entry);
    },
  };
}

async function createRateLimits(
  config: Config,
  metrics: Metrics,
  parts: AsyncDisposableStack,
): Promise<RateLimits> {
  const { user, address, failures, redis: redisUrl } = config.rateLimits;
  const redis =
    redisUrl && parts.use((await import("../rate-limit/redis.ts")).createRedis(redisUrl));
  const keySecret = deriveKey(config, "rate-limit");
  const limiter = (name: string, limit: RateLimit | undefined) =>
    limit && createRateLimiter({ name, limit, redis, keySecret, ...metrics.rateLimit(name) });
  return {
    user: limiter("user", user),
    address: limiter("address", address),
    failures: limiter("failures", failures),
  };
}

/** Where a person on this machine can reach it. */
function toUrl(host: string | undefined, port: number): URL {
  const name = !host || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return new URL(`http://${name.includes(":") ? `[${name}]` : name}:${port}`);
}
