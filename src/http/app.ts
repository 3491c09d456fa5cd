/**
 * The public side: the middleware order, in one screen.
 */

import express, { type Express } from "express";
import helmet from "helmet";
import { AppError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { createAccessLog } from "./access-log.ts";
import { createAdmission, type Lifecycle } from "./admission.ts";
import { createJsonBody } from "./body.ts";
import { createBrowserGuard } from "./browser-guard.ts";
import { createDocsRouter } from "./docs.ts";
import "./locals.ts";
import { createProblemHandler } from "./problem.ts";
import { createRequestId } from "./request-id.ts";
import { createSessionRouter, SESSION_PATHS, type SessionRouterOptions } from "./session.ts";

export type AppOptions = SessionRouterOptions & {
  logger: Logger;
  lifecycle: Lifecycle;
  corsOrigins: readonly string[];
  maxInFlight: number;
  requestDeadlineMs: number;
};

export function createApp(options: AppOptions): Express {
  const { logger, lifecycle, corsOrigins, maxInFlight, requestDeadlineMs } = options;
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.enable("case sensitive routing").enable("strict routing");

  app.use(createRequestId());
  app.use(createAccessLog(logger));
  app.use(
    helmet({
      frameguard: { action: "deny" },
      contentSecurityPolicy: {
        useDefaults: false,
        directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      },
    }),
  );
  app.use((_req, res, next) => {
    res.set("Cache-Control", "no-store"); // Errors included; what may be cached says so itself.
    next();
  });
  app.use(
    SESSION_PATHS,
    createAdmission({ maxInFlight, deadlineMs: requestDeadlineMs, lifecycle }),
    createBrowserGuard(corsOrigins),
    createJsonBody(),
  );
  app.use(createSessionRouter(options));
  app.use(createDocsRouter());
  app.use(() => {
    throw new AppError("not_found", "There is nothing at this path.");
  });
  app.use(createProblemHandler());
  return app;
}
