/**
 * The public side: the middleware order, in one screen.
 */

import type { RequestListener } from "node:http";
import type { Tracer } from "@opentelemetry/api";
import express from "express";
import { AppError } from "../errors.ts";
import { createAccessLog } from "./access-log.ts";
import { createAdmission, type Lifecycle } from "./admission.ts";
import { type CookieLogins, createBrowserGuard, createCorsHeaders } from "./browser-guard.ts";
import { createDocsRouter } from "./docs.ts";
import { createEmbedRouter } from "./embed.ts";
import "./request-context.ts";
import { createProblemHandler } from "./problem.ts";
import { refuseOddRequest, toPath, toPathTarget } from "./request-check.ts";
import { toRequestId } from "./request-id.ts";
import { createRequestSpan } from "./request-span.ts";
import { createSecurityHeaders } from "./security-headers.ts";
import { createSessionHandler, SESSION_PATHS, type SessionOptions } from "./session.ts";
import { createShed } from "./shed.ts";

export type AppOptions = Omit<SessionOptions, "refuseForeignPage" | "admission"> & {
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
    trustedProxies,
  } = options;
  const toCorsHeaders = createCorsHeaders(corsOrigins, cookieLogins);
  const admission = createAdmission({
    maxInFlight,
    deadlineMs: requestDeadlineMs,
    lifecycle,
    isShared,
  });
  const refuseForeignPage = createBrowserGuard(toCorsHeaders, cookieLogins);
  const logWhenClosed = createAccessLog(logger, requestStarted);
  const shed = createShed({ logger, toCorsHeaders });
  const sessionPaths = new Set(SESSION_PATHS);
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.set("trust proxy", trustedProxies);
  app.enable("case sensitive routing").enable("strict routing");

  if (tracer) app.use(createRequestSpan(tracer));
  app.use((req, res, next) => {
    const requestId = toRequestId(req);
    res.locals.requestId = requestId;
    res.locals.headers = { "X-Request-Id": requestId };
    logWhenClosed(req, res);
    refuseOddRequest(req, res);
    next();
  });
  app.all(SESSION_PATHS, createSessionHandler({ ...options, refuseForeignPage, admission }));
  app.use(createSecurityHeaders());
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
