/**
 * The public side: the middleware order, in one screen.
 */

import type { RequestListener } from "node:http";
import express, { type RequestHandler, Router } from "express";
import helmet from "helmet";
import type { Tracing } from "../telemetry/tracing.ts";
import { type AccessLogOptions, createAccessLog } from "./access-log.ts";
import { rejectAmbiguousRequest } from "./ambiguity.ts";
import { type HealthOptions, routePublicHealth } from "./operations.ts";
import { createCorsHeaders } from "./origins.ts";
import { createPages, type PageOptions } from "./pages.ts";
import { createProblemHandler, notFound } from "./problems.ts";
import { createRequestSpan, requestContext, trustProxies } from "./request-context.ts";
import { routeSessions, type SessionOptions } from "./session.ts";

export type AppOptions = SessionOptions &
  HealthOptions &
  AccessLogOptions &
  PageOptions & {
    tracing?: Tracing | undefined;
    /** Hops, or addresses and networks. */
    trustedProxies: number | readonly string[];
    /** HSTS_MAX_AGE in seconds; no such header if undefined, as it belongs to where TLS ends. */
    hstsMaxAge: number | undefined;
  };

export function createApp(options: AppOptions): RequestListener {
  const { tracing, trustedProxies, basePath } = options;
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.enable("case sensitive routing").enable("strict routing");
  trustProxies(app, trustedProxies);

  if (tracing) app.use(createRequestSpan(tracing));
  app.use(requestContext);
  app.use(createAccessLog(options));
  app.use(createSecurityHeaders(options));
  app.use(createCorsHeaders(options));
  app.use(rejectAmbiguousRequest);
  app.use(basePath || "/", createRoutes(options));
  routePublicHealth(app, options); // A platform's probe knows no BASE_PATH.
  app.use(notFound, createProblemHandler(basePath));

  return app;
}

/** Answers whatever comes: a router that passes a request on does so a turn of the event loop later. */
function createRoutes(options: AppOptions): Router {
  const routes = Router({ caseSensitive: true, strict: true });
  routeSessions(routes, options);
  routePublicHealth(routes, options);
  routes.use(...createPages(options));
  routes.use(notFound, createProblemHandler(options.basePath));
  return routes;
}

/**
 * For an API: nothing may be loaded or framed, errors included. Pages and files say so where they differ. Headers that only
 * Internet Explorer, Flash and Acrobat read are left out.
 */
function createSecurityHeaders({ hstsMaxAge }: Pick<AppOptions, "hstsMaxAge">): RequestHandler {
  return helmet({
    xFrameOptions: { action: "deny" },
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    strictTransportSecurity: hstsMaxAge !== undefined && {
      maxAge: hstsMaxAge,
      includeSubDomains: false,
    },
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
  });
}
