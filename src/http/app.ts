/**
 * The public side: the middleware order, in one screen.
 */

import type { RequestListener } from "node:http";
import type { Tracer } from "@opentelemetry/api";
import express from "express";
import { AppError } from "../errors.ts";
import { createAccessLog } from "./access-log.ts";
import { createAdmission, type Lifecycle } from "./admission.ts";
import { createJsonBody } from "./body.ts";
import { type CookieLogins, createBrowserGuard, createCorsHeaders } from "./browser-guard.ts";
import { createDocsRouter } from "./docs.ts";
import { createEmbedRouter } from "./embed.ts";
import "./locals.ts";
import { createProblemHandler } from "./problem.ts";
import { createAddressLimit } from "./rate-limit.ts";
import { createRequestCheck, toPath, toPathTarget } from "./request-check.ts";
import { createRequestId } from "./request-id.ts";
import { createRequestSpan } from "./request-span.ts";
import { createSecurityHeaders } from "./security-headers.ts";
import { createSessionRouter, SESSION_PATHS, type SessionRouterOptions } from "./session.ts";
import { createShed } from "./shed.ts";

export type AppOptions = Omit<SessionRouterOptions, "takeShare"> & {
  /** Gives what is to be called when the request has ended. */
  requestStarted?: () => () => void;
  tracer?: Tracer | undefined;
  lifecycle: Lifecycle;
  /** Of all tenants. */
  corsOrigins: readonly string[];
  cookieLogins: CookieLogins;
  /** Whether several tenants share what the service can carry. */
  isShared: boolean;
  maxInFlight: number;
  requestDeadlineMs: number;
  /** Express's `trust proxy`: hops, or addresses and networks. */
  trustedProxies: number | readonly string[];
};

export function createApp(options: AppOptions): RequestListener {
  const {
    logger,
    requestStarted,
    tracer,
    lifecycle,
    corsOrigins,
    cookieLogins,
    isShared,
    maxInFlight,
    requestDeadlineMs,
    rateLimits,
    trustedProxies,
  } = options;
  const toCorsHeaders = createCorsHeaders(corsOrigins, cookieLogins);
  const admission = createAdmission({
    maxInFlight,
    deadlineMs: requestDeadlineMs,
    lifecycle,
    isShared,
  });
  const shed = createShed({ logger, toCorsHeaders });
  const sessionPaths = new Set(SESSION_PATHS);
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.set("trust proxy", trustedProxies);
  app.enable("case sensitive routing").enable("strict routing");

  app.use(createRequestId());
  if (tracer) app.use(createRequestSpan(tracer));
  app.use(createAccessLog(logger, requestStarted));
  app.use(createSecurityHeaders());
  app.use(createRequestCheck());
  const beforeSession = [
    createBrowserGuard(toCorsHeaders, cookieLogins), // First, so that a page can read why it is refused.
    createAddressLimit(rateLimits.address),
    createJsonBody(),
    admission.admit,
  ];
  app.use(createSessionRouter(beforeSession, { ...options, takeShare: admission.takeShare }));
  app.use(createDocsRouter());
  app.use(createEmbedRouter());
  app.use(() => {
    throw new AppError("not_found", "There is nothing at this path.");
  });
  app.use(createProblemHandler());

  return function handle(req, res) {
    toPathTarget(req);
    const refusal = sessionPaths.has(toPath(req)) ? admission.findRefusal() : undefined;
    if (refusal) shed(req, res, refusal);
    else app(req, res);
  };
}
