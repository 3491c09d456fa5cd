/**
 * The public side: the middleware order, in one screen.
 */

import type { RequestListener } from "node:http";
import type { Tracer } from "@opentelemetry/api";
import express, { type RequestHandler } from "express";
import helmet from "helmet";
import { createAccessLog } from "./access-log.ts";
import { rejectAmbiguousRequest, toPathTarget } from "./ambiguity.ts";
import { trustProxies } from "./client-address.ts";
import { createCorsHeaders } from "./cors.ts";
import { createPages } from "./pages.ts";
import { createProblemHandler, notFound } from "./problems.ts";
import { requestContext } from "./request-context.ts";
import { createRequestSpan } from "./request-span.ts";
import { createSessionRouter, type SessionOptions } from "./session.ts";

export type AppOptions = SessionOptions & {
  /** Gives what is to be called when the request has ended. */
  requestStarted?: () => () => void;
  tracer?: Tracer | undefined;
  /** Hops, or addresses and networks. */
  trustedProxies: number | readonly string[];
  /** HSTS_MAX_AGE in seconds; no such header if undefined, as it belongs to where TLS ends. */
  hstsMaxAge: number | undefined;
  /** PUBLIC_DOCS. */
  hasDocs: boolean;
};

export function createApp(options: AppOptions): RequestListener {
  const { logger, requestStarted, tracer, trustedProxies, origins, cookieLogins } = options;
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.enable("case sensitive routing").enable("strict routing");
  trustProxies(app, trustedProxies);

  if (tracer) app.use(createRequestSpan(tracer));
  app.use(requestContext);
  app.use(createAccessLog(logger, requestStarted));
  app.use(createSecurityHeaders(options), noStore);
  app.use(createCorsHeaders({ origins, takesCookies: cookieLogins.takesCookies }));
  app.use(rejectAmbiguousRequest);
  app.use(createSessionRouter(options));
  app.use(createPages(options));
  app.use(notFound);
  app.use(createProblemHandler());

  return function handle(req, res) {
    toPathTarget(req);
    app(req, res);
  };
}

/** For an API: nothing may be loaded or framed, errors included. Pages and files say so where they differ. */
function createSecurityHeaders({ hstsMaxAge }: Pick<AppOptions, "hstsMaxAge">): RequestHandler {
  return helmet({
    frameguard: { action: "deny" },
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

const noStore: RequestHandler = (_req, res, next) => {
  res.set("Cache-Control", "no-store");
  next();
};
